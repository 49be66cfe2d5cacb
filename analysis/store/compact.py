"""Merge what came in small parts: rollups of live logs have a row for every commit until this runs."""

from __future__ import annotations

import duckdb

MERGED = """
    SELECT series_id, attempt, level, block, max(last_seq) AS last_seq,
           arg_min(first_step, last_seq) AS first_step, arg_max(last_step, last_seq) AS last_step,
           min(first_time) AS first_time, max(last_time) AS last_time, min(low) AS low, max(high) AS high,
           sum(total) AS total, arg_max(last, last_seq) AS last, sum(n)::BIGINT AS n,
           sum(nonfinite)::BIGINT AS nonfinite
    FROM rollups
"""


def compact(con: duckdb.DuckDBPyConnection) -> None:
    """Leave one row for every block of every series, in one transaction."""
    split = con.execute(
        """SELECT DISTINCT series_id FROM (
               SELECT series_id FROM rollups GROUP BY series_id, attempt, level, block HAVING count(*) > 1)"""
    ).fetchall()
    if not split:
        return
    ids = [series_id for (series_id,) in split]
    con.execute("BEGIN")
    try:
        con.execute(
            f"""CREATE TEMP TABLE merged AS {MERGED} WHERE series_id IN (SELECT unnest(?))
                GROUP BY series_id, attempt, level, block ORDER BY series_id, attempt, level, block""",
            [ids],
        )
        con.execute("DELETE FROM rollups WHERE series_id IN (SELECT unnest(?))", [ids])
        con.execute("INSERT INTO rollups SELECT * FROM merged")
        con.execute("DROP TABLE merged")
        con.execute("COMMIT")
    except BaseException:
        con.execute("ROLLBACK")
        raise
