"""Reading lists: runs, metrics, files, what is unknown and what disagrees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from analysis.store.buckets import fetched, taken
from analysis.store.named import Named
from analysis.store.rollups import LEVELS


def runs(con: duckdb.DuckDBPyConnection, *, archived: bool) -> pd.DataFrame:
    """One row a run, with the extent of its data; `last_seen` is the time its files last changed (unix s).

    `verdict` is that of the kept diagnosis, "" where there is none yet; cause, severity, finding (in a sentence) and
    onset are those of the finding to look at first.
    """
    return con.execute(
        f"""WITH extent AS (
                SELECT run_id, min(first_step) AS first_step, max(last_step) AS last_step,
                       min(first_time) AS first_time, max(last_time) AS last_time, sum(n)::BIGINT AS n_points,
                       count(DISTINCT metric || chr(0) || split) AS n_metrics
                FROM rollups JOIN series USING (series_id)
                WHERE level = {LEVELS[-1]} AND is_primary GROUP BY run_id
            ), pairs AS (SELECT run_id, count(*) AS n_pairs FROM pair_scores GROUP BY 1),
            ranked AS (SELECT run_id, count(*) AS n_ranked FROM ranked_scores GROUP BY 1),
            rolled AS (SELECT run_id, count(*) AS n_rollouts FROM rollouts GROUP BY 1),
            streamed AS (SELECT run_id, sum(n)::BIGINT AS n_streamed FROM stream_cells
                         WHERE field = 'score' GROUP BY 1),
            touched AS (SELECT run_id, max(mtime_ns) / 1e9 AS last_seen FROM files GROUP BY 1)
            SELECT r.run_id AS run, name, project, kind, framework, version, trainer, loss, seed, "group", tags, note,
                   first_step, last_step, first_time, last_time, coalesce(n_metrics, 0) AS n_metrics,
                   coalesce(n_points, 0) AS n_points, coalesce(n_pairs, 0) AS n_pairs,
                   coalesce(n_ranked, 0) AS n_ranked, coalesce(n_rollouts, 0) AS n_rollouts,
                   coalesce(n_streamed, 0) AS n_streamed,
                   coalesce(last_seen, (SELECT max(last_seen) FROM touched t
                                        WHERE r.run_id LIKE t.run_id || '/%')) AS last_seen, archived,
                   coalesce(verdict, '') AS verdict, coalesce(cause, '') AS cause, coalesce(severity, '') AS severity,
                   coalesce(summary, '') AS finding, onset
            FROM runs r LEFT JOIN extent USING (run_id) LEFT JOIN pairs USING (run_id)
            LEFT JOIN ranked USING (run_id) LEFT JOIN rolled USING (run_id) LEFT JOIN streamed USING (run_id)
            LEFT JOIN touched USING (run_id) LEFT JOIN diagnoses USING (run_id)
            WHERE begun AND (? OR NOT archived) ORDER BY run""",
        [archived],
    ).df()


def endings(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What the files of each run tell of its end; see `analysis.ingest.state.Facts`.

    Of several logs the one written last sets the pace; of the files of one log (event files that follow one another)
    the last one may be cut off, the others were restarted.
    """
    rows: list[dict[str, Any]] = (
        con.sql(
            """WITH paced AS (
                   SELECT run_id, max(newest) AS newest, max(grew) AS grew,
                          arg_max(pauses, coalesce(grew, newest, 0)) FILTER (len(pauses) > 0) AS pauses
                   FROM logs GROUP BY run_id
               ), last AS (
                   SELECT run_id, arg_max(ending, file_id) AS ending FROM files
                   WHERE role = 'log' AND state <> 'replaced' GROUP BY run_id, log_id
               ), cut AS (
                   SELECT run_id, any_value(ending.why) AS cut FROM last WHERE ending.word = 'cut' GROUP BY run_id
               ), told AS (
                   SELECT run_id, bool_or(role = 'log') AS logs,
                          arg_max(ending, mtime_ns) FILTER (ending.word IN ('finished', 'failed')) AS said,
                          max(mtime_ns) FILTER (ending.word IN ('finished', 'failed')) / 1e9 AS said_at,
                          arg_max(ending, (coalesce(ending.reached, 0), mtime_ns)) FILTER (ending.planned > 0) AS plan
                   FROM files WHERE state <> 'replaced' GROUP BY run_id
               )
               SELECT run_id AS run, newest, grew, pauses, logs, said.word AS said, said.why AS said_why, said_at, cut,
                      plan.reached AS reached, plan.planned AS planned
               FROM told LEFT JOIN paced USING (run_id) LEFT JOIN cut USING (run_id)"""
        )
        .to_arrow_table()
        .to_pylist()
    )
    return rows


def not_finite_at_the_end(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, list[str]]:
    """Tags of losses and gradients that were finite before and are not in the last row of each run."""
    rows = con.execute(
        f"""SELECT run_id, list(tag ORDER BY tag) FROM (
                SELECT run_id, any_value(tag) AS tag FROM series JOIN rollups USING (series_id)
                WHERE is_primary AND level = {LEVELS[-1]} AND run_id IN (SELECT unnest(?))
                      AND (concept LIKE '%loss%' OR concept LIKE 'grad_norm%')
                GROUP BY run_id, series_id
                HAVING NOT isfinite(arg_max(last, (attempt, last_seq))) AND sum(n) > sum(nonfinite)
            ) GROUP BY run_id""",
        [list(run_ids)],
    ).fetchall()
    return dict(rows)


