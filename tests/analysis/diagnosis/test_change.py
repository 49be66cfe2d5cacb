"""A curve that leaves its path: how often noise alone says so, at correlations that training curves have, and what is found."""

import numpy as np
import pytest

from analysis.diagnosis.change import ALPHA, changes, correlation
from analysis.uncertainty.intervals import wilson
from tests.analysis.diagnosis.worlds import noise


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8, 0.9, 0.95])
def test_noise_leaves_its_path_no_more_often_than_stated(phi):
    rng = np.random.default_rng(11)
    runs = 300
    alarms = sum(bool(np.nanmax(changes(noise(rng, 400, phi)).excess) > 1) for _ in range(runs))
    low, _ = wilson(alarms, runs)
    assert low <= ALPHA  # the stated rate is in the interval or above it; `rates` measures it on more runs


@pytest.mark.parametrize("phi", [0.8, 0.9, 0.95])
def test_strong_correlation_is_seldom_taken_for_less(phi):
    rng = np.random.default_rng(12)
    told = np.array([correlation(noise(rng, 300, phi))[-1] for _ in range(200)])
    assert np.mean(told < phi - 0.05) < 0.1
    assert told.max() <= 0.98


def test_independent_noise_is_not_taken_for_slow():
    rng = np.random.default_rng(13)
    assert np.median([correlation(rng.standard_normal(300))[-1] for _ in range(100)]) < 0.25


def test_a_trend_is_no_correlation():
    rng = np.random.default_rng(14)
    t = np.arange(300) / 300
    told = [correlation(20 * t + rng.standard_normal(300))[-1] for _ in range(100)]
    assert np.median(told) < 0.3


def test_a_shift_of_eight_errors_is_found_at_a_usual_correlation():
    rng = np.random.default_rng(15)
    found = [
        bool(np.nanmax(changes(noise(rng, 300, 0.5) + 8.0 * (np.arange(300) >= 150)).excess[150:]) > 1)
        for _ in range(40)
    ]
    assert np.mean(found) > 0.9


def test_what_is_said_of_a_row_rests_on_rows_before_it():
    y = noise(np.random.default_rng(16), 200, 0.7)
    np.testing.assert_array_equal(changes(y).excess[:120], changes(y[:120]).excess)
    np.testing.assert_array_equal(correlation(y)[:120], correlation(y[:120]))
