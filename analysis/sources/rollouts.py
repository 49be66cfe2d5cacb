"""Scored responses of a policy: rollouts at training steps, probes of checkpoints, completions with rewards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, Rollouts
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import Part, Sample


@registry.source("rollouts", rank=50)
class RolloutTable:
    """A score (proxy or gold) for each response, with a prompt or response to tell it by."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or not found.rows or names.first(found.columns, names.CANDIDATE):
            return None
        if _has_time(found) or not _score(found):
            return None
        prompt = names.first(found.columns, names.PROMPT_ID)
        texts = [c for c in (*names.PROMPT, *names.RESPONSE) if c in found.columns and _texts(found, c)]
        return Sniff("rollouts", 0.8) if prompt or len(texts) >= 2 else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            yield _chunk(part, job.path.stem)


def _has_time(found: Sample) -> bool:
    return (
        names.first(found.columns, names.TIME) is not None
        and names.first(found.columns, ("step", "global_step")) is None
    )


def _texts(found: Sample, column: str) -> bool:
    return any(isinstance(v, str | list) for v in found.cells(column))


def _score(found: Sample) -> str | None:
    """A column with a score of each response, or the one reward column of TRL's completion tables."""
    for group in (names.SCORE, names.GOLD):
        name = next((c for n in group if (c := names.first(found.columns, (n,))) and found.numeric(c)), None)
        if name:
            return name
    if found.has("completion", "advantage"):
        return next((c for c in found.columns if found.numeric(c) and c not in ("step", "advantage")), None)
    return None


def _chunk(part: Part, stem: str) -> Chunk:
    columns = part.columns

    def numeric(group: tuple[str, ...]) -> str | None:
        return next((c for n in group if (c := names.first(columns, (n,))) and part.is_numeric(c)), None)

    notes = []
    score, gold = numeric(names.SCORE), numeric(names.GOLD)
    score_values = names.numbers(part, score)
    parts = [c for c in columns if part.is_numeric(c) and c not in ("step", "advantage")]
    if score is None and "advantage" in columns and parts:
        score_values = _sum(part, parts)
        notes.append(f"score is the sum of {', '.join(parts)}" if len(parts) > 1 else f"score is {parts[0]}")
    step = _step_column(part)
    steps = names.steps(part, step)
    if steps is None and (named := re.search(r"(?:step|checkpoint|ckpt|iter)[-_]?(\d+)", stem.lower())):
        steps = pa.array([float(named[1])] * part.num_rows, pa.float64())
    length, kl = numeric(names.LENGTH), numeric(names.KL)
    truncated = numeric(names.TRUNCATED)
    category = names.first(columns, names.CATEGORY)
    model, policy = names.first(columns, names.MODEL_VERSION), names.first(columns, names.POLICY_VERSION)
    used = [
        score,
        gold,
        step,
        length,
        kl,
        truncated,
        category,
        model,
        policy,
        *names.PROMPT_ID,
        *names.PROMPT,
        *names.RESPONSE,
    ]
    record = Rollouts.of(
        step=steps,
        prompt_id=names.prompt_ids(part),
        category=names.coded(part, category),
        score=score_values,
        length=names.numbers(part, length),
        kl=names.numbers(part, kl),
        truncated=None
        if truncated is None
        else pa.array([None if v is None else bool(v) for v in part.numbers(truncated).to_pylist()]),
        gold_score=names.numbers(part, gold),
        model_version=names.coded(part, model),
        policy_version=names.coded(part, policy),
        features=names.features(part, used),
        row=part.rows(),
    )
    skipped = (*part.skipped, *(part.bad_numbers(score) if score else ()))
    return Chunk([record], part.num_rows, part.position, skipped, notes)


def _step_column(part: Part) -> str | None:
    for name in names.STEP:
        column = names.first(part.columns, (name,))
        if column is None:
            continue
        cells = [v for v in part.values(column)[:50] if v is not None]
        if cells and all(names.step_of(v) is not None for v in cells):
            return column
    return None


def _sum(part: Part, columns: list[str]) -> pa.Array:
    total: Any = None
    for name in columns:
        values = part.numbers(name)
        total = values if total is None else pc.add(total, values)
    return total
