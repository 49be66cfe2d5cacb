"""The one writer: buffers what sources yield and commits rows, rollups and ledger in one transaction.

A kill at any moment loses no committed row and doubles none: what a file's ledger entry says was read is
what is in the tables.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis import records
from analysis.records import Chunk, Ending, RunInfo
from analysis.store import pace, rollups, schema, sketches, tails
from analysis.store.ledger import Ledger
from analysis.store.named import Catalogue
from analysis.store.rows import File, Log, Run, Series

Meaning = Callable[[Run, Sequence[Series], rollups.Tails], tuple[Run, list[Series]]]
"""Gives the series of one run their metric, unit and primary flag, and the run what they say of it."""

_TABLES: dict[type[records.Batch], str] = {
    records.Histograms: "histograms",
    records.PairScores: "pair_scores",
    records.RankedScores: "ranked_scores",
    records.Rollouts: "rollouts",
    records.PairTexts: "pair_texts",
    records.Stream: "stream_cells",
}

_KIND_OF: dict[str, records.RunKind] = {
    "pair_scores": "reward_model",
    "ranked_scores": "reward_model",
    "stream_cells": "deployment",
}

_SCORE_TABLES = ("pair_scores", "ranked_scores", "rollouts", "stream_cells")


class Writer:
    """Owns the writing side of one store; not thread-safe, one at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, meaning: Meaning) -> None:
        self._con = connection
        self._meaning = meaning
        self.files = Ledger(self._load("files", File.from_row))
        self.logs: dict[int, Log] = {g.log_id: g for g in self._load("logs", Log.from_row)}
        self.runs: dict[str, Run] = {r.run_id: r for r in self._load("runs", Run.from_row)}
        self.series: dict[int, Series] = {s.series_id: s for s in self._load("series", Series.from_row)}
        self._ids = {(s.run_id, s.log_id, s.tag): s.series_id for s in self.series.values()}
        self._of_run: dict[str, list[int]] = defaultdict(list)
        for s in self.series.values():
            self._of_run[s.run_id].append(s.series_id)
        self.catalogue = Catalogue(self.series.values())
        self._logs_with_series = {s.log_id for s in self.series.values()}
        self._next_series = max(self.series, default=-1) + 1
        self.tails = tails.load(connection, self._next_series)
        self._ends: dict[int, tuple[float, float]] = {}
        self.versions: dict[str, int] = defaultdict(int)
        self.commits = self.notes = 0
        self._clear()

    def _load(self, table: str, make: Callable[[dict[str, Any]], Any]) -> list[Any]:
        return [make(row) for row in self._con.sql(f"SELECT * FROM {table}").to_arrow_table().to_pylist()]

    def _clear(self) -> None:
        self.buffered = 0
        self._scalars: list[tuple[npt.NDArray[np.int32], pa.Table]] = []
        self._rows: dict[str, list[pa.Table]] = defaultdict(list)
        self._changed_files: set[int] = set()
        self._changed_runs: set[str] = set()
        self._renamed_series: set[str] = set()
        self._told_anew: set[str] = set()
        self._grown: set[str] = set()
        self._forget_logs: set[int] = set()
        self._forget_files: set[int] = set()

    # -- files, logs, runs

    def new_log(self, run_id: str, label: str, source: str, rank: int, prefix: str = "", suffix: str = "") -> Log:
        log = Log(max(self.logs, default=-1) + 1, run_id, label, source, rank, prefix, suffix)
        self.logs[log.log_id] = log
        return log

    def new_file(self, path: str, run_id: str, log_id: int, source: str, role: str) -> File:
        file = File(self.files.next_id, path, run_id, log_id, source, role)
        self.put_file(file)
        return file

    def put_file(self, file: File) -> None:
        """Note a changed ledger entry for the next commit."""
        self.files.put(file)
        self._changed_files.add(file.file_id)

    def put_run(self, run: Run) -> None:
        """Note a changed or new run for the next commit."""
        if self.runs.get(run.run_id) != run:
            self.runs[run.run_id] = run
            self._changed_runs.add(run.run_id)
            self._grown.add(run.run_id)

    def last_time(self, log_id: int) -> float:
        """Wall time of the last point of a log (unix s), -inf if none is known; uncommitted points count."""
        newest = self.logs[log_id].newest
        return -np.inf if newest is None else newest

    def note_growth(self, log_id: int, seen: float, pause: float | None) -> None:
        """A log was seen growing at `seen` (unix s), `pause` s after it was seen growing before."""
        log = self.logs[log_id]
        known = log.pauses
        if log.newest is None and pause is not None:  # its rows carry no times, so this is all that is known
            known = tuple(sorted((*known, pause), reverse=True)[: pace.KEPT])
        self.logs[log_id] = replace(log, grew=seen, pauses=known)

    def has_series(self, log_id: int) -> bool:
        """Whether anything was read of a log that can be drawn."""
        return log_id in self._logs_with_series

    def begin_run(self, run_id: str) -> None:
        """Something of the run could be read: it is listed from now on, even if its log is empty so far."""
        run = self.runs.get(run_id) or Run(run_id)
        if not run.begun:
            self.put_run(replace(run, begun=True))

    def tell(self, run_id: str, info: RunInfo, *, by_user: bool = False) -> None:
        """Add what a log or a person says about a run."""
        run = self.runs.get(run_id) or Run(run_id)
        self.put_run(run.told(info, by_user=by_user))

    def forget(self, file: File) -> list[File]:
        """Drop what was read of a file that was rewritten, with its whole log; takes effect at the next commit.

        Returns the files of that log, to be read again from their beginning.
        """
        again = [f for f in self.files if f.log_id == file.log_id and f.state != "replaced"]
        self._forget_logs.add(file.log_id)
        if file.log_id in self.logs:
            self.logs[file.log_id] = replace(self.logs[file.log_id], newest=None, pauses=())
        for f in again:
            self._forget_files.add(f.file_id)
            fresh = replace(f, position=None, rows=0, notes=(), skipped=(), state="reading", error="", ending=Ending())
            self.put_file(fresh)
        return [self.files[f.file_id] for f in again]

    # -- rows

    def add(self, file: File, chunk: Chunk) -> None:
        """Buffer a chunk of `file`; its rows and the new position are committed together."""
        for record in chunk.records:
            if isinstance(record, RunInfo):
                self.tell(sub_run(file.run_id, record.run), record)
            elif isinstance(record, records.Scalars):
                self._add_scalars(file, record.table)
            elif len(record):
                self._add_rows(file, record)
        self.put_file(self.files[file.file_id].read_on(chunk))

    def _add_scalars(self, file: File, table: pa.Table) -> None:
        if not table.num_rows:
            return
        log = self.logs[self.files[file.file_id].log_id]
        table = table.unify_dictionaries().combine_chunks()
        run, tag = (_dictionary(table[name]) for name in ("run", "tag"))
        runs, tags = run.dictionary.to_pylist(), tag.dictionary.to_pylist()
        codes = _codes(run).astype(np.int64) * len(tags) + _codes(tag)
        present = np.zeros(len(runs) * len(tags), bool)
        present[codes] = True
        lookup = np.zeros(len(present), np.int32)
        for code in np.flatnonzero(present):
            run_id = sub_run(file.run_id, runs[code // len(tags)] or "")
            tag = f"{log.prefix}{tags[code % len(tags)] or ''}{log.suffix}"
            lookup[code] = self._series_id(run_id, log.log_id, tag)
        if table["wall_time"].null_count < table.num_rows:
            self._note_pace(log, table, fresh=self.files[file.file_id].position is None)
        self._scalars.append((lookup[codes], table.select(["step", "wall_time", "value"])))
        self.buffered += table.num_rows

    def _note_pace(self, log: Log, table: pa.Table, *, fresh: bool) -> None:
        time, step = _floats(table["wall_time"]), _floats(table["step"])
        last = int(np.nanargmax(time))
        end = None if fresh or log.newest is None else self._ends.get(log.log_id, (log.newest, np.nan))
        known = pace.pauses(time, step, log.pauses, end)
        self._ends[log.log_id] = (float(time[last]), float(step[last]))
        newest = max(float(time[last]), self.last_time(log.log_id))
        self.logs[log.log_id] = replace(log, newest=newest, pauses=tuple(known))

    def _series_id(self, run_id: str, log_id: int, tag: str) -> int:
        key = (run_id, log_id, tag)
        self._grown.add(run_id)
        if key not in self._ids:
            log = self.logs[log_id]
            series = Series(self._next_series, run_id, log_id, log.source, log.rank, tag)
            self._ids[key] = self._next_series
            self._logs_with_series.add(log_id)
            self.series[self._next_series] = series
            self._of_run[run_id].append(self._next_series)
            self._renamed_series.add(run_id)
            self._next_series += 1
            self.begin_run(run_id)
        return self._ids[key]

    def _add_rows(self, file: File, record: records.Batch) -> None:
        table = record.table
        who = "scorer" if "scorer" in table.schema.names else "run" if "run" in table.schema.names else None
        if isinstance(record, records.Stream):
            for run_id, part in _by_run(file.run_id, table, "run"):
                self._keep("stream_cells", file, run_id, sketches.sketch(part))
        elif isinstance(record, records.PairTexts):
            folder = file.path.rpartition("/")[0]
            extra = table.append_column("folder", pa.repeat(pa.scalar(folder), len(table)))
            self._keep("pair_texts", file, None, extra)
        else:
            assert who is not None
            for run_id, part in _by_run(file.run_id, table, who):
                self._keep(_TABLES[type(record)], file, run_id, part)
        self.buffered += len(table)

    def _keep(self, table: str, file: File, run_id: str | None, rows: pa.Table) -> None:
        rows = rows.append_column("file_id", pa.repeat(pa.scalar(file.file_id, pa.int32()), len(rows)))
        if run_id is not None:
            rows = rows.append_column("run_id", pa.repeat(pa.scalar(run_id), len(rows)))
            self._grown.add(run_id)
            self.begin_run(run_id)
            self.tell(run_id, RunInfo(kind=_KIND_OF.get(table)))
        self._rows[table].append(rows)

    def delete(self, run_id: str) -> None:
        """Take a run and everything of it out of the store, at once."""
        doomed = [s for s in self.series.values() if s.run_id == run_id]
        ids = [s.series_id for s in doomed]
        self._con.execute("BEGIN")
        try:
            for table in ("points", "rollups", "series"):
                self._delete(table, "series_id", ids)
            for table in ("runs", "files", "logs", "checks", "histograms", "diagnoses", "findings", *_SCORE_TABLES):
                self._delete(table, "run_id", [run_id])
            self._con.execute("COMMIT")
        except BaseException:
            self._con.execute("ROLLBACK")
            raise
        for s in doomed:
            del self.series[s.series_id], self._ids[s.run_id, s.log_id, s.tag]
        self._of_run.pop(run_id, None)
        self.catalogue = Catalogue((), self.catalogue, [run_id])
        self.runs.pop(run_id)
        self.files.drop(run_id)
        self.logs = {i: g for i, g in self.logs.items() if g.run_id != run_id}
        self.tails.forget(ids)
        self.versions[run_id] += 1
        self.commits += 1

    def touch(self, run_id: str) -> None:
        """Something is known of a run that is not in its logs."""
        self.versions[run_id] += 1
        self.notes += 1

    # -- commit

    def commit(self) -> set[str]:
        """Write everything that is buffered in one transaction; returns the runs that changed.

        After an error nothing of it is in the store, and this writer must be made anew.
        """
        grown = set(self._grown)
        if not (self._changed_files or self._changed_runs or self._scalars or self._rows):
            self._clear()
            return set()
        self._con.execute("BEGIN")
        try:
            self._drop_forgotten()
            for name, tables in self._rows.items():
                self._insert(name, pa.concat_tables(tables, promote_options="default"))
            self._insert_scalars()
            self._give_meaning(grown)
            self._replace("runs", "run_id", [self.runs[r].row() for r in self._changed_runs if r in self.runs])
            self._replace("files", "file_id", [self.files[f].row() for f in sorted(self._changed_files)])
            log_ids = sorted({self.files[f].log_id for f in self._changed_files})
            self._replace("logs", "log_id", [self.logs[i].row() for i in log_ids if i in self.logs])
            self._con.execute("COMMIT")
        except BaseException:
            self._con.execute("ROLLBACK")
            raise
        if self._told_anew:
            fresh = [self.series[i] for run_id in self._told_anew for i in self._of_run[run_id]]
            self.catalogue = Catalogue(fresh, self.catalogue, self._told_anew)
        for run_id in grown:
            self.versions[run_id] += 1
        self.commits += 1
        self._clear()
        return grown

    def _drop_forgotten(self) -> None:
        if self._forget_logs:
            ids = [s.series_id for s in self.series.values() if s.log_id in self._forget_logs]
            self._delete("points", "series_id", ids)
            self._delete("rollups", "series_id", ids)
            self.tails.forget(ids)
        for table in schema.FILE_TABLES if self._forget_files else ():
            self._delete(table, "file_id", sorted(self._forget_files))

    def _insert_scalars(self) -> None:
        if not self._scalars:
            return
        series = np.concatenate([sid for sid, _ in self._scalars])
        columns = {
            name: np.concatenate([_floats(table[name]) for _, table in self._scalars])
            for name in ("step", "wall_time", "value")
        }
        self.tails.grow(self._next_series)
        points, blocks = rollups.place(series, **columns, tails=self.tails)
        self._insert("points", points)
        self._insert("rollups", blocks)

    def _give_meaning(self, grown: Iterable[str]) -> None:
        """New tags change what the others of the run mean; several logs of one metric may change places."""
        changed: list[Series] = []
        for run_id in sorted(grown):
            mine = [self.series[i] for i in self._of_run.get(run_id, ())]
            new_tags = run_id in self._renamed_series
            several = len({s.log_id for s in mine}) > 1
            if new_tags or several or run_id in self._changed_runs:
                self.tails.grow(self._next_series)
                run, named = self._meaning(self.runs[run_id], mine, self.tails)
                self.put_run(run)
                changed += [new for new, old in zip(named, mine, strict=True) if new_tags or new != old]
        self.series |= {s.series_id: s for s in changed}
        self._told_anew = {s.run_id for s in changed}
        self._replace("series", "series_id", [s.row() for s in changed])

    def _insert(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        self._con.register("incoming", rows)
        columns = self._con.execute(f"SELECT * FROM {table} LIMIT 0").description or []
        names = [c[0] for c in columns if c[0] in rows.schema.names]
        listed = ", ".join(f'"{name}"' for name in names)
        self._con.execute(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM incoming")
        self._con.unregister("incoming")

    def _replace(self, table: str, key: str, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        self._delete(table, key, [row[key] for row in rows])
        self._insert(table, pa.Table.from_pylist(rows))

    def _delete(self, table: str, key: str, values: list[Any]) -> None:
        if values:
            self._con.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT unnest(?))", [values])


def sub_run(run_id: str, name: str) -> str:
    """The id of a run that a file names inside: `run_id/name`, readable in a URL."""
    return f"{run_id}/{slug(name)}" if name else run_id


def slug(text: str) -> str:
    """Letters, digits, dots, underscores and dashes; the rest becomes a dash. Case is kept off."""
    return re.sub(r"[^a-z0-9._/]+", "-", text.lower()).strip("-/") or "run"


def _by_run(owner: str, table: pa.Table, column: str) -> list[tuple[str, pa.Table]]:
    names = table[column].unique().to_pylist()
    if len(names) == 1:
        return [(sub_run(owner, names[0] or ""), table.drop_columns([column]))]
    return [
        (sub_run(owner, name or ""), table.filter(pc.equal(table[column], name)).drop_columns([column]))
        for name in names
    ]


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    array = column.combine_chunks()
    return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array


def _codes(array: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    return np.asarray(array.indices.to_numpy(zero_copy_only=False), np.int64)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Nulls become NaN: a point without a value is not sent by a source, so only steps and times have them."""
    return np.asarray(column.to_numpy(), np.float64)
