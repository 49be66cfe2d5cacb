"""The training step that a file's name or its folder tells: one score file for each checkpoint of a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from analysis.records import Chunk, PairScores, RankedScores, Record

_KEYWORD = r"(?:global_?)?(?:step|checkpoint|ckpt|iter(?:ation)?|update)s?"

_FOLDER = re.compile(rf"{_KEYWORD}[-_]?(\d+)", re.IGNORECASE)

_IN_NAME = re.compile(rf"(?:^|(?<=[-_. ])){_KEYWORD}[-_]?(\d+)(?=$|[-_. ])", re.IGNORECASE)
"""`rm_step100`, `bt-ckpt-200.scores`."""

_PLAIN = frozenset(
    "scores score scored pairs preferences eval evaluation val validation test heldout predictions preds results margins "
    "rewards".split()
)
"""Words that name no model: a number after nothing but these is a step (`eval_scores_100`). After other words it may be
a version, a size or a seed (`rm-2`, `llama-3`, `seed-1`), after `part` or before `of` a piece of one file."""

LEAST = 10
"""A number below it, or one with leading zeros, counts pieces, seeds or models (`scores-1`, `scores-00002`): checkpoints
come every ten steps or more."""

DEPTH = 2
"""Folders above a file that may name its checkpoint: `checkpoint-100/eval/scores.csv`."""


def step_in_name(path: Path) -> float | None:
    """The step that the file's name tells, else that of a folder `checkpoint-N` or `step_N` right above it; or None."""
    stem = _stem(path)
    if told := _IN_NAME.search(stem):
        return float(told[1])
    if number := _plain_number(stem):
        return float(number)
    folders = [path.parent, *path.parent.parents][:DEPTH]
    found = (_FOLDER.fullmatch(folder.name) for folder in folders)
    return next((float(told[1]) for told in found if told), None)


def checkpoint_folder(name: str) -> bool:
    """Whether a folder of this name is that of one checkpoint."""
    return _FOLDER.fullmatch(name) is not None


def without_step(path: Path) -> str:
    """The file's name without the step: equal for all checkpoints of one scorer, "" if nothing but plain words is left."""
    stem = _IN_NAME.sub("", _stem(path)).lower()
    stem = stem.removesuffix(_plain_number(stem))
    words = [w for w in re.split(r"[^A-Za-z0-9.]+", stem) if w]
    return "-".join(w for w in words if w not in _PLAIN)


def _plain_number(stem: str) -> str:
    """The number after nothing but plain words, "" if there is none or it is no step."""
    *words, last = [w for w in re.split(r"[^A-Za-z0-9]+", stem.lower()) if w] or [""]
    step = words and set(words) <= _PLAIN and last.isdigit() and not last.startswith("0") and int(last) >= LEAST
    return last if step else ""


def with_step(chunk: Chunk, path: Path) -> Chunk:
    """The chunk with the step of the file's name in score records that tell none."""
    step = step_in_name(path)
    if step is None:
        return chunk
    records = [_at(record, step) for record in chunk.records]
    if all(old is new for old, new in zip(chunk.records, records, strict=True)):
        return chunk
    return replace(chunk, records=records, notes=(*chunk.notes, f"step {step:g} is read from the file's place"))


def _at(record: Record, step: float) -> Record:
    if not isinstance(record, PairScores | RankedScores) or record.table["step"].null_count < len(record):
        return record
    place, field = record.table.schema.get_field_index("step"), record.schema.field("step")
    return replace(record, table=record.table.set_column(place, field, pa.array([step] * len(record), pa.float64())))


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name
