"""Axes other than the step: another metric of the run, or times that only another log of the run tells."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from analysis.store.buckets import Columns, fetched, taken
from analysis.store.rollups import LEVELS

LONGEST_CLOCK = 20_000
"""Points of a run's clock: above it block ends are enough, since a screen has fewer columns."""


def on_metric(drawn: Columns, axis: Columns) -> Columns:
    """Put curves over another metric of their run: its value at the same step, or at the last one before.

    Parameters
    ----------
    drawn : curves by step (columns run, x and others)
    axis : the curve of the other metric by step (columns run, x, mean); what is NaN there is no place
    """
    axis = taken(axis, ~np.isnan(axis["mean"]))
    order = np.lexsort((axis["seq"], axis["attempt"], axis["x"]))
    x = np.full(len(drawn["x"]), np.nan)
    for run in np.unique(axis["run"]):
        mine = order[axis["run"][order] == run]
        rows = np.flatnonzero(drawn["run"] == run)
        at = np.searchsorted(axis["x"][mine], drawn["x"][rows], side="right") - 1
        x[rows[at >= 0]] = axis["mean"][mine[at[at >= 0]]]
    there = ~np.isnan(x)
    return taken({**drawn, "x": x}, there)


def clocks(con: duckdb.DuckDBPyConnection, runs: Sequence[str]) -> dict[str, Columns]:
    """For each run that has a log with wall times: columns step, time (unix s), both ascending, of its longest such log.

    A trainer_state tells no time, but the event file of the same run does.
    """
    longest = con.execute(
        f"""SELECT run_id, series_id, sum(n) AS n FROM rollups JOIN series USING (series_id)
            WHERE level = {LEVELS[-1]} AND first_time IS NOT NULL AND run_id IN (SELECT unnest(?))
            GROUP BY run_id, series_id
                QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY sum(n) DESC, series_id) = 1""",
        [list(runs)],
    ).fetchall()
    return {run: _clock(con, series, n) for run, series, n in longest}


def _clock(con: duckdb.DuckDBPyConnection, series: int, n: int) -> Columns:
    if n <= LONGEST_CLOCK:
        table, step, time, level = "points", "step", "wall_time", ""
    else:
        size = LEVELS[0] if n <= LONGEST_CLOCK * LEVELS[0] else LEVELS[1]
        table, step, time, level = "rollups", "last_step", "last_time", f"AND level = {size}"
    found = fetched(
        con.execute(
            f"""SELECT {step} AS step, max({time}) AS time FROM {table}
                WHERE series_id = ? {level} AND {time} IS NOT NULL GROUP BY ALL ORDER BY 1""",
            [series],
        )
    )
    return {"step": found["step"], "time": np.maximum.accumulate(found["time"])}


def on_clock(drawn: Columns, clock: Columns) -> Columns:
    """Put the curves of one run, drawn by step, over its clock; steps before its first are left out."""
    at = np.searchsorted(clock["step"], drawn["x"], side="right") - 1
    told = taken(drawn, at >= 0)
    return {**told, "x": clock["time"][at[at >= 0]]}


def steps_between(clock: Columns, window: tuple[float, float]) -> tuple[float, float]:
    """The steps that a window in time covers."""
    inside = clock["step"][(clock["time"] >= window[0]) & (clock["time"] <= window[1])]
    return (float(inside[0]), float(inside[-1])) if len(inside) else (np.inf, np.inf)
