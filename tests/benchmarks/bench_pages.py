"""Server time of the pages: questions to the store, figure, and the JSON that goes to the browser.

    python -m tests.benchmarks.bench_pages

Budgets: the Run page's first six panels with a million points each below 0.3 s, a zoom into 2 % below 0.1 s, the
Reward models page of a million pairs and the Overview of 1,000 runs below 0.3 s. Also prints how the Run page grows with the length of a series and its exponent.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import Board
from dashboard import figures, look, runtable, trust_tables
from dashboard.charts import scores, trust
from dashboard.serialise import serialised
from tests.benchmarks.bench_store import write_long


def seconds(work: Callable[[], Any], repeat: int = 7) -> tuple[float, Any]:
    """Median time of `work` after one warm-up, and its answer."""
    answer = work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times), answer


def write_wide(path: Path, points: int, metrics: list[str]) -> None:
    """One run with some metrics of equal length."""
    rng = np.random.default_rng(points)
    columns = {"step": np.arange(points)} | {m: rng.normal(size=points).cumsum() for m in metrics}
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path)


def run_page(board: Board, run: str, window: tuple[float, float] | None) -> str:
    """What the server computes for the chart of the Run page: metrics, curves, smoothing, figure, JSON."""
    view = figures.Curves(runs=(run,), slots=(0,), span=15)
    return serialised(figures.curves(board, view, window).figure)


def overview_page(board: Board) -> str:
    """What the Overview computes: the list, two curves for each run, the sentence above them."""
    return json.dumps(runtable.document(board, board.runs()))


def write_pairs(path: Path, pairs: int) -> None:
    """Scores of one reward model on pairs of a third as many prompts, with lengths and six categories."""
    rng = np.random.default_rng(0)
    margin = rng.normal(0.7, 1, pairs)
    columns = {
        "pair_id": pa.array(np.arange(pairs)).cast(pa.string()),
        "prompt_id": pa.array(rng.integers(0, pairs // 3, pairs)).cast(pa.string()),
        "category": rng.choice(["chat", "code", "facts", "maths", "safety", "style"], pairs),
        "chosen_score": margin,
        "rejected_score": np.zeros(pairs) + rng.normal(size=pairs) / 10,
        "chosen_length": rng.integers(5, 400, pairs),
        "rejected_length": rng.integers(5, 400, pairs),
    }
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path)


def reward_model_page(board: Board, run: str) -> str:
    """What the server computes for the panels of the Reward models page once the pairs are evaluated."""
    found, mark, theme = board.evaluate(run), look.mark(0), look.LIGHT
    assert found.calibration is not None
    assert found.length is not None
    assert found.panel is not None
    drawn = [
        scores.accuracy({run: trust_tables.by_category(found)}, {run: mark}, {}, theme),
        trust.reliability(found.calibration.as_is, found.calibration.scaled, mark, theme),
        scores.distributions(board.score_histogram(run), theme),
        trust.by_length(found.length, mark, theme),
        trust.effects(trust_tables.telling(found, 9), theme),
        trust.rules(found.panel, run, mark, theme, 9),
    ]
    return "".join(serialised(figure) for figure in drawn)


def main() -> None:
    metrics = ["reward", "kl", "entropy", "response_length", "loss", "clip_frac"]
    with tempfile.TemporaryDirectory() as folder, Board.open(Path(folder, "bench.duckdb")) as board:
        sizes = [1_000, 10_000, 100_000, 1_000_000]
        for size in sizes:
            write_wide(Path(folder, "wide", f"run-{size}", "metrics.parquet"), size, metrics)
        board.ingest(Path(folder, "wide"))
        times = []
        for size in sizes:
            run = f"run-{size}"
            took, sent = seconds(lambda run=run: run_page(board, run, None))
            times.append(took)
            print(f"run page, 6 panels of {size:>9,} points: {took:.3f} s, {len(sent) / 1e6:.2f} MB of JSON")
        zoom = (490_000.0, 510_000.0)
        took, sent = seconds(lambda: run_page(board, run, zoom))
        print(f"run page, zoom into 2 % of {sizes[-1]:,}:     {took:.3f} s, {len(sent) / 1e6:.2f} MB of JSON")
        growth = math.log(times[-1] / times[1]) / math.log(sizes[-1] / sizes[1])
        print(f"growth of the run page from 10,000 to 1,000,000 points: exponent {growth:.2f}")
        write_pairs(Path(folder, "scored", "rm", "pairs.parquet"), 1_000_000)
        board.ingest(Path(folder, "scored"))
        start = time.perf_counter()
        board.evaluate("rm")
        print(f"evaluation of 1,000,000 pairs, once:        {time.perf_counter() - start:.1f} s")
        took, sent = seconds(lambda: reward_model_page(board, "rm"))
        print(f"reward models page of 1,000,000 pairs:      {took:.3f} s, {len(sent) / 1e6:.2f} MB of JSON")
        write_long(Path(folder, "many.parquet"), 1000 * 20 * 100, runs=1000, metrics=20, first=metrics)
        board.ingest(Path(folder, "many.parquet"))

        took, sent = seconds(lambda: overview_page(board))
        print(f"overview of 1,000 runs:                      {took:.3f} s, {len(sent) / 1e6:.2f} MB of JSON")


if __name__ == "__main__":
    main()
