"""Pairs in the long form: rows that alternate between the chosen and the rejected answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.records import Chunk, PairScores, Record, Skipped
from analysis.sources import score_columns as names
from analysis.sources.base import Job
from analysis.sources.tabular import Part, Sample

SIDE = ("type", "side", "role", "which")
SCORES = (*names.SCORE, "rewards", "scores")
WORDS = ("chosen", "rejected")


def alternates(found: Sample) -> str | None:
    """The column whose words alternate between chosen and rejected, if every row has a score."""
    column = names.first(found.columns, SIDE)
    if column is None or names.first_numeric(found, SCORES) is None:
        return None
    words = [_word(v) for v in found.cells(column)]
    told = [w for w in words if w in WORDS]
    turns = sum(a != b for a, b in pairwise(told))
    return column if set(told) == set(WORDS) and len(told) >= 0.8 * len(words) and 2 * turns >= len(told) else None


def _word(value: Any) -> str:
    return str(value).strip().lower()


def read_alternating(job: Job, side: str) -> Iterator[Chunk]:
    """Rebuild pairs by row order; a first half at the end of a part waits, in the position, for its other half."""
    position = job.position or {}
    waiting: dict[str, Any] | None = position.get("waiting")
    leads: str | None = position.get("leads")
    last: Chunk | None = None
    for part in names.parts(job):
        if last is not None:
            yield last
        if waiting is not None:
            part = _after(waiting, part)
        words = [_word(v) for v in part.values(side)]
        leads = leads or next((w for w in words if w in WORDS), None)
        waiting = _row(part, part.num_rows - 1) if words and words[-1] == leads else None
        last = _chunk(part, side, words, leads or WORDS[0], waiting)
    if last is not None:
        yield _ended(last, waiting) if job.final and waiting else last


def _row(part: Part, i: int) -> dict[str, Any]:
    values = {name: part.values(name)[i] for name in part.columns}
    return {"row": part.first_row + i, "values": json.loads(json.dumps(values, default=str))}


def _after(waiting: dict[str, Any], part: Part) -> Part:
    """A part with the waiting row before its own."""
    cells = {c: [waiting["values"].get(c), *part.values(c)] for c in part.columns}
    rows = [{c: v[i] for c, v in cells.items()} for i in range(part.num_rows + 1)]
    return Part(rows, waiting["row"], part.position | {"carried": True}, part.skipped)


def _ended(chunk: Chunk, waiting: dict[str, Any]) -> Chunk:
    """The file ends in the middle of a pair: said, and read anew if it grows after all."""
    alone = Skipped(f"row {waiting['row']}", "the other half of the pair is missing")
    position = dict(chunk.position) | {"open": True}
    return Chunk(chunk.records, chunk.rows, position, (*chunk.skipped, alone), chunk.notes)


def _chunk(part: Part, side: str, words: list[str], leads: str, waiting: dict[str, Any] | None) -> Chunk:
    begins = np.array([w == leads for w in words], bool)
    ends = np.array([w in WORDS and w != leads for w in words], bool)
    first = np.flatnonzero(begins[:-1] & ends[1:]) if len(words) > 1 else np.array([], np.int64)
    first = _same_prompt(part, first)
    alone = np.ones(len(words), bool)
    alone[first] = alone[first + 1] = False
    if waiting is not None:
        alone[-1] = False
    score = names.first_numeric(part, SCORES) or names.first(part.columns, SCORES) or ""
    skipped = [*part.skipped, *part.bad_numbers(score)]
    lonely = [part.first_row + int(i) for i in np.flatnonzero(alone)]
    skipped += names.skipped_rows(lonely, "the other half of the pair is missing")
    chosen, rejected = (first, first + 1) if leads == "chosen" else (first + 1, first)
    scored = part.numbers(score).is_valid().to_numpy(zero_copy_only=False)
    kept = scored[chosen] & scored[rejected]
    bare = [part.first_row + int(i) for i in first[~kept]]
    skipped += names.skipped_rows(bare, "a score is missing")
    records: list[Record] = []
    if kept.any():
        records.append(_record(part, side, score, chosen[kept], rejected[kept]))
    notes = [f"pairs are rebuilt from rows that alternate in {side}"]
    if names.first(part.columns, names.PAIR_ID) is None:
        notes.append("no pair id: the row number is used")
    position = {k: v for k, v in part.position.items() if k != "carried"} | {"waiting": waiting, "leads": leads}
    rows = names.covered(part) - ("carried" in part.position)
    return Chunk(records, rows, position, skipped, notes)


def _same_prompt(part: Part, first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Neighbours that answer different prompts are no pair."""
    prompts = names.prompt_ids(part)
    if prompts is None:
        return first
    told = prompts.to_pylist()
    return np.array([i for i in first if told[i] == told[i + 1]], np.int64)


def _record(
    part: Part, side: str, score: str, chosen: npt.NDArray[np.int64], rejected: npt.NDArray[np.int64]
) -> PairScores:
    columns = part.columns
    one, two = pa.array(chosen), pa.array(rejected)
    start = pa.array(np.minimum(chosen, rejected))
    length = names.first_numeric(part, names.LENGTH)
    pair, category = names.first(columns, names.PAIR_ID), names.first(columns, names.CATEGORY)
    scorer, dataset = names.first(columns, names.SCORER), names.first(columns, names.DATASET)
    step, prompts = names.step_column(part), names.prompt_ids(part)
    steps = names.steps(part, step)
    used = {
        side,
        score,
        length,
        pair,
        category,
        scorer,
        dataset,
        step,
        *names.PROMPT,
        *names.PROMPT_ID,
        *names.RESPONSE,
    }
    numeric = [c for c in columns if c not in used and part.is_numeric(c)]
    more = {
        f"{word}_{c}": part.numbers(c).take(where).to_pylist()
        for c in numeric
        for word, where in (("chosen", one), ("rejected", two))
    }
    pairs = Part(pa.table({"none": pa.nulls(len(chosen))}), 0, {})

    def coded(name: str | None) -> Any:
        return "" if name is None else names.coded(part, name).take(start)

    return PairScores.of(
        scorer=coded(scorer),
        step=None if steps is None else steps.take(start),
        dataset=coded(dataset),
        pair_id=names.ids(part, pair).take(start),
        prompt_id=None if prompts is None else prompts.take(start),
        category=coded(category),
        chosen_score=part.numbers(score).take(one),
        rejected_score=part.numbers(score).take(two),
        chosen_length=part.numbers(length).take(one) if length else None,
        rejected_length=part.numbers(length).take(two) if length else None,
        features=names.features(pairs, ["none"], more=more) if more else None,
        row=part.rows().take(start),
    )
