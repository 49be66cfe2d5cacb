"""KL of best-of-n sampling to the policy that is sampled, nats per sequence: bound, exact values, estimate."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, expm1, log, log1p

import numpy as np
import numpy.typing as npt

from analysis.records import InputError

Floats = npt.NDArray[np.float64]


def bound(n: npt.ArrayLike) -> Floats:
    """Largest KL of best-of-n: log n - (n - 1) / n.

    Reached only where no two answers are equally good; with few distinct outcomes the KL stays far below it
    (Beirami et al. 2024, arXiv 2401.01879, theorem 3.1). It was long quoted as the KL itself.
    """
    count = np.asarray(n, np.float64)
    if (count < 1).any():
        raise InputError("best-of-n needs n of 1 or more")
    return np.log(count) - (count - 1) / count


def of_outcomes(probabilities: Sequence[float], n: int) -> float:
    """Exact KL of best-of-n over finitely many outcomes, worst first, of different reward.

    The best of n is outcome i with probability F_i^n - F_{i-1}^n, F the distribution function.

    Raises
    ------
    InputError
        If the probabilities are negative or don't sum to 1.
    """
    p = np.asarray(probabilities, np.float64)
    if (p < 0).any() or not np.isclose(p.sum(), 1):
        raise InputError(f"probabilities of outcomes must be positive and sum to 1, got a sum of {p.sum():g}")
    upper = np.minimum(np.cumsum(p), 1.0)
    upper[-1] = 1.0
    best = upper**n - np.concatenate([[0.0], upper[:-1]]) ** n
    told = best > 0
    return float((best[told] * np.log(best[told] / p[told])).sum())


def of_binary(n: int, p: float = 0.5) -> float:
    """Exact KL where an answer is right with probability p and all right answers are alike: never above -log p."""
    return of_outcomes([1 - p, p], n)


def from_selected(probability: float, n: int) -> float:
    """KL of best-of-n estimated from the reference probability e of the answer that was selected.

    Beirami et al. 2024 (arXiv 2401.01879), section 4: with m = (1 - e)^n, the chance that e is never drawn,
    m (log n + (n - 1) log(1 - e) - (n - 1) / n) + (1 - m) log((1 - m) / e). For unlikely answers it goes to `bound`,
    for certain ones to 0. Averaged over selected answers it estimates the KL.
    """
    if not 0 < probability <= 1:
        raise InputError(f"a selected answer has a probability above 0 and at most 1, got {probability:g}")
    if probability == 1:
        return 0.0
    miss = exp(n * log1p(-probability))
    rare = log(n) + (n - 1) * log1p(-probability) - (n - 1) / n
    return miss * rare + (1 - miss) * (log(-expm1(n * log1p(-probability))) - log(probability))


def win_rate_bound(n: npt.ArrayLike) -> Floats:
    """Largest win rate of best-of-n over one sample: n / (n + 1)."""
    count = np.asarray(n, np.float64)
    return count / (count + 1)
