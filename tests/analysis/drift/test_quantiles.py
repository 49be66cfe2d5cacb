"""Quantiles of counted values: against numpy on the repeated values, merged, shuffled and empty."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.drift.quantiles import quantiles

AT = [0.05, 0.25, 0.5, 0.75, 0.95]
counted = st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 9)), min_size=1, max_size=40)


@given(counted)
def test_they_are_those_of_the_values_repeated(pairs):
    values, counts = (np.array(column) for column in zip(*pairs, strict=True))
    theirs = np.quantile(np.repeat(values, counts), AT, method="inverted_cdf")
    assert np.array_equal(quantiles(values.astype(float), counts, AT), theirs)


def test_nothing_counted_has_no_quantile():
    assert np.isnan(quantiles(np.array([]), np.array([], int), AT)).all()
