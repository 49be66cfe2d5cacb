"""Physical tables: CSV and TSV, Parquet, JSON lines and JSON lists of rows, read in parts of bounded size.

What a table means is decided by the sources; here it is only columns and rows, with positions to go on from.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from analysis.records import InputError
from analysis.sources.base import Head, Job
from analysis.sources.tabular import delimited, json_rows, parquet
from analysis.sources.tabular.part import Format, Part, Sample, is_number, number, text

__all__ = ["Part", "Sample", "is_number", "number", "parts", "renamed", "sample", "text"]

_READERS: dict[Format, Callable[[Job, int | None], Iterator[Part]]] = {
    "csv": delimited.parts,
    "parquet": parquet.parts,
    "jsonl": json_rows.line_parts,
    "json": json_rows.document_parts,
}


def sample(head: Head) -> Sample | None:
    """Columns and first rows of a file, None if it is no table."""
    try:
        if head.data[:4] == b"PAR1":
            return parquet.sample(head.path)
        start = (head.text or "").lstrip()[:1]
        if start == "{":
            return json_rows.line_sample(head) or json_rows.document_sample(head)
        if start == "[":
            return json_rows.list_sample(head)
        return delimited.sample(head)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, RecursionError, pa.ArrowException, csv.Error):
        return None


def renamed(found: Sample, columns: Mapping[str, str]) -> Sample:
    """A sample with the user's column mapping applied."""
    if not columns:
        return found
    rows = tuple({columns.get(k, k): v for k, v in row.items()} for row in found.rows)
    return replace(found, columns=tuple(columns.get(c, c) for c in found.columns), rows=rows)


def parts(job: Job, *, rows: int | None = None) -> Iterator[Part]:
    """Rows of a table from `job.position` on, in parts.

    Raises
    ------
    InputError
        If the file is no table that can be read.
    """
    head = Head(job.path)
    form = (job.position or {}).get("format")
    if form is None:
        found = sample(head)
        if found is None:
            raise InputError("no table can be read", where=str(job.path), mend="check that it is whole")
        form = found.format
    yield from _READERS[form](job, rows)
