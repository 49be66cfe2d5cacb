"""Best-of-n: what choosing by score brings in gold."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma

import numpy as np
import numpy.typing as npt

from analysis import bon_kl
from analysis.ranking.scored import RankedLists
from analysis.uncertainty import DRAWS, expanded_percentile, resampled_ratios
from analysis.uncertainty.power import FEWEST

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BestOfCurve:
    """Expected gold and proxy of the best of k candidates by proxy, k = 1 ... n, mean over prompts.

    k : (n,) ; kl : (n,) upper bound of the KL to the policy that wrote the candidates, nats a response
    gold, gold_low, gold_high : (n,) unit of the gold score, 95 % interval by bootstrap over prompts
    proxy : (n,) unit of the score
    peak : k with the highest expected gold
    falls : gold at n less gold at the peak, and its 95 % interval from the same draws (`falls_low`, `falls_high`); the
        peak is taken anew in each draw, so a flat noisy curve falls a little by chance
    because : "" or why there is no curve
    """

    k: npt.NDArray[np.intp]
    kl: Floats
    gold: Floats
    gold_low: Floats
    gold_high: Floats
    proxy: Floats
    prompts: int
    peak: int
    falls: float
    falls_low: float
    falls_high: float
    because: str = ""


def expected_best_of(proxy: Floats, gold: Floats) -> Floats:
    """Expected gold of the proxy's favourite among k of n candidates, for k = 1 ... n, without bias: (n,).

    The i-th lowest by proxy is the favourite with probability C(i - 1, k - 1) / C(n, k) (Nakano et al. 2021, arXiv
    2112.09332, appendix I). Candidates that the proxy can't tell apart share their mean gold.
    """
    n = len(proxy)
    order = np.argsort(proxy, kind="stable")
    _, tie = np.unique(proxy[order], return_inverse=True)
    sums, sizes = np.bincount(tie, gold[order]), np.bincount(tie)
    return _chances(n) @ (sums / sizes)[tie]


def best_of_curve(lists: RankedLists, rng: np.random.Generator, *, draws: int = DRAWS // 5) -> BestOfCurve:
    """The curve over prompts with at least two candidates, up to the size of the shortest of them.

    Parameters
    ----------
    lists : `label` is the gold score
    """
    whole = lists.whole()
    codes, count = whole.codes()
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=count))[:-1])
    members = [m for m in members if len(m) > 1]
    if len(members) < FEWEST:
        return _no_curve(f"{len(members)} prompts have two or more scored candidates: a curve needs {FEWEST} or more")
    depth = min(len(m) for m in members)
    gold = np.array([expected_best_of(whole.score[m], whole.label[m])[:depth] for m in members])
    proxy = np.array([expected_best_of(whole.score[m], whole.score[m])[:depth] for m in members])
    drawn = resampled_ratios(gold, np.ones(len(gold)), rng, draws)
    low, high = expanded_percentile(drawn, len(gold))
    fell, fell_high = expanded_percentile((drawn[:, -1] - drawn.max(axis=1))[:, None], len(gold))
    mean = gold.mean(axis=0)
    k = np.arange(1, depth + 1)
    return BestOfCurve(
        k, bon_kl.bound(k), mean, low, high, proxy.mean(axis=0), len(gold), int(k[mean.argmax()]),
        float(mean[-1] - mean.max()), float(fell[0]), float(fell_high[0]),
    )  # fmt: skip


def _chances(n: int) -> Floats:
    """(n, n) probability that the i-th lowest (column) is the favourite of k (row)."""
    i, k = np.arange(1, n + 1)[None, :], np.arange(1, n + 1)[:, None]
    factorial = np.array([lgamma(x + 1) for x in range(n + 1)])

    def choose(a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> Floats:
        inside = b <= a
        return np.where(inside, factorial[a] - factorial[b] - factorial[np.where(inside, a - b, 0)], -np.inf)

    return np.asarray(np.exp(choose(i - 1, k - 1) - choose(np.full_like(k, n), k)))


def _no_curve(because: str) -> BestOfCurve:
    none, nan = np.zeros(0), float("nan")
    return BestOfCurve(none.astype(np.intp), none, none, none, none, none, 0, 0, nan, nan, nan, because)
