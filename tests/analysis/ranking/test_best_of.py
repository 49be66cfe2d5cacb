"""Best-of-n: the unbiased curve against every subset written out.

An expert would look for: a curve that only takes the first k, ties decided by the order in the file, a fall that
noise alone makes.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from analysis.ranking.best_of import best_of_curve, expected_best_of
from analysis.ranking.scored import RankedLists
from tests.oracles import oracle


def test_the_worked_example_rises_in_proxy_and_falls_in_gold():
    given, expected, tolerance = oracle("rm.best_of_k")
    proxy, gold = np.array(given["proxy"]), np.array(given["gold"], float)
    for k in range(1, 6):
        assert expected_best_of(proxy, gold)[k - 1] == pytest.approx(expected[str(k)]["gold"], abs=tolerance)
        assert expected_best_of(proxy, proxy)[k - 1] == pytest.approx(expected[str(k)]["proxy"], abs=tolerance)


def test_gold_that_the_proxy_hides():
    found = expected_best_of(np.array([0.1, 0.9, 0.4, 0.7, 0.3]), np.array([0.0, 0, 1, 1, 0]))
    assert found == pytest.approx([0.4, 0.5, 0.4, 0.2, 0.0], abs=1e-12)


def test_it_is_the_mean_over_all_subsets_with_ties_in_random_order():
    rng = np.random.default_rng(0)
    proxy, gold = rng.integers(0, 4, 8).astype(float), rng.normal(size=8)
    for k in (1, 3, 6, 8):
        means = []
        for subset in combinations(range(8), k):
            best = max(proxy[list(subset)])
            means.append(np.mean([gold[i] for i in subset if proxy[i] == best]))
        # within a subset tied candidates share, over all subsets that is the mean of the whole tie
        assert expected_best_of(proxy, gold)[k - 1] == pytest.approx(np.mean(means))


def test_a_large_number_of_candidates_does_not_overflow():
    n = 3000
    found = expected_best_of(np.arange(n, dtype=float), np.arange(n, dtype=float))
    assert found[0] == pytest.approx((n - 1) / 2)
    assert found[-1] == pytest.approx(n - 1)
    assert (np.diff(found) > 0).all()


def lists(proxy: np.ndarray, gold: np.ndarray) -> RankedLists:
    n, m = proxy.shape
    names = np.repeat(np.arange(n), m).astype(object)
    return RankedLists(
        "rm", names, np.arange(n * m).astype(object), np.full(n * m, "", object), proxy.ravel(), gold.ravel()
    )


def test_a_curve_that_turns_is_told_from_one_that_does_not():
    rng = np.random.default_rng(1)
    gold = rng.normal(size=(200, 16))
    good = best_of_curve(lists(gold + rng.normal(size=gold.shape), gold), np.random.default_rng(0))
    assert good.peak == 16
    assert good.falls == 0
    # the proxy's last mile is what gold dislikes
    hacked = np.where(rng.random(gold.shape) < 0.15, 5.0, gold + 0.1)
    bad = best_of_curve(lists(hacked, np.where(hacked == 5.0, -2.0, gold)), np.random.default_rng(0))
    assert 1 < bad.peak < 16
    assert bad.falls_high < 0
    assert (np.diff(bad.proxy) > 0).all()


def test_the_interval_holds_the_curve():
    rng = np.random.default_rng(2)
    curve = best_of_curve(lists(rng.normal(size=(50, 4)), rng.normal(size=(50, 4))), np.random.default_rng(0))
    assert (curve.gold_low < curve.gold).all()
    assert (curve.gold < curve.gold_high).all()
    assert curve.kl == pytest.approx([0, 0.193147, 0.431946, 0.636294], abs=1e-6)


def test_three_prompts_give_a_sentence():
    curve = best_of_curve(lists(np.ones((3, 4)), np.ones((3, 4))), np.random.default_rng(0))
    assert len(curve.k) == 0
    assert "needs 6" in curve.because
