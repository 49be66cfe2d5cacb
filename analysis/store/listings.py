"""Reading lists: runs, metrics, files, what is unknown and what disagrees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from analysis.store.buckets import Columns, fetched, taken
from analysis.store.named import Catalogue, Named
from analysis.store.rollups import LEVELS

_COUNTED = """
    SELECT 'n_pairs', run_id, count(*) FROM pair_scores GROUP BY ALL
    UNION ALL SELECT 'n_ranked', run_id, count(*) FROM ranked_scores GROUP BY ALL
    UNION ALL SELECT 'n_rollouts', run_id, count(*) FROM rollouts GROUP BY ALL
    UNION ALL SELECT 'n_streamed', run_id, sum(n)::BIGINT FROM stream_cells WHERE field = 'score' GROUP BY ALL"""
"""What a run holds besides curves."""

_SAID = {"verdict": "", "cause": "", "severity": "", "finding": "", "onset": np.nan}
"""What a kept diagnosis says of a run, and what is said where there is none yet."""


def runs(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, *, archived: bool) -> pd.DataFrame:
    """One row a run, with the extent of its data; `last_seen` is the time its files last changed (unix s).

    Many short questions and not one that joins all tables: the store would take longer to plan it than to answer.
    """
    table = con.execute(
        """SELECT run_id AS run, name, project, kind, framework, version, trainer, loss, seed, "group", tags, note, archived
           FROM runs WHERE begun AND (? OR NOT archived) ORDER BY run""",
        [archived],
    ).df()
    listed = table["run"].tolist()
    counts = {name: dict.fromkeys(listed, 0) for name in ("n_pairs", "n_ranked", "n_rollouts", "n_streamed")}
    for name, run, n in con.execute(_COUNTED).fetchall():
        if run in counts[name]:
            counts[name][run] = n
    touched = dict(con.execute("SELECT run_id, max(mtime_ns) / 1e9 FROM files GROUP BY 1").fetchall())
    known: dict[str, Any] = {name: table[name].array for name in table.columns}
    known |= _extent(con, catalogue.of(listed), listed)
    known |= {name: np.array(list(of_runs.values()), np.int64) for name, of_runs in counts.items()}
    known["last_seen"] = np.array([_seen(touched, run) for run in listed], float)
    known["archived"] = known.pop("archived")  # behind what was counted, where it always stood
    return pd.DataFrame(known, copy=False)


def _extent(con: duckdb.DuckDBPyConnection, series: Named, listed: Sequence[str]) -> Columns:
    """First and last step and time, and how many metrics and points, of each of these runs."""
    held = fetched(
        con.execute(
            f"""SELECT series_id, min(first_step) AS first_step, max(last_step) AS last_step,
                       min(first_time) AS first_time, max(last_time) AS last_time, sum(n)::BIGINT AS n
                FROM rollups WHERE level = {LEVELS[-1]} GROUP BY series_id"""
        )
    )
    held = taken(held, np.isin(held["series_id"], series.ids))
    place = {run: i for i, run in enumerate(listed)}
    at = np.array([place[run] for run in series.runs], np.intp)[series.places(held["series_id"])]
    extent: Columns = {}
    for name, end in (("first_step", np.fmin), ("last_step", np.fmax), ("first_time", np.fmin), ("last_time", np.fmax)):
        extent[name] = np.full(len(listed), np.nan)
        end.at(extent[name], at, held[name])
    extent["n_metrics"] = np.bincount(at, minlength=len(listed))
    extent["n_points"] = np.bincount(at, weights=held["n"], minlength=len(listed)).astype(np.int64)
    return extent


def _by_run(held: Mapping[str, Any], listed: Sequence[str], none: Any) -> list[Any]:
    return [held.get(run, none) for run in listed]


def _seen(touched: Mapping[str, float], run: str) -> float:
    """When the files of a run changed; of one that a file names inside, those of the runs that it is a part of."""
    if run in touched:
        return touched[run]
    return max((touched[above] for above in _above(run) if above in touched), default=np.nan)


def _above(run: str) -> list[str]:
    words = run.split("/")
    return ["/".join(words[:n]) for n in range(1, len(words))]


def said(con: duckdb.DuckDBPyConnection, listed: Sequence[str]) -> dict[str, list[Any]]:
    """Of the kept diagnosis of each of these runs its verdict, "" where there is none yet, and cause, severity, finding
    (in a sentence) and onset of the finding to look at first.
    """
    rows = con.execute("SELECT run_id, verdict, cause, severity, summary, onset FROM diagnoses").fetchall()
    held = {run: values for run, *values in rows}
    of_runs = _by_run(held, listed, tuple(_SAID.values()))
    return {
        name: [none if values[i] is None else values[i] for values in of_runs]
        for i, (name, none) in enumerate(_SAID.items())
    }


def endings(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What the files of each run tell of its end; see `analysis.ingest.state.Facts`.

    Of several logs the one written last sets the pace; of the files of one log (event files that follow one another)
    the last one may be cut off, the others were restarted.
    """
    paced: dict[str, dict[str, Any]] = {}
    written: dict[str, float] = {}
    for run, newest, grew, pauses in con.execute("SELECT run_id, newest, grew, pauses FROM logs").fetchall():
        known = paced.setdefault(run, {"newest": None, "grew": None, "pauses": None})
        known["newest"], known["grew"] = _later(known["newest"], newest), _later(known["grew"], grew)
        at = newest if grew is None else grew
        if pauses and (at or 0.0) > written.get(run, -np.inf):
            written[run], known["pauses"] = at or 0.0, pauses
    files = con.execute(
        """SELECT run_id, log_id, role = 'log', mtime_ns / 1e9, ending.word, ending.why, ending.reached, ending.planned
           FROM files WHERE state <> 'replaced' ORDER BY file_id"""
    ).fetchall()
    told: dict[str, dict[str, Any]] = {}
    ends: dict[tuple[str, int], tuple[str, str]] = {}
    plans: dict[str, tuple[float, float]] = {}
    for run, log, is_log, at, word, why, reached, planned in files:
        known = told.setdefault(run, {"run": run, "logs": False, "cut": None, **_UNTOLD, **paced.get(run, _UNPACED)})
        known["logs"] |= is_log
        if is_log and word is not None:
            ends[run, log] = word, why
        if word in ("finished", "failed") and (known["said_at"] is None or at > known["said_at"]):
            known |= {"said": word, "said_why": why, "said_at": at}
        if (planned or 0) > 0 and (reached or 0, at) > plans.get(run, (-np.inf, 0.0)):
            plans[run] = reached or 0, at
            known |= {"reached": reached, "planned": planned}
    for (run, _), (word, why) in ends.items():
        if word == "cut":
            told[run]["cut"] = why
    return list(told.values())


_UNTOLD = dict.fromkeys(("said", "said_why", "said_at", "reached", "planned"))
_UNPACED = dict.fromkeys(("newest", "grew", "pauses"))


def _later(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


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
