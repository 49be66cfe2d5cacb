"""Scores of preference pairs: a chosen and a rejected score in every row, or two sides and a label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, PairScores, Skipped
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import Part, Sample, number

UNLABELLED = "unlabelled"


@registry.source("pair_scores", rank=50)
class PairScoreTable:
    """CSV, Parquet, JSON lines or JSON rows; several scorers in one file come out as several."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or not found.rows:
            return None
        return Sniff("scores", 0.9) if _sides(found) or _alternates(found) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            if _long_sides(part.columns) is not None:
                yield _from_alternating(part)
            else:
                yield _from_rows(part)


def _sides(found: Sample) -> tuple[str, str] | None:
    chosen, rejected = names.first(found.columns, names.CHOSEN), names.first(found.columns, names.REJECTED)
    if chosen and rejected and (_scores(found, chosen) or _scores(found, rejected)):
        return chosen, rejected
    if found.has("chosen", "rejected") and found.numeric("chosen") and found.numeric("rejected"):
        return "chosen", "rejected"
    for a, b in names.SIDES:
        one, two = names.first(found.columns, (a,)), names.first(found.columns, (b,))
        if one and two and _scores(found, one):
            return one, two
    return None


def _scores(found: Sample, column: str) -> bool:
    cells = found.cells(column)
    return bool(cells) and all(number(c) is not None for c in cells)


def _alternates(found: Sample) -> bool:
    """Rows that alternate between chosen and rejected, with a score each."""
    column = _long_sides(found.columns)
    if column is None or names.first(found.columns, (*names.SCORE, "rewards")) is None:
        return False
    words = [str(v).lower() for v in found.cells(column)]
    return len(words) >= 2 and set(words) <= {"chosen", "rejected"} and words[0] != words[1]


def _long_sides(columns: tuple[str, ...]) -> str | None:
    paired = names.first(columns, names.CHOSEN) or {"chosen", "rejected"} <= set(columns)
    return None if paired else names.first(columns, ("type", "side", "role", "which"))


def _from_rows(part: Part) -> Chunk:
    columns = part.columns
    chosen, rejected = names.first(columns, names.CHOSEN), names.first(columns, names.REJECTED)
    label: str | None = None
    if not (chosen and rejected):
        if {"chosen", "rejected"} <= set(columns):
            chosen, rejected = "chosen", "rejected"
        else:
            pairs = [(names.first(columns, (a,)), names.first(columns, (b,))) for a, b in names.SIDES]
            chosen, rejected = next((a, b) for a, b in pairs if a and b)
            label = names.first(columns, names.LABELS)
    assert chosen is not None
    assert rejected is not None
    first, second = part.numbers(chosen), part.numbers(rejected)
    notes, source = [], ""
    if _is_sided(chosen):
        first, second, source, notes = _oriented(part, first, second, label)
    pair = names.first(columns, names.PAIR_ID)
    category = names.first(columns, names.CATEGORY)
    scorer = names.first(columns, names.SCORER)
    step = names.first(columns, [s for s in names.STEP if s != "label"])
    dataset = names.first(columns, names.DATASET)
    strength = names.first(columns, names.STRENGTH)
    (one, unit), (two, _) = names.lengths(part, "chosen"), names.lengths(part, "rejected")
    texts = [c for c in ("chosen", "rejected") if c in columns and c not in (chosen, rejected)]
    if one is None and two is None and len(texts) == 2:
        one, two = (pa.array([_characters(v) for v in part.values(c)], pa.float64()) for c in texts)
        unit = "characters"
    used = [chosen, rejected, label, pair, category, scorer, step, dataset, strength, *names.PROMPT_ID, *names.PROMPT, *texts]
    if pair is None:
        notes.append("no pair id: the row number is used")
    record = PairScores.of(
        scorer=names.coded(part, scorer),
        step=names.steps(part, step),
        dataset=names.coded(part, dataset),
        pair_id=names.ids(part, pair),
        prompt_id=names.prompt_ids(part),
        category=names.coded(part, category),
        chosen_score=first,
        rejected_score=second,
        chosen_length=one,
        rejected_length=two,
        length_unit=unit,
        label_source=source,
        strength=names.numbers(part, strength) if strength and part.is_numeric(strength) else None,
        features=names.features(part, used),
        row=part.rows(),
    )
    skipped = (*part.skipped, *part.bad_numbers(chosen), *part.bad_numbers(rejected))
    return Chunk([record], part.num_rows, part.position, skipped, notes)


