"""The two forms: which is which, peaks against a fine grid, and a KL that came out negative.

How it could be wrong: forms swapped, the log of 0, a peak of a curve that only rises.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis import bon_kl
from analysis.policy import gao
from analysis.records import InputError


@pytest.mark.parametrize(
    "form", [gao.BestOfN(1.0, 0.2), gao.BestOfN(0.3, 0.4), gao.Reinforcement(1.0, 0.4), gao.Reinforcement(2, 3)]
)
def test_peak_height_and_zero_are_those_of_the_curve(form):
    d = np.linspace(1e-6, 15, 1_500_001)
    r = form.at(d)
    assert d[r.argmax()] == pytest.approx(form.peak, abs=1e-4)
    assert r.max() == pytest.approx(form.height, abs=1e-6)
    assert form.at(form.zero) == pytest.approx(0, abs=1e-9)


def test_best_of_n_has_the_square_and_reinforcement_the_logarithm():
    assert gao.BestOfN(1.0, 0.2).peak == pytest.approx(2.5)
    assert gao.BestOfN(1.0, 0.2).at(2.0) == pytest.approx(1.2)
    assert gao.Reinforcement(1.0, 0.4).peak == pytest.approx(4.4816890703380645)
    assert gao.Reinforcement(1.0, 0.4).at(2.0) == pytest.approx(1.4454822555520437)
    assert gao.Reinforcement(1.0, 0.4).at([0.0, 1.0]).tolist() == [0.0, 1.0]


def test_a_curve_that_only_rises_has_no_peak():
    assert gao.BestOfN(1.0, 0.0).peak == np.inf
    assert gao.Reinforcement(1.0, -0.1).peak == np.inf
    assert gao.Reinforcement(1.0, 1e-4).peak == np.inf


def test_how_many_samples_a_peak_asks_for():
    assert gao.n_at(2.5) == pytest.approx(1407.1044927908664, rel=1e-6)
    assert gao.n_at(float(np.sqrt(bon_kl.bound(60_000)))) == pytest.approx(60_000, rel=1e-6)
    assert gao.n_at(0.0) == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(InputError, match="negative"):
        gao.n_at(-1.0)


def test_a_negative_estimate_is_noise_about_0():
    assert gao.distance([-0.02, 0.0, 4.0]).tolist() == [0.0, 0.0, 2.0]
    assert np.isnan(gao.distance([np.nan])).all()
