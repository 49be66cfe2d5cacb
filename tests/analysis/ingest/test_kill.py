"""Killed at any moment, the store loses no committed row and doubles none: after a re-run it equals an
undisturbed ingest, row for row.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analysis.board import Board
from analysis.ingest import ingestor
from analysis.store import schema

KILLS = 50


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs in several formats, large enough that an ingest has many commits."""
    root = tmp_path_factory.mktemp("logs")
    rng = np.random.default_rng(0)
    for number in range(4):
        folder = root / f"run-{number}"
        folder.mkdir()
        steps = [*range(1500), *range(1200, 3000)]  # a restart in the middle
        with (folder / "metrics.jsonl").open("w") as file:
            for step in steps:
                row = {
                    "step": step,
                    "reward": rng.normal(),
                    "kl": float("nan") if step == 7 else rng.normal() ** 2,
                }
                file.write(json.dumps(row) + "\n")
        history = [{"step": s, "loss": rng.normal(), "epoch": s / 900} for s in range(900)]
        (folder / "trainer_state.json").write_text(json.dumps({"global_step": 899, "log_history": history}))
        lines = ["pair_id,category,chosen_score,rejected_score"]
        lines += [f"p{i},c{i % 3},{rng.normal():.4f},{rng.normal():.4f}" for i in range(3000)]
        (folder / "eval_scores.csv").write_text("\n".join(lines) + "\n")
    lines = ["timestamp,prompt_id,category,response_length,score,model_version"]
    lines += [
        f"2026-03-{1 + i // 700:02d} 10:{i % 60:02d}:00,q{i},chat,{i % 40},{rng.normal():.4f},rm-1"
        for i in range(14_000)
    ]
    (root / "traffic").mkdir()
    (root / "traffic" / "stream.csv").write_text("\n".join(lines) + "\n")
    return root


def contents(db: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(db), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        rows = {t: con.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {t}").fetchall() for t in tables}
        # sums of floats depend on their order in the last digit
        rows["stream_cells"] = con.execute(
            "SELECT * EXCLUDE (n, total), sum(n), round(sum(total), 6) FROM stream_cells GROUP BY ALL"
        ).fetchall()
        rows["rollups"] = con.execute("SELECT * REPLACE (round(total, 9) AS total) FROM rollups").fetchall()
    return {name: sorted(map(str, found)) for name, found in rows.items()}


def ingest_in_a_child(root: Path, db: Path) -> int:
    pid = os.fork()
    if pid == 0:
        ingestor.COMMIT_SECONDS = 0.01
        try:
            with Board.open(db) as board:
                board.ingest(root)
        finally:
            os._exit(0)
    return pid


def test_fifty_kills_leave_no_trace(logs, tmp_path, monkeypatch):
    monkeypatch.setattr(ingestor, "COMMIT_SECONDS", 0.01)
    monkeypatch.setattr("analysis.sources.base.CHUNK_VALUES", 2_000)
    whole = tmp_path / "whole.duckdb"
    started = time.monotonic()
    os.waitpid(ingest_in_a_child(logs, whole), 0)
    length = time.monotonic() - started
    expected = contents(whole)
    assert set(expected) >= {"points", *schema.FILE_TABLES}
    assert len(expected["points"]) == 4 * (3300 * 2 + 900 * 2)

    rng = random.Random(1)
    db, hit = tmp_path / "killed.duckdb", 0
    while hit < KILLS:
        pid = ingest_in_a_child(logs, db)
        time.sleep(rng.uniform(0.02, length))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status)
        hit += killed
        if not killed or rng.random() < 0.1:  # it was done, or is finished now: begin anew with an empty store
            os.waitpid(ingest_in_a_child(logs, db), 0)
            assert contents(db) == expected
            for leftover in tmp_path.glob("killed.duckdb*"):
                leftover.unlink()
    os.waitpid(ingest_in_a_child(logs, db), 0)
    assert contents(db) == expected
