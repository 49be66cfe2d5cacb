"""Wilson's interval: against scipy, against the published example, and its coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.uncertainty import wilson


@pytest.mark.parametrize(("wins", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (713, 1000), (999, 1000), (5, 3000)])
def test_it_is_what_scipy_computes(wins, n):
    theirs = stats.binomtest(wins, n).proportion_ci(0.95, "wilson")
    assert wilson(wins, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_without_data_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)


def test_it_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(7)
    for p, n in [(0.5, 30), (0.7, 200), (0.95, 400)]:
        wins = rng.binomial(n, p, size=4000)
        held = [wilson(int(w), n)[0] <= p <= wilson(int(w), n)[1] for w in wins]
        # Wilson's coverage moves around 95 % by a point or two with p and n
        assert 0.93 <= np.mean(held) <= 0.975


@pytest.mark.parametrize(("wins", "n", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_impossible_counts_are_refused(wins, n, level):
    with pytest.raises(ValueError, match="must"):
        wilson(wins, n, level)
