"""KL of best-of-n: the quoted formula is a bound; exact values by counting, the estimate between its limits.

How it could be wrong: the bound sold as the KL, outcomes in the wrong order, 0 log 0, rounding at unlikely answers.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from analysis import bon_kl
from analysis.records import InputError


def counted(probabilities: list[float], n: int) -> float:
    """The same by listing all draws of n."""
    best = np.zeros(len(probabilities))
    for draw in itertools.product(range(len(probabilities)), repeat=n):
        best[max(draw)] += math.prod(probabilities[i] for i in draw)
    return sum(q * math.log(q / p) for q, p in zip(best, probabilities, strict=True) if q)


@pytest.mark.parametrize("probabilities", [[0.5, 0.5], [0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.25] * 4])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_exact_values_by_listing_all_draws(probabilities, n):
    assert bon_kl.of_outcomes(probabilities, n) == pytest.approx(counted(probabilities, n), abs=1e-12)


def test_the_bound_at_known_n():
    known = [0.0, 0.1931471805599453, 0.6362943611198906, 1.8350887222397811, 10.002116507870905]
    assert bon_kl.bound([1, 2, 4, 16, 60000]) == pytest.approx(known)


def test_a_binary_reward_stays_below_the_log_of_its_pass_rate():
    found = [bon_kl.of_binary(n) for n in (2, 4, 8, 16)]
    assert found == pytest.approx([0.130812035941137, 0.459356, 0.667588, 0.692963], abs=1e-6)
    assert bon_kl.of_binary(10_000, 0.01) <= -math.log(0.01) + 1e-9
    assert bon_kl.bound(10_000) > -math.log(0.01)


def test_many_outcomes_approach_the_bound():
    few, many = (bon_kl.of_outcomes([1 / size] * size, 4) for size in (10, 100_000))
    assert few == pytest.approx(0.6288251363778258)
    assert few < many < bon_kl.bound(4)
    assert many == pytest.approx(float(bon_kl.bound(4)), abs=1e-4)


def test_the_estimate_from_a_selected_answer():
    assert bon_kl.from_selected(0.05, 10) == pytest.approx(1.399046925343542)
    assert bon_kl.from_selected(1e-12, 64) == pytest.approx(float(bon_kl.bound(64)), abs=1e-6)
    assert bon_kl.from_selected(1.0, 64) == 0.0
    assert bon_kl.from_selected(0.9, 1) == pytest.approx(0.0, abs=1e-12)


def test_an_outcome_of_probability_0_adds_nothing():
    assert bon_kl.of_outcomes([0.5, 0.0, 0.5], 4) == pytest.approx(bon_kl.of_binary(4))


def test_the_win_rate_is_bounded():
    assert bon_kl.win_rate_bound([1, 3]).tolist() == [0.5, 0.75]


def test_what_is_no_distribution_is_refused():
    with pytest.raises(InputError, match="sum to 1"):
        bon_kl.of_outcomes([0.5, 0.4], 2)
    with pytest.raises(InputError, match="above 0"):
        bon_kl.from_selected(0.0, 2)
    with pytest.raises(InputError, match="n of 1"):
        bon_kl.bound(0)
