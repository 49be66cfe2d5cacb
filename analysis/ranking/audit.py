"""What is wrong with scores before any number is computed from them: keys, ties, columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.ranking.accuracy import Accuracy, accuracy
from analysis.ranking.scored import Objects, RankedLists, ScoredPairs

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that a number must not hide.

    kind : "no_pairs", "duplicate_ids", "conflicting_ids", "no_ids", "missing", "identical_sides", "ties",
        "constant_column", "ranks_reversed", "no_common_pairs", "unequal_sets", "mispaired", "opposed",
        "one_class"
    count, of : how many pairs (lists, ids) it concerns, of how many
    blocks : whether numbers in spite of it would mean nothing
    statement : a sentence that says what it is and what to do
    """

    kind: str
    count: int
    of: int
    blocks: bool
    statement: str


def audit(pairs: ScoredPairs) -> tuple[Remark, ...]:
    """Duplicate ids, missing scores, ties and their cause, constant and swapped columns of one scorer's pairs."""
    n = len(pairs)
    if n == 0:
        return (Remark("no_pairs", 0, 0, True, "there are no labelled pairs"),)
    once = pairs.once()
    found = accuracy(once.chosen, once.rejected, once.prompts)
    remarks = [*_repeated(pairs), *_missing(found, len(once))]
    if found.n:
        remarks += _sides(once.ranked(), found)
    return tuple(remarks)


def _repeated(pairs: ScoredPairs) -> list[Remark]:
    codes, ids = pairs.key_codes()
    named = codes >= 0
    nameless, extra = int((~named).sum()), int(named.sum() - (np.bincount(codes[named]) > 0).sum())
    conflicts = 0
    if extra:
        table = pd.DataFrame({"key": codes, "chosen": pairs.chosen, "rejected": pairs.rejected})[named]
        other = table.drop_duplicates()
        conflicts = int(other.loc[other.duplicated("key"), "key"].nunique())
    remarks = []
    if nameless:
        remarks.append(
            Remark("no_ids", nameless, len(pairs), False,
                   f"{nameless:,} pairs have no id: they can't be found under another scorer")
        )  # fmt: skip
    if conflicts:
        remarks.append(
            Remark("conflicting_ids", conflicts, ids, False,
                   f"{conflicts:,} pair ids stand for rows with different scores: ids are not unique, or the file "
                   "holds several checkpoints without a step; the first row of each is used")
        )  # fmt: skip
    elif extra:
        remarks.append(
            Remark("duplicate_ids", extra, len(pairs), False, f"{extra:,} rows repeat a pair; each pair counts once")
        )
    return remarks


def _missing(found: Accuracy, n: int) -> list[Remark]:
    if not found.missing:
        return []
    what = "no pair has two finite scores" if not found.n else f"{found.missing:,} of {n:,} pairs lack a finite score"
    return [Remark("missing", found.missing, n, not found.n, f"{what}; they are left out and not counted as wrong")]


def _sides(pairs: ScoredPairs, found: Accuracy) -> list[Remark]:
    """What the two columns of scores look like."""
    if found.ties == found.n:
        return [
            Remark("identical_sides", found.n, found.n, True,
                   "chosen and rejected scores are the same in every pair: is one column copied, or the scorer constant?")
        ]  # fmt: skip
    remarks = []
    for name, scores in (("chosen", pairs.chosen), ("rejected", pairs.rejected)):
        if found.n > 1 and np.ptp(scores) == 0:
            remarks.append(
                Remark("constant_column", found.n, found.n, False,
                       f"all {name} scores are {scores[0]:.6g}: the file holds margins and no scores of responses, so "
                       "ranking can be told and scores can't")
            )  # fmt: skip
    if found.ties:
        remarks.append(_ties(pairs, found))
    reversed_ = accuracy(pairs.rejected, pairs.chosen, pairs.prompts)
    if reversed_.low > 0.5:
        remarks.append(
            Remark("ranks_reversed", found.losses, found.n, False,
                   f"the rejected response scores higher in {reversed_.accuracy:.1%} of pairs "
                   f"({reversed_.low:.1%} to {reversed_.high:.1%}), more often than by chance: columns or labels are "
                   "swapped, a cost is taken for a reward, or the scorer learned the reverse")
        )  # fmt: skip
    return remarks


def _ties(pairs: ScoredPairs, found: Accuracy) -> Remark:
    scores = np.concatenate([pairs.chosen, pairs.rejected])
    return Remark(
        "ties", found.ties, found.n, False,
        f"{found.ties:,} of {found.n:,} pairs are tied ({granularity(scores)}): accuracy is {found.accuracy:.1%} if a "
        f"tie is wrong, {found.half_credit:.1%} if it counts half, {found.not_worse:.1%} if it counts as right",
    )  # fmt: skip


