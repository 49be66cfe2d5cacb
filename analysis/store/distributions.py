"""Reading how values spread over steps: from logged histograms, from rollouts, from scored pairs of checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import duckdb
import numpy as np
import pandas as pd

from analysis.distribution import (
    CORE,
    QUANTILES,
    Distribution,
    Floats,
    Pieces,
    common_edges,
    drawn_range,
    pieces,
    quantiles,
    rebinned,
)
from analysis.store.scores import UNIQUE

Source = Literal["rollouts", "pairs", "histograms"]
"""Where values come from; where several have one name, those that hold every value go first."""

STEPS, BINS = 200, 80
"""Rows and bins of a matrix: a column of a panel is then 4 pixels wide, and the matrix has 128 kB."""

CHUNK = 50
"""Vectors of 2,048 rows read at once: 3 MB."""

FIELDS: dict[Source, dict[str, str]] = {
    "rollouts": {name: name for name in ("score", "gold_score", "length", "kl")},
    "pairs": {
        "chosen_score": "chosen_score",
        "rejected_score": "rejected_score",
        "margin": "chosen_score - rejected_score",
    },
}
"""Names of values that have a row of their own, and their expressions."""

# One log of a tag, and of it what no later attempt covers again. Rows are kept in the order in which they were logged,
# so an attempt begins where the step falls.
_LOGGED = """
    WITH logged AS (
        SELECT h.run_id, h.tag, h.step, h.edges, h.counts, h.rowid AS seq
        FROM histograms h JOIN files f USING (file_id) JOIN logs l ON l.log_id = f.log_id
        WHERE h.run_id IN (SELECT unnest(?)) AND (?::VARCHAR IS NULL OR h.tag = ?) AND isfinite(h.step)
        QUALIFY dense_rank() OVER (PARTITION BY h.run_id, h.tag ORDER BY l.rank, l.log_id) = 1
    ), fallen AS (
        SELECT *, coalesce(step < lag(step) OVER (PARTITION BY run_id, tag ORDER BY seq), false)::INTEGER AS fell
        FROM logged
    ), tried AS (
        SELECT *, sum(fell) OVER (PARTITION BY run_id, tag ORDER BY seq) AS attempt FROM fallen
    ), spans AS (
        SELECT run_id, tag, attempt, min(step) AS a, max(step) AS b FROM tried GROUP BY ALL
    ), kept AS (
        SELECT * FROM tried t WHERE NOT EXISTS (
            SELECT 1 FROM spans s WHERE s.run_id = t.run_id AND s.tag = t.tag AND s.attempt > t.attempt
            AND t.step BETWEEN s.a AND s.b)
    )
"""


def distributions(con: duckdb.DuckDBPyConnection, runs: Sequence[str]) -> pd.DataFrame:
    """What can be followed over steps in these runs: run, tag, source, dataset, n_steps, first, last.

    `dataset` is that of scored pairs, "" for the others. Rows without a step have no place on this axis.
    """
    names = list(runs)
    rollouts = ", ".join(
        f"CASE WHEN {expression} IS NOT NULL THEN '{tag}' END" for tag, expression in FIELDS["rollouts"].items()
    )
    margins = ", ".join(f"'{tag}'" for tag in FIELDS["pairs"])
    parts = [
        con.execute(
            f"""SELECT run_id AS run, tag, 'rollouts' AS source, '' AS dataset, count(DISTINCT step) AS n_steps,
                       min(step) AS first, max(step) AS last
                FROM (SELECT run_id, step, unnest([{rollouts}]) AS tag FROM rollouts
                      WHERE run_id IN (SELECT unnest(?)) AND isfinite(step))
                WHERE tag IS NOT NULL GROUP BY run_id, tag""",
            [names],
        ).df(),
        con.execute(
            f"""SELECT run_id AS run, unnest([{margins}]) AS tag, 'pairs' AS source, dataset, n_steps, first, last
                FROM (SELECT run_id, dataset, count(DISTINCT step) AS n_steps, min(step) AS first, max(step) AS last
                      FROM pair_scores WHERE run_id IN (SELECT unnest(?)) AND isfinite(step) GROUP BY run_id, dataset)""",
            [names],
        ).df(),
        con.execute(
            f"""{_LOGGED} SELECT run_id AS run, tag, 'histograms' AS source, '' AS dataset,
                count(DISTINCT step) AS n_steps, min(step) AS first, max(step) AS last FROM kept GROUP BY run_id, tag""",
            [names, None, None],
        ).df(),
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["run", "source", "dataset", "tag"], ignore_index=True)


def distribution(
    con: duckdb.DuckDBPyConnection,
    run: str,
    tag: str,
    *,
    source: Source | None = None,
    dataset: str | None = None,
    values: tuple[float, float] | None = None,
    steps: int = STEPS,
    bins: int = BINS,
) -> Distribution:
    """One of `distributions` as a matrix, at most `steps` rows of `bins` common bins; no rows if nothing has that name.

    More steps than rows are summed in stretches of equal length. Of a step that was logged again after a restart the
    last attempt counts, of a pair that was scored twice the first row; rollouts name no attempt and all count.

    Parameters
    ----------
    source : None for the first of `Source` that has the name
    dataset : of pairs; None for all together
    values : range of the bins, in the unit of the values; None for all of them, but for long tails
        (see `analysis.distribution.LONG_TAILS`)

    Raises
    ------
    ValueError
        If the range of values is empty, or there are fewer than 1 step or bin.
    """
    if steps < 1 or bins < 1 or (values and not values[0] < values[1]):
        raise ValueError(f"steps and bins must be at least 1, and values ascend; got {steps}, {bins}, {values}")
    for one in (source,) if source else get_args(Source):
        query, given = _query(run, tag, one, dataset)
        found = _matrix(con, query, given, values, steps, bins) if query else Distribution.empty()
        if len(found):
            return found
    return Distribution.empty()


def _query(run: str, tag: str, source: Source, dataset: str | None) -> tuple[str, list[object]]:
    """Rows step, low, high, n of one distribution, and the query's parameters; "" if the source has no such name."""
    if source == "histograms":
        bins = "unnest(edges[:-2]) AS low, unnest(edges[2:]) AS high, unnest(counts) AS n"
        return f"{_LOGGED} SELECT step, {bins} FROM kept WHERE len(edges) = len(counts) + 1", [[run], tag, tag]
    value = FIELDS[source].get(tag)
    if value is None:
        return "", []
    table, given = ("rollouts", [run]) if source == "rollouts" else (f"({UNIQUE})", [run, dataset, dataset])
    which = "run_id = ? AND " if source == "rollouts" else ""
    return (
        f"""SELECT step, value AS low, value AS high, 1.0::DOUBLE AS n FROM (SELECT step, {value} AS value FROM {table}
            WHERE {which}isfinite(step)) WHERE value IS NOT NULL""",
        list(given),
    )


