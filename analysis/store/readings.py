"""All curves of a run for a diagnosis: row by row where they are short, in blocks that later rows do not change where they are long."""

from __future__ import annotations

import duckdb
import pandas as pd

MOST_BAD = 64
"""Steps without a finite value that are told of each curve: the first ones say when it began."""


def curves(con: duckdb.DuckDBPyConnection, run: str, whole: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Primary curves of a run, the last attempt of each step.

    Parameters
    ----------
    whole : rows that are read one by one; those of each further doubling are averaged in blocks of 2, 4, 8 ..., and a
        block that is not full yet is left out

    Returns
    -------
    (metric, split, unit, estimator, tag, scale, sign, concept, step, value) by metric and step, value null where no row of a
    block is finite; and (metric, split, step) of rows that are not finite
    """
    series = con.execute(
        """SELECT series_id, metric, split, concept, unit, estimator, tag, scale, sign, attempts FROM series JOIN (
               SELECT series_id, max(attempt) + 1 AS attempts FROM rollups GROUP BY 1) USING (series_id)
           WHERE is_primary AND NOT counter AND run_id = ?""",
        [run],
    ).df()
    rows = [
        con.execute(
            f"""WITH numbered AS ({_numbered(restarted)}), placed AS (
                    SELECT *, CASE WHEN i < {whole} THEN 0 ELSE floor(log2(i / {whole})) + 1 END AS k FROM numbered
                ), blocked AS (
                    SELECT *, CASE WHEN k = 0 THEN i
                        ELSE {whole} * 2 ** (k - 1) + floor((i - {whole} * 2 ** (k - 1)) / 2 ** k) * 2 ** k END AS block
                    FROM placed
                )
                SELECT series_id, max(step) AS step, avg(value) FILTER (isfinite(value)) AS value
                FROM blocked GROUP BY series_id, k, block HAVING count(*) = 2 ** k ORDER BY series_id, step""",
            [series.loc[(series["attempts"] > 1) == restarted, "series_id"].tolist()],
        ).df()
        for restarted in (False, True)
        if ((series["attempts"] > 1) == restarted).any()
    ]
    bad = con.execute(
        f"""SELECT series_id, step FROM points WHERE series_id IN (SELECT unnest(?)) AND NOT isfinite(value)
            QUALIFY row_number() OVER (PARTITION BY series_id ORDER BY step) <= {MOST_BAD} ORDER BY series_id, step""",
        [series["series_id"].tolist()],
    ).df()
    names = series.drop(columns="attempts")
    found = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["series_id", "step", "value"])
    return found.merge(names, on="series_id"), bad.merge(names[["series_id", "metric", "split"]], on="series_id")


def _numbered(restarted: bool) -> str:
    chosen = "FROM points WHERE series_id IN (SELECT unnest(?))"
    if not restarted:
        return f"SELECT series_id, step, value, seq AS i {chosen}"
    return f"""SELECT series_id, step, value, row_number() OVER (PARTITION BY series_id ORDER BY step, seq) - 1 AS i
               FROM (SELECT * {chosen} QUALIFY attempt = max(attempt) OVER (PARTITION BY series_id, step))"""


def rollouts(con: duckdb.DuckDBPyConnection, run: str) -> pd.DataFrame:
    """Scored responses of a run in the order of training, those with a step."""
    return con.execute(
        """SELECT step, prompt_id, category, score, length, kl, truncated, gold_score FROM rollouts
           WHERE run_id = ? AND step IS NOT NULL ORDER BY step, file_id, "row" """,
        [run],
    ).df()
