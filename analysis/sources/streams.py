"""Scored production traffic: a time and a score in every row, no training step."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, InputError, Record, Skipped, Stream
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.scalar_rows import unix_seconds
from analysis.sources.tabular import Part, Sample

PART_ROWS = 500_000
"""Rows sketched at once: enough to use the columns' speed, 100 MB of memory."""

HUMAN = ("human_score", "gold_score", "human_rating", "gold_reward")

DETAIL = (*names.PROMPT_ID, *names.CATEGORY, *names.MODEL_VERSION, *names.POLICY_VERSION, *names.PROMPT,
          *names.RESPONSE, *names.LENGTH, *HUMAN)  # fmt: skip
"""What tells of one response; a log has a time and a reward too, but none of these beside them."""

STEPS = (*names.REAL_STEP, "checkpoint", "epoch", "episode", "update", "_step")


@registry.source("stream", rank=50)
class StreamTable:
    """CSV, Parquet or JSON lines of scored responses as they were served."""

    def sniff(self, head: Head) -> Sniff | None:
        found = names.sample(head)
        if found is None or not found.rows or names.first(found.columns, (*STEPS, *names.TRAINING)):
            return None
        if names.first(found.columns, names.CANDIDATE) and names.first(found.columns, (*names.CORRECT, "rank")):
            return None
        time, score = names.first(found.columns, names.TIME), names.first_numeric(found, names.SCORE)
        if not time or not score:
            return None
        return Sniff("stream", 0.9) if names.first(found.columns, DETAIL) or len(found.columns) == 2 else None

    def read(self, job: Job) -> Iterator[Chunk]:
        found = names.sample(Head(job.path))
        time, score = _columns(tabular.renamed(found, job.columns)) if found is not None else (None, None)
        if time is None or score is None:
            raise InputError("no time or no score", where=str(job.path), mend="name them under [columns]")
        for part in names.parts(job, rows=PART_ROWS):
            yield _chunk(part, time, score)


def _columns(found: Sample) -> tuple[str | None, str | None]:
    return names.first(found.columns, names.TIME), names.first_numeric(found, names.SCORE)


def _chunk(part: Part, time: str, score: str) -> Chunk:
    columns = part.columns
    seconds = unix_seconds(part, time)
    untimed = names.where(seconds.is_null(), part) if seconds.null_count else []
    skipped: list[Skipped] = [*part.skipped, *part.bad_numbers(score)]
    skipped += names.skipped_rows(untimed, f"no time in {time}")
    prompt = names.first(columns, names.PROMPT_ID)
    stream = Stream.of(
        time=seconds,
        prompt_id=names.strings(part, prompt) if prompt else None,
        category=names.coded(part, names.first(columns, names.CATEGORY)),
        score=part.numbers(score),
        length=names.numbers(part, names.first_numeric(part, names.LENGTH)),
        gold_score=names.numbers(part, names.first_numeric(part, HUMAN)),
        model_version=names.coded(part, names.first(columns, names.MODEL_VERSION)),
        policy_version=names.coded(part, names.first(columns, names.POLICY_VERSION)),
        row=part.rows(),
    )
    if untimed:
        table = stream.table.filter(pc.is_valid(pa.chunked_array([seconds])))
        stream = Stream(table)
    records: list[Record] = [stream] if len(stream) else []
    return Chunk(records, names.covered(part), part.position, skipped)
