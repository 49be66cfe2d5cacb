"""Read what is new below the watched paths into the store, and report what could not be read."""

from __future__ import annotations

import itertools
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from analysis import registry
from analysis.ingest import beside
from analysis.ingest.ahead import Ahead, reading_ahead
from analysis.ingest.assign import Candidate, assign, end_mark, fingerprint
from analysis.ingest.checkpoints import with_step
from analysis.ingest.grouping import home
from analysis.ingest.moves import Gone, follow_moves, gone_files
from analysis.ingest.recognise import recognised
from analysis.ingest.walk import Found, batches, is_below, walk
from analysis.records import Chunk, CutError, Ending, InputError, RewardboardError, RunInfo, Scalars
from analysis.sources.base import Head, Job, Source
from analysis.store.rows import File
from analysis.store.writer import Writer

COMMIT_VALUES = 1_000_000
"""Buffered values that make a commit: DuckDB writes batches of this size at full speed, 50 MB of memory."""

FIRST_COMMIT_SECONDS, COMMIT_SECONDS = 0.05, 1.0
"""The longest that a read row waits for its commit in a long ingest, so that pages fill while it runs; at its
beginning pages are empty, so the first rows come at once."""

TAIL_COMMIT_SECONDS = 0.4
"""The same for files that grow: a hundred of them are read in less, and one commit for all costs as much as one for each
few of them did.
"""

LOOK_AGAIN_SECONDS = 1.0
"""How often watched folders are searched for new files and files that woke up, at most: a search of thousands of
folders takes its time, and is made so rarely that it costs half a percent of a core (a thousand folders: each 5 s)."""

REST = 200
"""So many times as long as a search took, the next one waits."""

FEW_FILES, LIVE_SECONDS, HOT_SECONDS, TURNS = 500, 10.0, 600.0, 3
"""As long as files are few (500 looks take 2 ms), each is looked at on every poll. Otherwise those are that were
written to in the last ten seconds; those of the last ten minutes by turns, which is once a second; the others
when folders are searched. A thousand runs that rest then cost one percent of a core."""

SETTLED_SECONDS = 2.0
"""A watched file that was quiet for so long is not in the middle of a line: writers flush whole rows."""

DATA_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".npy", ".npz")
"""Files with these endings are named in the report if no source recognises them; others are passed over."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long ingest is: files done of all, bytes done of all, rows so far, the file being read."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    rows: int
    path: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingest did: ledger entries of the files below its paths, their runs, and the runs that changed."""

    files: tuple[File, ...]
    runs: tuple[str, ...]
    changed: frozenset[str]


