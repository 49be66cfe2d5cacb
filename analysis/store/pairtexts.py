"""Where the texts of a scorer's pairs lie."""

from __future__ import annotations

import duckdb
import pandas as pd


def count(con: duckdb.DuckDBPyConnection) -> int:
    """How many pairs have texts, of all runs together."""
    ((n,),) = con.execute("SELECT count(*) FROM pair_texts").fetchall()
    return int(n)


def places(con: duckdb.DuckDBPyConnection, run: str, dataset: str | None) -> pd.DataFrame:
    """Pair id, path and row of the texts of a scorer's pairs: of files beside or above its scores, the nearest."""
    return con.execute(
        """WITH mine AS (
               SELECT DISTINCT pair_id FROM pair_scores WHERE run_id = $run AND ($dataset IS NULL OR dataset = $dataset)
           ), own AS (
               SELECT DISTINCT f.path FROM pair_scores p JOIN files f USING (file_id) WHERE p.run_id = $run
           )
           SELECT t.pair_id, f.path, t."row" FROM pair_texts t JOIN files f USING (file_id)
           WHERE t.pair_id IN (FROM mine)
           AND EXISTS (SELECT 1 FROM own WHERE starts_with(own.path, t.folder || '/'))
           QUALIFY row_number() OVER (PARTITION BY t.pair_id ORDER BY length(t.folder) DESC, t.file_id, t."row") = 1
           ORDER BY f.path, t."row" """,
        {"run": run, "dataset": dataset},
    ).df()
