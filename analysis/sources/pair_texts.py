"""Texts of preference pairs: counted, never copied; they are read again from the user's file when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, PairTexts
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import Part, Sample

_TURN = "\n\nAssistant:"
"""Marks the last reply in dialogues of the hh-rlhf form, whose two sides share all before it."""


@registry.source("pair_texts", rank=70)
class PairTextTable:
    """`chosen` and `rejected` as texts or chat messages, with or without a prompt and ids."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or not found.has("chosen", "rejected"):
            return None
        return Sniff("texts", 0.85) if _texts(found, "chosen") and _texts(found, "rejected") else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            yield _chunk(part)


def _texts(found: Sample, column: str) -> bool:
    cells = found.cells(column)
    return bool(cells) and all(isinstance(c, str | list) and not tabular.is_number(c) for c in cells)


def _chunk(part: Part) -> Chunk:
    pair = names.first(part.columns, names.PAIR_ID)
    prompt = names.first(part.columns, names.PROMPT)
    triples = [
        split(p, c, r)
        for p, c, r in zip(part.values(prompt or ""), part.values("chosen"), part.values("rejected"), strict=True)
    ]
    told = names.first(part.columns, names.PROMPT_ID)
    prompts = part.strings(told) if told else [names.hashed(p) if p else None for p, _, _ in triples]
    record = PairTexts.of(
        dataset=names.coded(part, names.first(part.columns, names.DATASET)),
        pair_id=names.ids(part, pair),
        prompt_id=prompts if isinstance(prompts, pa.Array) else pa.array(prompts, pa.string()),
        category=names.coded(part, names.first(part.columns, names.CATEGORY)),
        prompt_chars=[float(len(p)) for p, _, _ in triples],
        chosen_chars=[float(len(c)) for _, c, _ in triples],
        rejected_chars=[float(len(r)) for _, _, r in triples],
        chosen_words=[float(len(c.split())) for _, c, _ in triples],
        rejected_words=[float(len(r.split())) for _, _, r in triples],
        row=part.rows(),
    )
    notes = [] if pair else ["no pair id: the row number is used"]
    return Chunk([record], part.num_rows, part.position, part.skipped, notes)


def split(prompt: Any, chosen: Any, rejected: Any) -> tuple[str, str, str]:
    """Prompt, chosen and rejected reply as texts; a prompt that both sides begin with is cut off from them."""
    c, r = _plain(chosen), _plain(rejected)
    if prompt is not None:
        return _plain(prompt), c, r
    shared = next((i for i, (a, b) in enumerate(zip(c, r, strict=False)) if a != b), min(len(c), len(r)))
    cut = c.rfind(_TURN, 0, shared)
    if cut < 0:
        return "", c, r
    end = cut + len(_TURN)
    return c[:end], c[end:].strip(), r[end:].strip()


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "\n\n".join(str(m.get("content", "")) if isinstance(m, dict) else str(m) for m in value)
    return "" if value is None else str(value)


def texts_at(path: Path, rows: Sequence[int]) -> list[dict[str, str]]:
    """Texts of some rows of a preference file: prompt, chosen, rejected."""
    wanted, found = set(rows), {}
    for part in tabular.parts(Job(path)):
        here = [i for i in range(part.num_rows) if part.first_row + i in wanted]
        if here:
            prompt = names.first(part.columns, names.PROMPT)
            columns = [part.values(prompt or ""), part.values("chosen"), part.values("rejected")]
            for i in here:
                texts = split(*(c[i] for c in columns))
                found[part.first_row + i] = dict(zip(("prompt", "chosen", "rejected"), texts, strict=True))
        if len(found) == len(wanted):
            break
    return [found[row] for row in rows if row in found]
