"""Real reward models with known truth: each fault at rank 1, no warning on the healthy ones, each run read alone."""

from __future__ import annotations

import json
import shutil

import pytest

from analysis import Board

RUNS = ("00f6", "0f7d", "13dc", "1e17", "6f39", "7957", "8742", "a580", "cfa6", "f481", "f66b")


@pytest.mark.parametrize("run", RUNS)
def test_the_fault_is_named_first_and_health_is_left_alone(labelled_runs, tmp_path, run):
    source = labelled_runs / f"rm-{run}"
    truth = json.loads((source / "truth.json").read_text())
    (tmp_path / "rm").mkdir()
    for name in ("trainer_state.json", "eval_scores.csv"):
        shutil.copy(source / name, tmp_path / "rm" / name)
    shutil.copytree(source / "tb", tmp_path / "rm" / "tb")
    shutil.copy(labelled_runs / "pairs.csv", tmp_path / "pairs.csv")
    with Board.open() as board:
        board.ingest(tmp_path)
        found = board.diagnose("rm")
    told = [f.cause for f in found.findings if f.severity != "info"]
    assert told[:1] == ([] if truth["failure"] == "healthy" else [truth["failure"]])
    if truth["onset_step"] and told:
        assert found.findings[0].onset.low <= truth["onset_step"] <= found.findings[0].onset.high
