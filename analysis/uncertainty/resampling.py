"""Resampling of clusters, in blocks of matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analysis.uncertainty.clusters import Codes
from analysis.uncertainty.estimate import LEVEL
from analysis.uncertainty.intervals import Interval, student_quantile

Floats = npt.NDArray[np.float64]
Draws = npt.NDArray[np.floating]

DRAWS = 10_000
"""The ends of a 95 % interval then lie within 0.3 % of their probability (two Monte Carlo standard errors)."""

BLOCK = 1 << 20
"""Weights in memory at once: 4 MB as float32, which stays in a core's cache."""


ALIKE = 8
"""A multinomial count costs about as much time as eight draws of a cluster (measured)."""


MANY = 1 << 16
"""Clusters from which on totals may be drawn from their normal limit, where no cluster stands out."""

STANDS_OUT = 0.05
"""Largest distance of one cluster from the mean, in standard deviations of the total, up to which the limit is used. It
bounds the skewness of the total, so the ends of a 95 % interval move by less than 3 % of a standard error (first term of
the expansion of Cornish and Fisher: skewness times (z^2 - 1) / 6)."""


def weights(clusters: int, draws: int, rng: np.random.Generator) -> Iterator[Draws]:
    """How often each cluster is drawn with replacement, in blocks of (some draws, clusters)."""
    at_once = max(1, BLOCK // max(clusters, 1))
    # small integers are drawn several times as fast
    kind = np.uint16 if clusters <= 1 << 16 else np.uint32
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        drawn = rng.integers(0, clusters, size=(rows, clusters), dtype=kind).astype(np.intp)
        drawn += clusters * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * clusters)
        yield counts.reshape(rows, clusters).astype(np.float32)


def resampled_sums(sums: Floats, rng: np.random.Generator, draws: int = DRAWS) -> Draws:
    """Totals over clusters that are drawn with replacement (Efron's bootstrap with clusters as units): (draws, k).

    All columns see the same draws, so differences and ratios of columns are paired. Clusters with equal rows need not be
    told apart: how often any of them is drawn is multinomial, which is the same distribution in less time. Of many
    clusters, none of which stands out, the totals are drawn from their normal limit.

    Parameters
    ----------
    sums : (g, k) sums in each cluster
    """
    if len(sums) >= MANY:
        exact = np.asarray(sums, np.float64)
        apart = exact - exact.mean(axis=0)
        spread = apart.T @ apart
        if (np.abs(apart).max(axis=0) <= STANDS_OUT * np.sqrt(np.diag(spread))).all():
            drawn = rng.multivariate_normal(np.zeros(len(spread)), spread, size=draws, method="svd")
            return np.asarray(exact.sum(axis=0) + drawn, np.float64)
    columns = np.ascontiguousarray(sums, np.float32)
    kinds, times = np.unique(columns, axis=0, return_counts=True)
    if ALIKE * len(kinds) <= len(columns):
        times_drawn = rng.multinomial(len(columns), times / len(columns), size=draws)
        return np.asarray(times_drawn.astype(np.float32) @ kinds, np.float32)
    out = np.empty((draws, columns.shape[1]), np.float32)
    start = 0
    for block in weights(len(columns), draws, rng):
        np.matmul(block, columns, out=out[start : start + len(block)])
        start += len(block)
    return out


def resampled_ratios(numerators: Floats, denominators: Floats, rng: np.random.Generator, draws: int = DRAWS) -> Draws:
    """Ratios of sums over clusters that are drawn with replacement, by `resampled_sums`.

    Parameters
    ----------
    numerators : (g, k) sums in each cluster
    denominators : (g,) or (g, k) sums in each cluster

    Returns
    -------
    (draws, k); NaN where a draw holds nothing of the denominator.
    """
    k = numerators.shape[1]
    drawn = resampled_sums(np.column_stack([numerators, denominators]), rng, draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        return drawn[:, :k] / drawn[:, k:]


def expanded_percentile(draws: npt.NDArray[np.floating], clusters: int, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Percentile interval of each column, widened for few clusters.

    Plain percentiles are too narrow by sqrt((g - 1) / g) and by normal instead of Student quantiles; taking
    percentiles further out mends both (Hesterberg 2015, doi:10.1080/00031305.2015.1089789, section 5.1).

    Parameters
    ----------
    draws : (draws, k) resampled values
    clusters : number of clusters g that were resampled, at least 2
    """
    reach = sqrt(clusters / (clusters - 1)) * student_quantile(level, clusters - 1)
    outside = NormalDist().cdf(-reach)
    ends = np.quantile(draws, [outside, 1 - outside], axis=0)
    return ends[0].astype(np.float64), ends[1].astype(np.float64)


def jackknife(
    statistic: Callable[[npt.NDArray[np.bool_]], float],
    codes: Codes,
    clusters: int,
    rng: np.random.Generator,
    *,
    groups: int = 40,
    level: float = LEVEL,
) -> Interval:
    """Interval of any statistic, from leaving out groups of whole clusters in turn (Quenouille 1956; Tukey 1958).

    For statistics that are no ratio of sums, such as rank correlations. Not for medians and other quantiles.

    Parameters
    ----------
    statistic : computes the value from the items that a mask (n,) keeps
    codes, clusters : cluster of each item and their number, at least 2
    groups : how many groups are left out in turn; with 40 the Student quantile is within 4 % of the normal one
    """
    groups = min(groups, clusters)
    group = rng.permutation(np.arange(clusters) % groups)[codes]
    whole = statistic(np.ones(len(codes), bool))
    without = np.array([statistic(group != g) for g in range(groups)])
    error = sqrt((groups - 1) / groups * float(((without - without.mean()) ** 2).sum()))
    half = student_quantile(level, groups - 1) * error
    return Interval(whole - half, whole + half)