def _is_sided(column: str) -> bool:
    return any(column.lower() == a for a, _ in names.SIDES)


def _characters(value: Any) -> float | None:
    if isinstance(value, list):  # chat messages: the last one is the response
        value = value[-1].get("content") if value and isinstance(value[-1], dict) else None
    return float(len(value)) if isinstance(value, str) else None


def _oriented(
    part: Part, first: pa.Array, second: pa.Array, label: str | None
) -> tuple[pa.Array, pa.Array, str, list[str]]:
    """Chosen and rejected scores by the label of each row; unlabelled if nobody says which side is better."""
    if label is None:
        return first, second, UNLABELLED, ["no label says which side is better: accuracy has no meaning here"]
    sides = [_winner(v) for v in part.values(label)]
    if all(side is None for side in sides):
        return first, second, UNLABELLED, [f"the words in {label} do not say which side is better"]
    swap = pa.array([side == 1 for side in sides])
    known = pa.array([side is not None for side in sides])
    chosen = pc.if_else(known, pc.if_else(swap, second, first), pa.scalar(None, pa.float64()))
    rejected = pc.if_else(known, pc.if_else(swap, first, second), pa.scalar(None, pa.float64()))
    return chosen, rejected, label, []


def _winner(value: Any) -> int | None:
    """0 if the first side wins, 1 if the second, None if the word says neither."""
    word = str(value if isinstance(value, str) else tabular.text(value)).strip().lower().replace(" ", "")
    firsts = ("a>b", "a", "first", "model_a", "1>2", "response_a", "true", "b<a", "a>>b")
    seconds = ("b>a", "b", "second", "model_b", "2>1", "response_b", "false", "a<b", "b>>a", "2")
    if word in firsts:
        return 0
    if word in seconds:
        return 1
    return {"0": 0, "1": 1}.get(word)


def _from_alternating(part: Part) -> Chunk:
    """Pairs rebuilt from rows that alternate between chosen and rejected."""
    side = _long_sides(part.columns)
    assert side is not None
    score = names.first(part.columns, (*names.SCORE, "rewards"))
    length = names.first(part.columns, names.LENGTH)
    assert score is not None
    words = np.array([str(v).lower() for v in part.values(side)])
    begins = np.flatnonzero((words[:-1] == "chosen") & (words[1:] == "rejected"))
    swapped = np.flatnonzero((words[:-1] == "rejected") & (words[1:] == "chosen")) if not len(begins) else begins[:0]
    one, two = (begins, begins + 1) if len(begins) else (swapped + 1, swapped)
    scores = part.numbers(score)
    sizes = part.numbers(length) if length else None
    alone = len(words) - 2 * len(one)
    rows = pa.array(part.first_row + np.minimum(one, two))
    record = PairScores.of(
        pair_id=rows.cast(pa.string()),
        chosen_score=scores.take(pa.array(one)),
        rejected_score=scores.take(pa.array(two)),
        chosen_length=None if sizes is None else sizes.take(pa.array(one)),
        rejected_length=None if sizes is None else sizes.take(pa.array(two)),
        row=rows,
    )
    skipped = [*part.skipped]
    if alone:
        skipped.append(Skipped(f"rows {part.first_row} to {part.first_row + len(words) - 1}", "rows without a partner", alone))
    notes = [f"pairs are rebuilt from rows that alternate in {side}"]
    return Chunk([record], part.num_rows, part.position, skipped, notes)
