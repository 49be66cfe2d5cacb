"""What the pages of a process share: reading that outlives faults, and diagnoses made beside it.

Where an expert would catch it being wrong: one bad file ends all reading; a fault is told a thousand times; one run that
can't be diagnosed keeps the others from it, or is tried for ever; a run is diagnosed again and again without new rows.
"""

import json
import threading
import time
from pathlib import Path

import pytest

from analysis import host
from analysis.board import Board
from analysis.ingest.ingestor import Progress
from analysis.records import InputError


class Fake:
    """A board whose reading goes wrong in the ways given."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.polls = 0
        self.tidied: list[set[str]] = []

    def ingest(self, paths, *, loss=None, progress=None):
        progress(Progress(0, 1, 0, 10, 0, "a"))

    def version(self):
        return str(self.polls)

    def poll(self):
        self.polls += 1
        if self.faults:
            raise self.faults.pop(0)
        return {"run"}

    def tidy(self, runs):
        self.tidied.append(runs)


def follow(monkeypatch: pytest.MonkeyPatch, board: Fake, polls: int) -> host.Host:
    monkeypatch.setattr(host, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(host, "TROUBLED_SECONDS", 0.001)
    monkeypatch.setattr(host, "TIDY_POLLS", 3)
    shared = host.Host(board, [Path()], None)
    worker = threading.Thread(target=shared.work)
    worker.start()
    until = time.monotonic() + 5
    while board.polls < polls and time.monotonic() < until:
        time.sleep(0.001)
    shared.stop()
    worker.join(2)
    assert not worker.is_alive()
    return shared


def test_reading_outlives_what_fails_and_tells_it_once(monkeypatch, caplog):
    board = Fake(RuntimeError("disk"), RuntimeError("disk"), InputError("bad", where="x"))
    shared = follow(monkeypatch, board, 8)
    assert board.polls >= 8
    assert board.tidied
    assert shared.trouble == ""
    assert sum("reading failed" in record.message for record in caplog.records) == 1
    assert shared.progress is not None
    assert not shared.reading


def test_what_fails_last_stays_told(monkeypatch):
    board = Fake(*[InputError("rights", where="/x", mend="chmod") for _ in range(500)])
    assert follow(monkeypatch, board, 3).trouble == "/x: rights; chmod"


def test_stop_ends_an_ingest(tmp_path):
    shared = host.Host(Fake(), [tmp_path], None)
    shared.stop()
    with pytest.raises(InputError, match="stopped"):
        shared._note(Progress(0, 1, 0, 1, 0, "a"))


# -- diagnoses


def test_runs_are_diagnosed_once_and_one_that_fails_stops_no_other(tmp_path, monkeypatch, caplog):
    for name in ("a", "broken", "c"):
        (tmp_path / name).mkdir()
        rows = [{"step": i, "objective/kl": 0.1 * i, "objective/scores": 1.0} for i in range(30)]
        (tmp_path / name / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(host, "DIAGNOSE_SECONDS", 0.01)
    asked: list[str] = []
    signals = Board.signals

    def watched(board: Board, run: str):
        asked.append(run)
        if run == "broken":
            raise ValueError("a plug-in fell over")
        return signals(board, run)

    monkeypatch.setattr(Board, "signals", watched)
    with Board.open() as board:
        board.ingest(tmp_path)
        shared = host.Host(board, [], None)
        worker = threading.Thread(target=shared.diagnose)
        worker.start()
        until = time.monotonic() + 60
        while shared.due != 0 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
        shared.stop()
        worker.join(10)
        assert not worker.is_alive()
        assert set(board.diagnoses(["a", "broken", "c"])) == {"a", "c"}
    assert sorted(asked) == ["a", "broken", "c"]
    assert sum("broken can't be diagnosed" in record.message for record in caplog.records) == 1


def test_a_store_at_rest_is_not_searched_again_and_again_and_a_new_row_is_seen(tmp_path, monkeypatch):
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(json.dumps({"step": i, "objective/kl": 0.1 * i, "objective/scores": 1.0}) + "\n" for i in range(30))
    )
    monkeypatch.setattr(host, "DIAGNOSE_SECONDS", 0.01)
    searches: list[int] = []
    due = Board.due

    def counted(board: Board):
        searches.append(len(due(board)))
        return due(board)

    monkeypatch.setattr(Board, "due", counted)
    with Board.open() as board:
        board.ingest(tmp_path)
        shared = host.Host(board, [], None)
        worker = threading.Thread(target=shared.diagnose)
        worker.start()
        wait_for(lambda: 1 in searches and searches[-1] == 0)
        time.sleep(0.3)
        at_rest = len(searches)
        with log.open("a") as more:
            more.writelines(
                json.dumps({"step": i, "objective/kl": 0.1 * i, "objective/scores": 1.0}) + "\n" for i in range(30, 60)
            )
        board.poll()
        wait_for(lambda: 1 in searches[at_rest:])
        shared.stop()
        worker.join(10)
    assert at_rest <= 3  # the run that was due, the look after its diagnosis, and one if the poll came between


def wait_for(true) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)