def run(con: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any] | None:
    """Everything that is known of one run, or None."""
    rows = (
        con.sql("SELECT * EXCLUDE (begun) FROM runs WHERE run_id = ? AND begun", params=[run_id])
        .to_arrow_table()
        .to_pylist()
    )
    if not rows:
        return None
    found = dict(rows[0])
    found["run"] = found.pop("run_id")
    found["config"], found["links"] = json.loads(found["config"] or "{}"), json.loads(found["links"] or "{}")
    found["files"] = [
        path for (path,) in con.execute("SELECT path FROM files WHERE run_id = ? ORDER BY path", [run_id]).fetchall()
    ]
    return found


_TOLD = dict.fromkeys(
    ("unit", "concept", "component", "estimator", "tag", "source", "scale", "sign", "counter", "notes"), object
) | {"scale": np.float64, "sign": np.int32, "counter": np.bool_}
"""What is known of a series besides its names, and its type."""


def metrics(con: duckdb.DuckDBPyConnection, series: Named) -> pd.DataFrame:
    """One row for every primary (run, metric, split) that has points, with its extent and last value."""
    counted = fetched(
        con.execute(
            f"""SELECT series_id, sum(n)::BIGINT AS n, arg_max(last, (attempt, last_seq)) AS last,
                    max(last_step) AS last_step, sum(nonfinite)::BIGINT AS nonfinite, max(attempt) + 1 AS attempts,
                    min(low) AS low, max(high) AS high
                FROM rollups WHERE level = {LEVELS[-1]} AND series_id IN (SELECT unnest(?)) GROUP BY series_id""",
            [series.ids.tolist()],
        )
    )
    place = series.places(counted.pop("series_id"))
    order = np.argsort(place)
    held = [series.series[i] for i in place[order].tolist()]
    names = {"run": [s.run_id for s in held], "metric": [s.metric for s in held], "split": [s.split for s in held]}
    told = {name: np.array(words, object) for name, words in names.items()}
    for name, kind in _TOLD.items():
        told[name] = np.empty(len(held), kind)
        told[name][:] = [getattr(s, name) for s in held]
    return pd.DataFrame({**told, **taken(counted, order)}, copy=False)


def files(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The ledger: what was read of each file, what was skipped, and why."""
    return con.execute(
        """SELECT path, coalesce(nullif(source, ''), 'not recognised') AS source, role, run_id AS run, rows, state,
                  error, notes, skipped FROM files ORDER BY path"""
    ).df()


def unmapped(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Tags without a concept: kept under their own name."""
    return con.execute(
        f"""SELECT run_id AS run, tag, source, sum(n)::BIGINT AS n FROM series JOIN rollups USING (series_id)
            WHERE concept IS NULL AND NOT counter AND level = {LEVELS[-1]} GROUP BY ALL ORDER BY run, tag"""
    ).df()


def overlaps(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> pd.DataFrame:
    """How many points of each restarted series were logged more than once: run, metric, split, points."""
    return con.execute(
        """SELECT run_id AS run, metric, split, count(*) AS points FROM (
               SELECT series_id, step FROM points JOIN series USING (series_id)
               WHERE is_primary AND run_id IN (SELECT unnest(?))
               GROUP BY series_id, step HAVING count(DISTINCT attempt) > 1
           ) JOIN series USING (series_id) GROUP BY ALL ORDER BY ALL""",
        [list(run_ids)],
    ).df()


def checks(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Metrics that several logs of one run tell: how many steps were compared, how many disagree."""
    return con.execute(
        """SELECT c.run_id AS run, metric, split, a.label AS log, b.label AS other, compared, disagree, largest,
                  first_step
           FROM checks c JOIN logs a USING (log_id) JOIN logs b ON b.log_id = other_log_id
           ORDER BY disagree DESC, run, metric"""
    ).df()


FLOAT32 = 1e-6
"""Relative difference up to which two logs agree: float32 keeps 6e-8 of a value, and some writers add a rounding
of their own on the way."""


def compare_logs(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Compare the logs of each metric with its primary one, step by step, and store the outcome.

    Of each step the last attempt's last row counts. NaN agrees with NaN, an infinity with the same infinity.
    """
    con.execute("DELETE FROM checks WHERE run_id IN (SELECT unnest(?))", [list(run_ids)])
    con.execute(
        f"""INSERT INTO checks
            WITH several AS (
                SELECT * FROM series WHERE run_id IN (SELECT unnest(?))
                QUALIFY count(*) OVER (PARTITION BY run_id, metric, split) > 1
            ), rows AS (
                SELECT series_id, step, arg_max(value, (attempt, seq)) AS value
                FROM points WHERE series_id IN (SELECT series_id FROM several) GROUP BY series_id, step
            ), joined AS (
                SELECT p.run_id, p.metric, p.split, p.log_id, o.log_id AS other_log_id, a.step,
                       a.value AS mine, b.value AS theirs
                FROM several p JOIN several o
                     ON p.run_id = o.run_id AND p.metric = o.metric AND p.split = o.split
                        AND p.is_primary AND NOT o.is_primary
                JOIN rows a ON a.series_id = p.series_id
                JOIN rows b ON b.series_id = o.series_id AND a.step = b.step
            ), judged AS (
                SELECT *, CASE WHEN isnan(mine) AND isnan(theirs) THEN 0.0 WHEN mine = theirs THEN 0.0
                          ELSE abs(mine - theirs) END AS gap FROM joined
            )
            SELECT run_id, metric, split, log_id, other_log_id, count(*),
                   count(*) FILTER (gap > {FLOAT32} * greatest(abs(mine), abs(theirs), 1e-6) OR isnan(gap)),
                   max(gap), min(step) FILTER (gap > {FLOAT32} * greatest(abs(mine), abs(theirs), 1e-6) OR isnan(gap))
            FROM judged GROUP BY ALL""",
        [list(run_ids)],
    )
