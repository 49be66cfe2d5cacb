"""Scores of preference pairs: a chosen and a rejected score in every row, or two sides and a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, InputError, PairScores, Record, Skipped
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.alternating_pairs import alternates, read_alternating
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.pair_texts import split, text_columns
from analysis.sources.tabular import Part, Sample, number

UNLABELLED = "unlabelled"

_FIRST = {"a>b", "a>>b", "a", "first", "model_a", "response_a", "variant_a", "1>2", "b<a", "b<<a", "true", "left"}
_SECOND = {"b>a", "b>>a", "b", "second", "model_b", "response_b", "variant_b", "2>1", "a<b", "a<<b", "false", "right"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns hold the scores, and who says which side is the chosen one.

    suffixes : how both sides are written in column names (chosen and rejected, a and b, 1 and 2)
    sided : whether the columns are two sides in no order of merit
    label : column that says which side is better, None if none does
    base : the number that stands for the first side in `label`
    texts : columns with the texts of both sides, if they are there too
    note : why a label that is there is not used
    """

    one: str
    two: str
    suffixes: tuple[str, str]
    sided: bool = False
    label: str | None = None
    base: int = 0
    texts: tuple[str, str] | None = None
    note: str = ""


@registry.source("pair_scores", rank=50)
class PairScoreTable:
    """CSV, Parquet, JSON lines or JSON rows; several scorers in one file come out as several."""

    def sniff(self, head: Head) -> Sniff | None:
        found = names.sample(head)
        if found is None or not found.rows or names.one_row_a_step(found):
            return None
        return Sniff("scores", 0.9) if layout(found) or alternates(found) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        found = names.sample(Head(job.path))
        found = tabular.renamed(found, job.columns) if found is not None else None
        form = layout(found) if found is not None else None
        if form is not None:
            form = _resumed(form, job)
            for part in names.parts(job):
                yield _chunk(part, form)
        elif found is not None and (side := alternates(found)):
            yield from read_alternating(job, side)
        else:
            raise InputError("no scores of pairs are found", where=str(job.path), mend="check that the file is whole")


def layout(found: Sample) -> Layout | None:
    """Find the two score columns and the label by name and content."""
    chosen, rejected = names.first(found.columns, names.CHOSEN), names.first(found.columns, names.REJECTED)
    texts = text_columns(found)
    if chosen and rejected and names.scores_in(found, chosen) and names.scores_in(found, rejected):
        return Layout(chosen, rejected, ("chosen", "rejected"), texts=texts)
    one, two = names.first(found.columns, ("chosen",)), names.first(found.columns, ("rejected",))
    if one and two and names.scores_in(found, one) and names.scores_in(found, two):
        return Layout(one, two, ("chosen", "rejected"))
    for form, marks in product(names.SIDE_FORMS, names.SIDE_MARKS):
        one, two = (names.first(found.columns, (form.format(mark),)) for mark in marks)
        if one and two and names.scores_in(found, one) and names.scores_in(found, two):
            label = names.first(found.columns, names.LABELS)
            base = _base(found, label, marks) if label else 0
            unread = label is not None and all(winner(v, base) is None for v in found.cells(label))
            note = f"the words in {label} do not say which side is better" if unread else ""
            return Layout(one, two, marks, True, None if unread else label, base, note=note)
    return None


def _base(found: Sample, label: str, marks: tuple[str, str]) -> int:
    """Whether numbers in the label count from 0 or from 1: sides 1 and 2 are called so, others are indices."""
    seen = {number(v) for v in found.cells(label)}
    return 1 if 0.0 not in seen and (2.0 in seen or marks[0] == "1") else 0


def _resumed(form: Layout, job: Job) -> Layout:
    """The meaning of the label as it was found at first: a growing file must not change it."""
    return replace(form, base=int((job.position or {}).get("base", form.base)))


def _chunk(part: Part, form: Layout) -> Chunk:
    first, second = part.numbers(form.one), part.numbers(form.two)
    skipped: list[Skipped] = [*part.skipped, *part.bad_numbers(form.one), *part.bad_numbers(form.two)]
    missing = pc.or_(first.is_null(), second.is_null())
    swap, source, notes = _orientation(part, form)
    undecided = pc.and_(swap.is_null(), pc.invert(missing))
    empty = _empty(part, form)
    skipped += names.skipped_rows(names.where(pc.and_(missing, empty), part), "a score is missing")
    skipped += names.skipped_rows(names.where(undecided, part), f"{form.label} names neither side")
    kept = pc.and_(pc.invert(missing), swap.is_valid())
    columns = _columns(part, form, first, second, pc.fill_null(swap, False))
    if names.first(part.columns, names.PAIR_ID) is None:
        notes.append("no pair id: the row number is used")
    records: list[Record] = []
    if kept.true_count == part.num_rows:
        records = [PairScores.of(**columns, label_source=source)] if part.num_rows else []
    elif kept.true_count:
        chosen = {k: v.filter(kept) if isinstance(v, pa.Array) else v for k, v in columns.items()}
        records = [PairScores.of(**chosen, label_source=source)]
    position = part.position | ({"base": form.base} if form.label else {})
    return Chunk(records, names.covered(part), position, skipped, notes)


def _empty(part: Part, form: Layout) -> pa.Array:
    """Rows in which a score is not there at all (a cell that is no number is reported by its text)."""
    cells = zip(part.values(form.one), part.values(form.two), strict=True)
    if part.numbers(form.one).null_count + part.numbers(form.two).null_count == 0:
        return pa.array([False] * part.num_rows, pa.bool_())
    return pa.array([a in (None, "", []) or b in (None, "", []) for a, b in cells], pa.bool_())


