"""`rewardboard score` from end to end: a process of its own, a model on disk, scores in the store.

What would catch it wrong: chosen and rejected exchanged, rows out of order after sorting by length, a pair scored
twice or lost around a kill, numbers that depend on where the kill came, NaN that becomes a number or vanishes.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time

import pytest

transformers = pytest.importorskip(
    "transformers", reason="needs transformers: pip install -c constraints.txt -e '.[score]'"
)

from analysis.board import Board  # noqa: E402
from tests.analysis.scoring import tiny  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.saved(tmp_path_factory.mktemp("models") / "rm-tiny", tiny.llama(), tiny.tokenizer())


PAIRS = 300
"""Of the killed run: enough that a kill after the tenth comes long before the end."""


def pairs_file(folder, count=40):
    rows = tiny.pair_rows(count)
    return rows, tiny.write(folder / "pairs.jsonl", rows)


def expected(model, rows):
    return {
        side: tiny.alone(model, [f"{row['prompt']}{row[side]} <eos>" for row in rows])
        for side in ("chosen", "rejected")
    }


def test_pairs_are_scored_and_seen_on_the_board(model, tmp_path):
    rows, path = pairs_file(tmp_path)
    done = tiny.rewardboard("score", "--model", model, "--pairs", path, "--batch-size", "7", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1  # no bar where nobody looks, and no chatter of transformers
    assert "no chat template" in done.stderr
    said = json.loads(done.stdout)
    assert (said["schema"], said["n"], said["texts"], said["truncated"], said["non_finite"]) == (1, 40, 80, 0, 0)

    scored = tiny.read(tmp_path / "pairs-scores" / "rm-tiny.jsonl")
    truth = expected(model, rows)
    assert [row["pair_id"] for row in scored] == [row["pair_id"] for row in rows]
    for side in ("chosen", "rejected"):
        assert [row[f"{side}_score"] for row in scored] == pytest.approx(truth[side], abs=1e-5)

    wins = sum(c > r for c, r in zip(truth["chosen"], truth["rejected"], strict=True))
    assert 0 < wins < 40
    with Board.open(tmp_path / "rewardboard.duckdb") as board:
        assert list(board.runs()["run"]) == [said["run"]]
        assert board.runs()["kind"][0] == "reward_model"
        found = board.accuracy(said["run"])
        assert (found["n"][0], found["accuracy"][0]) == (40, pytest.approx(wins / 40))
        assert set(board.accuracy(said["run"], by="category")["category"]) == {"c0", "c1", "c2"}
        worst = board.pairs(said["run"])
        lengths = {row["pair_id"]: float(len(row["chosen"])) for row in rows}
        assert dict(zip(worst["pair_id"], worst["chosen_length"], strict=True)) == lengths
        assert board.pair_text(said["run"], "p3")["chosen"] == rows[3]["chosen"]
        assert board.scorers()["dataset"][0] == "pairs"
    assert said["accuracy"]["accuracy"] == pytest.approx(wins / 40)
    listed = tiny.rewardboard("runs", cwd=tmp_path)
    assert said["run"] in listed.stdout


def test_a_name_of_the_hub_is_found_where_the_hub_keeps_its_downloads(model, tmp_path, monkeypatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "hub" / "models--acme--rm-tiny"
    shutil.copytree(model, kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    rows, path = pairs_file(tmp_path, 9)
    done = tiny.rewardboard("score", "--model", "acme/rm-tiny", "--pairs", path, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scored = tiny.read(next((tmp_path / "pairs-scores").glob("*.jsonl")))
    assert [row["chosen_score"] for row in scored] == pytest.approx(expected(model, rows)["chosen"], abs=1e-5)


def test_a_second_call_scores_nothing_and_doubles_nothing(model, tmp_path):
    _, path = pairs_file(tmp_path, 9)
    words = ("score", "--model", model, "--pairs", path, "--json")
    first, second = (json.loads(tiny.rewardboard(*words, cwd=tmp_path).stdout) for _ in range(2))
    assert (first["resumed_rows"], second["resumed_rows"]) == (0, 9)
    assert first["accuracy"] == second["accuracy"]
    with Board.open(tmp_path / "rewardboard.duckdb") as board:
        assert board.scorers()[["n", "n_duplicates"]].to_numpy().tolist() == [[9, 0]]


def test_a_killed_run_goes_on_where_it_stopped(model, tmp_path):
    rows, path = pairs_file(tmp_path, PAIRS)
    words = ("score", "--model", model, "--pairs", path, "--batch-size", "2")
    part = tmp_path / "pairs-scores" / ".rm-tiny.part"
    process = subprocess.Popen(tiny.command(*words), cwd=tmp_path, env=tiny.environment(), stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (part.exists() and part.read_bytes().count(b"\n") > 10):
            assert process.poll() is None, "it was done before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "pairs-scores" / "rm-tiny.jsonl").exists()
    kept = part.read_bytes().count(b"\n") - 1
    assert 10 <= kept < PAIRS

    other = tiny.rewardboard(*words, "--max-length", "9", cwd=tmp_path)
    assert (other.returncode, len(other.stderr.strip().splitlines())) == (2, 2)
    assert "was begun with max length 64, now it is 9" in other.stderr

    done = tiny.rewardboard(*words, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["n"], said["resumed_rows"]) == (PAIRS, kept)
    scored = tiny.read(tmp_path / "pairs-scores" / "rm-tiny.jsonl")
    assert [row["pair_id"] for row in scored] == [row["pair_id"] for row in rows]
    truth = expected(model, rows[:200])
    for side in ("chosen", "rejected"):
        assert [row[f"{side}_score"] for row in scored[:200]] == pytest.approx(truth[side], abs=1e-5)
    with Board.open(tmp_path / "rewardboard.duckdb") as board:
        assert board.scorers()[["n", "n_duplicates"]].to_numpy().tolist() == [[PAIRS, 0]]


def test_best_of_n_becomes_a_ranked_set(model, tmp_path):
    rows = [
        {"prompt_id": f"q{k}", "prompt": "w39 ", "candidates": [f"w{k} w{j}" for j in range(5)], "correct_index": k % 5}
        for k in range(6)
    ]
    path = tiny.write(tmp_path / "bon.jsonl", rows)
    done = tiny.rewardboard("score", "--model", model, "--pairs", path, "--batch-size", "3", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    truth = tiny.alone(model, [f"w39 {reply} <eos>" for row in rows for reply in row["candidates"]])
    with Board.open(tmp_path / "rewardboard.duckdb") as board:
        found = board.sql(
            "SELECT prompt_id, candidate_id, score, label FROM ranked_scores ORDER BY prompt_id, candidate_id"
        )
        assert board.scorers()[["data", "n", "n_prompts"]].to_numpy().tolist() == [["ranked", 30, 6]]
    assert list(found["score"]) == pytest.approx(truth, abs=1e-5)
    assert list(found["label"]) == [float(j == k % 5) for k in range(6) for j in range(5)]
    assert (said["n"], said["texts"]) == (6, 30)


def test_checkpoints_are_one_scorer_at_several_steps(tmp_path):
    _, path = pairs_file(tmp_path, 12)
    for step in (100, 200):
        folder = tiny.saved(tmp_path / "my-rm" / f"checkpoint-{step}", tiny.llama(seed=step), tiny.tokenizer())
        done = tiny.rewardboard("score", "--model", folder, "--pairs", path, "--loss", "hinge", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["run"]
    with Board.open(tmp_path / "rewardboard.duckdb") as board:
        assert list(board.checkpoints(run)["step"]) == [100.0, 200.0]
        assert list(board.scorers()["loss"]) == ["hinge"]


def test_what_is_cut_is_counted_and_said(model, tmp_path):
    _, path = pairs_file(tmp_path, 20)
    done = tiny.rewardboard("score", "--model", model, "--pairs", path, "--max-length", "10", cwd=tmp_path)
    scored = tiny.read(tmp_path / "pairs-scores" / "rm-tiny.jsonl")
    cut = sum(row["chosen_truncated"] + row["rejected_truncated"] for row in scored)
    assert 0 < cut < 40
    assert f"{cut} of 40 texts were longer than 10 tokens: their beginning was cut off" in done.stdout


def test_nan_scores_are_stored_and_counted(tmp_path):
    import torch

    network = tiny.llama()
    with torch.no_grad():
        network.model.embed_tokens.weight[tiny.WORDS.index("w7")] = float("nan")
    folder = tiny.saved(tmp_path / "rm", network, tiny.tokenizer())
    rows = [{"prompt": "w1 ", "chosen": f"w{k}", "rejected": "w2"} for k in range(5, 9)]
    path = tiny.write(tmp_path / "pairs.jsonl", rows)
    done = tiny.rewardboard("score", "--model", folder, "--pairs", path, "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said["non_finite"], said["accuracy"]["n"]) == (1, 3)
    with Board.open(tmp_path / "rewardboard.duckdb") as board:
        found = board.sql("SELECT isnan(chosen_score) AS bad FROM pair_scores ORDER BY pair_id::INT")
        assert list(found["bad"]) == [False, False, True, False]


@pytest.mark.parametrize(
    ("model_name", "content", "message"),
    [
        ("./nowhere", '{"chosen": "a b", "rejected": "c d"}\n', "no such folder"),
        ("nobody/no-such-model", '{"chosen": "a b", "rejected": "c d"}\n', "can't be loaded"),
        ("./nowhere", '{"x": 1}\n', "no texts to score"),
        ("./nowhere", "", "the file is empty"),
    ],
)
def test_faults_are_one_line_and_exit_2(model_name, content, message, tmp_path):
    (tmp_path / "pairs.jsonl").write_text(content)
    done = tiny.rewardboard("score", "--model", model_name, "--pairs", "pairs.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert message in done.stderr
    assert not (tmp_path / "rewardboard.duckdb").exists()


def test_without_transformers_the_command_says_how_to_get_it(tmp_path):
    (tmp_path / "transformers.py").write_text("raise ImportError('absent')\n")
    _, path = pairs_file(tmp_path, 2)
    environment = tiny.environment()
    environment["PYTHONPATH"] = f"{tmp_path}:{environment['PYTHONPATH']}"
    done = subprocess.run(
        tiny.command("score", "--model", "rm", "--pairs", path),
        capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert 'pip install -c constraints.txt -e ".[score]"' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
