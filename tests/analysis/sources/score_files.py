"""Helpers of the tests of score sources: write small files of each format, read them whole or in two goes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa

from analysis import registry
from analysis.records import Batch, InputError
from analysis.sources.base import Head, Job


def source(name):
    return registry.leaves("source")[name]


def chosen_source(path):
    """Name and role of the source that is surest, as the ingestor chooses it."""
    head = Head(path)
    sniffs = [(s, leaf) for leaf in registry.leaves("source").values() if (s := leaf.sniff(head)) is not None]
    if not sniffs:
        return None, None
    sniff, leaf = max(sniffs, key=lambda pair: (pair[0].confidence, -pair[1].rank))
    return leaf.name, sniff.role


class Read:
    """Everything that a source said about a file."""

    def __init__(self, chunks):
        self.chunks = list(chunks)
        self.skipped = [s for c in self.chunks for s in c.skipped]
        self.notes = [n for c in self.chunks for n in c.notes]
        self.rows = sum(c.rows for c in self.chunks)

    def table(self, kind):
        tables = [r.table for c in self.chunks for r in c.records if isinstance(r, kind)]
        return pa.concat_tables([decoded(t) for t in tables]) if tables else decoded(kind.schema.empty_table())

    def rows_of(self, kind):
        return self.table(kind).to_pylist()

    def infos(self, kind):
        return [r for c in self.chunks for r in c.records if isinstance(r, kind)]

    @property
    def batches(self):
        return {type(r).__name__ for c in self.chunks for r in c.records if isinstance(r, Batch)}

    @property
    def skipped_count(self):
        return sum(s.count for s in self.skipped)


def decoded(table):
    columns = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.schema.names)


def read(path, name=None, **job):
    """Read with the source that the ingestor would choose, or with `name`; always JSON-able positions."""
    name = name or chosen_source(path)[0]
    assert name is not None, f"no source takes {path.name}"
    result = Read(source(name).read(Job(Path(path), **job)))
    for chunk in result.chunks:
        json.dumps(dict(chunk.position))
    return result


def write_csv(path, rows, *, end="\n", bom=False):
    columns = list(dict.fromkeys(k for row in rows for k in row))
    with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator=end)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def survives_any_cut(path, name, tmp_path, every=1):
    """Cut the file off at every byte: sniffing never raises; reading gives rows or one InputError, nothing else."""
    whole = path.read_bytes()
    cut = tmp_path / f"cut-{path.name}"
    for size in range(0, len(whole), every):
        cut.write_bytes(whole[:size])
        source(name).sniff(Head(cut))
        reads_or_says_why(cut, name)


def reads_or_says_why(path, name):
    """Read a file, or get the one error that says where and how to mend it."""
    failure = None
    try:
        read(path, name)
    except InputError as error:
        failure = error
    assert failure is None or (failure.where and failure.mend), failure


def two_reads(path, lines, name, kind, at):
    """Rows of a file that grew between two reads, read on from the position of the first."""
    path.write_bytes(b"".join(lines[:at]))
    before = read(path, name, final=False)
    position = before.chunks[-1].position if before.chunks else None
    path.write_bytes(b"".join(lines))
    after = read(path, name, position=position)
    return before.rows_of(kind) + after.rows_of(kind)
