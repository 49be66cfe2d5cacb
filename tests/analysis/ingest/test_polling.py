"""Following logs: a file that slept for long and wakes up is seen as soon as one that never slept."""

from __future__ import annotations

import json
import os
import time

import pytest

from analysis.board import Board
from analysis.ingest import ingestor


@pytest.fixture
def asleep(tmp_path):
    """A watched log whose last row is an hour old, between two searches of its folder."""
    log = tmp_path / "run" / "log.jsonl"
    log.parent.mkdir()
    log.write_text("".join(json.dumps({"step": i, "reward": i / 10}) + "\n" for i in range(5)))
    os.utime(log, (time.time() - 3600,) * 2)
    with Board.open() as board:
        board.ingest(tmp_path)
        board.poll()
        board._ingestor._look_again = float("inf")
        yield board, log


def wake(log) -> None:
    with log.open("a") as file:
        file.write(json.dumps({"step": 5, "reward": 0.5}) + "\n")


def test_a_log_that_wakes_up_is_read_on_the_next_poll(asleep):
    board, log = asleep
    wake(log)
    assert board.poll() == {"run"}
    assert len(board.series("run", "reward")) == 6


def test_among_many_files_it_is_read_when_folders_are_searched(asleep, monkeypatch):
    monkeypatch.setattr(ingestor, "FEW_FILES", 0)
    board, log = asleep
    wake(log)
    assert board.poll() == set()
    board._ingestor._look_again = 0.0
    assert board.poll() == {"run"}
    assert len(board.series("run", "reward")) == 6
