"""Who is summed up in a panel: losses of another trainer or another ranking loss are other quantities.

How an expert would catch it being wrong: a GRPO loss around 0 and a PPO loss of 5 in one band; a band that vanishes from
panels whose unit names the ranking loss; a mean over seeds that is missing there while the seeds are drawn thin; the KL of
runs left out because their trainer is another; runs without any word about their trainer left out everywhere.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.board import Board
from dashboard import cohorts, figures
from tests.analysis.test_comparison import trl_grpo

WHOLE = (0.0, 200.0)


def other_trainer(folder: Path, *, loss: float = 50.0, n: int = 120) -> None:
    folder.mkdir(parents=True)
    rows = [{"step": i, "loss": loss, "kl": 0.1, "reward": 1.0, "entropy": 2.0} for i in range(1, n + 1)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def reward_model(folder: Path, level: float) -> None:
    folder.mkdir(parents=True)
    rows = [
        {"step": i, "loss": level + i / 1e4, "accuracy": 0.7, "margin": 1.0, "min_reward": -1.0, "max_reward": 1.0,
         "mean_reward": 0.0, "learning_rate": 1e-5, "epoch": i / 60}
        for i in range(1, 61)
    ]  # fmt: skip
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 60, "log_history": rows}))


@pytest.fixture
def policies(tmp_path):
    for name in ("grpo-a", "grpo-b"):
        trl_grpo(tmp_path / name)
    for name in ("own-a", "own-b"):
        other_trainer(tmp_path / name)
    with Board.open() as board:
        board.ingest(tmp_path)
        yield board


@pytest.fixture
def models(tmp_path):
    levels = {"bt-1": 0.6, "bt-2": 0.62, "bt-3": 0.64, "hinge-1": 9.0}
    for name, level in levels.items():
        reward_model(tmp_path / name, level)
    with Board.open() as board:
        board.ingest(tmp_path)
        for name in levels:
            board.edit(name, loss=name[:-2])
        yield board


def test_a_loss_is_summed_up_over_runs_of_the_same_trainer_and_all_else_over_all(policies):
    others = ("grpo-b", "own-a", "own-b")
    found = cohorts.behind(policies, policies.runs(), ("grpo-a",), others, ("loss.total", "kl.to_reference"), WHOLE)
    by_metric = dict(iter(found.groupby("metric")))
    assert by_metric["loss.total"]["n"].max() == 1
    assert by_metric["loss.total"]["high"].max() == pytest.approx(0.01)
    assert by_metric["kl.to_reference"].groupby("x")["n"].sum().max() == 3
    assert set(found["group"]) == {""}


def test_runs_of_which_nothing_is_said_are_alike(policies):
    found = cohorts.behind(policies, policies.runs(), ("own-a",), ("own-b", "grpo-b"), ("loss.total",), WHOLE)
    assert found["q50"].unique() == pytest.approx([50.0])
    assert not cohorts.mixed(policies.runs(), ("own-a",), ("own-b",), ("loss.total",))


def test_the_caption_says_who_is_left_out(policies):
    view = figures.Curves(runs=("grpo-a",), slots=(0,), behind=("grpo-b", "own-a"), metrics=("loss.total",))
    assert "only those with the same trainer and loss" in figures.curves(policies, view).caption
    view = figures.Curves(runs=("grpo-a",), slots=(0,), behind=("grpo-b", "own-a"), metrics=("kl.to_reference",))
    assert "same trainer" not in figures.curves(policies, view).caption


def medians(figure: dict) -> dict[str, float]:
    return {t["name"]: float(t["y"][0]) for t in figure["data"] if "median of the other runs" in t.get("name", "")}


def test_the_band_stands_in_the_panel_of_its_own_ranking_loss(models):
    view = figures.Curves(
        runs=("bt-1",), slots=(0,), behind=("bt-2", "bt-3", "hinge-1"), metrics=("rm.loss", "loss.total")
    )
    (median,) = medians(figures.curves(models, view).figure).values()
    assert median == pytest.approx(0.63, abs=0.01)


def test_seeds_with_a_named_loss_have_their_mean(models):
    runs = ("bt-1", "bt-2", "bt-3")
    view = figures.Curves(
        runs=runs, slots=(0, 1, 2), groups=tuple((run, "bt") for run in runs), metrics=("rm.loss", "loss.total")
    )
    bold = [t for t in figures.curves(models, view).figure["data"] if t.get("line", {}).get("width") == 2.4]
    assert [float(t["y"][0]) for t in bold] == [pytest.approx(0.62, abs=0.01)]
