"""Intervals: one truth for every statistic that states how sure it is."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """Ends of an interval, low <= high."""

    low: float
    high: float


def wilson(wins: int, n: int, level: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209, doi:10.1080/01621459.1927.10502953).

    Assumes independent trials; where prompts repeat it is too narrow. With n = 0 nothing is known: (0, 1).

    Parameters
    ----------
    wins, n : successes and trials, 0 <= wins <= n
    level : coverage, between 0 and 1

    Raises
    ------
    ValueError
        If wins is not within 0 and n, or level not between 0 and 1.
    """
    if not 0 <= wins <= n:
        raise ValueError(f"wins must be within 0 and n = {n}, got {wins}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p = wins / n
    centre = p + z * z / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))
