"""Many runs at once: how a metric is spread over groups of runs along the steps, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd

from analysis.store.rollups import LEVELS

POINTS, PASSED = 1_500_000, 5_000_000
"""Points that are read one by one, and points of all metrics of these runs that are passed on the way to them (some
0.2 s each: the rows of a run lie together, those of a metric do not). Of more, blocks of 16 stand for them."""

COLUMNS = ["group", "metric", "unit", "x", "n", "mean", "sd", "low", "high", "q10", "q50", "q90"]


def cohort(
    con: duckdb.DuckDBPyConnection,
    groups: Mapping[str, str],
    metrics: Sequence[str],
    *,
    window: tuple[float, float] | None = None,
    buckets: int = 120,
) -> pd.DataFrame:
    """How the runs of each group are spread, bucket by bucket of steps.

    Each run counts once in a bucket, with the mean of its finite values there (of its last attempt, if it was
    restarted); a run without a value in a bucket is not there: nothing is carried over a gap. Where runs log in
    different distances, buckets are as wide as the seldom ones ask for, so that the band does not change with who
    happened to log. At most `buckets` of them.

    Parameters
    ----------
    groups : run -> name of its group
    window : steps to look at; None takes the whole extent of these runs

    Returns
    -------
    Columns group, metric, unit (runs that log a metric in another unit are another row), x (last step of any run in the bucket), n (runs in it), mean and sd over these runs (sd NaN
    for one), low, high, and the 10, 50 and 90 % quantiles over runs; ordered by group, metric, unit, x.
    """
    runs = pd.DataFrame({"run_id": list(groups), "team": list(groups.values())})
    if runs.empty or not len(metrics):
        return pd.DataFrame(columns=COLUMNS)
    con.register("cohort_runs", runs)
    try:
        low, high, *counts = _extent(con, metrics, window)
        if not np.isfinite(low):
            return pd.DataFrame(columns=COLUMNS)
        rows = _BLOCK_ROWS if _by_blocks(*counts) else _POINT_ROWS
        return con.execute(
            f"""WITH members AS (
                    SELECT series_id, metric, unit, team, run_id FROM series JOIN cohort_runs USING (run_id)
                    WHERE is_primary AND split = 'train' AND metric IN (SELECT unnest($metrics))
                ), paces AS ({_PACES}), parts AS ({rows}),
                per_attempt AS (
                    SELECT team, metric, unit, run_id, bucket, attempt, max(step) AS step, sum(total) / sum(n) AS mean
                    FROM parts WHERE n > 0 GROUP BY ALL
                ), per_run AS (
                    SELECT team, metric, unit, bucket, max(step) AS step, arg_max(mean, attempt) AS mean
                    FROM per_attempt GROUP BY team, metric, unit, run_id, bucket
                )
                SELECT team AS group, metric, unit, max(step) AS x, count(*) AS n, avg(mean) AS mean,
                       stddev_samp(mean) AS sd, min(mean) AS low, max(mean) AS high,
                       quantile_cont(mean, 0.1) AS q10, quantile_cont(mean, 0.5) AS q50,
                       quantile_cont(mean, 0.9) AS q90
                FROM per_run GROUP BY team, metric, unit, bucket ORDER BY team, metric, unit, x""",
            {"metrics": list(metrics), "low": low, "high": high, "buckets": buckets},
        ).df()
    finally:
        con.unregister("cohort_runs")


SELDOM, COARSEST = 0.9, 8
"""Buckets are as wide as nine in ten runs need to have a value in each: the band of fewer would change with who happens
to be there. Runs of fewer than 8 values in view are not waited for: so few buckets show no course."""

_PACES = f"""
    SELECT team, metric, unit,
           least($buckets, floor(($high - $low) / greatest(quantile_cont(apart, {SELDOM}), 1e-9)) + 1) AS buckets
    FROM (SELECT team, metric, unit, (max(last_step) - min(first_step)) / (sum(n) - 1) AS apart
          FROM rollups JOIN members USING (series_id) WHERE level = {LEVELS[-1]}
          GROUP BY team, metric, unit, series_id HAVING sum(n) > 1)
    WHERE apart * ({COARSEST} - 1) <= $high - $low
    GROUP BY ALL"""
"""Buckets of each band."""

_BUCKETS = f"coalesce(buckets, least($buckets, {COARSEST}))"
_BUCKET = f"least(floor(({{x}} - $low) / greatest($high - $low, 1e-9) * {_BUCKETS}), {_BUCKETS} - 1)"

_POINT_ROWS = f"""
    SELECT team, metric, unit, run_id, attempt, step, {_BUCKET.format(x="step")} AS bucket,
           CASE WHEN isfinite(value) THEN value ELSE 0 END AS total, isfinite(value)::INTEGER AS n
    FROM points JOIN members USING (series_id) LEFT JOIN paces USING (team, metric, unit)
    WHERE step BETWEEN $low AND $high"""

_BLOCK_ROWS = f"""
    SELECT team, metric, unit, run_id, attempt, last_step AS step, {_BUCKET.format(x="last_step")} AS bucket,
           total, n - nonfinite AS n
    FROM rollups JOIN members USING (series_id) LEFT JOIN paces USING (team, metric, unit)
    WHERE level = {LEVELS[0]} AND last_step >= $low AND first_step <= $high"""


def _by_blocks(points: float, passed: float, series: float) -> bool:
    """Whether blocks are read: for many points; for few that lie far apart only where as many blocks show a course."""
    few = points < LEVELS[0] * COARSEST * series
    return points > POINTS or (passed > PASSED and not few)


def _extent(
    con: duckdb.DuckDBPyConnection, metrics: Sequence[str], window: tuple[float, float] | None
) -> tuple[float, float, float, float, float]:
    """First and last step to look at, about how many points lie between them, how many these runs have in all, and series."""
    (row,) = con.execute(
        f"""SELECT min(first_step) FILTER (asked), max(last_step) FILTER (asked), sum(n) FILTER (asked), sum(n),
                   count(DISTINCT series_id) FILTER (asked)
            FROM rollups JOIN (
                SELECT series_id, is_primary AND split = 'train' AND list_contains(?, metric) AS asked
                FROM series JOIN cohort_runs USING (run_id)
            ) USING (series_id)
            WHERE level = {LEVELS[-1]}""",
        [list(metrics)],
    ).fetchall()
    if row[0] is None:
        return np.nan, np.nan, 0.0, 0.0, 0.0
    first, last, points, passed, series = (float(value) for value in row)
    if window is None:
        return first, last, points, passed, series
    low, high = max(window[0], first), min(window[1], last)
    return low, high, points * max(high - low, 0.0) / max(last - first, 1e-9), passed, series
