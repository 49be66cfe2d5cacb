"""Reading score streams: quantiles by day from sketches, by step from rollouts."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from analysis.store.sketches import FIELDS, NOT_A_NUMBER, SECONDS_A_DAY, centres

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}


def streams(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Everything whose score quantiles can be followed: run, axis ("day", "step"), first, last, n, categories, fields."""
    days = con.execute(
        f"""SELECT run_id AS run, 'day' AS axis, min(day) * {SECONDS_A_DAY}.0 AS first, max(day) * {SECONDS_A_DAY}.0 AS last,
                   sum(n) FILTER (field = 'score')::BIGINT AS n, list_sort(list(DISTINCT category)) AS categories,
                   list_sort(list(DISTINCT field)) AS fields FROM stream_cells GROUP BY run_id"""
    ).df()
    steps = con.execute(
        """SELECT run_id AS run, 'step' AS axis, min(step) AS first, max(step) AS last, count(*) AS n,
                  list_sort(list(DISTINCT category)) AS categories,
                  list_filter(['score', CASE WHEN count(length) > 0 THEN 'length' END,
                   CASE WHEN count(gold_score) > 0 THEN 'gold_score' END], lambda f: f IS NOT NULL) AS fields
           FROM rollouts WHERE score IS NOT NULL GROUP BY run_id"""
    ).df()
    return pd.concat([days, steps], ignore_index=True).sort_values("run", ignore_index=True)


def counts(con: duckdb.DuckDBPyConnection, run: str, field: str, by: str | None) -> pd.DataFrame:
    """Counts of each value (a bin's centre) by axis value and category: x, category, value, n.

    Days come from the sketches, where a value is right to 0.2 %; steps from the rollouts themselves.
    """
    if field not in FIELDS:
        raise ValueError(f"field must be one of {FIELDS}, got {field!r}")
    category = "category" if by == "category" else "''"
    cells = con.execute(
        f"""SELECT day * {SECONDS_A_DAY}.0 AS x, {category} AS category, bin, sum(n)::BIGINT AS n FROM stream_cells
            WHERE run_id = ? AND field = ? AND bin <> {NOT_A_NUMBER} GROUP BY ALL""",
        [run, field],
    ).df()
    if not cells.empty:
        cells["value"] = centres(cells["bin"].to_numpy(np.int32))
        return cells[["x", "category", "value", "n"]]
    return con.execute(
        f"""SELECT coalesce(step, 0) AS x, {category} AS category, {field} AS value, count(*) AS n FROM rollouts
            WHERE run_id = ? AND isfinite({field}) GROUP BY ALL""",
        [run],
    ).df()


def versions(con: duckdb.DuckDBPyConnection, run: str) -> pd.DataFrame:
    """First day (or step) on which each model and policy version was seen: x, field, value."""
    return con.execute(
        f"""SELECT min(x) AS x, field, value FROM (
                SELECT day * {SECONDS_A_DAY}.0 AS x, unnest([
                    {{'field': 'model_version', 'value': model_version}},
                    {{'field': 'policy_version', 'value': policy_version}}], recursive := true)
                FROM stream_cells WHERE run_id = ?
                UNION ALL
                SELECT step AS x, unnest([
                    {{'field': 'model_version', 'value': model_version}},
                    {{'field': 'policy_version', 'value': policy_version}}], recursive := true)
                FROM rollouts WHERE run_id = ?
            ) WHERE value <> '' GROUP BY field, value ORDER BY x, field, value""",
        [run, run],
    ).df()
