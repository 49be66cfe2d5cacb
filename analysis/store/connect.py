"""Open the file of a store; what may go wrong is told with its mend."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from analysis.records import StoreError, StoreHeldError

_CONFIG = {"enable_external_access": "false", "python_enable_replacements": "false"}


def connect(path: Path | None) -> duckdb.DuckDBPyConnection:
    """A connection to the store at `path`, made if it does not exist; None: a throw-away store in memory.

    Raises
    ------
    StoreHeldError
        If another process owns the file.
    StoreError
        If the file is no DuckDB store, or can't be opened.
    """
    try:
        return duckdb.connect(":memory:" if path is None else str(path), config=_CONFIG)
    except duckdb.IOException as error:
        held = re.search(r"PID (\d+)", str(error))
        if held:
            raise StoreHeldError(
                f"process {held[1]} owns the store",
                where=str(path),
                mend="use its page, or stop it first",
            ) from error
        raise StoreError("can't be opened", where=str(path), mend="check path and rights") from error
    except duckdb.Error as error:
        what = str(error).splitlines()[0]
        raise StoreError(f"is no store: {what}", where=str(path), mend="name another file with --db") from error
