"""What was found wrong with each run: the newest diagnosis, and when findings were first seen and cleared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd


def keep(con: duckdb.DuckDBPyConnection, document: Mapping[str, Any], *, rows: int, code: str, now: float) -> None:
    """Store a diagnosis in place of the run's last one, in one transaction; its findings join their history.

    A finding that is told no more has cleared now; one that comes back is a new row.

    Parameters
    ----------
    document : as `analysis.diagnosis.finding.Diagnosis.document` writes it
    rows : how many rows of the run it has read
    code : what made it; another code makes another diagnosis of the same rows
    """
    run, findings = document["run"], document["findings"]
    con.execute("BEGIN")
    try:
        con.execute("DELETE FROM diagnoses WHERE run_id = ?", [run])
        con.execute(
            "INSERT INTO diagnoses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [run, now, code, rows, document["verdict"], *_first(findings), json.dumps(document)],
        )
        con.execute(
            "UPDATE findings SET cleared = ? WHERE run_id = ? AND cleared IS NULL AND NOT list_contains(?, id)",
            [now, run, [f["id"] for f in findings]],
        )
        open_ = {id_ for (id_,) in con.execute(
            "SELECT id FROM findings WHERE run_id = ? AND cleared IS NULL", [run]
        ).fetchall()}  # fmt: skip
        for f in findings:
            said = [f["cause"], f["severity"], f["summary"]]
            if f["id"] in open_:
                con.execute(
                    "UPDATE findings SET cause = ?, severity = ?, summary = ? "
                    "WHERE run_id = ? AND id = ? AND cleared IS NULL",
                    [*said, run, f["id"]],
                )
            else:
                con.execute("INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, NULL)", [run, f["id"], *said, now])
        con.execute("COMMIT")
    except BaseException:
        con.execute("ROLLBACK")
        raise


def _first(findings: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Cause, severity, summary and onset of the finding to look at first."""
    if not findings:
        return [None] * 4
    first = findings[0]
    onset = first["onset"]
    return [first["cause"], first["severity"], first["summary"], None if onset is None else onset["value"]]


def kept(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Run -> document of its newest diagnosis, for those that have one."""
    rows = con.execute(
        "SELECT run_id, document FROM diagnoses WHERE run_id IN (SELECT unnest(?))", [list(run_ids)]
    ).fetchall()
    return {run: json.loads(document) for run, document in rows}


def read_rows(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, str]]:
    """Run -> the rows that its newest diagnosis has read, and the code that made it."""
    return {run: (rows, code) for run, rows, code in con.execute("SELECT run_id, rows, code FROM diagnoses").fetchall()}


def history(con: duckdb.DuckDBPyConnection, run_id: str) -> pd.DataFrame:
    """Every finding that a run ever had: id, cause, severity, summary, first_seen, cleared (unix s, NaN: it holds)."""
    return con.execute(
        """SELECT id, cause, severity, summary, first_seen, cleared FROM findings WHERE run_id = ?
           ORDER BY first_seen, id""",
        [run_id],
    ).df()
