"""Read-only SQL by strangers: one SELECT, no files, no settings, a limit on time and rows."""

from __future__ import annotations

import threading
from contextlib import suppress

import duckdb
import pandas as pd

from analysis.records import InputError

_MEND = "write one SELECT over the tables runs, series, points, pair_scores, rollouts ..."


def query(con: duckdb.DuckDBPyConnection, text: str, *, timeout: float, limit: int) -> pd.DataFrame:
    """Answer one SELECT on a cursor of an instance that was opened without access to anything outside.

    Raises
    ------
    InputError
        On anything but one SELECT, on its errors, and after `timeout` seconds.
    """
    try:
        statements = con.extract_statements(text)
    except duckdb.Error as error:
        raise InputError(_first_line(error), where="SQL", mend=_MEND) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InputError("only a single SELECT is answered", where="SQL", mend=_MEND)
    done = threading.Event()
    late = threading.Event()

    def stop() -> None:
        if not done.wait(timeout):
            late.set()
            con.interrupt()

    watcher = threading.Thread(target=stop, daemon=True)
    watcher.start()
    try:
        con.execute("BEGIN TRANSACTION READ ONLY")
        answer = con.execute(statements[0])
        names = [column[0] for column in answer.description or ()]
        return pd.DataFrame(answer.fetchmany(limit), columns=names)
    except duckdb.Error as error:
        why = f"stopped after {timeout:g} s" if late.is_set() else _first_line(error)
        raise InputError(
            why, where="SQL", mend="ask for less, or export the table" if late.is_set() else _MEND
        ) from error
    finally:
        done.set()
        with suppress(duckdb.Error):
            con.close()  # ends the transaction, and what of the answer was not fetched


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
