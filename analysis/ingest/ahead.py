"""New files read by a process of their own, ahead of the one whose rows are being written to the store.

Making rows out of bytes is half of the work of reading logs, and needs nothing of the store. The process tells a file as a
whole or not at all; while one that it is at is waited for, one that it has not begun is read here. What it does not
tell, because it failed, died, or read another source or state of the file, is read by who writes it.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from analysis import registry
from analysis.helper import started
from analysis.ingest.recognise import recognised
from analysis.ingest.walk import Found
from analysis.records import Chunk
from analysis.sources.base import Head, Job, Source

WORTH = 1 << 25
"""Bytes from which the process is worth its start: half a second, in which one of it reads 32 MB of event files."""

SMALL = 1 << 23
"""Bytes of the largest file that is read ahead: it is kept in memory whole. Larger ones are read and written in parts."""

PACKED = (".gz", ".parquet", ".npz")
"""Endings of files whose size does not tell how much memory they take."""

NEAR = 2
"""Files from the one that is waited for that the process may be at, or begin before it hears that they are read here."""

HELD = 1 << 25
"""Bytes of pickled files that wait here: as many are made while a commit takes its half a second."""

PIPE = 1 << 20
"""Bytes of a pipe where the system lets us choose, so that most files pass in one piece."""

LENGTH = 8
"""Bytes that tell how long a pickled answer is."""


@dataclass(frozen=True, slots=True)
class Told:
    """All chunks of a file, what it was read as, and its size and time (ns) before that; no source: it is not told."""

    job: Job
    source: str = ""
    size: int = 0
    mtime_ns: int = 0
    chunks: tuple[Chunk, ...] = ()


class Ahead:
    """Reads jobs for whoever asks for them in about this order; closing it ends its process.

    jobs : new files, each with what `Source.read` is to be given
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._asked = {job.path: job for job in jobs}
        self._mine: dict[Path, Told] = {}
        self._came: deque[tuple[Told, int]] = deque()
        self._held = 0
        self._up = self._gone = False
        self._news = threading.Condition()
        self._process = started(__name__, pipesize=PIPE)
        try:
            threading.Thread(target=self._take_in, name="rewardboard-ahead", daemon=True).start()
        except RuntimeError:
            self.close()
            raise

    def read(self, source: Source, job: Job) -> Iterator[Chunk]:
        """The chunks of a file as `source.read(job)` yields them. Raises what that raises."""
        told = self._told(job.path)
        if told is not None and (told.job, told.source) == (job, source.name) and _unchanged(told):
            yield from told.chunks
        else:
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

    def _told(self, path: Path) -> Told | None:
        """What was told of a file; None if nobody was asked for it, or nobody knows."""
        if path in self._mine:
            return self._mine.pop(path)
        if not self._up:
            self._leave(path)
        while path in self._asked:
            told = self._next(path)
            if told is None:
                return None
            self._asked.pop(told.job.path, None)  # it may be one that was passed over
            if told.job.path == path:
                return told
        return None

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
            far = islice((job for job in self._asked.values() if job.path != path), NEAR, None)
            other = next(far, None) if len(self._mine) < HELD // SMALL else None
            if other is None:
                with self._news:
                    self._news.wait_for(lambda: self._came or self._gone)
                continue
            self._leave(other.path)
            mine = _read(other)
            if mine.source:
                self._mine[other.path] = mine

    def _leave(self, path: Path) -> None:
        """Take a file from the process, if it has not begun it."""
        with self._news:
            if self._asked.pop(path, None) is not None and self._up:
                self._send(path)

    # -- where they come in

    def _take_in(self) -> None:
        try:
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
        except Exception:  # it died, was ended, or told what can't be read: who waits must hear of it in any case
            pass
        finally:
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
def reading_ahead(files: Iterable[Found], job_of: Callable[[Path], Job]) -> Iterator[Ahead | None]:
    """Who reads new files ahead, until the end of the block; nobody where they are few, or one core is all there is."""
    reader, small = None, [found for found in files if _is_small(found)]
    if sum(found.size for found in small) >= WORTH and (os.cpu_count() or 1) > 1 and sys.executable:
        with suppress(OSError, RuntimeError):  # no process, or no thread, to be had: all is read by who writes it
            reader = Ahead(job_of(found.path) for found in small)
    try:
        yield reader
    finally:
        if reader is not None:
            reader.close()


def _is_small(found: Found) -> bool:
    return not found.error and found.size <= SMALL and not found.path.name.lower().endswith(PACKED)


def _unchanged(told: Told) -> bool:
    try:
        info = os.stat(told.job.path)
    except OSError:
        return False
    return (info.st_size, info.st_mtime_ns) == (told.size, told.mtime_ns)


def _read(job: Job) -> Told:
    """All that a source tells of a file; of one that it fails on nothing, so that who writes it fails as well and says so."""
    try:
        info = os.stat(job.path)
        found = recognised(Head(job.path, job.columns))
        if found is None or info.st_size > SMALL:
            return Told(job)
        return Told(job, found[0].name, info.st_size, info.st_mtime_ns, tuple(found[0].read(job)))
    except Exception:
        return Told(job)


def answer() -> None:
    """Read jobs, tell what is in their files, until the input ends."""
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

    def send(told: Told) -> None:
        try:
            data = pickle.dumps(told, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:  # a plug-in's own kind of value
            data = pickle.dumps(Told(told.job))
        out.write(len(data).to_bytes(LENGTH, "little"))
        out.write(data)
        out.flush()

    registry.leaves("source")
    send(Told(Job(Path())))
    threading.Thread(target=listen, daemon=True).start()
    with suppress(OSError):  # nobody reads any more
        while True:
            with news:
                news.wait_for(lambda: jobs)
                job = jobs.pop(next(iter(jobs)))
            send(_read(job))
