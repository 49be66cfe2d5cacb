"""Scored production traffic: a time and a score in every row, no training step."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, Skipped, Stream
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.scalar_rows import unix_seconds
from analysis.sources.tabular import Part, Sample

PART_ROWS = 500_000
"""Rows sketched at once: enough to use the columns' speed, 100 MB of memory."""


@registry.source("stream", rank=50)
class StreamTable:
    """CSV, Parquet or JSON lines of scored responses as they were served."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or not found.rows or names.first(found.columns, ("step", "global_step")):
            return None
        time, score = names.first(found.columns, names.TIME), _score(found)
        detail = names.first(
            found.columns, (*names.PROMPT_ID, *names.CATEGORY, *names.MODEL_VERSION, *names.POLICY_VERSION)
        )
        return Sniff("stream", 0.9) if time and score and detail else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job, rows=PART_ROWS):
            yield _chunk(part)


def _score(found: Sample) -> str | None:
    return next((c for n in names.SCORE if (c := names.first(found.columns, (n,))) and found.numeric(c)), None)


def _chunk(part: Part) -> Chunk:
    columns = part.columns
    time = names.first(columns, names.TIME)
    score = next(c for n in names.SCORE if (c := names.first(columns, (n,))))
    assert time is not None
    seconds = unix_seconds(part, time)
    human = next((c for n in ("human_score", "gold_score", "human_rating") if (c := names.first(columns, (n,)))), None)
    record = Stream.of(
        time=seconds,
        prompt_id=None,
        category=names.coded(part, names.first(columns, names.CATEGORY)),
        score=part.numbers(score),
        length=names.numbers(part, names.first(columns, names.LENGTH)),
        gold_score=names.numbers(part, human),
        model_version=names.coded(part, names.first(columns, names.MODEL_VERSION)),
        policy_version=names.coded(part, names.first(columns, names.POLICY_VERSION)),
        row=part.rows(),
    )
    untimed = seconds.null_count
    skipped = [*part.skipped, *part.bad_numbers(score)]
    if untimed:
        place = pc.index(seconds.is_null(), pa.scalar(True)).as_py()
        skipped.append(Skipped(f"row {part.first_row + place}", f"no time in {time}", untimed))
    return Chunk([record], part.num_rows, part.position, skipped)
