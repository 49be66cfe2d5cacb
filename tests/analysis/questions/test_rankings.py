"""Questions about reward models: answers are kept, and forgotten as soon as anything behind them changes.

An expert would look for: an answer that outlives its data, texts that were read after the scores, a loss that was told
later, a sample that says nothing of being one, an archived run that stays.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Board
from analysis.ranking.evaluate import SAMPLE


def write(path: Path, n: int, *, right: float = 0.7, seed: int = 0, **more) -> None:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    margin = np.where(rng.random(n) < right, 1, -1) * rng.gamma(2, 0.5, n)
    table = {"pair_id": [f"p{i}" for i in range(n)], "chosen_score": margin, "rejected_score": np.zeros(n)}
    pd.DataFrame(table | more).to_csv(path, index=False)


def test_an_evaluation_is_worked_out_once_and_anew_when_pairs_come_in(tmp_path):
    write(tmp_path / "rm" / "scores.csv", 100)
    with Board.open() as board:
        board.ingest(tmp_path)
        found = board.evaluate("rm")
        assert board.evaluate("rm") is found
        write(tmp_path / "rm" / "scores.csv", 250)
        board.poll()
        assert board.evaluate("rm").accuracy.n == 250


def test_another_run_changes_nothing(tmp_path):
    write(tmp_path / "rm" / "scores.csv", 100)
    with Board.open() as board:
        board.ingest(tmp_path)
        found, scorers = board.evaluate("rm"), board.scorers()
        write(tmp_path / "other" / "scores.csv", 50)
        board.ingest(tmp_path)
        assert board.evaluate("rm") is found
        assert board.scorers()[["run", "n"]].to_numpy().tolist() == [["other", 50], ["rm", 100]]
        assert scorers["run"].tolist() == ["rm"]


def test_a_loss_that_is_told_later_decides_whether_margins_are_log_odds(tmp_path):
    write(tmp_path / "rm" / "scores.csv", 100)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert board.evaluate("rm").calibration.as_is is not None
        board.edit("rm", loss="hinge")
        assert board.evaluate("rm").calibration.as_is is None
        assert board.scorers()["loss"].tolist() == ["hinge"]


def test_texts_that_are_read_after_the_scores_are_looked_into(tmp_path):
    write(tmp_path / "rm" / "scores.csv", 100)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert board.evaluate("rm").bias is None
        words = {"prompt": [f"q{i}" for i in range(100)], "chosen": ["fine words"] * 100, "rejected": ["no"] * 100}
        pd.DataFrame({"pair_id": [f"p{i}" for i in range(100)]} | words).to_csv(tmp_path / "pairs.csv", index=False)
        board.ingest(tmp_path)
        assert board.evaluate("rm").bias is not None


def test_features_of_many_pairs_are_looked_at_in_a_sample_and_accuracy_in_all(tmp_path):
    n = SAMPLE + 5_000
    length = np.random.default_rng(1).integers(1, 50, n)
    write(tmp_path / "rm" / "scores.csv", n, chosen_length=length, rejected_length=20)
    with Board.open() as board:
        board.ingest(tmp_path)
        found = board.evaluate("rm")
        assert (found.accuracy.n, found.looked_at) == (n, SAMPLE)
        assert found.length.n == found.bias.n == SAMPLE
        assert found.panel.scorer.value == pytest.approx(found.accuracy.accuracy, abs=0.02)


def test_an_archived_run_is_no_scorer(tmp_path):
    write(tmp_path / "rm" / "scores.csv", 10)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert len(board.scorers()) == 1
        board.edit("rm", archived=True)
        assert len(board.scorers()) == 0