def granularity(scores: Floats) -> str:
    """How coarse scores are, in words: what they are rounded to, and how many distinct values there are."""
    finite = scores[np.isfinite(scores)]
    distinct = len(np.unique(finite))
    told = f"{distinct:,} distinct scores in {len(finite):,}"
    with np.errstate(over="ignore"):
        single = finite.astype(np.float32)
        half = finite.astype(np.float16)
    if not finite.size:
        return told
    if (finite == np.round(finite)).all():
        return f"whole numbers, {told}"
    if (single == finite).all() and not (single.view(np.uint32) & 0xFFFF).any():
        return f"stored as bfloat16, two to three digits, {told}"
    if (half == finite).all():
        return f"stored as float16, three digits, {told}"
    return told


def audit_common(one: ScoredPairs, two: ScoredPairs) -> tuple[Remark, ...]:
    """Whether two scorers scored the same pairs: sets, and ids that stand for another pair."""
    a, b = one.once(), two.once()
    mine, theirs = pd.Index(a.keys).dropna(), pd.Index(b.keys).dropna()
    common = mine.intersection(theirs)
    if not len(common):
        seen = ", ".join(f"{s.scorer}: {s.keys[0]}" for s in (a, b) if len(s))
        return (
            Remark("no_common_pairs", 0, max(len(mine), len(theirs)), True,
                   f"{one.scorer} and {two.scorer} share no pair id (first ids: {seen}): score both on the same file"),
        )  # fmt: skip
    remarks = []
    alone = len(mine) + len(theirs) - 2 * len(common)
    if alone:
        remarks.append(
            Remark("unequal_sets", alone, len(common), False,
                   f"{len(common):,} pairs are common; {len(mine) - len(common):,} only under {one.scorer}, "
                   f"{len(theirs) - len(common):,} only under {two.scorer}, are left out")
        )  # fmt: skip
    here, there = pd.Index(a.keys).get_indexer(common), pd.Index(b.keys).get_indexer(common)
    a, b = a.take(here), b.take(there)
    wrong = misplaced(a.prompts, a.categories, b)
    if wrong.any():
        first = common[int(np.argmax(wrong))]
        remarks.append(
            Remark("mispaired", int(wrong.sum()), len(common), False,
                   f"{int(wrong.sum()):,} ids stand for another prompt or category under {two.scorer} than under "
                   f"{one.scorer} (such as {first}): these ids are not one pair, and are left out")
        )  # fmt: skip
    same = accuracy(np.sign(a.margin) * np.sign(b.margin), np.zeros(len(common)), a.prompts)
    opposed = accuracy(np.zeros(len(common)), np.sign(a.margin) * np.sign(b.margin), a.prompts)
    if opposed.low > 0.5:
        remarks.append(
            Remark("opposed", opposed.wins, same.n, False,
                   f"{one.scorer} and {two.scorer} decide alike in {same.accuracy:.1%} of pairs only, less often than "
                   "by chance: the sides of one of them are swapped")
        )  # fmt: skip
    return tuple(remarks)


def misplaced(prompts: Objects, categories: Objects, other: ScoredPairs) -> npt.NDArray[np.bool_]:
    """Which pairs of `other` stand for another prompt or category than these (n,), by their own ids the same pairs."""
    return _differ(prompts, other.prompts) | _differ(categories, other.categories)


def _differ(one: Objects, two: Objects) -> npt.NDArray[np.bool_]:
    """Where both sides say something, and not the same; nowhere if they never agree: then they name things otherwise."""
    said = np.array([bool(x) and bool(y) for x, y in zip(one, two, strict=True)], bool)
    same = np.array([x == y for x, y in zip(one, two, strict=True)], bool)
    return said & ~same if (said & same).any() else np.zeros(len(one), bool)


def audit_lists(lists: RankedLists) -> tuple[Remark, ...]:
    """Missing scores, repeated candidates and lists of one class."""
    codes, count = lists.codes()
    if not count:
        return (Remark("no_pairs", 0, 0, True, "there are no lists of candidates"),)
    remarks = []
    table = pd.DataFrame({"list": codes, "candidate": lists.candidates})
    repeated = int(table[table["candidate"] != ""].duplicated().sum())
    if repeated:
        remarks.append(
            Remark("duplicate_ids", repeated, len(lists), False,
                   f"{repeated:,} candidates stand twice in their list: one answer counts as two")
        )  # fmt: skip
    whole = lists.whole()
    kept, n = whole.codes()
    if n < count:
        remarks.append(
            Remark("missing", count - n, count, n == 0,
                   f"{count - n:,} of {count:,} lists lack a score or a label of a candidate, and are left out")
        )  # fmt: skip
    if n:
        right, size = np.bincount(kept, whole.label > 0, n), np.bincount(kept, minlength=n)
        one = int(((right == 0) | (right == size)).sum())
        if one:
            remarks.append(
                Remark("one_class", one, n, one == n,
                       f"{one:,} of {n:,} lists hold right answers only or wrong ones only: nothing to tell apart")
            )  # fmt: skip
    return tuple(remarks)
