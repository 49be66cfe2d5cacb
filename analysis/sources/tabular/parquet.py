"""Parquet by row groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.records import InputError
from analysis.sources import base
from analysis.sources.base import Job
from analysis.sources.tabular.part import SAMPLE_ROWS, Part, Sample


def sample(path: Path) -> Sample:
    file = pq.ParquetFile(path)
    first = next(file.iter_batches(batch_size=SAMPLE_ROWS), None)
    rows = first.to_pylist() if first is not None else []
    return Sample("parquet", tuple(file.schema_arrow.names), tuple(rows))


def parts(job: Job, rows: int | None) -> Iterator[Part]:
    try:
        file = pq.ParquetFile(job.path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            "the Parquet file has no footer: it is not finished, or cut off",
            where=str(job.path),
            mend="wait or copy again",
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
