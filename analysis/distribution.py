"""Distributions over steps on common bins: pure arithmetic over counts that were binned elsewhere, each in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)

UNBOUNDED = 1e300
"""Edges beyond it are infinite: TensorFlow writes the largest double where it means 'and everything above'."""

CORE = (0.005, 0.995)
LONG_TAILS = 8.0
"""Where the whole range is more than 8 times the widest central 99 % of a step, a linear axis would leave that centre
fewer than 10 of 80 bins: the axis then ends half a centre's width beyond it, and the tails are counted outside."""

ROWS_AT_ONCE = 4096
"""Bins spread at once over the common ones: 4,096 x 81 doubles are 2.7 MB."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Counts spread uniformly over intervals that may overlap; an interval of no width is a point mass.

    A side that is open ("everything above 10") lies beyond its finite end by nobody knows how much.

    left, right : finite, left <= right; an open interval has its finite end in both
    count : finite, above 0
    open_below, open_above : whether the interval has no lower (upper) end
    missing : what has no place: NaN and infinite values, bins whose ends are no numbers or in the wrong order
    """

    left: Floats
    right: Floats
    count: Floats
    open_below: npt.NDArray[np.bool_]
    open_above: npt.NDArray[np.bool_]
    missing: float

    @property
    def total(self) -> float:
        """Everything that has a place."""
        return float(self.count.sum())


def pieces(left: Floats, right: Floats, count: Floats) -> Pieces:
    """Bins as they were written, or values (left equal to right); counts of 0, below 0 or NaN are none."""
    some = np.isfinite(count) & (count > 0)
    left, right, count = left[some], right[some], count[some]
    below, above = left <= -UNBOUNDED, right >= UNBOUNDED
    low, high = np.where(below, right, left), np.where(above, left, right)
    ends = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED)
    good = ends & (low <= high) & ~(below & above)
    return Pieces(low[good], high[good], count[good], below[good], above[good], float(count[~good].sum()))


def quantiles(found: Pieces, at: Sequence[float] = QUANTILES) -> Floats:
    """Smallest values below which the share `at` of the counts lies, linear inside of a bin.

    Of values they are definition 1 of Hyndman and Fan (1996, doi:10.2307/2684934), as everywhere in the library. A
    quantile in an open bin is told as its finite end, the nearest that can be known.

    Returns
    -------
    One value for each of `at`; NaN if nothing was counted.
    """
    total = found.total
    if total <= 0:
        return np.full(len(at), np.nan)
    knots = np.unique(np.concatenate([found.left, found.right]))
    # the smallest tolerance that keeps 0.05 * 20 = 1.0000000000000002 from asking for the second value
    exact = np.asarray(at) * total
    wanted = np.maximum(exact * (1 - 1e-12), np.finfo(float).tiny)
    low, high = np.zeros(len(at), np.int64), np.full(len(at), len(knots) - 1)
    while (low < high).any():
        middle = (low + high) // 2
        reached = _up_to(found, knots[middle]) >= wanted
        low, high = np.where(reached, low, np.minimum(middle + 1, high)), np.where(reached, middle, high)
    upper, lower = knots[low], knots[np.maximum(low - 1, 0)]
    points = found.left == found.right
    at_upper = (points & (found.left == upper[:, None])) @ found.count
    before = _up_to(found, lower)
    between = _up_to(found, upper) - at_upper - before
    inside = (low > 0) & (between > 0) & (wanted <= before + between)
    share = np.divide(exact - before, between, out=np.ones(len(at)), where=inside)
    return np.asarray(np.where(inside, lower + np.clip(share, 0, 1) * (upper - lower), upper))


def _up_to(found: Pieces, x: Floats) -> Floats:
    """Count at or below each of `x`."""
    return np.asarray(_shares(found.left, found.right, x).T @ found.count)


def _shares(left: Floats, right: Floats, x: Floats) -> Floats:
    """Share of each interval (row) at or below each of `x` (column)."""
    width = (right - left)[:, None]
    with np.errstate(over="ignore"):  # an interval narrower than 1e-300 is passed at once
        inside = np.divide(x - left[:, None], width, out=np.zeros((len(left), len(x))), where=width > 0)
    return np.asarray(np.where(width > 0, np.clip(inside, 0, 1), left[:, None] <= x))


def rebinned(found: Pieces, edges: Floats) -> tuple[Floats, float, float]:
    """Counts on new bins, below the first and above the last of them; together they are `found.total`.

    A bin's count is spread uniformly over it. New bins hold their lower edge, the last one both, as in
    `numpy.histogram`. Open bins are always outside.
    """
    closed = ~(found.open_below | found.open_above)
    points = closed & (found.left == found.right)
    at, weight = found.left[points], found.count[points]
    counts = np.histogram(at, bins=edges, weights=weight)[0].astype(np.float64)
    below = float(found.count[found.open_below].sum() + weight[at < edges[0]].sum())
    above = float(found.count[found.open_above].sum() + weight[at > edges[-1]].sum())
    wide = np.flatnonzero(closed & ~points)
    for start in range(0, len(wide), ROWS_AT_ONCE):
        rows = wide[start : start + ROWS_AT_ONCE]
        share, count = _shares(found.left[rows], found.right[rows], edges), found.count[rows]
        counts += np.diff(share, axis=1).T @ count
        below += float(share[:, 0] @ count)
        above += float((1 - share[:, -1]) @ count)
    return counts, below, above


def common_edges(low: float, high: float, bins: int) -> Floats:
    """`bins` equal bins from `low` to `high`; around a single value they are about 1 wide together, as in numpy."""
    apart = 4 * bins * np.spacing(max(abs(low), abs(high)))  # narrower bins would have equal edges
    if not high - low > apart:
        around = max(0.5, apart)
        low, high = low - around, high + around
    return np.linspace(low, high, bins + 1, dtype=np.float64)


def drawn_range(low: float, high: float, core_low: float, core_high: float) -> tuple[float, float]:
    """From the least to the greatest value, or around the core where tails are long (see `LONG_TAILS`)."""
    core = core_high - core_low
    if not core > 0 or high - low <= LONG_TAILS * core:
        return low, high
    return max(low, core_low - core / 2), min(high, core_high + core / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """How the values of one tag spread, step by step, on common bins.

    first, last : (s,) steps that a row covers, ascending; equal where each step has a row of its own
    edges : (b + 1,) ascending, in the unit of the values
    counts : (s, b) values in each bin; fractions, since old bins are split
    below, above : (s,) values outside of `edges`
    missing : (s,) NaN and infinite values, in no bin and no quantile
    quantiles : (s, 5) at `QUANTILES`, taken before the values were put on common bins; NaN where nothing was counted
    """

    first: Floats
    last: Floats
    edges: Floats
    counts: Floats
    below: Floats
    above: Floats
    missing: Floats
    quantiles: Floats

    def __len__(self) -> int:
        return len(self.first)

    @property
    def n(self) -> Floats:
        """(s,) values counted in each row, those outside of `edges` included."""
        return np.asarray(self.counts.sum(axis=1) + self.below + self.above)

    @property
    def shares(self) -> Floats:
        """(s, b) share of a row's values in each bin, 0 to 1; NaN in rows without values."""
        n = self.n[:, None]
        return np.asarray(np.divide(self.counts, n, out=np.full(self.counts.shape, np.nan), where=n > 0))

    @classmethod
    def empty(cls) -> Distribution:
        """No step at all."""
        none: Any = np.zeros(0)
        return cls(none, none, np.array([0.0, 1.0]), np.zeros((0, 1)), none, none, none, np.zeros((0, len(QUANTILES))))
