"""What the pages of one process share: the board, the thread that reads logs, and the one that diagnoses runs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.memory import keep
from analysis.records import InputError, RewardboardError
from analysis.timings import Timings

if TYPE_CHECKING:
    from analysis.board import Board
    from analysis.ingest.ingestor import Progress

POLL_SECONDS = 0.3
"""How often watched files are looked at: with the page's own look every second, a flushed row shows within two."""

TROUBLED_SECONDS = 2.0
"""The same after a failure, which may last."""

DIAGNOSE_SECONDS, BETWEEN_SECONDS = 1.0, 0.05
"""How often runs that are due for a diagnosis are looked for, and the pause between two."""

UNCHANGED_SECONDS = 30.0
"""The same where no row came since nothing was due: a run that falls silent has its last rows diagnosed by then."""

READING_SECONDS = 60.0
"""So long the first reading has the machine for itself: a thousand runs are read in half of it."""

TIDY_POLLS = 200
"""Polls between two tidy-ups (a minute): rollups of live runs are merged, logs compared."""

log = logging.getLogger("rewardboard")


class Host:
    """What the pages of this process share: the board, and how far the first reading is.

    progress, reading, trouble : of the reading thread
    page : what pages call this server with, "" where they are drawn without it (tests, other hosts of the script)
    due : runs that are still to be diagnosed; None before the first look for them
    timings : of runs of the page's script and of the requests of pages
    """

    def __init__(self, board: Board, paths: Sequence[Path], loss: str | None) -> None:
        self.board = board
        self.paths = list(paths)
        self.loss = loss
        self.progress: Progress | None = None
        self.reading = bool(self.paths)
        self.trouble = ""
        self.page = ""
        self.due: int | None = None
        self.timings = Timings()
        self.listeners: set[Callable[[], None]] = set()
        self._told: object = None
        self._stop = threading.Event()
        self._changed: set[str] = set()

    def work(self) -> None:
        """Read the paths, then follow them until `stop`; whatever fails is told, and tried again."""
        if self.paths:
            self._guarded(lambda: self.board.ingest(self.paths, loss=self.loss, progress=self._note))
        self.reading = False
        self._tell()
        keep()
        polls = 0
        while not self._stop.wait(POLL_SECONDS if not self.trouble else TROUBLED_SECONDS):
            self._guarded(lambda: self._changed.update(self.board.poll()))
            self._tell()
            polls += 1
            if polls % TIDY_POLLS == 0 and self._changed:
                changed, self._changed = self._changed, set()
                self._guarded(lambda runs=changed: self.board.tidy(runs))  # type: ignore[misc]
                keep()

    def diagnose(self) -> None:
        """Diagnose runs as they come and grow, one at a time and in a process of its own, until `stop`."""
        from analysis.diagnosis.apart import Apart, DiagnosisError

        apart, failed = Apart(), dict[str, int]()
        try:
            first = time.monotonic() + READING_SECONDS
            done, again = "", first
            while not self._stop.wait(DIAGNOSE_SECONDS):
                if self.reading and time.monotonic() < first:
                    continue
                version = self.board.version()
                if version == done and time.monotonic() < again:
                    continue
                due = [(run, rows) for run, rows in self.board.due() if failed.get(run) != rows]
                for place, (run, rows) in enumerate(due):
                    self.due = len(due) - place
                    if self._stop.is_set():
                        return
                    try:
                        self.board.keep_diagnosis(apart.diagnose(self.board.signals(run)), rows)
                    except InputError:
                        continue  # it was deleted meanwhile
                    except DiagnosisError as error:
                        failed[run] = rows
                        log.warning("%s", error)
                    except Exception:  # the other runs are diagnosed all the same
                        failed[run] = rows
                        log.exception("%s can't be diagnosed", run)
                    self._tell()
                    if self._stop.wait(BETWEEN_SECONDS) or self.reading:
                        break  # what is read now may be more urgent
                else:
                    self.due = 0
                    # with diagnoses of its own the version is another one: the next look is the one that finds nothing
                    done, again = version, time.monotonic() + UNCHANGED_SECONDS
        finally:
            apart.close()

    def stop(self) -> None:
        """Ask the worker to end; an ingest ends with the chunk that it reads."""
        self._stop.set()

    def _tell(self) -> None:
        """Wake those who listen, if there is anything new."""
        now = (self.board.version(), self.reading, self.trouble, self.progress if self.reading else None)
        if now != self._told:
            self._told = now
            for listener in tuple(self.listeners):
                listener()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        self._tell()
        if self._stop.is_set():
            raise InputError("stopped while reading", mend="start again; nothing that was read is lost")

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
            self.trouble = ""
        except RewardboardError as error:
            self.trouble = str(error)
        except Exception as error:  # the tailing thread must outlive any one file
            told, self.trouble = self.trouble, f"{type(error).__name__}: {error}"
            if told != self.trouble:
                log.exception("reading failed; it is tried again")


_host: Host | None = None
_host_lock = threading.Lock()


def host() -> Host:
    """What the page scripts of this process work on; a store named by REWARDBOARD_DB outside of a server."""
    global _host
    with _host_lock:
        if _host is None:
            from analysis.board import Board

            _host = Host(Board.open(os.environ.get("REWARDBOARD_DB")), [], None)
        return _host


def use(shared: Host | None) -> None:
    """Name the host of this process; None lets the next `host()` open one."""
    global _host
    with _host_lock:
        _host = shared
