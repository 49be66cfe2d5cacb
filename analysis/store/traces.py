"""Reading curves: as many points as will be drawn, with their extremes, whatever the length of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import duckdb
import numpy as np
import pandas as pd

from analysis.store import axes
from analysis.store.rollups import LEVELS

Axis = Literal["step", "time", "kl", "tokens", "episode", "epoch"]

AXIS_CONCEPT = {
    "kl": "kl.to_reference",
    "tokens": "tokens.total",
    "episode": "step.episodes",
    "epoch": "epoch",
}

BLOCKS_A_BUCKET = 32
"""Rows read for each drawn bucket before the coarser level is taken: 6 panels x 1,200 x 32 rows take 30 ms."""

SPARK_POINTS = 64
"""Points of a sparkline: about one a pixel of a table cell."""

COLUMNS = [
    "run",
    "metric",
    "split",
    "attempt",
    "superseded",
    "x",
    "step",
    "low",
    "high",
    "mean",
    "last",
    "n",
    "nonfinite",
]


def traces(
    con: duckdb.DuckDBPyConnection,
    runs: Sequence[str],
    metrics: Sequence[str],
    *,
    x: Axis = "step",
    window: tuple[float, float] | None = None,
    buckets: int = 1200,
) -> pd.DataFrame:
    """Curves of the primary series of `metrics` in `runs`, in at most `buckets` buckets each.

    Returns columns run, metric, split, attempt, superseded, x, step, low, high, mean, last, n, nonfinite; low,
    high and mean are over finite values (NaN if a bucket has none), `nonfinite` counts the others. `superseded`
    marks points of an older attempt at steps that a later attempt covers again. A log without times takes them
    by step from another log of its run.
    """
    series = con.execute(
        """SELECT series_id, run_id AS run, metric, split FROM series
           WHERE is_primary AND run_id IN (SELECT unnest(?)) AND metric IN (SELECT unnest(?))""",
        [list(runs), list(metrics)],
    ).df()
    if series.empty:
        return pd.DataFrame(columns=COLUMNS)
    if x in AXIS_CONCEPT:
        return _over_metric(con, runs, metrics, AXIS_CONCEPT[x], window, buckets)
    if x == "time":
        drawn = _by_time(con, series, window, buckets)
    else:
        drawn = _bucketed(con, series["series_id"].tolist(), window, buckets, time_axis=False)
    drawn = drawn.merge(series, on="series_id")
    drawn["superseded"] = _superseded(con, drawn)
    drawn = drawn.sort_values(["run", "metric", "split", "attempt", "x"], kind="stable", ignore_index=True)
    return drawn[COLUMNS]


def _over_metric(
    con: duckdb.DuckDBPyConnection,
    runs: Sequence[str],
    metrics: Sequence[str],
    concept: str,
    window: tuple[float, float] | None,
    buckets: int,
) -> pd.DataFrame:
    axis = traces(con, runs, [concept], buckets=buckets)
    axis = axis[(axis["split"] == "train") & ~axis["superseded"]]
    drawn = axes.on_metric(traces(con, runs, metrics, buckets=buckets), axis)
    if window is not None:
        drawn = drawn[drawn["x"].between(*window)]
    order = ["run", "metric", "split", "attempt", "step"]
    return drawn.sort_values(order, kind="stable", ignore_index=True)[COLUMNS]


def _by_time(
    con: duckdb.DuckDBPyConnection, series: pd.DataFrame, window: tuple[float, float] | None, buckets: int
) -> pd.DataFrame:
    timed = con.execute(
        f"""SELECT DISTINCT series_id FROM rollups WHERE level = {LEVELS[-1]} AND first_time IS NOT NULL
            AND series_id IN (SELECT unnest(?))""",
        [series["series_id"].tolist()],
    ).df()["series_id"]
    parts = [_bucketed(con, timed.tolist(), window, buckets, time_axis=True)]
    untimed = series[~series["series_id"].isin(timed)]
    for run, clock in axes.clocks(con, untimed["run"].unique().tolist()).items():
        ids = untimed.loc[untimed["run"] == run, "series_id"].tolist()
        steps = axes.steps_between(clock, window) if window else None
        parts.append(axes.on_clock(_bucketed(con, ids, steps, buckets, time_axis=False), clock))
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def _bucketed(
    con: duckdb.DuckDBPyConnection,
    ids: list[int],
    window: tuple[float, float] | None,
    buckets: int,
    time_axis: bool,
) -> pd.DataFrame:
    low, high = window or (-np.inf, np.inf)
    first, last = ("first_time", "last_time") if time_axis else ("first_step", "last_step")
    sizes = con.execute(
        f"""SELECT series_id, sum(n) AS n, min({first}) AS a, max({last}) AS b, count(*) AS blocks FROM rollups
            WHERE series_id IN (SELECT unnest(?)) AND level = {LEVELS[-1]} AND {last} >= ? AND {first} <= ?
            GROUP BY series_id""",
        [ids, low, high],
    ).df()
    if window is not None and not sizes.empty:
        share = _share(con, ids, low, high, first, last)
        sizes = sizes.merge(share, on="series_id", how="left")
        sizes["n"] = sizes["m"].fillna(0)
    # the finest of points and levels that has few enough rows for the buckets
    parts, rest = [], sizes
    for level in (1, *LEVELS):
        fits = rest["n"] <= level * buckets * BLOCKS_A_BUCKET if level < LEVELS[-1] else rest["n"] >= 0
        chosen, rest = rest[fits], rest[~fits]
        if level == 1:
            parts.append(_points(con, chosen, low, high, buckets, time_axis))
        else:
            parts.append(_blocks(con, chosen, level, low, high, buckets, first, last))
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def _share(
    con: duckdb.DuckDBPyConnection, ids: list[int], low: float, high: float, first: str, last: str
) -> pd.DataFrame:
    """Points inside a window, to within a block of 64 at each end."""
    return con.execute(
        f"""SELECT series_id, sum(n) AS m FROM rollups WHERE series_id IN (SELECT unnest(?))
            AND level = {LEVELS[0]} AND {last} >= ? AND {first} <= ? GROUP BY series_id""",
        [ids, low, high],
    ).df()


_BUCKET = "least(greatest(floor(({x} - c.a) / nullif(c.b - c.a, 0) * {buckets}), 0), {buckets} - 1)"


def _points(
    con: duckdb.DuckDBPyConnection,
    chosen: pd.DataFrame,
    low: float,
    high: float,
    buckets: int,
    time_axis: bool,
) -> pd.DataFrame:
    if chosen.empty:
        return _empty()
    axis = "wall_time" if time_axis else "step"
    ids = chosen["series_id"].tolist()
    alone = bool((chosen["n"] <= buckets).all())
    con.register("chosen", _clipped(chosen, low, high))
    bucket = "seq" if alone else _BUCKET.format(x=f"p.{axis}", buckets=buckets)
    answer = con.execute(
        f"""SELECT p.series_id, attempt, {bucket} AS bucket, arg_max(p.{axis}, seq) AS x, max(p.step) AS step,
                min(value) FILTER (isfinite(value)) AS low, max(value) FILTER (isfinite(value)) AS high,
                avg(value) FILTER (isfinite(value)) AS mean, arg_max(value, seq) AS last,
                count(*) AS n, count(*) FILTER (NOT isfinite(value)) AS nonfinite
            FROM points p JOIN chosen c USING (series_id)
            WHERE p.series_id IN (SELECT unnest(?)) AND p.{axis} BETWEEN ? AND ?
            GROUP BY ALL""",
        [ids, low, high],
    ).df()
    con.unregister("chosen")
    return answer.drop(columns="bucket")


def _blocks(
    con: duckdb.DuckDBPyConnection,
    chosen: pd.DataFrame,
    level: int,
    low: float,
    high: float,
    buckets: int,
    first: str,
    last: str,
) -> pd.DataFrame:
    if chosen.empty:
        return _empty()
    con.register("chosen", _clipped(chosen, low, high))
    answer = con.execute(
        f"""SELECT r.series_id, attempt, {_BUCKET.format(x=f"r.{last}", buckets=buckets)} AS bucket,
                max(r.{last}) AS x, max(last_step) AS step, min(low) AS low, max(high) AS high,
                sum(total) / nullif(sum(n - nonfinite), 0) AS mean, arg_max(last, (block, last_seq)) AS last,
                sum(n)::BIGINT AS n, sum(nonfinite)::BIGINT AS nonfinite
            FROM rollups r JOIN chosen c USING (series_id)
            WHERE r.series_id IN (SELECT unnest(?)) AND level = ? AND {last} >= ? AND {first} <= ?
            GROUP BY ALL""",
        [chosen["series_id"].tolist(), level, low, high],
    ).df()
    con.unregister("chosen")
    return answer.drop(columns="bucket")


def _clipped(chosen: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    return chosen.assign(a=chosen["a"].clip(lower=low), b=chosen["b"].clip(upper=high))[["series_id", "a", "b"]]


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=["series_id", "attempt", "x", "step", "low", "high", "mean", "last", "n", "nonfinite"])


def _superseded(con: duckdb.DuckDBPyConnection, drawn: pd.DataFrame) -> pd.Series:
    """True where a later attempt of the series covers the same steps again."""
    old = pd.Series(False, index=drawn.index)
    restarted = drawn.loc[drawn["attempt"] > 0, "series_id"].unique()
    if not len(restarted):
        return old
    spans = con.execute(
        f"""SELECT series_id, attempt, min(first_step) AS a, max(last_step) AS b FROM rollups
            WHERE level = {LEVELS[-1]} AND series_id IN (SELECT unnest(?)) GROUP BY ALL""",
        [[int(i) for i in restarted]],
    ).df()
    for span in spans[spans["attempt"] > 0].itertuples():
        old |= (
            (drawn["series_id"] == span.series_id)
            & (drawn["attempt"] < span.attempt)
            & drawn["step"].between(span.a, span.b)
        )
    return old


def series(con: duckdb.DuckDBPyConnection, run: str, metric: str, split: str | None) -> pd.DataFrame:
    """All rows of a primary series: step, wall_time, value; of each step the last attempt's rows.

    `metric` is a canonical name, or the name as logged.
    """
    return con.execute(
        """SELECT split, attempt, step, wall_time, value FROM points JOIN series USING (series_id)
           WHERE is_primary AND run_id = ? AND ? IN (metric, key, tag) AND (?::VARCHAR IS NULL OR split = ?)
           QUALIFY attempt = max(attempt) OVER (PARTITION BY series_id, step)
           ORDER BY split, step, attempt, seq""",
        [run, metric, split, split],
    ).df()


def sparklines(con: duckdb.DuckDBPyConnection, runs: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """At most `SPARK_POINTS` points a curve of the last attempt: run, metric, x, mean, low, high, nonfinite.

    mean, low and high are over finite values, NaN where a point has none; `nonfinite` counts the others.
    """
    return con.execute(
        f"""WITH chosen AS (
                SELECT series_id, run_id AS run, metric FROM series
                WHERE is_primary AND split = 'train' AND run_id IN (SELECT unnest(?)) AND metric IN (SELECT unnest(?))
            ), sized AS (
                SELECT series_id, attempt, max(last_seq) AS top FROM rollups
                WHERE level = {LEVELS[-1]} AND series_id IN (SELECT series_id FROM chosen)
                GROUP BY series_id, attempt
                QUALIFY attempt = max(attempt) OVER (PARTITION BY series_id)
            ), short AS (
                SELECT series_id, attempt, floor(seq / greatest(ceil((top + 1) / {SPARK_POINTS}), 1)) AS bucket,
                       max(step) AS x, avg(value) FILTER (isfinite(value)) AS mean,
                       min(value) FILTER (isfinite(value)) AS low, max(value) FILTER (isfinite(value)) AS high,
                       count(*) FILTER (NOT isfinite(value)) AS nonfinite
                FROM points JOIN sized USING (series_id, attempt) WHERE top < {LEVELS[1]} GROUP BY ALL
            ), long AS (
                SELECT series_id, attempt, floor(block / greatest(ceil((top + 1) / ({LEVELS[0]} * {SPARK_POINTS})), 1))
                       AS bucket, max(last_step) AS x, sum(total) / nullif(sum(n - nonfinite), 0) AS mean,
                       min(low) AS low, max(high) AS high, sum(nonfinite)::BIGINT AS nonfinite
                FROM rollups JOIN sized USING (series_id, attempt)
                WHERE level = {LEVELS[0]} AND top >= {LEVELS[1]} GROUP BY ALL
            )
            SELECT run, metric, x, mean, low, high, nonfinite
            FROM (SELECT * FROM short UNION ALL SELECT * FROM long) JOIN chosen USING (series_id)
            ORDER BY run, metric, bucket""",
        [list(runs), list(metrics)],
    ).df()
