"""Physical tables: CSV and TSV, Parquet, JSON lines and JSON lists of rows, read in parts of bounded size.

What a table means is decided by the sources; here it is only columns and rows, with positions to go on from.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from analysis.records import InputError, Skipped
from analysis.sources import base
from analysis.sources.base import Head, Job, open_bytes

BLOCK_BYTES = 1 << 24
"""Bytes read in one go: 16 MiB hold some 100,000 rows, and twenty times that in memory is still small."""

SAMPLE_ROWS = 50

NULLS = ["", "null", "NULL", "None", "none", "N/A", "n/a", "<NA>"]
"""Cells that mean 'missing'. NaN is not among them: it is a value, and evidence."""

_WORDS = {"nan": "nan", "+nan": "nan", "-nan": "nan", "inf": "inf", "+inf": "inf", "-inf": "-inf",
          "infinity": "inf", "+infinity": "inf", "-infinity": "-inf"}  # fmt: skip

Format = Literal["csv", "parquet", "jsonl", "json"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Columns and first rows of a table. `header` is False where columns are named `column_1` ... by us."""

    format: Format
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    header: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether all of these columns are there."""
        return set(names) <= set(self.columns)

    def cells(self, name: str) -> list[Any]:
        """Cells of the sampled rows that are there."""
        return [row[name] for row in self.rows if row.get(name) is not None]

    def numeric(self, name: str) -> bool:
        """At least one cell, and every cell is a number."""
        cells = self.cells(name)
        return bool(cells) and all(is_number(cell) for cell in cells)


def is_number(value: Any) -> bool:
    """A number, a truth value, or a word for NaN or infinity."""
    return isinstance(value, int | float) or (isinstance(value, str) and value.strip().lower() in _WORDS)


def number(value: Any) -> float | None:
    """A cell as a number, None if it is missing or none."""
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if isinstance(value, str):
        text = value.strip().lower()
        try:
            return float(_WORDS.get(text, text)) if text else None
        except ValueError:
            return None
    if isinstance(value, list) and len(value) == 1:
        return number(value[0])
    return None


class Part:
    """Some consecutive rows of a table."""

    def __init__(
        self,
        data: pa.Table | list[dict[str, Any]],
        first_row: int,
        position: dict[str, Any],
        skipped: tuple[Skipped, ...] = (),
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.first_row = first_row
        self.position = position
        self.skipped = skipped
        self.names = names or {}

    @cached_property
    def _of(self) -> dict[str, str]:
        """Canonical name -> own name."""
        if isinstance(self.data, pa.Table):
            own = list(self.data.schema.names)
        else:
            own = list(dict.fromkeys(key for row in self.data for key in row))
        return {self.names.get(name, name): name for name in own}

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._of)

    @property
    def num_rows(self) -> int:
        return len(self.data)

    def rows(self) -> pa.Array:
        """Row numbers in the file, from 0."""
        return pa.array(np.arange(self.first_row, self.first_row + self.num_rows))

    def numbers(self, name: str) -> pa.Array:
        """The column as float64; missing cells and cells that are no number are null, NaN stays NaN."""
        column = self.column(name)
        if column is None:
            return pa.nulls(self.num_rows, pa.float64())
        if isinstance(column, list):
            return pa.array([number(value) for value in column], pa.float64())
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
            return column.cast(pa.float64(), safe=False)
        if pa.types.is_boolean(column.type):
            return column.cast(pa.int8()).cast(pa.float64())
        if pa.types.is_null(column.type):
            return pa.nulls(self.num_rows, pa.float64())
        return pa.array([number(value) for value in column.to_pylist()], pa.float64())

    def strings(self, name: str) -> pa.Array:
        """The column as text; whole numbers without a decimal point; missing cells are null."""
        column = self.column(name)
        if column is None:
            return pa.nulls(self.num_rows, pa.string())
        if isinstance(column, list):
            return pa.array([text(value) for value in column], pa.string())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return column.cast(pa.string())
        if pa.types.is_dictionary(column.type) or pa.types.is_integer(column.type):
            return column.cast(pa.string())
        return pa.array([text(value) for value in column.to_pylist()], pa.string())

    def values(self, name: str) -> list[Any]:
        """Cells as Python objects."""
        column = self.column(name)
        if column is None:
            return [None] * self.num_rows
        return column if isinstance(column, list) else column.to_pylist()

    def is_numeric(self, name: str) -> bool:
        """At least one cell is a number, and none is there that is not."""
        column = self.column(name)
        if column is None:
            return False
        if not isinstance(column, list) and pa.types.is_primitive(column.type):
            return not pa.types.is_temporal(column.type) and column.null_count < len(column)
        cells = [value for value in self.values(name) if value is not None and value != ""]
        return bool(cells) and all(number(value) is not None for value in cells)

    def bad_numbers(self, name: str, most: int = 5) -> list[Skipped]:
        """Cells of a column that are there but are no number."""
        column = self.column(name)
        if column is None or (not isinstance(column, list) and pa.types.is_primitive(column.type)):
            return []
        bad = [(i, v) for i, v in enumerate(self.values(name)) if v not in (None, "") and number(v) is None]
        found = [
            Skipped(f"row {self.first_row + i}, column {name}", f"{str(v)[:40]!r} is no number") for i, v in bad[:most]
        ]
        if len(bad) > most:
            found.append(Skipped(f"column {name}", "further cells that are no number", len(bad) - most))
        return found

    def column(self, name: str) -> pa.Array | list[Any] | None:
        own = self._of.get(name)
        if own is None:
            return None
        if isinstance(self.data, pa.Table):
            column = self.data[own].combine_chunks()
            return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        return [row.get(own) for row in self.data]


def text(value: Any) -> str | None:
    """A cell as an id or label: 7 for 7.0."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value if isinstance(value, str) else str(value)


