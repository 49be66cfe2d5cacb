"""Points of series as arrays: each as logged where few are in view, otherwise summed up in buckets along an axis.

Arrays and not frames: a page asks for a dozen curves many times a minute, and of small frames their upkeep is the cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from analysis.store.rollups import LEVELS

BLOCKS_A_BUCKET = 32
"""Rows read for each drawn bucket before the coarser level is taken: 6 panels x 1,200 x 32 rows take 30 ms."""

Columns = dict[str, npt.NDArray[Any]]
"""Columns of one length by their names."""

DRAWN = ("series_id", "attempt", "seq", "x", "step", "low", "high", "mean", "last", "n", "nonfinite")
"""Of a drawn bucket; `seq` is the place of its last point in the attempt."""


def fetched(answer: duckdb.DuckDBPyConnection) -> Columns:
    """The answer of a query as arrays; NULL becomes NaN."""
    return {
        name: np.ma.filled(column.astype(float), np.nan) if isinstance(column, np.ma.MaskedArray) else column
        for name, column in answer.fetchnumpy().items()
    }


def taken(columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[Any]) -> Columns:
    """Some rows, by number or by mask."""
    return {name: column[rows] for name, column in columns.items()}


def joined(parts: Sequence[Columns]) -> Columns:
    """One below the other; of nothing, nothing with the names of `DRAWN`."""
    held = [part for part in parts if len(part["series_id"])]
    if len(held) == 1:
        return held[0]
    return {name: np.concatenate([p[name] for p in held]) if held else np.zeros(0) for name in DRAWN}


def bucketed(
    con: duckdb.DuckDBPyConnection,
    ids: Sequence[int],
    window: tuple[float, float] | None,
    buckets: int,
    *,
    time_axis: bool,
) -> Columns:
    """`DRAWN` of these series along step or time, in no order, in at most `buckets` buckets each."""
    low, high = window or (-np.inf, np.inf)
    first, last = ("first_time", "last_time") if time_axis else ("first_step", "last_step")
    rest = fetched(
        con.execute(
            f"""SELECT series_id, sum(n)::BIGINT AS n, min({first}) AS a, max({last}) AS b FROM rollups
                WHERE series_id IN (SELECT unnest(?)) AND level = {LEVELS[-1]} AND {last} >= ? AND {first} <= ?
                GROUP BY series_id""",
            [list(ids), low, high],
        )
    )
    if window is not None and len(rest["n"]):
        rest["n"] = _inside(con, rest["series_id"], low, high, first, last)
        rest["a"], rest["b"] = np.maximum(rest["a"], low), np.minimum(rest["b"], high)
    # the finest of points and levels that has few enough rows for the buckets
    parts = []
    for level in (1, *LEVELS):
        fits = rest["n"] <= (level * buckets * BLOCKS_A_BUCKET if level < LEVELS[-1] else np.inf)
        chosen, rest = taken(rest, fits), taken(rest, ~fits)
        if not len(chosen["n"]):
            continue
        if level > 1:
            parts.append(_blocks(con, chosen, level, low, high, buckets, first, last))
        elif (chosen["n"] <= buckets).all():
            parts.append(_as_logged(con, chosen, low, high, "wall_time" if time_axis else "step"))
        else:
            parts.append(_points(con, chosen, low, high, buckets, "wall_time" if time_axis else "step"))
    return joined(parts)


def _inside(
    con: duckdb.DuckDBPyConnection, ids: npt.NDArray[Any], low: float, high: float, first: str, last: str
) -> npt.NDArray[Any]:
    """Points of each series inside a window, to within a block of the finest level at each end."""
    found = con.execute(
        f"""SELECT series_id, sum(n)::BIGINT FROM rollups WHERE series_id IN (SELECT unnest(?))
            AND level = {LEVELS[0]} AND {last} >= ? AND {first} <= ? GROUP BY series_id""",
        [ids.tolist(), low, high],
    ).fetchall()
    held = dict(found)
    return np.array([held.get(series, 0) for series in ids.tolist()])


def _as_logged(con: duckdb.DuckDBPyConnection, chosen: Columns, low: float, high: float, axis: str) -> Columns:
    """A bucket for each point."""
    points = fetched(
        con.execute(
            f"""SELECT series_id, attempt, seq, {axis} AS x, step, value AS last FROM points
                WHERE series_id IN (SELECT unnest(?)) AND {axis} BETWEEN ? AND ?""",
            [chosen["series_id"].tolist(), low, high],
        )
    )
    finite = np.isfinite(points["last"])
    known = np.where(finite, points["last"], np.nan)
    counts = {"n": np.ones(len(finite), np.int64), "nonfinite": (~finite).astype(np.int64)}
    return {**points, "low": known, "high": known, "mean": known, **counts}


_CHOSEN = "(SELECT unnest(?) AS series_id, unnest(?) AS a, unnest(?) AS b) c"
_BUCKET = "least(greatest(floor(({x} - c.a) / nullif(c.b - c.a, 0) * {buckets}), 0), {buckets} - 1)"


def _points(
    con: duckdb.DuckDBPyConnection, chosen: Columns, low: float, high: float, buckets: int, axis: str
) -> Columns:
    ids = chosen["series_id"].tolist()
    answer = con.execute(
        f"""SELECT p.series_id, attempt, max(seq) AS seq, {_BUCKET.format(x=f"p.{axis}", buckets=buckets)} AS bucket,
                arg_max(p.{axis}, seq) AS x, max(p.step) AS step,
                min(value) FILTER (isfinite(value)) AS low, max(value) FILTER (isfinite(value)) AS high,
                avg(value) FILTER (isfinite(value)) AS mean, arg_max(value, seq) AS last,
                count(*) AS n, count(*) FILTER (NOT isfinite(value)) AS nonfinite
            FROM points p JOIN {_CHOSEN} USING (series_id)
            WHERE p.series_id IN (SELECT unnest(?)) AND p.{axis} BETWEEN ? AND ?
            GROUP BY p.series_id, attempt, bucket""",
        [ids, chosen["a"].tolist(), chosen["b"].tolist(), ids, low, high],
    )
    return fetched(answer)


def _blocks(
    con: duckdb.DuckDBPyConnection,
    chosen: Columns,
    level: int,
    low: float,
    high: float,
    buckets: int,
    first: str,
    last: str,
) -> Columns:
    ids = chosen["series_id"].tolist()
    answer = con.execute(
        f"""SELECT r.series_id, attempt, max(last_seq) AS seq, {_BUCKET.format(x=f"r.{last}", buckets=buckets)} AS bucket,
                max(r.{last}) AS x, max(last_step) AS step, min(low) AS low, max(high) AS high,
                sum(total) / nullif(sum(n - nonfinite), 0) AS mean, arg_max(last, (block, last_seq)) AS last,
                sum(n)::BIGINT AS n, sum(nonfinite)::BIGINT AS nonfinite
            FROM rollups r JOIN {_CHOSEN} USING (series_id)
            WHERE r.series_id IN (SELECT unnest(?)) AND level = ? AND {last} >= ? AND {first} <= ?
            GROUP BY r.series_id, attempt, bucket""",
        [ids, chosen["a"].tolist(), chosen["b"].tolist(), ids, level, low, high],
    )
    return fetched(answer)
