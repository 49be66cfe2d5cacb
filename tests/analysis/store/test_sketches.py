"""Sketches of streams: quantiles within the stated error at any scale, mergeable, non-finite values kept apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.drift.quantiles import quantiles
from analysis.records import Stream
from analysis.store import sketches

AT = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, -3.0])
def test_a_quantile_is_right_to_the_stated_share_of_itself(scale, shift):
    values = scale * (np.random.default_rng(3).normal(size=20_000) + shift)
    bins, counts = np.unique(sketches.bins(values), return_counts=True)
    ours = quantiles(sketches.centres(bins), counts, AT)
    theirs = np.quantile(values, AT, method="inverted_cdf")
    assert np.all(np.abs(ours - theirs) <= sketches.ACCURACY * 1.01 * np.abs(theirs) + sketches.SMALLEST)


def test_zero_has_a_bin_of_its_own_and_signs_are_kept():
    bins = sketches.bins(np.array([-2.0, -0.0, 0.0, 2.0]))
    assert list(bins[1:3]) == [0, 0]
    assert bins[0] == -bins[3] < 0


def test_what_is_not_finite_is_counted_in_a_bin_without_a_value():
    bins = sketches.bins(np.array([np.nan, np.inf, -np.inf, 1.0]))
    assert list(bins[:3]) == [sketches.NOT_A_NUMBER] * 3
    assert np.isnan(sketches.centres(bins[:1])[0])


def test_two_halves_merge_to_the_sketch_of_the_whole():
    rng = np.random.default_rng(5)
    n = 2_000
    stream = Stream.of(
        time=rng.uniform(0, 3 * 86_400, n),
        score=rng.normal(size=n),
        length=rng.integers(1, 50, n).astype(float),
        category=rng.choice(["a", "b"], n).tolist(),
        row=np.arange(n),
    ).table
    keys = ["day", "category", "model_version", "policy_version", "field", "bin"]

    def cells(*parts):
        frame = pd.concat([sketches.sketch(p).to_pandas() for p in parts])
        return frame.groupby(keys, dropna=False)["n"].sum().sort_index()

    assert cells(stream).equals(cells(stream.slice(0, 700), stream.slice(700)))
    assert cells(stream).groupby("field").sum().to_dict() == {"score": n, "length": n}


def test_rows_without_a_time_have_no_day():
    stream = Stream.of(time=[None, 0.0], score=[1.0, 2.0], row=[0, 1]).table
    assert sketches.sketch(stream)["n"].to_pylist() == [1]
