"""A table as the parts that are drawn one by one: found once, and not by a mask for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Columns = Mapping[str, npt.NDArray[np.float64]]
"""Numbers of one part, by the name of their column."""


def apart(table: pd.DataFrame, *keys: str) -> dict[tuple[Any, ...], Columns]:
    """The numbers of each combination of `keys`, in the order of its rows; parts in the order in which they first come."""
    if table.empty:
        return {}
    codes = np.zeros(len(table), np.int64)
    words = []
    for key in keys:
        part, values = pd.factorize(table[key])
        codes = codes * max(len(values), 1) + part
        words.append(np.asarray(values)[part])
    order = np.argsort(codes, kind="stable")
    columns = {name: table[name].to_numpy(float)[order] for name in table.columns if name not in keys}
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0])
    ends = np.r_[starts[1:], len(order)]
    first = order[starts]
    return {
        tuple(word[first[i]] for word in words): {name: c[starts[i] : ends[i]] for name, c in columns.items()}
        for i in np.argsort(first, kind="stable")
    }
