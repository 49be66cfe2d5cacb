"""All paired comparisons of 20 reward models on 3,000 pairs, 10,000 bootstrap draws each; beside scipy's bootstrap.

    python -m tests.benchmarks.bench_compare [--models 20] [--pairs 3000]

Prints seconds (wall and processor) from scores to verdicts, the peak of memory, and what a loop over
`scipy.stats.bootstrap` would take for the same intervals, extrapolated from a few of them.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
from scipy import stats

from analysis.ranking.compare import compare
from analysis.ranking.scored import ScoredPairs


def models(count: int, n: int, *, per_prompt: int = 1, holes: float = 0.0) -> list[ScoredPairs]:
    """Models that rank about 70 % right, of one difficulty by pair; `holes` is the share that a model did not score."""
    rng = np.random.default_rng(0)
    difficulty = rng.normal(size=n)
    keys = np.array([f"pair-{i}" for i in range(n)], object)
    prompts = np.array([f"prompt-{i // per_prompt}" for i in range(n)], object)
    categories = np.array([f"category-{i % 5}" for i in range(n)], object)
    out = []
    for m in range(count):
        rejected = rng.normal(size=n)
        margin = 0.8 + 0.02 * m + rng.normal(size=n) - difficulty
        margin[rng.random(n) < holes] = np.nan
        out.append(ScoredPairs(f"model-{m}", keys, prompts, categories, rejected + margin, rejected))
    return out


def timed(what: str, work: Callable[[], object]) -> None:
    """Print the best of three, wall and processor."""
    best = (float("inf"), 0.0)
    for _ in range(3):
        start, processor = time.perf_counter(), time.process_time()
        work()
        best = min(best, (time.perf_counter() - start, time.process_time() - processor))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what:<62} {best[0]:6.2f} s wall {best[1]:6.2f} s processor, peak {peak:.2f} GB")


def scipys(scored: list[ScoredPairs], sample: int) -> None:
    """Time `scipy.stats.bootstrap` on some pairs of models and extrapolate to all."""
    right = [(s.margin > 0).astype(float) for s in scored]
    couples = list(combinations(range(len(right)), 2))
    start = time.perf_counter()
    for i, j in couples[:sample]:
        stats.bootstrap(
            (right[i] - right[j],), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
        )
    each = (time.perf_counter() - start) / sample
    print(
        f"{'scipy.stats.bootstrap in a loop (percentile, on differences)':<62} {each * len(couples):6.1f} s, from {sample}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=3000)
    asked = parser.parse_args()
    couples = asked.models * (asked.models - 1) // 2
    print(f"{asked.models} models, {asked.pairs:,} pairs, {couples} comparisons, 10,000 draws")
    for what, more in (
        ("one pair a prompt", {}),
        ("three pairs a prompt", {"per_prompt": 3}),
        ("one pair in twenty missing, other ones for each model", {"holes": 0.05}),
    ):
        scored = models(asked.models, asked.pairs, **more)
        timed(what, lambda scored=scored: compare(scored, np.random.default_rng(0)))
    scored = models(asked.models, asked.pairs)
    timed(
        "likelihood at each model's own temperature", lambda: compare(scored, np.random.default_rng(0), measure="nll")
    )
    scipys(scored, sample=3)


if __name__ == "__main__":
    main()
