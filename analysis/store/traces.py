"""Reading curves: as many points as will be drawn, with their extremes, whatever the length of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.store import axes
from analysis.store.buckets import DRAWN, Columns, bucketed, joined, taken
from analysis.store.named import Catalogue, Named, column
from analysis.store.rollups import LEVELS

Axis = Literal["step", "time", "kl", "tokens", "episode", "epoch"]

AXIS_CONCEPT = {
    "kl": "kl.to_reference",
    "tokens": "tokens.total",
    "episode": "step.episodes",
    "epoch": "epoch",
}

COLUMNS = ["run", "metric", "split", "attempt", "superseded", *DRAWN[3:]]


def traces(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    runs: Sequence[str],
    metrics: Sequence[str],
    *,
    x: Axis = "step",
    window: tuple[float, float] | None = None,
    buckets: int = 1200,
) -> pd.DataFrame:
    """Curves of the primary series of `metrics` in `runs`, in at most `buckets` buckets each.

    Returns columns run, metric, split (all three categorical), attempt, superseded, x, step, low, high, mean, last, n,
    nonfinite; low, high and mean are over finite values (NaN if a bucket has none), `nonfinite` counts the others.
    `superseded` marks points of an older attempt at steps that a later attempt covers again. Ordered by run, metric,
    split, attempt and x; along another metric by step. A log without times takes them by step from another log of its
    run.
    """
    concept = AXIS_CONCEPT.get(x, "")
    series = catalogue.of(runs, [*metrics, *([concept] if concept else [])])
    asked = set(metrics)
    wanted = series.some([metric in asked for metric in series.metrics])
    if not wanted:
        drawn = joined(())
    elif x == "time":
        drawn = _by_time(con, series, window, buckets)
    else:
        drawn = bucketed(con, wanted, None if concept else window, buckets, time_axis=False)
    drawn["superseded"] = _superseded(con, drawn)
    if concept and wanted:
        drawn = _over_metric(con, series, concept, drawn, window, buckets)
    place = series.places(drawn["series_id"])
    order = np.lexsort((drawn["seq"], drawn["step" if concept else "x"], drawn["attempt"], place))
    return _table(series, place[order], taken(drawn, order))


def _table(series: Named, place: npt.NDArray[np.intp], drawn: Columns) -> pd.DataFrame:
    names = {"run": series.runs, "metric": series.metrics, "split": series.splits}
    told = {name: column(words, place) for name, words in names.items()}
    return pd.DataFrame({name: told.get(name, drawn.get(name)) for name in COLUMNS}, copy=False)


def _over_metric(
    con: duckdb.DuckDBPyConnection,
    series: Named,
    concept: str,
    drawn: Columns,
    window: tuple[float, float] | None,
    buckets: int,
) -> Columns:
    along = [m == concept and split == "train" for m, split in zip(series.metrics, series.splits, strict=True)]
    if not any(along):
        return taken(drawn, np.zeros(0, np.intp))
    axis = bucketed(con, series.some(along), None, buckets, time_axis=False)
    axis = taken(axis, ~_superseded(con, axis))
    drawn = taken(drawn, ~drawn["superseded"])
    codes = np.unique(np.array(series.runs, dtype=object), return_inverse=True)[1]
    for part in (drawn, axis):
        part["run"] = codes[series.places(part["series_id"])]
    drawn = axes.on_metric(drawn, axis)
    if window is not None:
        drawn = taken(drawn, (drawn["x"] >= window[0]) & (drawn["x"] <= window[1]))
    return drawn


def _by_time(
    con: duckdb.DuckDBPyConnection, series: Named, window: tuple[float, float] | None, buckets: int
) -> Columns:
    ids = series.ids.tolist()
    timed = {
        number
        for (number,) in con.execute(
            f"""SELECT DISTINCT series_id FROM rollups WHERE level = {LEVELS[-1]} AND first_time IS NOT NULL
                AND series_id IN (SELECT unnest(?))""",
            [ids],
        ).fetchall()
    }
    parts = [bucketed(con, sorted(timed), window, buckets, time_axis=True)]
    untimed = {run for number, run in zip(ids, series.runs, strict=True) if number not in timed}
    for run, clock in axes.clocks(con, sorted(untimed)).items() if untimed else ():
        mine = [number for number, owner in zip(ids, series.runs, strict=True) if owner == run and number not in timed]
        steps = axes.steps_between(clock, window) if window else None
        parts.append(axes.on_clock(bucketed(con, mine, steps, buckets, time_axis=False), clock))
    return joined(parts)


def _superseded(con: duckdb.DuckDBPyConnection, drawn: Columns) -> npt.NDArray[np.bool_]:
    """True where a later attempt of the series covers the same steps again."""
    old = np.zeros(len(drawn["attempt"]), bool)
    restarted = np.unique(drawn["series_id"][drawn["attempt"] > 0])
    if not len(restarted):
        return old
    spans = con.execute(
        f"""SELECT series_id, attempt, min(first_step) AS a, max(last_step) AS b FROM rollups
            WHERE level = {LEVELS[-1]} AND attempt > 0 AND series_id IN (SELECT unnest(?)) GROUP BY ALL""",
        [restarted.tolist()],
    ).fetchall()
    step = drawn["step"]
    for number, attempt, a, b in spans:
        old |= (drawn["series_id"] == number) & (drawn["attempt"] < attempt) & (step >= a) & (step <= b)
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