# -- what kind of table a file is


def sample(head: Head) -> Sample | None:
    """Columns and first rows of a file, None if it is no table."""
    try:
        if head.data[:4] == b"PAR1":
            return _parquet_sample(head.path)
        start = (head.text or "").lstrip()[:1]
        if start == "{":
            return _lines_sample(head) or _document_sample(head)
        if start == "[":
            return _list_sample(head)
        return _csv_sample(head)
    except (OSError, ValueError, KeyError, RecursionError, pa.ArrowException, csv.Error):
        return None


def renamed(found: Sample, columns: Mapping[str, str]) -> Sample:
    """A sample with the user's column mapping applied."""
    if not columns:
        return found
    rows = tuple({columns.get(k, k): v for k, v in row.items()} for row in found.rows)
    return replace(found, columns=tuple(columns.get(c, c) for c in found.columns), rows=rows)


def _parquet_sample(path: Path) -> Sample:
    file = pq.ParquetFile(path)
    first = next(file.iter_batches(batch_size=SAMPLE_ROWS), None)
    rows = first.to_pylist() if first is not None else []
    return Sample("parquet", tuple(file.schema_arrow.names), tuple(rows))


def _lines_sample(head: Head) -> Sample | None:
    lines = (head.text or "").splitlines()
    rows = []
    for line in lines[: SAMPLE_ROWS + 1]:
        row = _parsed(line)
        if isinstance(row, dict):
            rows.append(row)
        elif line.strip() and line is not lines[-1]:
            if not rows:
                return None
            continue
    several = len(lines) > 1 and bool(_parsed(lines[0]) is not None)
    if not rows or not several and not (head.text or "").endswith("\n"):
        return None
    return _rows_sample("jsonl", rows[:SAMPLE_ROWS])


