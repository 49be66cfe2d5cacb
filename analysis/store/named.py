"""Which series are read: their numbers beside their names, which are looked up once and not joined to every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Primary series in the order of their run, metric and split: ids beside their names."""

    ids: npt.NDArray[np.int64]
    runs: list[str]
    metrics: list[str]
    splits: list[str]

    def some(self, fits: Sequence[bool]) -> list[int]:
        """The ids of those that fit."""
        found: list[int] = self.ids[np.asarray(fits, bool)].tolist()
        return found

    def places(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Where each of these ids stands here."""
        order = np.argsort(self.ids)
        return order[np.searchsorted(self.ids, ids, sorter=order)]


def named(con: duckdb.DuckDBPyConnection, runs: Sequence[str], metrics: Sequence[str]) -> Named:
    """The primary series of these metrics in these runs."""
    rows = con.execute(
        """SELECT run_id, metric, split, series_id FROM series
           WHERE is_primary AND run_id IN (SELECT unnest(?)) AND metric IN (SELECT unnest(?))""",
        [list(runs), list(metrics)],
    ).fetchall()
    rows.sort()
    names, told, splits, ids = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Named(np.array(ids, np.int64), list(names), list(told), list(splits))


def column(words: Sequence[str], places: npt.NDArray[np.intp]) -> pd.Categorical:
    """The word at each of these places as a column of a table.

    As a category: to compare or group rows by texts takes longer than to read them.
    """
    categories = sorted(set(words))
    number = {word: code for code, word in enumerate(categories)}
    codes = np.array([number[word] for word in words], np.intp)
    return pd.Categorical.from_codes(codes[places], pd.Index(categories, dtype=object), validate=False)
