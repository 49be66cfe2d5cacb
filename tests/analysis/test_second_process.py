"""One process owns the store: it reads and follows its sources from the start, and a second one works through its API
or says in one line what to do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.board import Board
from analysis.records import InputError, StoreHeldError
from analysis.remote import RemoteBoard, find_server, sidecar_of

ROOT = Path(__file__).resolve().parent.parent.parent


def rewardboard(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "analysis.cli", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=60,
    )


def append(path: Path, step: int) -> None:
    with path.open("a") as file:
        file.write(json.dumps({"step": step, "reward": step / 10}) + "\n")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A served folder: (working directory, log)."""
    folder = tmp_path_factory.mktemp("served")
    log = folder / "logs" / "ppo-1" / "metrics.jsonl"
    log.parent.mkdir(parents=True)
    for step in range(20):
        append(log, step)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-m", "analysis.cli", "logs", "--no-browser"],
        cwd=folder,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while find_server(folder / "rewardboard.duckdb") is None:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield folder, log
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(15)
        assert not sidecar_of(folder / "rewardboard.duckdb").exists()


def remote_of(folder: Path) -> RemoteBoard:
    board = find_server(folder / "rewardboard.duckdb")
    assert board is not None
    return board


def test_reading_begins_without_a_visitor(served):
    board = remote_of(served[0])
    deadline = time.monotonic() + 10
    while len(board.runs()) == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert board.runs()["run"].tolist() == ["ppo-1"]


def test_a_row_that_is_flushed_is_in_the_store_within_a_second(served):
    folder, log = served
    board = remote_of(folder)
    start = time.monotonic()
    append(log, 1000)
    while board.runs()["last_step"].iloc[0] < 1000 and time.monotonic() - start < 10:
        time.sleep(0.05)
    assert time.monotonic() - start < 2.0


def test_the_file_is_held_and_the_owner_is_named(served):
    with pytest.raises(StoreHeldError, match="owns the store"):
        Board.open(served[0] / "rewardboard.duckdb")


def test_commands_of_a_second_process_go_through_the_server(served):
    folder, _ = served
    assert rewardboard("runs", "tag", "ppo-1", "seen", cwd=folder).returncode == 0
    listed = json.loads(rewardboard("runs", "--json", cwd=folder).stdout)
    assert listed["runs"][0]["tags"] == ["seen"]
    answer = rewardboard("sql", "SELECT count(*) AS n FROM runs", "--json", cwd=folder)
    assert json.loads(answer.stdout)["rows"] == [{"n": 1}]
    other = folder / "more" / "grpo-1" / "metrics.jsonl"
    other.parent.mkdir(parents=True)
    append(other, 1)
    report = rewardboard("ingest", "more", "--json", cwd=folder)
    assert json.loads(report.stdout)["runs"] == ["grpo-1"]
    refused = rewardboard("sql", "DROP TABLE runs", cwd=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_a_second_server_says_where_the_first_one_is(served):
    second = rewardboard("logs", "--no-browser", cwd=served[0])
    assert second.returncode == 2
    assert "http://127.0.0.1:" in second.stderr
    assert second.stderr.count("\n") == 1


def test_nobody_without_the_token_may_call(served):
    board = remote_of(served[0])
    for token in ("", "wrong"):
        request = urllib.request.Request(
            f"{board.url}/api/board/runs", data=b"{}", headers={"X-Rewardboard-Token": token}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        assert refused.value.code == 403
        refused.value.close()
    assert sidecar_of(served[0] / "rewardboard.duckdb").stat().st_mode & 0o077 == 0


def test_only_named_calls_are_answered(served):
    board = remote_of(served[0])
    with pytest.raises(InputError, match="no such call"):
        board._call("close")
    with pytest.raises(InputError, match="no such run"):
        board.run("nobody")


def test_a_sidecar_that_was_left_behind_is_no_server(tmp_path):
    db = tmp_path / "rewardboard.duckdb"
    sidecar_of(db).write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:9", "token": "x"}))
    assert find_server(db) is None
