"""New files read by a process of their own, ahead of the one whose rows are being written to the store.

Making rows out of bytes is half of the work of reading logs, and needs nothing of the store. While a file that the
process is at is waited for, one that it has not begun is read here. What it can't tell, and all that it had not finished
when it died, is read here too, from the chunk on that came last.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from analysis import registry
from analysis.ingest.recognise import recognised
from analysis.records import Chunk
from analysis.sources.base import Head, Job, Source

WORTH = 1 << 25
"""Bytes from which the process is worth its start: half a second, in which one of it reads 32 MB of event files."""

SMALL = 1 << 23
"""Bytes up to which a file is read, and kept in memory, while another one is waited for."""

NEAR = 2
"""Files from the one that is waited for that the process may be at, or begin before it hears that they are read here."""

HELD = 1 << 25
"""Bytes of pickled chunks that wait here: as many are made while a commit takes its half a second."""

PIPE = 1 << 20
"""Bytes of a pipe where the system lets us choose, so that most chunks pass in one piece."""

LENGTH = 8
"""Bytes that tell how long a pickled answer is."""

END = "end"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a file is read as, and its size and time (ns) before that; no source: it is left to who writes it."""

    job: Job
    source: str
    size: int = 0
    mtime_ns: int = 0


Told = Begun | Chunk | str


class Ahead:
    """Reads jobs for whoever asks for them in about this order; closing it ends its process.

    jobs : new files, each with what `Source.read` is to be given
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._asked = {job.path: job for job in jobs}
        self._mine: dict[Path, list[Told]] = {}
        self._came: deque[tuple[Told, int]] = deque()
        self._held = 0
        self._up = self._gone = False
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from analysis.ingest import ahead; ahead.answer()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE,
            start_new_session=True,  # Ctrl-C is for the program that it belongs to
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"},
        )
        threading.Thread(target=self._take_in, name="rewardboard-ahead", daemon=True).start()

    def read(self, source: Source, job: Job) -> Iterator[Chunk]:
        """The chunks of a file as `source.read(job)` yields them. Raises what that raises."""
        for told in self._told(job.path):
            if isinstance(told, Begun):
                if told.job != job or told.source != source.name or not _unchanged(told):
                    break
            elif isinstance(told, Chunk):
                yield told
                job = replace(job, position=told.position)
            else:
                return
        yield from source.read(job)

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        with self._news:
            self._gone = True
            self._news.notify_all()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError, ValueError):
                    pipe.close()

    # -- where answers are taken out

    def _told(self, path: Path) -> Iterator[Told]:
        """What was told of a file, from its beginning; nothing if nobody was asked for it."""
        if path in self._mine:
            yield from self._mine.pop(path)
        elif not self._up:
            self._leave(path)
        elif path in self._asked:
            yield from self._answers(path)

    def _answers(self, path: Path) -> Iterator[Told]:
        here = False
        while (told := self._next(path)) is not None:
            if isinstance(told, Begun):  # of a file that was passed over, too
                self._asked.pop(told.job.path, None)
                here = told.job.path == path
            if here:
                yield told
            if here and told == END:
                return

    def _next(self, path: Path) -> Told | None:
        """The next answer, None if the process is gone; while there is none, another file is read here."""
        while True:
            with self._news:
                if self._came:
                    told, size = self._came.popleft()
                    self._held -= size
                    self._news.notify_all()
                    return told
                if self._gone:
                    return None
            far = islice((job for job in self._asked.values() if job.path != path), NEAR, 2 * NEAR)
            other = next((job for job in far if _small(job)), None)
            if other is not None and len(self._mine) < HELD // SMALL:
                self._leave(other.path)
                self._mine[other.path] = list(_read(other))
            else:
                with self._news:
                    self._news.wait_for(lambda: self._came or self._gone)

    def _leave(self, path: Path) -> None:
        """Take a file from the process, if it has not begun it."""
        with self._news:
            if self._asked.pop(path, None) is not None and self._up:
                self._send(path)

    # -- where they come in

    def _take_in(self) -> None:
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):  # it died, or was ended
            self._answer()  # it is up
            with self._news:
                self._up = True
                for job in self._asked.values():
                    self._send(job)
            while True:
                told, size = self._answer()
                with self._news:
                    self._news.wait_for(lambda: self._held < HELD or self._gone)
                    self._came.append((told, size))
                    self._held += size
                    self._news.notify_all()
        with self._news:
            self._gone = self._up = True
            self._news.notify_all()

    def _answer(self) -> tuple[Told, int]:
        back = self._process.stdout
        assert back is not None
        size = int.from_bytes(back.read(LENGTH), "little")
        return pickle.loads(back.read(size)), size

    def _send(self, told: Job | Path) -> None:
        to = self._process.stdin
        assert to is not None
        with suppress(OSError, ValueError):  # it died: `_take_in` says so
            pickle.dump(told, to)
            to.flush()


@contextmanager
def reading_ahead(jobs: Iterable[Job], size: int) -> Iterator[Ahead | None]:
    """Who reads jobs of `size` bytes ahead, until the end of the block; nobody where they are few or one core is all."""
    reader = None
    if size >= WORTH and (os.cpu_count() or 1) > 1:
        with suppress(OSError):  # no process to be had: all is read by who writes it
            reader = Ahead(jobs)
    try:
        yield reader
    finally:
        if reader is not None:
            reader.close()


def _small(job: Job) -> bool:
    try:
        return os.stat(job.path).st_size <= SMALL
    except OSError:
        return False


def _unchanged(told: Begun) -> bool:
    try:
        info = os.stat(told.job.path)
    except OSError:
        return False
    return (info.st_size, info.st_mtime_ns) == (told.size, told.mtime_ns)


def _read(job: Job) -> Iterator[Told]:
    """What a source tells of a file; of one that it fails on, or can't go on with from a chunk on, only that it begins."""
    try:
        info = os.stat(job.path)
        found = recognised(Head(job.path, job.columns))
        if found is not None and found[0].appends:
            yield Begun(job, found[0].name, info.st_size, info.st_mtime_ns)
            yield from found[0].read(job)
        else:
            yield Begun(job, "")
    except Exception:  # who writes it reads it again, from the last chunk on, and tells what is wrong
        yield Begun(job, "")
    yield END


def answer() -> None:
    """Read jobs, write what is in their files, until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a plug-in prints is no answer
    jobs: dict[Path, Job] = {}
    news = threading.Condition()

    def listen() -> None:
        with suppress(Exception):
            while True:
                told = pickle.load(sys.stdin.buffer)
                with news:
                    if isinstance(told, Job):
                        jobs[told.path] = told
                    else:
                        jobs.pop(told, None)
                    news.notify()
        os._exit(0)  # nobody asks any more

    def send(told: Any) -> None:
        data = pickle.dumps(told, protocol=pickle.HIGHEST_PROTOCOL)
        out.write(len(data).to_bytes(LENGTH, "little"))
        out.write(data)
        out.flush()

    registry.leaves("source")
    send("up")
    threading.Thread(target=listen, daemon=True).start()
    with suppress(OSError):  # nobody reads any more
        while True:
            with news:
                news.wait_for(lambda: jobs)
                job = jobs.pop(next(iter(jobs)))
            for told in _read(job):
                send(told)
