"""Logs with one row a value: a column of metric names, a column of values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, Scalars
from analysis.sources import scalar_rows, tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.scalar_rows import RUNS, STEPS, TIMES

METRICS = ("metric", "tag", "metric_name", "name", "key", "variable")
VALUES = ("value", "val", "scalar", "metric_value")


@registry.source("long_table", rank=50)
class LongTable:
    """(run), metric, (step), value, (time) in CSV, Parquet or JSON lines."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None:
            return None
        value = next((c for c in VALUES if c in found.columns and found.numeric(c)), None)
        names = next((c for c in METRICS if c in found.columns and not found.numeric(c)), None)
        return Sniff("log", 0.75) if value and names else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            value = next(c for c in VALUES if c in part.columns)
            metric = next(c for c in METRICS if c in part.columns)
            step = next((c for c in STEPS if c in part.columns), None)
            time = next((c for c in TIMES if c in part.columns), None)
            run = next((c for c in (*RUNS, *scalar_rows.MODELS) if c in part.columns), None)
            values = part.numbers(value)
            present = values.is_valid()
            whole = values.null_count == 0

            def kept(array: pa.Array, whole: bool = whole, present: pa.Array = present) -> pa.Array:
                return array if whole else array.filter(present)

            tags = _coded(part.strings(metric))
            if "split" in part.columns:
                tags = _with_split(part.strings("split"), part.strings(metric))
            records = [
                Scalars.of(
                    run="" if run is None else kept(_coded(part.strings(run))),
                    tag=kept(tags),
                    step=pa.nulls(int(pc.sum(present).as_py() or 0), pa.float64())
                    if step is None
                    else kept(part.numbers(step)),
                    wall_time=kept(
                        pa.nulls(part.num_rows, pa.float64()) if time is None else scalar_rows.unix_seconds(part, time)
                    ),
                    value=kept(values),
                )
            ]
            skipped = (*part.skipped, *part.bad_numbers(value))
            notes = [] if step else ["no step column: values are numbered in the order of the file"]
            yield Chunk(records, part.num_rows, part.position, skipped, notes)


def _coded(texts: pa.Array) -> pa.DictionaryArray:
    return texts.fill_null("").dictionary_encode().cast(pa.dictionary(pa.int32(), pa.string()))


def _with_split(splits: pa.Array, metrics: pa.Array) -> pa.DictionaryArray:
    evaluation = np.isin(splits.fill_null("").to_numpy(zero_copy_only=False), ["eval", "validation", "val", "test"])
    joined = pc.if_else(pa.array(evaluation), pc.binary_join_element_wise("eval/", metrics, ""), metrics)
    return _coded(joined)
