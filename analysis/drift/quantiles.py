"""Quantiles of counted values: of sketches, whose values are bin centres, or of plain values with count 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def quantiles(
    values: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], at: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Smallest values at which the cumulative share reaches each of `at` (inverse of the empirical distribution).

    Definition 1 of Hyndman and Fan (1996, doi:10.2307/2684934): a quantile is always a value that occurred, so
    merged sketches and raw values agree to the width of a bin.

    Parameters
    ----------
    values, counts : finite values and how often each occurred; any order, repeats allowed
    at : probabilities between 0 and 1

    Returns
    -------
    One value for each of `at`; NaN if nothing was counted.
    """
    total = int(counts.sum())
    if total == 0:
        return np.full(len(at), np.nan)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(counts[order])
    # the smallest tolerance that keeps 0.05 * 20 = 1.0000000000000002 from asking for the second value
    wanted = np.maximum(np.asarray(at) * total * (1 - 1e-12), np.finfo(float).tiny)
    return np.asarray(values[order][np.searchsorted(reached, wanted, side="left").clip(max=len(values) - 1)])


def by_place(
    counted: pd.DataFrame, at: Mapping[str, float], baseline: tuple[float, float] | None = None
) -> pd.DataFrame:
    """Quantiles of each place and category, beside those of everything in the `baseline` window (ends included).

    Parameters
    ----------
    counted : x (a day or a step), category, value, n: how often each value occurred
    at : name of a column -> probability

    Returns
    -------
    x, category, n and the names of `at`, by x and category; with a baseline also base_n and base_<name>, which are NaN
    where the window holds nothing of the category.
    """
    probabilities = list(at.values())
    rows = []
    for (x, category), part in counted.groupby(["x", "category"], sort=True):
        n = part["n"].to_numpy()
        rows.append([x, category, int(n.sum()), *quantiles(part["value"].to_numpy(), n, probabilities)])
    table = pd.DataFrame(rows, columns=["x", "category", "n", *at])
    if baseline is None or table.empty:
        return table
    base = []
    within = counted[counted["x"].between(*baseline)]
    for category in table["category"].unique():
        part = within[within["category"] == category]
        n = part["n"].to_numpy(np.int64)
        base.append([category, int(n.sum()), *quantiles(part["value"].to_numpy(float), n, probabilities)])
    columns = ["category", "base_n", *(f"base_{name}" for name in at)]
    return table.merge(pd.DataFrame(base, columns=columns), on="category")
