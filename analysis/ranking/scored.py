"""What statistics take: the scores of one reward model on preference pairs, or on lists of candidates, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.uncertainty import cluster_codes

Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]
Ids = npt.NDArray[Any]
T = TypeVar("T", "ScoredPairs", "RankedLists")
Codes = npt.NDArray[np.intp]
Rows = npt.NDArray[np.intp] | npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Preference pairs under one scorer; all arrays (n,).

    keys : what makes a pair the same pair under another scorer: data set and pair id; None where a row has no id
    prompts : prompt that both responses answer; None where nobody says. Both may be numbers (see `numbered`)
    categories : "" where nobody says
    chosen, rejected : scores, reward units, NaN where missing
    loss, seed : the loss that the scorer was trained with and its seed, "" and None where nobody says
    """

    scorer: str
    keys: Ids
    prompts: Ids
    categories: Objects
    chosen: Floats
    rejected: Floats
    loss: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        _equally_long(self)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def margin(self) -> Floats:
        """Chosen minus rejected score; NaN where one of them is not finite."""
        both = np.isfinite(self.chosen) & np.isfinite(self.rejected)
        return np.where(both, self.chosen, np.nan) - np.where(both, self.rejected, np.nan)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, scorer: str, *, loss: str = "", seed: int | None = None) -> ScoredPairs:
        """Labelled pairs of a table (dataset, pair_id, prompt_id, category, chosen_score, rejected_score, label_source).

        Columns that are not there are not known; pairs that nobody labelled are left out.
        """
        if "label_source" in frame:
            frame = labelled(frame)
        return cls(
            scorer,
            _keys(frame, "pair_id"),
            _column(frame, "prompt_id", None),
            _column(frame, "category", ""),
            frame["chosen_score"].to_numpy(np.float64),
            frame["rejected_score"].to_numpy(np.float64),
            loss,
            seed,
        )

    def take(self, rows: Rows) -> ScoredPairs:
        """Some of the pairs, in the order of `rows` (positions or a mask)."""
        return _taken(self, rows)

    def key_codes(self) -> tuple[Codes, int]:
        """Number of each row's key, -1 where it has none, and how many keys there are."""
        if self.keys.dtype.kind == "i":
            return self.keys, int(self.keys.max(initial=-1)) + 1
        codes, keys = pd.factorize(self.keys)
        return codes, len(keys)

    def first(self) -> npt.NDArray[np.bool_]:
        """Rows that are the first of their key; a row without a key is nobody's double."""
        codes, _ = self.key_codes()
        return np.asarray(~pd.Series(codes).duplicated() | (codes < 0), bool)

    def once(self) -> ScoredPairs:
        """Each pair once: of rows with one key the first counts."""
        return self.take(self.first())

    def numbered(self) -> ScoredPairs:
        """The same pairs with numbers for keys and prompts: counting numbers is ten times as fast as counting ids."""
        return replace(self, keys=self.key_codes()[0], prompts=cluster_codes(self.prompts)[0])

    def some(self, most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Rows of whole prompts drawn at random, about `most` of them; all rows if there are no more."""
        if len(self) <= most:
            return np.arange(len(self))
        codes, clusters = cluster_codes(self.prompts)
        turn = rng.permutation(clusters)
        sizes = np.bincount(codes, minlength=clusters)
        kept = np.zeros(clusters, bool)
        kept[turn[np.cumsum(sizes[turn]) <= most]] = True
        return np.flatnonzero(kept[codes])

    def ranked(self) -> ScoredPairs:
        """The pairs with two finite scores."""
        return self.take(np.isfinite(self.margin))


@dataclass(frozen=True, slots=True, eq=False)
class RankedLists:
    """Candidates of one-to-many sets under one scorer, one entry a candidate; all arrays (n,).

    prompts : the list that a candidate belongs to
    candidates : its id within the list
    score : reward units, NaN where missing
    label : 1 right, 0 wrong, or a graded quality; NaN where nobody says
    """

    scorer: str
    prompts: Objects
    candidates: Objects
    categories: Objects
    score: Floats
    label: Floats
    loss: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        _equally_long(self)

    def __len__(self) -> int:
        return len(self.prompts)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, scorer: str, *, loss: str = "", seed: int | None = None) -> RankedLists:
        """Candidates of a table (dataset, prompt_id, candidate_id, category, score, label)."""
        label = frame["label"].to_numpy(np.float64) if "label" in frame else np.full(len(frame), np.nan)
        return cls(
            scorer,
            _keys(frame, "prompt_id"),
            _column(frame, "candidate_id", ""),
            _column(frame, "category", ""),
            frame["score"].to_numpy(np.float64),
            label,
            loss,
            seed,
        )

    def take(self, rows: Rows) -> RankedLists:
        """Some of the candidates."""
        return _taken(self, rows)

    def codes(self) -> tuple[npt.NDArray[np.intp], int]:
        """Number of each candidate's list, and how many lists there are."""
        return cluster_codes(self.prompts)

    def whole(self) -> RankedLists:
        """The lists of which every candidate has a finite score and a label: a part of a list is another list."""
        codes, count = self.codes()
        bad = np.bincount(codes, ~(np.isfinite(self.score) & np.isfinite(self.label)), count) > 0
        return self.take(~bad[codes])


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The pairs that somebody labelled, by `label_source`; the same table where that is all of them."""
    told = frame["label_source"] != "unlabelled"
    return frame if told.all() else frame[told]


def _equally_long(scored: ScoredPairs | RankedLists) -> None:
    sizes = {f.name: len(v) for f in fields(scored) if isinstance(v := getattr(scored, f.name), np.ndarray)}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"columns of {scored.scorer or 'a scorer'} differ in length: {sizes}")


def _taken(scored: T, rows: Rows) -> T:
    columns: dict[str, Any] = {
        f.name: v[rows] for f in fields(scored) if isinstance(v := getattr(scored, f.name), np.ndarray)
    }
    return replace(scored, **columns)


def _keys(frame: pd.DataFrame, name: str) -> Objects:
    """Ids within their data set: equal ids of two data sets are two things."""
    ids = _column(frame, name, None)
    datasets = _column(frame, "dataset", "")
    if (datasets == "").all():
        return ids
    named = [f"{d}/{i}" if d and i is not None else i for d, i in zip(datasets, ids, strict=True)]
    out = np.empty(len(named), object)
    out[:] = named
    return out


def _column(frame: pd.DataFrame, name: str, absent: Any) -> Objects:
    if name not in frame:
        return np.full(len(frame), absent, dtype=object)
    values = frame[name].astype(object)
    return np.asarray(values.where(values.notna(), absent), object)


def as_pairs(lists: RankedLists) -> ScoredPairs:
    """Every right candidate of a list against every wrong one (label above 0, or not), as pairs of that prompt."""
    whole = lists.whole()
    codes, count = whole.codes()
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=count)) if count else np.zeros(0, np.intp)
    rights, wrongs = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    for members in np.split(order, ends[:-1]):
        is_right = whole.label[members] > 0
        good, bad = members[is_right], members[~is_right]
        rights.append(np.repeat(good, len(bad)))
        wrongs.append(np.tile(bad, len(good)))
    one, two = np.concatenate(rights), np.concatenate(wrongs)
    names = [
        f"{p}/{a}>{b}" for p, a, b in zip(whole.prompts[one], whole.candidates[one], whole.candidates[two], strict=True)
    ]
    keys = np.empty(len(names), object)
    keys[:] = names
    return ScoredPairs(
        lists.scorer,
        keys,
        whole.prompts[one],
        whole.categories[one],
        whole.score[one],
        whole.score[two],
        lists.loss,
        lists.seed,
    )


def against_best(lists: RankedLists) -> ScoredPairs:
    """The best right candidate of each list against the best wrong one: a strict win is a top-1 hit.

    The key is the list, so that two scorers meet on the same lists whatever their favourites are.
    """
    whole = lists.whole()
    codes, count = whole.codes()
    right = whole.label > 0
    best = np.full((2, count), -np.inf)
    np.maximum.at(best[0], codes[right], whole.score[right])
    np.maximum.at(best[1], codes[~right], whole.score[~right])
    first = np.unique(codes, return_index=True)[1]
    both = np.isfinite(best).all(axis=0)
    prompts, categories = whole.prompts[first][both], whole.categories[first][both]
    return ScoredPairs(lists.scorer, prompts, prompts, categories, best[0][both], best[1][both], lists.loss, lists.seed)
