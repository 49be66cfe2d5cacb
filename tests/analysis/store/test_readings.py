"""What a diagnosis reads of long curves: the first rows one by one, then blocks that double with the length.

How an expert would catch it being wrong: a block that changes when later rows come; a block that is there before it is
full; NaN that makes a whole block NaN, or rows without a value that vanish from the count; blocks that the store summed up
in several commits read twice or in part; a restart whose overwritten rows are still in a mean; a curve of 10 rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.board import Board
from analysis.store import readings


def written(folder: Path, values: np.ndarray, steps: np.ndarray | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    steps = np.arange(len(values)) if steps is None else steps
    pq.write_table(pa.table({"step": steps, "kl": values, "reward": -values}), folder / "metrics.parquet")


def by_hand(values: np.ndarray, steps: np.ndarray, whole: int) -> tuple[np.ndarray, np.ndarray]:
    """Row by row, block by block, in plain loops."""
    found, start, size = [(s, v) for s, v in zip(steps[:whole], values[:whole], strict=True)], whole, 2
    while start < len(values):
        for block in range(start, 2 * start, size):
            rows = values[block : block + size]
            if len(rows) == size:
                rows = rows[np.isfinite(rows)]
                found.append((steps[block + size - 1], rows.mean() if len(rows) else np.nan))
        start, size = 2 * start, 2 * size
    x, y = np.array(found, float).T
    return x, np.where(np.isfinite(y), y, np.nan)


def read(board: Board, whole: int = 8) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rows, _ = readings.curves(board._con.cursor(), board.runs()["run"][0], whole)
    return {m: (part["step"].to_numpy(), part["value"].to_numpy()) for m, part in rows.groupby("metric")}


@pytest.mark.parametrize("n", [1, 7, 8, 9, 63, 64, 65, 100, 1024, 5000])
def test_blocks_double_with_the_length(tmp_path, n):
    values = np.random.default_rng(n).normal(size=n) + np.arange(n)
    values[5 * n // 9 : 6 * n // 9] = np.nan
    values[n // 3] = np.inf
    written(tmp_path / "run", values)
    with Board.open() as board:
        board.ingest(tmp_path)
        found = read(board)
    steps, means = by_hand(values, np.arange(n), 8)
    np.testing.assert_array_equal(found["kl.to_reference"][0], steps)
    np.testing.assert_allclose(found["kl.to_reference"][1], means, rtol=1e-12)


def test_a_log_that_grew_row_by_row_reads_as_one_that_came_at_once(tmp_path):
    values = np.random.default_rng(1).normal(size=900)
    log = tmp_path / "run" / "metrics.csv"
    log.parent.mkdir()
    lines = [f"{i},{float(v)!r}\n" for i, v in enumerate(values)]
    log.write_text("step,kl\n")
    with Board.open() as board:
        for start in range(0, 900, 37):
            with log.open("a") as file:
                file.writelines(lines[start : start + 37])
            board.ingest(tmp_path)
        found = read(board)
    steps, means = by_hand(values, np.arange(900), 8)
    np.testing.assert_array_equal(found["kl.to_reference"][0], steps)
    np.testing.assert_allclose(found["kl.to_reference"][1], means, rtol=1e-12)


def test_rows_that_a_restart_wrote_again_are_not_in_the_means(tmp_path):
    steps = np.r_[np.arange(600), np.arange(400, 900)]
    values = np.r_[np.zeros(400), np.full(200, 1e9), np.ones(500)]
    written(tmp_path / "run", values, steps)
    with Board.open() as board:
        board.ingest(tmp_path)
        x, y = read(board)["kl.to_reference"]
    expected, means = by_hand(np.r_[np.zeros(400), np.ones(500)], np.arange(900), 8)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_allclose(y, means)


def test_steps_without_a_value_are_told(tmp_path):
    values = np.ones(300)
    values[[3, 200]] = np.nan, -np.inf
    written(tmp_path / "run", values)
    with Board.open() as board:
        board.ingest(tmp_path)
        _, bad = readings.curves(board._con.cursor(), board.runs()["run"][0], 8)
    assert bad[bad["metric"] == "kl.to_reference"]["step"].tolist() == [3, 200]
