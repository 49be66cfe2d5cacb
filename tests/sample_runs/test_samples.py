"""The sample runs that ship: complete, consistent with one another and with their README, and clean."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2] / "sample_runs"
REWARD_MODELS = ("reward-model-bt", "reward-model-hinge")
POLICIES = ("policy-grpo", "policy-grpo-weak-kl")
TRAINED = (*REWARD_MODELS, *POLICIES)
FOLDERS = (*TRAINED, "deployment")
MAX_BYTES = 3_000_000
"""They are in every clone of the project and in its package."""
TOML_KEYS = {"name", "loss", "group", "tags", "note", "links", "columns"}
MACHINE = re.compile(
    rb"/(?:home|root|tmp|work|mnt|opt|usr|var|Users)/|[A-Za-z]:\\\\|https?://(?!arxiv\.org)[a-z0-9.-]+\.[a-z]{2,}"
)
"""What a trainer's log may tell of the machine: absolute paths, or a server of its network."""


def shipped() -> Iterator[Path]:
    """All files of the sample runs, without what Python leaves behind."""
    return (path for path in sorted(ROOT.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


@pytest.fixture(scope="module")
def facts() -> Iterator[ModuleType]:
    """sample_runs/facts.py, loaded as the script that it is, with its neighbour world.py."""
    sys.path.insert(0, str(ROOT))
    try:
        spec = importlib.util.spec_from_file_location("sample_runs_facts", ROOT / "facts.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(ROOT))
        sys.modules.pop("world", None)


@pytest.mark.parametrize("name", TRAINED)
def test_trainer_state_has_a_row_for_each_logged_step(name: str) -> None:
    state = json.loads((ROOT / name / "trainer_state.json").read_text(encoding="utf-8"))
    steps = [row["step"] for row in state["log_history"] if "loss" in row]
    assert steps == list(range(steps[0], state["global_step"] + 1, steps[0]))
    assert len(steps) >= 40


@pytest.mark.parametrize("name", TRAINED)
def test_one_event_file_lies_beside_without_a_host(name: str) -> None:
    (file,) = (ROOT / name / "tb").iterdir()
    assert re.fullmatch(r"events\.out\.tfevents\.\d+\.host\.0\.0", file.name)
    assert file.stat().st_size > 10_000


@pytest.mark.parametrize("name", FOLDERS)
def test_toml_has_known_keys_and_links_that_exist(name: str) -> None:
    data = tomllib.loads((ROOT / name / "rewardboard.toml").read_text(encoding="utf-8"))
    assert set(data) <= TOML_KEYS
    assert data["name"]
    assert data["tags"]
    assert all((ROOT / target).exists() for target in data["links"].values())


@pytest.mark.parametrize("name", REWARD_MODELS)
def test_reward_models_scored_the_common_pairs(name: str) -> None:
    pairs = pd.read_csv(ROOT / "pairs.csv")
    scores = pd.read_csv(ROOT / name / "eval_scores.csv")
    assert scores["pair_id"].is_unique
    assert scores[["pair_id", "category"]].equals(pairs[["pair_id", "category"]])
    assert not scores.isna().any(axis=None)
    for side in ("chosen", "rejected"):
        assert (scores[f"{side}_length"] == pairs[side].str.split().str.len()).all()


def test_reward_models_share_prompts_but_not_scores() -> None:
    first, second = (pd.read_csv(ROOT / name / "eval_scores.csv") for name in REWARD_MODELS)
    assert (first["prompt_id"] == second["prompt_id"]).all()
    assert first["prompt_id"].duplicated().any()
    assert (first["chosen_score"] != second["chosen_score"]).mean() > 0.99


@pytest.mark.parametrize("name", POLICIES)
def test_rollouts_answer_the_same_prompts_at_each_step(name: str) -> None:
    rollouts = pd.read_csv(ROOT / name / "rollouts.csv")
    assert not rollouts.isna().any(axis=None)
    assert rollouts.groupby("step")["prompt_id"].apply(frozenset).nunique() == 1
    assert (rollouts.loc[rollouts["step"] == 0, "kl_to_ref"] == 0).all()
    state = json.loads((ROOT / name / "trainer_state.json").read_text(encoding="utf-8"))
    assert rollouts["step"].max() == state["global_step"]


def test_only_the_weak_policy_is_over_optimised(facts: ModuleType) -> None:
    since = {name: facts.over_optimised_since(pd.read_csv(ROOT / name / "rollouts.csv")) for name in POLICIES}
    assert since["policy-grpo"] is None
    assert since["policy-grpo-weak-kl"] is not None


def test_stream_is_in_order_and_mostly_unrated() -> None:
    stream = pd.read_parquet(ROOT / "deployment" / "stream.parquet")
    assert list(stream.columns) == [
        "timestamp",
        "prompt_id",
        "category",
        "response_length",
        "score",
        "model_version",
        "policy_version",
        "human_score",
    ]
    assert 10_000 <= len(stream) <= 15_000
    assert stream["timestamp"].is_monotonic_increasing
    assert stream["timestamp"].dt.date.nunique() == 30
    assert 0.02 < stream["human_score"].notna().mean() < 0.1
    assert not stream.drop(columns="human_score").isna().any(axis=None)


def test_only_the_mix_of_the_stream_shifts(facts: ModuleType) -> None:
    stream = pd.read_parquet(ROOT / "deployment" / "stream.parquet")
    late = stream["timestamp"] >= facts.SHIFT_DATE
    code = stream["category"] == "code"
    assert code[late].mean() > 3 * code[~late].mean()
    assert stream["model_version"].nunique() == stream["policy_version"].nunique() == 1
    means = stream.groupby([stream["category"], late])["score"].agg(["mean", "sem"]).unstack()
    gap = (means["mean"][True] - means["mean"][False]).abs()
    assert (gap < 4 * (means["sem"][True] ** 2 + means["sem"][False] ** 2) ** 0.5).all()


def test_readme_tells_the_measured_facts(facts: ModuleType) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    written = re.search(r"<!-- facts -->\n(.*?)\n<!-- /facts -->", readme, re.DOTALL)
    assert written is not None
    assert written[1] == facts.report(ROOT)


def test_readme_names_every_folder_and_the_licence() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    on_disk = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert on_disk == set(FOLDERS)
    assert all(f"`{folder}/`" in readme for folder in FOLDERS)
    assert "Apache-2.0" in readme


@pytest.mark.parametrize("path", shipped(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_tells_of_a_machine(path: Path) -> None:
    found = MACHINE.search(path.read_bytes())
    assert found is None, found


def test_all_is_small_and_without_weights() -> None:
    files = list(shipped())
    assert sum(path.stat().st_size for path in files) <= MAX_BYTES
    assert {path.suffix for path in files} & {".safetensors", ".bin", ".pt"} == set()
