"""What people download from a chart: W&B's CSV (one column a run) and TensorBoard's (one file a run and tag)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, Record, Scalars
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff

_DERIVED = re.compile(r"__(MIN|MAX)$")


def _run_and_metric(column: str) -> tuple[str, str]:
    """`my - run - train/kl` is the metric `train/kl` of `my - run`: run names may hold the separator."""
    run, _, metric = column.rpartition(" - ")
    return run.removeprefix("Group: "), metric


@registry.source("wandb_chart", rank=31)
class WandbChart:
    """One x column, then a column `run - metric` for each run, with `__MIN` and `__MAX` beside it."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or found.format != "csv" or not found.header or len(found.columns) < 2:
            return None
        rest = found.columns[1:]
        named = [c for c in rest if " - " in c]
        return Sniff("log", 0.9) if named and len(named) == len(rest) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            axis, *columns = part.columns
            steps = part.numbers(axis)
            records: list[Record] = []
            for column in columns:
                run, metric = _run_and_metric(column)
                if _DERIVED.search(column) or metric == "_step":
                    continue
                values = part.numbers(column)
                present = values.is_valid()
                if present.true_count:
                    value, step = values.filter(present), steps.filter(present)
                    records.append(Scalars.of(run=run, tag=metric, step=step, value=value))
            notes = ["a chart export: W&B thins out long runs in it", f"x axis: {axis}"]
            yield Chunk(records, part.num_rows, part.position, part.skipped, notes)


@registry.source("tensorboard_chart", rank=21)
class TensorBoardChart:
    """`Wall time,Step,Value`; run and tag stand in the file's name (`run-NAME-tag-TAG.csv`)."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        columns = found.columns if found is not None else ()
        return Sniff("log", 0.95) if columns == ("Wall time", "Step", "Value") else None

    def read(self, job: Job) -> Iterator[Chunk]:
        stem = job.path.name.removesuffix(".gz").removesuffix(".csv")
        named = re.fullmatch(r"run-(?P<run>.*?)-tag-(?P<tag>.*)", stem)
        tag = named["tag"] if named else stem
        for part in tabular.parts(job):
            values = part.numbers("Value")
            present = values.is_valid()
            columns = {"step": part.numbers("Step"), "wall_time": part.numbers("Wall time"), "value": values}
            kept = {name: pa.array(column.filter(present)) for name, column in columns.items()}
            skipped = (*part.skipped, *part.bad_numbers("Value"))
            yield Chunk([Scalars.of(tag=tag, **kept)], part.num_rows, part.position, skipped)
