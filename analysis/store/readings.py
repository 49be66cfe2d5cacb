"""All curves of a run for a diagnosis: row by row where they are short, in blocks that later rows do not change where they are long."""

from __future__ import annotations

import duckdb
import pandas as pd

from analysis.store.rollups import LEVELS

BLOCK = LEVELS[0]
"""Rows of the shortest blocks that the store keeps sums of."""

MOST_BAD = 64
"""Steps without a finite value that are told of each curve: the first ones say when it began."""


def curves(con: duckdb.DuckDBPyConnection, run: str, whole: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Primary curves of a run, the last attempt of each step.

    Parameters
    ----------
    whole : rows that are read one by one, an even number; those of each further doubling are averaged in blocks of 2, 4, 8 ..., and a
        block that is not full yet is left out

    Returns
    -------
    (metric, split, unit, estimator, tag, scale, sign, concept, step, value) by metric and step, value null where no row of a
    block is finite; and (metric, split, step) of rows that are not finite
    """
    con.begin()  # all of it as of one moment: a restart that is committed in between would be read as if it were none
    try:
        return _curves(con, run, whole)
    finally:
        con.rollback()


def _curves(con: duckdb.DuckDBPyConnection, run: str, whole: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    series = con.execute(
        """SELECT series_id, metric, split, concept, unit, estimator, tag, scale, sign, attempts, bad FROM series JOIN (
               SELECT series_id, max(attempt) + 1 AS attempts, sum(nonfinite) AS bad FROM rollups
               WHERE level = ? GROUP BY 1) USING (series_id)
           WHERE is_primary AND NOT counter AND run_id = ?""",
        [BLOCK, run],
    ).df()
    restarted = series["attempts"] > 1
    rows = [
        con.execute(question.format(whole=whole), {"ids": ids}).df()
        for question, chosen in ((_FIRST_ROWS, ~restarted), (_LATER_BLOCKS, ~restarted), (_LAST_ATTEMPTS, restarted))
        if (ids := series.loc[chosen, "series_id"].tolist())
    ]
    bad = con.execute(
        f"""SELECT series_id, step FROM points WHERE series_id IN (SELECT unnest(?)) AND NOT isfinite(value)
            QUALIFY row_number() OVER (PARTITION BY series_id ORDER BY step) <= {MOST_BAD} ORDER BY series_id, step""",
        [series.loc[series["bad"] > 0, "series_id"].tolist()],
    ).df()
    names = series.drop(columns=["attempts", "bad"])
    found = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["series_id", "step", "value"])
    found = found.sort_values(["series_id", "step"], kind="stable", ignore_index=True)
    return found.merge(names, on="series_id"), bad.merge(names[["series_id", "metric", "split"]], on="series_id")


_LEVEL = "CASE WHEN i < {whole} THEN 0 ELSE floor(log2(i / {whole})) + 1 END"
"""How often the number of rows had doubled beyond `whole`: so long are the blocks, as a power of 2."""

_BLOCKED = f"""
    SELECT series_id, max(step) AS step, avg(value) FILTER (isfinite(value)) AS value
    FROM (SELECT *, CAST({_LEVEL} AS INTEGER) AS k FROM numbered) GROUP BY series_id, k, i >> k HAVING count(*) = 1 << k"""
"""`whole` is even, so that blocks of 2^k rows begin at multiples of 2^k."""

_FIRST_ROWS = f"""
    WITH numbered AS (
        SELECT series_id, step, value, seq AS i FROM points
        WHERE series_id IN (SELECT unnest($ids)) AND seq < {BLOCK // 2} * {{whole}}
    ) {_BLOCKED}"""
"""Of curves that were never restarted: until blocks are as long as those that the store has summed up already."""

_LATER_BLOCKS = f"""
    SELECT series_id, max(last_step) AS step, sum(total) / nullif(sum(n - nonfinite), 0) AS value
    FROM (
        SELECT *, CAST({_LEVEL} AS INTEGER) AS k FROM (
            SELECT *, block * {BLOCK} AS i FROM rollups
            WHERE level = {BLOCK} AND series_id IN (SELECT unnest($ids)) AND block >= {{whole}} // 2
        )
    ) GROUP BY series_id, k, i >> k HAVING sum(n) = 1 << k"""
"""The same blocks as from the rows, of a sixteenth of the reading."""

_LAST_ATTEMPTS = f"""
    WITH numbered AS (
        SELECT series_id, step, value, row_number() OVER (PARTITION BY series_id ORDER BY step, seq) - 1 AS i FROM (
            SELECT series_id, step, value, seq FROM points WHERE series_id IN (SELECT unnest($ids))
            QUALIFY attempt = max(attempt) OVER (PARTITION BY series_id, step)
        )
    ) {_BLOCKED}"""


def rollouts(con: duckdb.DuckDBPyConnection, run: str) -> pd.DataFrame:
    """Scored responses of a run in the order of training, those with a step."""
    return con.execute(
        """SELECT step, prompt_id, category, score, length, kl, truncated, gold_score FROM rollouts
           WHERE run_id = ? AND step IS NOT NULL ORDER BY step, file_id, "row" """,
        [run],
    ).df()
