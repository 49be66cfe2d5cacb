"""Which series are read: their numbers beside their names, which are known in memory and not joined to every row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.store.rows import Series


class Named:
    """Primary series in the order of their run, metric and split, each beside what is known of it."""

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = series
        self.ids = np.array([s.series_id for s in series], np.int64)
        self.runs = [s.run_id for s in series]
        self.metrics = [s.metric for s in series]
        self.splits = [s.split for s in series]

    @cached_property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.ids)

    def some(self, fits: Iterable[bool]) -> list[int]:
        """The ids of those that fit."""
        return [s.series_id for s, fit in zip(self.series, fits, strict=True) if fit]

    def places(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Where each of these ids stands here."""
        return self._order[np.searchsorted(self.ids, ids, sorter=self._order)]


class Catalogue:
    """The primary series of every run of a store, as they were committed last; it never changes, the next one takes over.

    Names change when a tag is new and are asked for with every curve: looked up in the store, and joined to rows, they
    took as long as all numbers.
    """

    def __init__(
        self, series: Iterable[Series] = (), before: Catalogue | None = None, runs: Collection[str] = ()
    ) -> None:
        """Of `series` alone, or of `before` with those of `runs` replaced."""
        held: dict[str, list[Series]] = defaultdict(list)
        for s in series:
            if s.is_primary:
                held[s.run_id].append(s)
        kept = {} if before is None else {run: of for run, of in before._of.items() if run not in runs}
        fresh = {run: tuple(sorted(of, key=lambda s: (s.metric, s.split))) for run, of in held.items()}
        self._of: dict[str, tuple[Series, ...]] = kept | fresh

    def of(self, runs: Iterable[str], metrics: Collection[str] | None = None, split: str | None = None) -> Named:
        """The series of these runs; of `metrics` and one `split` alone, if told."""
        wanted = None if metrics is None else set(metrics)
        return Named(
            [
                s
                for run in sorted(set(runs))
                for s in self._of.get(run, ())
                if (wanted is None or s.metric in wanted) and split in (None, s.split)
            ]
        )


def column(words: Sequence[str], places: npt.NDArray[np.intp]) -> pd.Categorical:
    """The word at each of these places as a column of a table.

    As a category: to compare or group rows by texts takes longer than to read them.
    """
    categories = sorted(set(words))
    number = {word: code for code, word in enumerate(categories)}
    codes = np.array([number[word] for word in words], np.intp)
    return pd.Categorical.from_codes(codes[places], pd.Index(categories, dtype=object), validate=False)
