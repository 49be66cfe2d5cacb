"""Axes other than the step: another metric of the run, or times that only another log of the run tells."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

from analysis.store.rollups import LEVELS

LONGEST_CLOCK = 20_000
"""Points of a run's clock: above it block ends are enough, since a screen has fewer columns."""


def on_metric(drawn: pd.DataFrame, axis: pd.DataFrame) -> pd.DataFrame:
    """Put curves over another metric of their run: its value at the same step, or at the last one before.

    Parameters
    ----------
    drawn : curves by step (columns run, x, superseded and others)
    axis : the curve of the other metric by step (columns run, x, mean)
    """
    values = axis[["run", "x", "mean"]].rename(columns={"mean": "axis"}).dropna()
    if values.empty:
        return drawn.iloc[:0]
    left = drawn[~drawn["superseded"]].sort_values("x")
    joined = pd.merge_asof(left, values.sort_values("x"), on="x", by="run", direction="backward")
    joined = joined.dropna(subset=["axis"])
    return joined.assign(x=joined["axis"]).drop(columns="axis")


def clocks(con: duckdb.DuckDBPyConnection, runs: Sequence[str]) -> dict[str, pd.DataFrame]:
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


def _clock(con: duckdb.DuckDBPyConnection, series: int, n: int) -> pd.DataFrame:
    if n <= LONGEST_CLOCK:
        table, step, time, level = "points", "step", "wall_time", ""
    else:
        size = LEVELS[0] if n <= LONGEST_CLOCK * LEVELS[0] else LEVELS[1]
        table, step, time, level = "rollups", "last_step", "last_time", f"AND level = {size}"
    table_of_steps = con.execute(
        f"""SELECT {step} AS step, max({time}) AS time FROM {table}
            WHERE series_id = ? {level} AND {time} IS NOT NULL GROUP BY ALL ORDER BY 1""",
        [series],
    ).df()
    return table_of_steps.assign(time=np.maximum.accumulate(table_of_steps["time"].to_numpy()))


def on_clock(drawn: pd.DataFrame, clock: pd.DataFrame) -> pd.DataFrame:
    """Put the curves of one run, drawn by step, over its clock; steps before its first are left out."""
    at = np.searchsorted(clock["step"].to_numpy(), drawn["x"].to_numpy(dtype=float), side="right") - 1
    told = drawn[at >= 0]
    return told.assign(x=clock["time"].to_numpy()[at[at >= 0]])


def steps_between(clock: pd.DataFrame, window: tuple[float, float]) -> tuple[float, float]:
    """The steps that a window in time covers."""
    steps, times = clock["step"].to_numpy(), clock["time"].to_numpy()
    inside = steps[(times >= window[0]) & (times <= window[1])]
    return (float(inside[0]), float(inside[-1])) if len(inside) else (np.inf, np.inf)
