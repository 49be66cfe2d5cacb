"""Curves of the size of a word, for many runs at once."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.store.buckets import Columns, fetched, taken
from analysis.store.named import Catalogue, Named, column
from analysis.store.rollups import LEVELS

POINTS = 64
"""Points of a sparkline: about one a pixel of a table cell."""


def sparklines(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, runs: Sequence[str], metrics: Sequence[str]
) -> pd.DataFrame:
    """At most `POINTS` points a curve of the last attempt: run, metric, x, mean, low, high, nonfinite.

    Curves stand together, ordered by run and metric; both are categorical. mean, low and high are over finite values,
    NaN where a point has none; `nonfinite` counts the others.
    """
    series = catalogue.of(runs, metrics, "train")
    attempt, length = _last_attempts(con, series)
    finest = LEVELS[0]
    # short curves are read point by point, long ones by blocks, of which each is as wide as `finest` points
    short = length <= LEVELS[1]
    width = np.where(short, np.ceil(length / POINTS), finest * np.ceil(length / (finest * POINTS))).clip(min=1)
    parts = [_points(con, series.ids[short])]
    parts += [] if short.all() else [_blocks(con, series.ids[~short])]
    read = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    place = series.places(read["series_id"])
    newest = read["attempt"] == attempt[place]
    read, place = taken(read, newest), place[newest]
    # rows that were committed since their number was read belong to the last point, and to no other curve
    key = place * POINTS + (read["seq"] // width[place]).astype(np.intp).clip(max=POINTS - 1)
    drawn, key = _summed(read, key, len(series.ids) * POINTS)
    names = {"run": column(series.runs, key // POINTS), "metric": column(series.metrics, key // POINTS)}
    return pd.DataFrame({**names, **drawn}, copy=False)


def _last_attempts(
    con: duckdb.DuckDBPyConnection, series: Named
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The last attempt of each series, and how many points it has."""
    attempt, length = np.zeros(len(series.ids), np.int64), np.zeros(len(series.ids), np.int64)
    ends = con.execute(
        f"""SELECT series_id, max(attempt) AS attempt, arg_max(last_seq, (attempt, last_seq)) + 1 AS length FROM rollups
            WHERE level = {LEVELS[-1]} AND series_id IN (SELECT unnest(?)) GROUP BY series_id""",
        [series.ids.tolist()],
    ).fetchnumpy()
    place = series.places(ends["series_id"])
    attempt[place], length[place] = ends["attempt"], ends["length"]
    return attempt, length


def _points(con: duckdb.DuckDBPyConnection, ids: npt.NDArray[np.int64]) -> Columns:
    read = fetched(
        con.execute(
            """SELECT series_id, attempt, seq, step AS x, value AS low FROM points
               WHERE series_id IN (SELECT unnest(?))""",
            [ids.tolist()],
        )
    )
    finite = np.isfinite(read["low"])
    counts = {"n": finite.astype(np.int64), "nonfinite": (~finite).astype(np.int64)}
    return {**read, "high": read["low"], "total": read["low"], **counts}


def _blocks(con: duckdb.DuckDBPyConnection, ids: npt.NDArray[np.int64]) -> Columns:
    return fetched(
        con.execute(
            f"""SELECT series_id, attempt, block * {LEVELS[0]} AS seq, last_step AS x, low, high, total,
                       n - nonfinite AS n, nonfinite
                FROM rollups WHERE level = {LEVELS[0]} AND series_id IN (SELECT unnest(?))""",
            [ids.tolist()],
        )
    )


def _summed(rows: Columns, key: npt.NDArray[np.intp], keys: int) -> tuple[Columns, npt.NDArray[np.intp]]:
    """Rows of one key as one point, and the keys that there are, ascending."""
    held = np.flatnonzero(np.bincount(key, minlength=keys))
    some = rows["n"] > 0
    least, greatest, last = (np.full(keys, start) for start in (np.inf, -np.inf, -np.inf))
    np.minimum.at(least, key[some], rows["low"][some])
    np.maximum.at(greatest, key[some], rows["high"][some])
    np.maximum.at(last, key, rows["x"])
    n, total, nonfinite = (
        np.bincount(key[part], weights=rows[name][part], minlength=keys)[held]
        for name, part in (("n", some), ("total", some), ("nonfinite", slice(None)))
    )
    known = n > 0
    return {
        "x": last[held],
        "mean": np.divide(total, n, out=np.full(len(held), np.nan), where=known),
        "low": np.where(known, least[held], np.nan),
        "high": np.where(known, greatest[held], np.nan),
        "nonfinite": nonfinite.astype(np.int64),
    }, held