@dataclass
class Ingestor:
    """Keeps a store up to date with files on disk. `loss` names the loss of reward models that don't say it."""

    writer: Writer
    loss: str = ""
    _roots: list[Path] = field(default_factory=list)
    _strangers: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _look_again: float = -np.inf
    _tailing: bool = False
    _unsettled: dict[int, float] = field(default_factory=dict)
    _growths: dict[int, float] = field(default_factory=dict)
    _ahead: Ahead | None = None

    def watch(self, paths: Iterable[Path]) -> None:
        """Remember what to look at. Raises InputError if a path does not exist."""
        for path in paths:
            if not path.exists():
                raise InputError("no such file or folder", where=str(path), mend="check the path")
            if path not in self._roots:
                self._roots.append(path)
        self._look_again = -np.inf
        self._turn = 0

    def ingest(self, progress: Callable[[Progress], None] | None = None, paths: Sequence[Path] | None = None) -> Report:
        """Read everything that is new below the watched paths; commits as it goes.

        The report is about `paths` (all that are watched, if none are named).
        """
        self._tailing = False
        self._strangers.clear()  # what was deleted, or not known by an older plug-in, is looked at again
        pending, new = self._find()
        with reading_ahead(
            itertools.chain.from_iterable(new), lambda path: Job(path, None, self._columns(path))
        ) as ahead:
            self._ahead = ahead
            try:
                changed = self._read_all(pending, new, progress)
            finally:
                self._ahead = None
        seen = [f for f in self.writer.files if is_below(f.path, self._roots if paths is None else paths)]
        owners = {f.run_id for f in seen}
        runs = [r for r, run in self.writer.runs.items() if run.begun and not owners.isdisjoint(_lineage(r))]
        return Report(tuple(seen), tuple(sorted(runs)), frozenset(changed))

    def poll(self) -> set[str]:
        """Read what was added since the last call; the cheap call of a tailing loop."""
        self._tailing = True
        start = time.monotonic()
        if start >= self._look_again:
            pending, new = self._find()
            now = time.monotonic()
            self._look_again = now + max(LOOK_AGAIN_SECONDS, REST * (now - start))
        else:
            pending, new = self._grown(), []
        return self._read_all(pending, new, None) if pending or new else self.writer.commit()

    # -- finding

    def _below(self, path: str) -> bool:
        return is_below(path, self._roots)

    def _find(self) -> tuple[list[File], list[list[Found]]]:
        """Known files that changed, and new files in batches, each a folder that holds whole runs."""
        pending: list[File] = []
        new: list[Found] = []
        for found in walk(self._roots):
            file = self.writer.files.at(found.path)
            if file is not None and file.source:
                pending += self._changed(file, found)
            elif found.error:
                self._stranger(found, found.error)
            elif self._strangers.get(found.path) != (found.size, found.mtime_ns):
                new.append(found)
        # ids were given in reading order: a re-run after a kill must go on in it
        return sorted(pending, key=lambda file: file.file_id), batches(new)

    def _take_up(self, batch: Sequence[Found], gone: Gone) -> list[File]:
        """Recognise new files and give them their runs; returns what is to be read."""
        candidates = [candidate for found in batch for candidate in self._recognise(found)]
        fresh, moved = follow_moves(candidates, gone, self.writer)
        files = moved + assign(fresh, self.writer)
        self._tell_beside(fresh)
        return files

    def _changed(self, file: File, found: Found) -> list[File]:
        same = (file.size, file.mtime_ns) == (found.size, found.mtime_ns)
        if (
            file.state == "reading"
            or self._settled(file)
            or (not same and not found.error and file.state not in ("unread", "replaced"))
        ):
            return [file]
        return []

    def _grown(self) -> list[File]:
        """Files that are due for a look and whose size or time changed: one stat each."""
        pending = []
        many, now = len(self.writer.files) > FEW_FILES, time.time()
        hot, live = ((now - HOT_SECONDS) * 1e9, (now - LIVE_SECONDS) * 1e9) if many else (0.0, 0.0)
        self._turn = (self._turn + 1) % TURNS
        for file in self.writer.files:
            if file.mtime_ns < hot or (file.mtime_ns < live and file.file_id % TURNS != self._turn):
                continue
            if file.state not in ("read", "reading", "failed") or not self._below(file.path):
                continue
            try:
                info = os.stat(file.path)
            except OSError:
                continue
            if (info.st_size, info.st_mtime_ns) != (file.size, file.mtime_ns) or self._settled(file):
                pending.append(file)
        return pending

    def _settled(self, file: File) -> bool:
        """Whether a file that may have been in the middle of a line has become quiet since it was read."""
        written = self._unsettled.get(file.file_id)
        if written is None or time.time() - written < SETTLED_SECONDS:
            return False
        del self._unsettled[file.file_id]
        return True

    def _recognise(self, found: Found) -> list[Candidate]:
        head = Head(found.path, self._columns(found.path))
        try:
            _ = head.data
        except OSError as error:
            self._stranger(found, (error.strerror or str(error)).lower())
            return []
        except (EOFError, zlib.error):
            self._stranger(found, "the gzip stream is cut off")
            return []
        best = recognised(head)
        self._strangers[found.path] = (found.size, found.mtime_ns)
        if best is not None:
            return [Candidate(found, *best, head)]
        if head.name.lower().endswith(".json") and isinstance(head.document, dict):
            self._stranger(found, "a JSON object with no rows, and no configuration by its name", state="unread")
        elif head.name.lower().endswith(DATA_ENDINGS) or "tfevents" in head.name:
            why = "the file is empty" if found.size == 0 else "no log, scores, rollouts or texts recognised in it"
            self._stranger(found, why)
        return []

    def _stranger(self, found: Found, why: str, state: str = "failed") -> None:
        """List a file that can't be read at all; it belongs to no run."""
        self._strangers[found.path] = (found.size, found.mtime_ns)
        known = self.writer.files.at(found.path)
        file = known or self.writer.new_file(str(found.path), "", -1, "", "")
        self.writer.put_file(replace(file, state=state, error=why, size=found.size, mtime_ns=found.mtime_ns))

    def _tell_beside(self, candidates: Sequence[Candidate]) -> None:
        """Hand on what `rewardboard.toml` and the command line say about the runs of these files."""
        for candidate in candidates:
            file = self.writer.files.at(candidate.path)
            if file is None or file.role in ("config", "texts", "unread"):
                continue
            try:
                said = beside.read(home(candidate.path, candidate.found.root), candidate.found.root)
            except InputError as error:
                self._stranger(Found(Path(error.where), candidate.found.root), f"{error.what}; {error.mend}")
                continue
            if said.info != RunInfo():
                self.writer.tell(file.run_id, said.info, by_user=True)
            if self.loss:
                self.writer.tell(file.run_id, RunInfo(loss=self.loss), by_user=True)

    def _columns(self, path: Path) -> dict[str, str]:
        root = next((r for r in self._roots if path.is_relative_to(r)), path.parent)
        root = root if root.is_dir() else root.parent
        try:
            return dict(beside.read(home(path, root), root).columns)
        except InputError:
            return {}

    # -- reading

    def _read_all(
        self, pending: list[File], new: list[list[Found]], progress: Callable[[Progress], None] | None
    ) -> set[str]:
        """Read what changed, then what is new, the newest folders first; commit as it goes."""
        changed: set[str] = set()
        count = len(pending) + sum(len(batch) for batch in new)
        total = sum(_size(f) for f in pending) + sum(found.size for batch in new for found in batch)
        number = done = rows = 0
        wait, last = TAIL_COMMIT_SECONDS if self._tailing else FIRST_COMMIT_SECONDS, time.monotonic()
        gone = gone_files(self.writer) if new else {}
        steps: Iterator[tuple[list[File], int, int]] = itertools.chain(
            ((([file], 1, _size(file))) for file in pending),
            ((self._take_up(batch, gone), len(batch), sum(f.size for f in batch)) for batch in new),
        )
        for files, files_seen, size in steps:
            for file in files:
                for read in self._read(file):
                    rows += read
                    if self.writer.buffered >= COMMIT_VALUES or time.monotonic() - last >= wait:
                        changed |= self.writer.commit()
                        wait, last = min(2 * wait, COMMIT_SECONDS), time.monotonic()
                    if progress:
                        progress(Progress(number, count, done, total, rows, file.path))
            number, done = number + files_seen, done + size
        changed |= self.writer.commit()
        if progress and count:
            progress(Progress(count, count, total, total, rows, ""))
        return changed

    def _read(self, file: File) -> Iterator[int]:
        """Read one file from where the ledger says; yields the rows of each chunk."""
        source = registry.leaves("source").get(file.source)
        file = self.writer.files[file.file_id]
        if source is None or file.state == "replaced":
            return
        try:
            info = os.stat(file.path)
            known, before = file.position is not None, file.rows
            file, again = self._start(file, source, info.st_size)
            mark = end_mark(Path(file.path), info.st_size)
            file = replace(file, state="reading", error="", mtime_ns=info.st_mtime_ns, size=info.st_size, end_hash=mark)
            self.writer.put_file(file)
            quiet = time.time() - info.st_mtime
            final = not self._tailing or quiet >= SETTLED_SECONDS
            if not final:
                self._unsettled[file.file_id] = info.st_mtime
            path = Path(file.path)
            job = Job(path, file.position, self._columns(path), final)
            told = source.read(job) if self._ahead is None else self._ahead.read(source, job)
            chunks = (with_step(chunk, path) for chunk in told)
            first = next(chunks, None)
            if again and first is not None:
                yield from self._read_again(file)
            if first is not None:
                file = self._own_log_if_concurrent(self.writer.files[file.file_id], first)
                self.writer.add(file, first)
                yield first.rows
            for chunk in chunks:
                self.writer.add(file, chunk)
                yield chunk.rows
            self.writer.put_file(replace(self.writer.files[file.file_id], state="read"))
            if self._tailing and known and self.writer.files[file.file_id].rows > before:
                self._note_growth(file.log_id, info.st_mtime)
            if file.role == "log" and not self.writer.has_series(file.log_id):
                self.writer.begin_run(file.run_id)  # an empty log: the run is there, and that is all so far
        except (RewardboardError, OSError) as error:
            self._failed(file, error)
        except Exception as error:  # a plug-in may fail in any way; the other files must still be read
            self._failed(file, InputError(f"{type(error).__name__}: {error}", mend="report it with the file's head"))

    def _note_growth(self, log_id: int, at: float) -> None:
        last = self._growths.get(log_id)
        self._growths[log_id] = at
        self.writer.note_growth(log_id, at, None if last is None or at <= last else at - last)

    def _failed(self, file: File, error: Exception) -> None:
        what = (
            error.what + (f"; {error.mend}" if error.mend else "")
            if isinstance(error, RewardboardError)
            else str(getattr(error, "strerror", None) or error)
        )
        file = self.writer.files[file.file_id]
        ending = replace(file.ending, word="cut", why=error.what) if isinstance(error, CutError) else Ending()
        state = "unread" if file.role == "unread" else "failed"
        self.writer.put_file(replace(file, state=state, error=what, ending=ending))

    def _start(self, file: File, source: Source, size: int) -> tuple[File, bool]:
        """Where to begin: behind what was read, or anew if the file is another one now."""
        if file.position is None:
            return file, False
        seen, mark = fingerprint(Path(file.path), file.prefix_bytes) if file.prefix_bytes else (0, "")
        kept = size >= file.size and not (file.position.get("open") and size > file.size)
        same_start = (seen, mark) == (file.prefix_bytes, file.prefix_hash)
        if source.appends and kept and same_start and file.end_hash in ("", end_mark(Path(file.path), file.size)):
            return file, False
        return replace(file, position=None), True

    def _read_again(self, file: File) -> Iterator[int]:
        """The file was rewritten: drop its log, and read the log's other files anew."""
        others = [f for f in self.writer.forget(file) if f.file_id != file.file_id]
        size, mark = fingerprint(Path(file.path))
        self.writer.put_file(
            replace(
                self.writer.files[file.file_id],
                prefix_bytes=size,
                prefix_hash=mark,
                size=file.size,
                mtime_ns=file.mtime_ns,
                end_hash=file.end_hash,
            )
        )
        for other in others:
            yield from self._read(self.writer.files[other.file_id])

    def _own_log_if_concurrent(self, file: File, first: Chunk) -> File:
        """Event files that were written at the same time are two writers (ranks), not a restart."""
        if file.source != "tensorboard" or file.position is not None:
            return file
        times = [r.table["wall_time"].to_numpy() for r in first.records if isinstance(r, Scalars) and len(r)]
        last = self.writer.last_time(file.log_id)
        if not times or not np.isfinite(last) or np.nanmin(np.concatenate(times)) >= last:
            return file
        log = self.writer.logs[file.log_id]
        own = self.writer.new_log(log.run_id, Path(file.path).name, log.source, log.rank, log.prefix, log.suffix)
        file = replace(file, log_id=own.log_id)
        self.writer.put_file(file)
        return file


def _lineage(run_id: str) -> list[str]:
    """A run id and the ids of the runs it may be a part of: a/b/c, a/b, a."""
    words = run_id.split("/")
    return ["/".join(words[:n]) for n in range(len(words), 0, -1)]


def _size(file: File) -> int:
    try:
        return os.stat(file.path).st_size
    except OSError:
        return 0