def _columns(part: Part, form: Layout, first: pa.Array, second: pa.Array, swap: pa.Array) -> dict[str, Any]:
    """Columns of the records, sides in the order of merit."""
    columns = part.columns
    pair, category = names.first(columns, names.PAIR_ID), names.first(columns, names.CATEGORY)
    scorer, dataset = names.first(columns, names.SCORER), names.first(columns, names.DATASET)
    step = names.step_column(part)
    step = None if step is None or step.lower() == "label" else step
    strength = names.first_numeric(part, names.STRENGTH)
    used = [form.one, form.two, form.label, pair, category, scorer, step, dataset, strength,
            names.first(columns, names.PROMPT_ID), names.first(columns, names.PROMPT), *(form.texts or ())]  # fmt: skip
    more, used_sides = _paired(part, form, swap)
    one, two, unit = _lengths(part, form, swap, more)
    prompts = names.prompt_ids(part)
    if form.texts is not None:
        prompts = _counted(part, form.texts, more, prompts)
        if one is None:
            one, two, unit = pa.array(more.pop("chosen_chars")), pa.array(more.pop("rejected_chars")), "characters"
    return {
        "scorer": names.coded(part, scorer),
        "step": names.steps(part, step),
        "dataset": names.coded(part, dataset),
        "pair_id": names.ids(part, pair),
        "prompt_id": prompts,
        "category": names.coded(part, category),
        "chosen_score": pc.if_else(swap, second, first),
        "rejected_score": pc.if_else(swap, first, second),
        "chosen_length": one,
        "rejected_length": two,
        "length_unit": unit,
        "strength": names.numbers(part, strength),
        "features": names.features(part, [*used, *used_sides], more=more),
        "row": part.rows(),
    }


def _lengths(
    part: Part, form: Layout, swap: pa.Array, more: dict[str, list[Any]]
) -> tuple[pa.Array | None, pa.Array | None, str]:
    """Lengths of the chosen and the rejected side, and their unit ("" if nobody says)."""
    found = names.lengths(part, form.suffixes)
    if found is None:
        return None, None, ""
    one, two, unit = found
    stem = _stem(one, form.suffixes[0])
    for side in ("chosen", "rejected"):
        more.pop(f"{side}_{stem}", None)
    a, b = part.numbers(one), part.numbers(two)
    return pc.if_else(swap, b, a), pc.if_else(swap, a, b), unit


def _stem(column: str, side: str) -> str:
    """`chars` of `chars_A`, `A_chars` or `chosen_chars`."""
    name = column.lower()
    if name.endswith(f"_{side}"):
        return column[: -len(side) - 1]
    if name.startswith(f"{side}_"):
        return column[len(side) + 1 :]
    return ""


def _paired(part: Part, form: Layout, swap: pa.Array) -> tuple[dict[str, list[Any]], list[str]]:
    """Every further pair of columns (words_A and words_B) as chosen_words and rejected_words, and their own names."""
    taken = {form.one, form.two, *(form.texts or ())}
    stems: dict[str, dict[int, str]] = {}
    for column in part.columns:
        for k, side in enumerate(form.suffixes):
            if column not in taken and (stem := _stem(column, side)):
                stems.setdefault(stem, {})[k] = column
    more: dict[str, list[Any]] = {}
    used: list[str] = []
    turned = swap.to_pylist()
    for stem, both in stems.items():
        if len(both) == 2:
            cells = list(zip(part.values(both[0]), part.values(both[1]), turned, strict=True))
            more[f"chosen_{stem}"] = [b if s else a for a, b, s in cells]
            more[f"rejected_{stem}"] = [a if s else b for a, b, s in cells]
            used += both.values()
    return more, used


def _counted(
    part: Part, texts: tuple[str, str], more: dict[str, list[Any]], prompts: pa.Array | None
) -> pa.Array | None:
    """Count both texts into `more`; returns the prompt ids, made from what both texts begin with if need be."""
    prompt = names.first(part.columns, names.PROMPT)
    cells = zip(part.values(prompt or ""), *(part.values(c) for c in texts), strict=True)
    parted = [split(*row) for row in cells]
    for k, side in ((1, "chosen"), (2, "rejected")):
        more[f"{side}_chars"] = [float(len(row[k])) for row in parted]
        more[f"{side}_words"] = [float(len(row[k].split())) for row in parted]
    if prompts is not None:
        return prompts
    return pa.array([names.hashed(p) if p else None for p, _, _ in parted], pa.string())


def _orientation(part: Part, form: Layout) -> tuple[pa.Array, str, list[str]]:
    """Whether the sides are to be swapped (null: nobody knows), who says so, and what is to be told."""
    as_is = pa.array([False] * part.num_rows, pa.bool_())
    if not form.sided:
        return as_is, "", []
    if form.label is None:
        why = form.note or "no label says which side is better"
        return as_is, UNLABELLED, [f"{why}: accuracy has no meaning here"]
    sides = [winner(v, form.base) for v in part.values(form.label)]
    swap = pa.array([None if side is None else side == 1 for side in sides], pa.bool_())
    numeric = any(not isinstance(v, str | bool) and v is not None for v in part.values(form.label))
    notes = [f"{form.label} {form.base} is read as {form.one}, {form.base + 1} as {form.two}"] if numeric else []
    return swap, form.label, notes


def winner(value: Any, base: int = 0) -> int | None:
    """0 if the first side wins, 1 if the second, None if the word says neither.

    Parameters
    ----------
    value : a word ("A>B", "b", "first", "tie") or a number
    base : the number that stands for the first side
    """
    if isinstance(value, bool):
        return 0 if value else 1
    told = number(value)
    if told is not None:
        return int(told - base) if told - base in (0, 1) else None
    word = str(value).strip().strip("[]").lower().replace(" ", "")
    return 0 if word in _FIRST else 1 if word in _SECOND else None