def _matrix(
    con: duckdb.DuckDBPyConnection,
    query: str,
    given: list[object],
    values: tuple[float, float] | None,
    steps: int,
    bins: int,
) -> Distribution:
    """Read the rows twice: for their range and quantiles, then for their counts; DuckDB sorts, one stretch is here at a time."""
    spans, ranges, found = [], [], []
    for first, last, part in _stretches(con, query, given, steps):
        spans.append((first, last, part.missing))
        ranges.append((part.left.min(), part.right.max()) if part.total else (np.nan, np.nan))
        found.append(quantiles(part, (*QUANTILES, *CORE)))
    if not spans:
        return Distribution.empty()
    at, extent = np.array(found), np.array(ranges)
    if values is None and np.isfinite(extent).any():
        low, high = float(np.nanmin(extent[:, 0])), float(np.nanmax(extent[:, 1]))
        values = drawn_range(low, high, float(np.nanmin(at[:, -2])), float(np.nanmax(at[:, -1])))
    edges = common_edges(*(values or (0.0, 1.0)), bins)
    binned = [rebinned(part, edges) for _, _, part in _stretches(con, query, given, steps)]
    counts, below, above = zip(*binned, strict=True)
    starts, ends, missing = np.array(spans, float).T
    return Distribution(
        starts, ends, edges, np.array(counts), np.array(below), np.array(above), missing, at[:, : len(QUANTILES)]
    )


def _stretches(
    con: duckdb.DuckDBPyConnection, query: str, given: list[object], steps: int
) -> Iterator[tuple[float, float, Pieces]]:
    """First and last step of each row of the matrix, and what was counted in it, in ascending order of steps."""
    con.execute(
        f"""WITH pieces AS ({query}), sized AS (
                SELECT min(step) AS a, max(step) AS b, count(DISTINCT step) AS k FROM pieces
            )
            SELECT CASE WHEN k <= {steps} THEN step
                        ELSE least(floor((step - a) / (b - a) * {steps}), {steps - 1}) END AS stretch, step, low, high, n
            FROM pieces, sized ORDER BY stretch""",
        given,
    )
    rest = np.zeros((0, 5))
    while len(chunk := con.fetch_df_chunk(CHUNK)):
        rows = np.concatenate([rest, chunk.to_numpy(np.float64)])
        ends = np.flatnonzero(np.diff(rows[:, 0])) + 1
        *whole, rest = np.split(rows, ends)
        yield from map(_stretch, whole)
    if len(rest):
        yield _stretch(rest)


def _stretch(rows: Floats) -> tuple[float, float, Pieces]:
    _, step, low, high, n = rows.T
    return float(step.min()), float(step.max()), pieces(low, high, n)
