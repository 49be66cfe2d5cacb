"""Curves as they are drawn: extremes kept at every zoom, attempts told apart, other axes, gaps.

An expert would look for: a spike that a bucket swallows, a NaN that becomes an extreme or vanishes, points outside
of the window, a mean over buckets that forgets their sizes, an old attempt drawn as the present one, a KL axis
that looks ahead or is sorted by KL, a log without times that vanishes from the time axis.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from torch.utils.tensorboard import SummaryWriter

from analysis.board import Board
from analysis.store import sparklines

N = 1_000_000
SPIKE, DIP, HOLE = 613_377, 77_771, 400_123


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    values = np.random.default_rng(0).normal(size=N)
    values[SPIKE], values[DIP], values[HOLE] = 1e6, -1e6, np.nan
    return values


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray):
    path = tmp_path_factory.mktemp("long") / "long" / "table.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"metric": ["noise"] * N, "step": np.arange(N), "value": values}), path)
    with Board.open() as board:
        board.ingest(path.parent)
        yield board


def trace(board: Board, window: tuple[float, float] | None = None, buckets: int = 1200) -> pd.DataFrame:
    return board.traces(["long"], ["noise"], window=window, buckets=buckets)


@pytest.mark.parametrize("width", [N, 300_000, 50_000, 3_000, 200])
@pytest.mark.parametrize(("place", "column", "value"), [(SPIKE, "high", 1e6), (DIP, "low", -1e6)])
def test_one_point_in_a_million_is_seen_at_every_zoom(board, width, place, column, value):
    window = (max(place - width // 3, 0), min(place + width // 2, N - 1))
    drawn = trace(board, None if width == N else window)
    assert value in drawn[column].to_numpy()
    assert len(drawn) <= 1201


@pytest.mark.parametrize("width", [N, 50_000, 200])
def test_nan_is_counted_and_is_no_extreme(board, width):
    drawn = trace(board, None if width == N else (HOLE - width // 2, HOLE + width // 2))
    assert drawn["nonfinite"].sum() == 1
    assert np.isfinite(drawn["high"]).all() or width == 200


@pytest.mark.parametrize("window", [None, (200_000, 600_000), (10_000, 12_345), (500, 700)])
def test_counts_means_and_extremes_are_those_of_the_rows(board, values, window):
    low, high = window or (0, N - 1)
    mine = values[low : high + 1]
    drawn = trace(board, window)
    exact = len(mine) <= 1200 * 32
    # wider windows are made of blocks of 16 or more points that may stick out at both ends
    slack = 0 if window is None or exact else 2 * 256
    assert abs(int(drawn["n"].sum()) - len(mine)) <= slack
    weights = drawn["n"] - drawn["nonfinite"]
    assert np.average(drawn["mean"].fillna(0), weights=weights) == pytest.approx(
        np.nanmean(mine), abs=1e-3 + slack * 1e-5
    )


def test_the_drawn_values_are_those_of_a_plain_bucketing(board, values):
    drawn = trace(board, (100_000.5, 110_000.5))  # no step lies on an edge
    series = board.series("long", "noise")
    inside = series[series["step"].between(100_000.5, 110_000.5)]
    edges = np.floor((inside["step"] - 100_000.5) / 10_000 * 1200)
    grouped = inside.groupby(edges)["value"]
    assert drawn["low"].to_numpy() == pytest.approx(grouped.min().to_numpy())
    assert drawn["high"].to_numpy() == pytest.approx(grouped.max().to_numpy())


@pytest.fixture
def restarted(tmp_path: Path):
    steps = [*range(50), *range(30, 40), *range(35, 80)]
    rows = [f"{s},{i},{s / 100}" for i, s in enumerate(steps)]
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.csv").write_text("step,reward,kl\n" + "\n".join(rows) + "\n")
    with Board.open() as board:
        board.ingest(folder)
        yield board


def test_of_each_step_the_last_attempt_is_read(restarted):
    series = restarted.series("run", "reward").set_index("step")["value"]
    assert series.index.is_unique
    assert len(series) == 80
    assert series[29] == 29
    assert series[34] == 54
    assert series[35] == 60


def test_older_attempts_stay_and_are_marked_where_they_are_covered(restarted):
    drawn = restarted.traces(["run"], ["reward.rm_score_mean"])
    assert len(drawn) == 105
    assert drawn["attempt"].max() == 2
    old = drawn[drawn["superseded"]]
    assert set(old["attempt"]) == {0, 1}
    assert old[old["attempt"] == 0]["x"].min() == 30
    assert not drawn[drawn["attempt"] == 2]["superseded"].any()
    overlaps = restarted.overlaps(["run"]).set_index("metric")
    assert overlaps.loc["reward.rm_score_mean", "points"] == 20


def test_another_metric_can_be_the_axis(restarted):
    drawn = restarted.traces(["run"], ["reward.rm_score_mean"], x="kl")
    assert drawn["x"].between(0, 0.8).all()
    assert not drawn["superseded"].any()
    assert drawn["x"].max() == pytest.approx(0.79)


def test_a_curve_over_another_metric_keeps_the_order_of_steps_and_its_window(restarted):
    drawn = restarted.traces(["run"], ["reward.rm_score_mean"], x="kl", window=(0.2, 0.5))
    assert drawn["x"].between(0.2, 0.5).all()
    assert drawn["step"].is_monotonic_increasing
    assert len(drawn) == 31


@pytest.fixture
def untimed(tmp_path: Path):
    """A trainer_state, which tells no time, beside an event file of the same run that does."""
    run = tmp_path / "run"
    run.mkdir()
    history = [{"step": step, "reward": step / 10} for step in range(0, 100, 5)]
    (run / "trainer_state.json").write_text(json.dumps({"global_step": 95, "log_history": history}))
    with SummaryWriter(str(run)) as events:
        for step in range(10, 100):
            events.add_scalar("train/kl", step / 100, step, walltime=1_700_000_000 + 2 * step)
    with Board.open() as board:
        board.ingest(tmp_path)
        yield board


def test_a_log_without_times_takes_them_from_another_log_of_its_run(untimed):
    drawn = untimed.traces(["run"], ["reward.rm_score_mean"], x="time")
    assert drawn["step"].tolist() == list(range(10, 100, 5))
    assert drawn["x"].tolist() == [1_700_000_000 + 2 * step for step in range(10, 100, 5)]
    window = (1_700_000_100, 1_700_000_150)
    drawn = untimed.traces(["run"], ["reward.rm_score_mean"], x="time", window=window)
    assert drawn["step"].tolist() == [50, 55, 60, 65, 70, 75]


def test_a_metric_that_is_not_there_draws_nothing(restarted):
    assert restarted.traces(["run"], ["nothing"]).empty
    assert restarted.traces(["nobody"], ["reward.rm_score_mean"]).empty
    assert restarted.traces(["run"], ["reward.rm_score_mean"], x="tokens").empty
    assert restarted.traces(["run"], ["reward.rm_score_mean"], x="time").empty


def test_sparklines_keep_the_order_of_the_log_where_steps_repeat(tmp_path):
    values = [float(i * 7919 % 100) for i in range(200)]
    rows = [{"step": i // 50, "reward": value} for i, value in enumerate(values)]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Board.open() as board:
        board.ingest(tmp_path)
        spark = board.sparklines(["run"], ["reward.rm_score_mean"])
    means = [sum(values[i : i + 4]) / 4 for i in range(0, 200, 4)]
    assert spark["mean"].tolist() == pytest.approx(means)


def test_sparklines_are_short_and_of_the_last_attempt(board, restarted):
    spark = board.sparklines(["long"], ["noise"])
    assert 32 <= len(spark) <= 64
    assert spark["high"].max() == 1e6
    short = restarted.sparklines(["run"], ["reward.rm_score_mean"])
    assert short["x"].min() >= 35


def test_rows_that_are_committed_while_sparklines_are_read_stay_in_their_own_curve(tmp_path, monkeypatch):
    """The number of rows is asked for first; a writer commits before the rows are read."""
    for run, level in (("a", 5.0), ("b", 0.0)):
        (tmp_path / run).mkdir()
        rows = "".join(json.dumps({"step": i, "reward": level}) + "\n" for i in range(130))
        (tmp_path / run / "log.jsonl").write_text(rows)
    ends = sparklines._last_attempts

    def before_the_commit(con, series):
        attempt, length = ends(con, series)
        return attempt, length - 10  # 120 rows were there, two a point

    monkeypatch.setattr(sparklines, "_last_attempts", before_the_commit)
    with Board.open() as board:
        board.ingest(tmp_path)
        drawn = board.sparklines(["a", "b"], ["reward.rm_score_mean"])
    assert drawn.groupby("run", observed=True)["mean"].unique().map(list).to_dict() == {"a": [5.0], "b": [0.0]}
    assert drawn["x"].max() == 129
