"""The two curves of reward over d = sqrt(KL) by Gao, Schulman and Hilton 2022 (arXiv 2210.10760, equation 1).

Best-of-n: R(d) = d (a - b d). Reinforcement learning: R(d) = d (a - b log d). KL is per sequence, in nats, and R is 0 at
the start. Secondary sources swap the two. No coefficients were published; those quoted were read off a plot.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
import numpy.typing as npt

from analysis import bon_kl
from analysis.records import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BestOfN:
    """R(d) = d (a - b d)."""

    a: float
    b: float

    def at(self, d: npt.ArrayLike) -> Floats:
        x = np.asarray(d, np.float64)
        return np.asarray(x * (self.a - self.b * x))

    @property
    def peak(self) -> float:
        """D at which R is largest: a / 2b; infinite if the curve never falls."""
        return self.a / (2 * self.b) if self.b > 0 else inf

    @property
    def height(self) -> float:
        """R at the peak: a^2 / 4b."""
        return self.a**2 / (4 * self.b) if self.b > 0 else inf

    @property
    def zero(self) -> float:
        """D at which R is back at 0: a / b."""
        return self.a / self.b if self.b > 0 else inf


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """R(d) = d (a - b log d); its slope at d = 0 is infinite, and the form was reported not to hold near there."""

    a: float
    b: float

    def at(self, d: npt.ArrayLike) -> Floats:
        x = np.asarray(d, np.float64)
        return np.asarray(self.a * x - self.b * d_log_d(x))

    @property
    def peak(self) -> float:
        """D at which R is largest: exp(a / b - 1); infinite if the curve never falls."""
        return _exp(self.a / self.b - 1) if self.b > 0 else inf

    @property
    def height(self) -> float:
        """R at the peak: b exp(a / b - 1)."""
        return self.b * self.peak if self.b > 0 else inf

    @property
    def zero(self) -> float:
        """D at which R is back at 0: exp(a / b)."""
        return _exp(self.a / self.b) if self.b > 0 else inf


def d_log_d(d: npt.ArrayLike) -> Floats:
    """D log d, 0 at 0."""
    x = np.asarray(d, np.float64)
    return np.asarray(x * np.log(np.where(x > 0, x, 1.0)))


def n_at(d: float) -> float:
    """The n at which best-of-n has at most KL = d^2: the inverse of `bon_kl.bound`."""
    if d < 0:
        raise InputError(f"sqrt(KL) can't be negative, got {d:g}")
    # log n lies between KL and KL + 1; the bound grows in log n, so halving finds it
    low, high = d**2, d**2 + 1
    for _ in range(60):
        middle = (low + high) / 2
        if float(bon_kl.bound(exp(middle))) < d**2:
            low = middle
        else:
            high = middle
    return exp((low + high) / 2)


def distance(kl: npt.ArrayLike) -> Floats:
    """D = sqrt(KL) of KL per sequence; a negative estimate (k1 near the start: noise about 0) counts as 0."""
    return np.sqrt(np.maximum(np.asarray(kl, np.float64), 0.0))


def _exp(x: float) -> float:
    return exp(x) if x < log(1e300) else inf
