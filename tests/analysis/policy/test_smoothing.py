"""Smoothing looks back only, starts without bias and leaves out what is not finite; against pandas' ewm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.policy.smoothing import trailing_mean


def test_it_is_the_adjusted_ewm_of_pandas():
    values = np.random.default_rng(0).normal(size=300)
    theirs = pd.Series(values).ewm(span=15, adjust=True).mean().to_numpy()
    assert np.allclose(trailing_mean(values, np.ones(300), 15), theirs)


def test_a_later_value_changes_nothing_before_it():
    values = np.zeros(50)
    jumped = values.copy()
    jumped[30:] = 100
    assert np.array_equal(trailing_mean(values, np.ones(50), 10)[:30], trailing_mean(jumped, np.ones(50), 10)[:30])


def test_a_bucket_of_many_points_counts_as_many():
    values = np.repeat([1.0, 5.0, 2.0], 8)
    fine = trailing_mean(values, np.ones(24), 12)[7::8]
    coarse = trailing_mean(np.array([1.0, 5.0, 2.0]), np.full(3, 8.0), 12)
    assert np.allclose(fine, coarse)


def test_nan_and_infinity_are_left_out():
    smooth = trailing_mean(np.array([np.nan, 1.0, np.inf, 1.0]), np.ones(4), 5)
    assert np.isnan(smooth[0])
    assert np.allclose(smooth[1:], 1.0)