def _parsed(line: str | bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _rows_sample(form: Format, rows: list[dict[str, Any]], config: Mapping[str, Any] | None = None) -> Sample:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    return Sample(form, columns, tuple(rows), config=config or {})


def _list_sample(head: Head) -> Sample | None:
    rows = []
    try:
        with open_bytes(head.path) as file:
            for row in _elements(file, limit=SAMPLE_ROWS):
                if not isinstance(row, dict):
                    return None
                rows.append(row)
    except ValueError:
        pass  # cut off or broken further on: what stands before it is a sample all the same
    return _rows_sample("json", rows) if rows else None


def _document_sample(head: Head) -> Sample | None:
    """An object with one list of rows in it ({"args": {...}, "history": [...]}); the rest is configuration."""
    document = head.document
    if not isinstance(document, dict):
        return None
    lists = [k for k, v in document.items() if isinstance(v, list) and v and all(isinstance(r, dict) for r in v)]
    if len(lists) != 1:
        return None
    rest = {k: v for k, v in document.items() if k != lists[0]}
    return _rows_sample("json", document[lists[0]][:SAMPLE_ROWS], rest)


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    header: bool
    columns: tuple[str, ...]


def _csv_dialect(data: bytes) -> _Dialect | None:
    """Delimiter and header from the first lines; None if the lines don't share a number of cells."""
    first = data.decode("utf-8-sig", errors="replace")
    lines = [line for line in first.splitlines()[:20] if line.strip()]
    if not lines:
        return None
    for delimiter in (",", "\t", ";"):
        rows = list(csv.reader(io.StringIO(first), delimiter=delimiter))[:20]
        rows = [row for row in rows if row]
        width = len(rows[0])
        same = sum(len(row) == width for row in rows[:-1] or rows)
        if width > 1 and same >= 0.7 * max(len(rows) - 1, 1):
            header = not all(number(cell) is not None or not cell for cell in rows[0])
            names = rows[0] if header else [f"column_{i}" for i in range(1, width + 1)]
            return _Dialect(delimiter, header, _unique(names))
    return None


def _unique(names: list[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    out = []
    for i, name in enumerate(names, 1):
        name = name.strip() or f"column_{i}"
        count = seen.get(name, 0)
        seen[name] = count + 1
        out.append(f"{name}.{count}" if count else name)
    return tuple(out)


def _csv_sample(head: Head) -> Sample | None:
    if head.text is None:
        return None
    whole = head.text if head.size <= base.HEAD_BYTES else head.text.rpartition("\n")[0]
    dialect = _csv_dialect(whole.encode())
    if dialect is None:
        return None
    rows = []
    for cells in list(csv.reader(io.StringIO(whole), delimiter=dialect.delimiter))[dialect.header : SAMPLE_ROWS + 1]:
        if len(cells) == len(dialect.columns):
            rows.append({c: _cell(v) for c, v in zip(dialect.columns, cells, strict=True) if v not in NULLS})
    if not dialect.header and not rows:
        return None
    return Sample("csv", dialect.columns, tuple(rows), dialect.header)


def _cell(value: str) -> Any:
    found = number(value)
    return value if found is None else found


# -- reading in parts


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
    readers = {"csv": _csv_parts, "parquet": _parquet_parts, "jsonl": _lines_parts, "json": _json_parts}
    yield from readers[form](job, rows)


def _csv_parts(job: Job, rows: int | None) -> Iterator[Part]:
    with open_bytes(job.path) as file:
        first = file.read(base.HEAD_BYTES)
        dialect = _csv_dialect(first if len(first) < base.HEAD_BYTES else first.rpartition(b"\n")[0])
        if dialect is None:
            raise InputError("the lines share no columns", where=str(job.path), mend="check the delimiter")
        at = (job.position or {}).get("byte", 0)
        row = (job.position or {}).get("row", 0)
        line = (job.position or {}).get("line", 1)
        file.seek(at)
        rest = b""
        size = min(BLOCK_BYTES, rows * 200) if rows else BLOCK_BYTES
        while True:
            block = file.read(size)
            data = rest + block
            open_line = not block and job.final and not data.endswith(b"\n")
            cut = len(data) if open_line else _line_end(data)
            if cut:
                skip = dialect.header and at == 0
                part = _csv_part(data[:cut], dialect, skip, row, line)
                at, row, line = at + cut, row + part.num_rows, line + data[:cut].count(b"\n")
                part.position.update({"format": "csv", "byte": at, "row": row, "line": line} | _open(open_line))
                part.names = job.columns
                yield part
            rest = data[cut:]
            if not block:
                return


def _open(open_line: bool) -> dict[str, bool]:
    return {"open": True} if open_line else {}


def _line_end(data: bytes) -> int:
    """Bytes up to the last line end outside of quotes."""
    end = data.rfind(b"\n")
    while end >= 0 and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end)
    return end + 1


def _csv_part(data: bytes, dialect: _Dialect, skip_header: bool, row: int, line: int) -> Part:
    skipped: list[Skipped] = []

    def bad(found: Any) -> str:
        where = "" if found.number is None else f"line {line + found.number - 1}"
        skipped.append(
            Skipped(where or f"after row {row}", f"{found.actual_columns} cells instead of {found.expected_columns}")
        )
        return "skip"

    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    if skip_header:
        data = data[_header_end(data) :]
        line += 1
    if not data.strip():
        return Part(pa.table({c: pa.nulls(0) for c in dialect.columns}), row, {}, ())
    table = pacsv.read_csv(
        pa.BufferReader(data),
        read_options=pacsv.ReadOptions(column_names=list(dialect.columns), use_threads=False, block_size=1 << 26),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=True, invalid_row_handler=bad
        ),
        convert_options=pacsv.ConvertOptions(
            null_values=NULLS, strings_can_be_null=True, timestamp_parsers=["__none__"]
        ),
    )
    table = _without_headers(table, dialect, row, skipped)
    return Part(table, row, {}, tuple(skipped))


def _header_end(data: bytes) -> int:
    end = data.find(b"\n")
    while end >= 0 and data.count(b'"', 0, end) % 2:
        end = data.find(b"\n", end + 1)
    return end + 1 if end >= 0 else len(data)


def _without_headers(table: pa.Table, dialect: _Dialect, row: int, skipped: list[Skipped]) -> pa.Table:
    """Drop header lines that a restarted writer repeated in the middle, and read the columns as numbers again."""
    first = table.schema.names[0]
    if not dialect.header or not pa.types.is_string(table[first].type):
        return table
    again = pc.fill_null(pc.equal(table[first], dialect.columns[0]), False)
    count = pc.sum(again.cast(pa.int64())).as_py() or 0
    if not count:
        return table
    place = pc.index(again, True).as_py()
    skipped.append(Skipped(f"after row {row + place}", "the header line again (a restarted writer)", count))
    table = table.filter(pc.invert(again))
    for i, name in enumerate(table.schema.names):
        cells = table[name].to_pylist() if pa.types.is_string(table[name].type) else None
        if cells and all(number(c) is not None for c in cells if c is not None):
            table = table.set_column(i, name, pa.array([number(c) for c in cells], pa.float64()))
    return table


def _parquet_parts(job: Job, rows: int | None) -> Iterator[Part]:
    try:
        file = pq.ParquetFile(job.path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            "the Parquet file has no footer: it is not finished, or cut off", where=str(job.path), mend="wait or copy again"
        ) from error
    done = (job.position or {}).get("row", 0)
    size = rows or max(1, base.CHUNK_VALUES // 2)
    row = 0
    for batch in file.iter_batches(batch_size=size):
        if row + batch.num_rows > done:
            fresh = batch.slice(max(0, done - row))
            position = {"format": "parquet", "row": row + batch.num_rows}
            yield Part(pa.Table.from_batches([fresh]), max(row, done), position, (), job.columns)
        row += batch.num_rows


def _lines_parts(job: Job, rows: int | None) -> Iterator[Part]:
    position = job.position or {}
    at, row, line = (position.get(k, 0) for k in ("byte", "row", "line"))
    found: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    unfinished, cells, first = False, 0, row
    with open_bytes(job.path) as file:
        file.seek(at)
        for raw in file:
            value = _parsed(raw)
            unfinished = not raw.endswith(b"\n")
            if unfinished and not isinstance(value, dict):
                if job.final and raw.strip():
                    skipped.append(Skipped(f"line {line + 1}", "the line is cut off"))
                break  # half-written: left for later
            at, line = at + len(raw), line + 1
            if isinstance(value, dict):
                found.append(value)
                cells += len(value)
            elif raw.strip():
                skipped.append(Skipped(f"line {line}", "no JSON object"))
            if cells >= base.CHUNK_VALUES or (rows and len(found) >= rows):
                row += len(found)
                yield Part(found, first, {"format": "jsonl", "byte": at, "row": row, "line": line}, tuple(skipped), job.columns)
                found, skipped, cells, first = [], [], 0, row
    if found or skipped:
        row += len(found)
        position = {"format": "jsonl", "byte": at, "row": row, "line": line} | _open(unfinished)
        yield Part(found, first, position, tuple(skipped), job.columns)


def _json_parts(job: Job, rows: int | None) -> Iterator[Part]:
    """Rows of a JSON list (streamed) or of the one list in an object."""
    head = Head(job.path)
    if (head.text or "").lstrip()[:1] == "{":
        found = _document_sample(head)
        if found is None:
            raise InputError("the JSON document is not complete", where=str(job.path), mend="wait or copy again")
        lists = [v for v in head.document.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        yield Part(lists[0], 0, {"format": "json", "row": len(lists[0])}, (), job.columns)
        return
    pending: list[dict[str, Any]] = []
    cells = row = 0
    bad = 0
    try:
        with open_bytes(job.path) as file:
            for value in _elements(file):
                if isinstance(value, dict):
                    pending.append(value)
                    cells += len(value)
                else:
                    bad += 1
                if cells >= base.CHUNK_VALUES or (rows and len(pending) >= rows):
                    yield Part(pending, row, {"format": "json", "row": row + len(pending)}, (), job.columns)
                    row, pending, cells = row + len(pending), [], 0
    except ValueError as error:
        raise InputError(
            f"the JSON list is broken after row {row + len(pending)}: {error}", where=str(job.path), mend="wait or copy again"
        ) from error
    skipped = (Skipped("list", "elements that are no objects", bad),) if bad else ()
    if pending or skipped:
        yield Part(pending, row, {"format": "json", "row": row + len(pending)}, skipped, job.columns)


_BETWEEN = re.compile(r"[\s,]*")


def _elements(file: Any, limit: int | None = None) -> Iterator[Any]:
    """Elements of a JSON list, one after the other, from a moving window. Raises ValueError where it breaks."""
    decoder = json.JSONDecoder()
    reader = codecs.getreader("utf-8-sig")(file, errors="replace")
    window, at, ended, count = reader.read(1 << 20), 0, False, 0
    at = window.index("[") + 1
    while True:
        at = _BETWEEN.match(window, at).end()  # type: ignore[union-attr]
        if at < len(window) and window[at] == "]":
            return
        try:
            value, stop = decoder.raw_decode(window, at)
            if stop == len(window) and not ended:
                raise ValueError("may go on")  # a number at the very end of the window may be longer
        except ValueError as error:
            more = reader.read(max(1 << 20, len(window)))
            if not more:
                if ended:
                    raise ValueError(str(error)) from error
                ended = True
            window, at = window[at:] + more, 0
            continue
        at = stop
        yield value
        count += 1
        if limit is not None and count >= limit:
            return
        if at > 1 << 20:
            window, at = window[at:], 0
