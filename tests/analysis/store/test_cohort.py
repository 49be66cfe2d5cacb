"""How groups of runs are spread: an expert would look for a run that counts twice, a value carried over a gap, two
units in one band, a restart's old values, and a NaN that becomes the mean.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.board import Board


def write(folder: Path, rows: list[dict[str, float]]) -> None:
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def board(tmp_path: Path):
    rng = np.random.default_rng(0)
    curves = rng.normal(size=(9, 60)).cumsum(axis=1)
    for i, curve in enumerate(curves):
        rows = [{"step": step, "reward": float(value)} for step, value in enumerate(curve)]
        write(tmp_path / f"run-{i}", rows[:30] if i == 8 else rows)
    with Board.open() as board:
        board.ingest(tmp_path)
        yield board, curves


def test_mean_spread_and_quantiles_are_those_over_runs(board):
    board, curves = board
    table = board.cohort({f"run-{i}": "all" for i in range(8)}, ["reward.rm_score_mean"], buckets=60)
    assert table["n"].tolist() == [8] * 60
    whole = curves[:8]
    assert table["mean"].to_numpy() == pytest.approx(whole.mean(axis=0))
    assert table["sd"].to_numpy() == pytest.approx(whole.std(axis=0, ddof=1))
    for name, share in (("q10", 0.1), ("q50", 0.5), ("q90", 0.9)):
        assert table[name].to_numpy() == pytest.approx(np.quantile(whole, share, axis=0))
    assert table["low"].to_numpy() == pytest.approx(whole.min(axis=0))


def test_a_run_that_ended_is_not_carried_on(board):
    board, _ = board
    table = board.cohort({f"run-{i}": "all" for i in (0, 8)}, ["reward.rm_score_mean"], buckets=60)
    assert table["n"].tolist() == [2] * 30 + [1] * 30
    assert table["sd"].isna().sum() == 30


def test_groups_are_apart_and_a_window_looks_closer(board):
    board, curves = board
    groups = {f"run-{i}": "even" if i % 2 == 0 else "odd" for i in range(8)}
    table = board.cohort(groups, ["reward.rm_score_mean"], window=(10, 19), buckets=10)
    assert table["group"].unique().tolist() == ["even", "odd"]
    odd = table[table["group"] == "odd"]
    assert odd["x"].tolist() == list(range(10, 20))
    assert odd["mean"].to_numpy() == pytest.approx(curves[1:8:2, 10:20].mean(axis=0))


def test_a_run_counts_once_however_often_it_logs_and_nan_is_no_value(tmp_path):
    write(tmp_path / "often", [{"step": s / 10, "kl": 1.0} for s in range(100)])
    write(tmp_path / "seldom", [{"step": s, "kl": 3.0} for s in range(10)])
    write(tmp_path / "broken", [{"step": s, "kl": float("nan")} for s in range(10)])
    with Board.open() as board:
        board.ingest(tmp_path)
        table = board.cohort(dict.fromkeys(["often", "seldom", "broken"], "all"), ["kl.to_reference"], buckets=5)
    assert table["n"].tolist() == [2] * 5
    assert table["mean"].tolist() == [2.0] * 5


def test_the_band_does_not_change_with_who_happens_to_log(tmp_path):
    for i in range(4):
        write(tmp_path / f"often-{i}", [{"step": s, "kl": 1.0} for s in range(101)])
        write(tmp_path / f"seldom-{i}", [{"step": s, "kl": 9.0} for s in range(0, 101, 10)])
    write(tmp_path / "hardly", [{"step": s, "kl": 5.0} for s in (0, 50, 100)])
    runs = {f"{pace}-{i}": "all" for pace in ("often", "seldom") for i in range(4)}
    with Board.open() as board:
        board.ingest(tmp_path)
        table = board.cohort(runs, ["kl.to_reference"])
        alone = board.cohort({run: "all" for run in runs if run.startswith("often")}, ["kl.to_reference"])
        waited = board.cohort(runs | {"hardly": "all"}, ["kl.to_reference"])
        only = board.cohort({"hardly": "all"}, ["kl.to_reference"])
    assert table["n"].tolist() == [8] * 11
    assert table["mean"].tolist() == [5.0] * 11
    assert len(alone) == 101  # those that log often need not wait for anybody
    assert len(waited) == 11  # nobody waits for three values
    assert only["mean"].tolist() == [5.0] * 3


def test_of_a_restarted_run_the_last_attempt_counts(tmp_path):
    rows = [{"step": s, "kl": 1.0} for s in range(20)] + [{"step": s, "kl": 5.0} for s in range(10, 20)]
    write(tmp_path / "run", rows)
    with Board.open() as board:
        board.ingest(tmp_path)
        table = board.cohort({"run": "all"}, ["kl.to_reference"], buckets=20)
    assert table["mean"].tolist() == [1.0] * 10 + [5.0] * 10


def test_many_points_are_read_by_blocks_and_say_the_same(board, monkeypatch):
    board, curves = board
    groups = {f"run-{i}": "all" for i in range(8)}
    exact = board.cohort(groups, ["reward.rm_score_mean"], buckets=3)
    monkeypatch.setattr("analysis.store.cohort.POINTS", 0)
    blocks = board.cohort(groups, ["reward.rm_score_mean"], buckets=3)
    assert blocks["n"].tolist() == exact["n"].tolist()
    assert np.abs(blocks["mean"] - exact["mean"]).max() < curves.std()


def test_one_metric_among_many_is_read_by_blocks_but_not_in_a_narrow_window(tmp_path, monkeypatch):
    """All points of a run lie together; of few steps blocks of 16 would be one or two."""
    curves = np.random.default_rng(0).normal(size=(4, 256)).cumsum(axis=1)
    for i, curve in enumerate(curves):
        write(tmp_path / f"run-{i}", [{"step": step, "reward": float(value)} for step, value in enumerate(curve)])
    groups, metric = {f"run-{i}": "all" for i in range(4)}, ["reward.rm_score_mean"]
    monkeypatch.setattr("analysis.store.cohort.PASSED", 0)
    with Board.open() as board:
        board.ingest(tmp_path)
        whole = board.cohort(groups, metric, buckets=256)
        close = board.cohort(groups, metric, window=(40, 71), buckets=256)
    assert whole["mean"].to_numpy() == pytest.approx(curves.reshape(4, 16, 16).mean(axis=(0, 2)))
    assert close["x"].tolist() == list(range(40, 72))
    assert close["mean"].to_numpy() == pytest.approx(curves[:, 40:72].mean(axis=0))


def test_nothing_asked_is_nothing_answered(board):
    board, _ = board
    assert board.cohort({}, ["reward.rm_score_mean"]).empty
    assert board.cohort({"run-0": "all"}, ["no such metric"]).empty
