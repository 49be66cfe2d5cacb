"""Counts on new bins: nothing is lost or made, and quantiles are those of the bins as they were.

An expert would look for: mass lost at the edges or where an old bin straddles new ones, a bin of no width (a constant)
that divides by zero, an open bin drawn as if it ended somewhere, a NaN edge or count that spoils the row, quantiles
taken from the coarse bins instead of the fine ones, edges that collapse around a constant of 1e17.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.distribution import Distribution, common_edges, drawn_range, pieces, quantiles, rebinned

AT = (0.05, 0.25, 0.5, 0.75, 0.95)
INF, NAN = float("inf"), float("nan")

numbers = st.floats(-1e12, 1e12) | st.sampled_from([0.0, -0.0, 1e-300, 5e-324, 1.0])
ends = numbers | st.sampled_from([INF, -INF, NAN, 1.7976931348623157e308])
counts = st.floats(0, 1e9) | st.sampled_from([NAN, -1.0, INF])


def of(edges, count):
    edges = np.array(edges, float)
    return pieces(edges[:-1], edges[1:], np.array(count, float))


@given(st.lists(st.tuples(ends, ends, counts), max_size=30), numbers, numbers, st.integers(1, 90))
def test_every_count_is_in_a_bin_below_above_or_missing(rows, a, b, bins):
    left, right, count = np.array(rows, float).reshape(-1, 3).T
    found = pieces(left, right, count)
    told = count[np.isfinite(count) & (count > 0)].sum()
    placed, below, above = rebinned(found, common_edges(min(a, b), max(a, b), bins))
    assert (placed >= 0).all()
    assert below >= 0
    assert above >= 0
    assert placed.sum() + below + above + found.missing == pytest.approx(told, rel=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.integers(1, 90))
def test_values_are_binned_as_numpy_bins_them(values, bins):
    values = np.array(values)
    edges = common_edges(values.min(), values.max(), bins)
    placed, below, above = rebinned(pieces(values, values, np.ones(len(values))), edges)
    assert placed.tolist() == np.histogram(values, bins=edges)[0].tolist()
    assert below == above == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_quantiles_of_values_are_values(values):
    values = np.array(values)
    theirs = np.quantile(values, AT, method="inverted_cdf")
    assert quantiles(pieces(values, values, np.ones(len(values))), AT).tolist() == theirs.tolist()


@given(st.lists(st.tuples(st.floats(0.01, 10), st.integers(0, 50)), min_size=1, max_size=30))
def test_quantiles_of_bins_invert_the_cumulative_count(bins):
    widths, count = np.array(bins).T
    edges = np.cumsum([0.0, *widths])
    if not count.sum():
        return
    for p, q in zip(AT, quantiles(of(edges, count), AT), strict=True):
        assert np.interp(q, edges, np.cumsum([0.0, *count])) == pytest.approx(p * count.sum(), abs=1e-6)


def test_a_bin_is_spread_uniformly_over_the_new_ones():
    placed, below, above = rebinned(of([0, 4, 6], [8, 1]), np.array([1.0, 2.0, 5.0]))
    assert placed.tolist() == [2, 4.5]
    assert (below, above) == (2, 0.5)


def test_overlapping_bins_of_several_steps_add_up():
    """Two histograms with other edges: their sum has the median of 4 + 4 values on [0, 2] and [1, 3]."""
    both = pieces(np.array([0.0, 1.0]), np.array([2.0, 3.0]), np.array([4.0, 4.0]))
    assert quantiles(both, [0.25, 0.5, 0.75]).tolist() == [1.0, 1.5, 2.0]
    assert rebinned(both, np.array([0.0, 1.0, 2.0, 3.0]))[0].tolist() == [2, 4, 2]


def test_an_open_bin_lies_outside_and_its_quantile_is_its_finite_end():
    found = of([-INF, 0, 1, 1.7976931348623157e308], [10, 80, 10])
    placed, below, above = rebinned(found, np.array([-5.0, 0.5, 5.0]))
    assert placed.tolist() == [40, 40]
    assert (below, above) == (10, 10)
    assert quantiles(found, [0.05, 0.5, 0.95]).tolist() == [0, 0.5, 1]


def test_a_bin_of_no_width_is_a_point():
    found = of([0, 1, 1, 2], [1, 8, 1])
    assert quantiles(found, AT).tolist() == [0.5, 1, 1, 1, 1.5]
    assert rebinned(found, np.array([0.0, 1.0, 2.0]))[0].tolist() == [1, 9]


def test_an_empty_stretch_has_no_quantile_inside():
    assert quantiles(of([0, 1, 9, 10], [5, 0, 5]), [0.5, 0.500001])[0] == 1
    assert quantiles(of([0, 1, 9, 10], [5, 0, 5]), [0.500001])[0] >= 9


def test_what_is_no_bin_is_missing():
    found = pieces(np.array([NAN, 3, -INF, 0]), np.array([1, 2, INF, 1]), np.array([1.0, 2, 4, 8]))
    assert (found.missing, found.total) == (7, 8)


def test_nothing_counted_has_no_quantile():
    assert np.isnan(quantiles(of([0, 1, 2], [0, 0]), AT)).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e17, -1e200])
def test_edges_around_a_constant_stay_apart(value):
    edges = common_edges(value, value, 80)
    assert (np.diff(edges) > 0).all()
    assert edges[0] < value < edges[-1]


def test_long_tails_do_not_squeeze_the_core():
    assert drawn_range(-1, 1, -0.9, 0.9) == (-1, 1)
    assert drawn_range(-1e6, 3, -2, 2) == (-4, 3)
    assert drawn_range(0, 100, 5, 5) == (0, 100)


def test_shares_are_of_all_values_of_a_row():
    none = np.zeros(2)
    table = Distribution(
        none, none, np.arange(3.0), np.array([[1.0, 2], [0, 0]]), np.array([1.0, 0]), none, none, np.zeros((2, 5))
    )
    assert table.n.tolist() == [4, 0]
    assert table.shares[0].tolist() == [0.25, 0.5]
    assert np.isnan(table.shares[1]).all()
