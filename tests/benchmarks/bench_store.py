"""Ten million long-format rows into the store, rollups included; then the queries of the pages.

    python -m tests.benchmarks.bench_store [--rows 10000000]

Prints seconds, rows a second and peak memory, and the server's part of the Run page: six panels of a million
points, a zoom into 2 %, and the list and sparklines of a thousand runs.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis import Board


def write_long(path: Path, rows: int, runs: int, metrics: int, first: Sequence[str] = ()) -> None:
    """A long-format Parquet file: runs and metrics interleaved row by row, as a live tracker exports it.

    `first` names the first metrics; the others are `metric_6` and so on.
    """
    schema = pa.schema([("run", pa.string()), ("metric", pa.string()), ("step", pa.int64()), ("value", pa.float64())])
    rng = np.random.default_rng(0)
    names = (
        np.array([f"run-{i:04d}" for i in range(runs)]),
        np.array([*first, *(f"metric_{i}" for i in range(len(first), metrics))]),
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 1_000_000):
            i = np.arange(start, min(start + 1_000_000, rows))
            columns = [
                names[0][i % runs],
                names[1][i // runs % metrics],
                i // (runs * metrics),
                rng.normal(size=len(i)),
            ]
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema))


def timed(what: str, work: Callable[[], Any], repeat: int = 5) -> Any:
    """Print the median time of `work`; the first call is not counted."""
    answer = work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    print(f"{what:<58} {1000 * median(times):8.1f} ms")
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        many, few = Path(folder, "many.parquet"), Path(folder, "few.parquet")
        write_long(many, rows, runs=1000, metrics=20)
        write_long(few, 6_000_000, runs=1, metrics=6)
        with Board.open(Path(folder, "bench.duckdb")) as board:
            start = time.perf_counter()
            report = board.ingest(many)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(
                f"{rows:,} long rows, {len(report.runs)} runs: {seconds:.1f} s, {rows / seconds:,.0f} rows/s, peak {peak:.2f} GB"
            )
            board.ingest(few)
            runs = [r for r in board.runs()["run"] if r.startswith("many/")]
            assert len(runs) == 1000
            timed("overview: list of 1,000 runs", board.runs)
            timed(
                "overview: sparklines of 2 metrics of 1,000 runs",
                lambda: board.sparklines(runs, ["metric_0", "metric_1"]),
            )
            one = next(r for r in board.runs()["run"] if r not in runs and r.startswith("few"))
            six = [f"metric_{i}" for i in range(6)]
            whole = timed("run page: 6 panels of 1,000,000 points", lambda: board.traces([one], six))
            timed("run page: zoom into 2 %", lambda: board.traces([one], six, window=(500_000, 520_000)))
            print(f"points drawn {len(whole):,} for {int(whole['n'].sum()):,}")


if __name__ == "__main__":
    main()
