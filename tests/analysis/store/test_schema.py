"""A store that an older version wrote opens, and is what it was; one of a newer version is refused."""

from __future__ import annotations

import json

import duckdb
import pytest

from analysis.board import Board
from analysis.records import StoreError
from analysis.store import schema

ADDED = {"logs": ("newest", "pauses", "grew"), "files": ("ending",)}
"""Columns that version 2 added."""


@pytest.fixture
def store(tmp_path):
    log = tmp_path / "logs" / "run" / "log.jsonl"
    log.parent.mkdir(parents=True)
    rows = [{"step": i, "time": 1.7e9 + 10 * i, "loss": 1 / (i + 1)} for i in range(20)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Board.open(tmp_path / "store.duckdb") as board:
        board.ingest(tmp_path / "logs")
    return tmp_path / "store.duckdb"


def test_a_store_of_version_1_is_brought_up_to_date(store):
    with duckdb.connect(str(store)) as con:
        for table, columns in ADDED.items():
            for column in columns:
                con.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        con.execute("DROP TABLE diagnoses; DROP TABLE findings")
        con.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    with Board.open(store) as board:
        row = board.runs().iloc[0]
        assert row["last_seen"] == 1.7e9 + 190
        assert row["n_points"] == 20
        board.ingest(store.parent / "logs")
        assert len(board.series("run", "loss")) == 20
    with duckdb.connect(str(store)) as con:
        assert con.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (str(schema.VERSION),)


def test_a_store_of_a_newer_version_is_refused(store):
    with duckdb.connect(str(store)) as con:
        con.execute("UPDATE meta SET value = '999' WHERE key = 'schema'")
    with pytest.raises(StoreError, match="schema 999"):
        Board.open(store)
