"""Resampling: against scipy's bootstrap and textbook errors.

An expert would look for: rows drawn instead of prompts, unpaired draws, draws that differ between two calls with one
seed, float32 that loses counts, memory that grows with draws times clusters.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.uncertainty import expanded_percentile, jackknife, resampled_ratios, resampled_sums
from analysis.uncertainty.resampling import weights


def test_each_draw_takes_as_many_clusters_as_there_are():
    drawn = np.concatenate(list(weights(70, 501, np.random.default_rng(0))))
    assert drawn.shape == (501, 70)
    assert (drawn.sum(axis=1) == 70).all()
    assert drawn.var() == pytest.approx(1 - 1 / 70, rel=0.05)


def test_more_clusters_than_small_integers_reach():
    block = next(weights(70_000, 2, np.random.default_rng(0)))
    assert block[:, 66_000:].sum() > 0
    assert block.sum(axis=1).tolist() == [70_000, 70_000]


def test_the_seed_decides_every_digit():
    sums = np.random.default_rng(3).normal(size=(50, 4))
    one, two = (resampled_ratios(sums, np.ones(50), np.random.default_rng(1), 300) for _ in range(2))
    assert (one == two).all()
    assert (one != resampled_ratios(sums, np.ones(50), np.random.default_rng(2), 300)).any()


def test_it_is_scipys_bootstrap():
    values = np.random.default_rng(4).exponential(size=80)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(5))
    ours = np.quantile(resampled_ratios(values[:, None], np.ones(80), np.random.default_rng(6), 20_000), [0.025, 0.975])
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


def test_columns_are_paired():
    values = np.random.default_rng(7).normal(size=60)
    drawn = resampled_ratios(np.c_[values, values + 1], np.ones(60), np.random.default_rng(8), 200)
    assert (drawn[:, 1] - drawn[:, 0]) == pytest.approx(np.ones(200), abs=1e-5)


def test_prompts_are_drawn_and_not_pairs():
    """Twenty prompts with ten copies of one value each: the error is that of twenty values."""
    values = np.random.default_rng(9).normal(size=20)
    drawn = resampled_ratios(10 * values[:, None], np.full(20, 10.0), np.random.default_rng(10), 4000)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(20), rel=0.05)


def test_draws_without_any_item_are_no_number():
    drawn = resampled_ratios(np.array([[1.0], [0.0]]), np.array([1.0, 0.0]), np.random.default_rng(0), 100)
    assert set(np.unique(drawn[~np.isnan(drawn)])) == {1.0}
    assert np.isnan(drawn).any()


def test_few_clusters_widen_the_interval():
    drawn = np.random.default_rng(11).normal(size=(20_000, 1))
    widths = [np.subtract(*expanded_percentile(drawn, g)[::-1])[0] for g in (6, 20, 10_000)]
    assert widths[0] > 1.2 * widths[1] > 1.2 * widths[2]
    assert widths[2] == pytest.approx(2 * 1.96, rel=0.05)


def test_the_jackknife_of_a_mean_is_its_textbook_error():
    values = np.random.default_rng(12).normal(size=40)
    low, high = jackknife(lambda kept: float(values[kept].mean()), np.arange(40), 40, np.random.default_rng(0))
    half = stats.t.ppf(0.975, 39) * values.std(ddof=1) / np.sqrt(40)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_the_jackknife_leaves_out_whole_clusters():
    values = np.repeat(np.random.default_rng(13).normal(size=40), 25)
    codes = np.repeat(np.arange(40), 25)
    found = jackknife(lambda kept: float(values[kept].mean()), codes, 40, np.random.default_rng(0))
    half = stats.t.ppf(0.975, 39) * values[::25].std(ddof=1) / np.sqrt(40)
    assert (found.high - found.low) / 2 == pytest.approx(half)


def test_equal_clusters_drawn_together_have_the_spread_of_clusters_drawn_one_by_one():
    # 400 clusters of two kinds: the share of the first is binomial, with standard error sqrt(p (1 - p) / g)
    values = np.r_[np.ones(120), np.zeros(280)][:, None]
    drawn = resampled_ratios(values, np.ones(400), np.random.default_rng(3), 40_000)[:, 0]
    assert drawn.mean() == pytest.approx(0.3, abs=0.001)
    assert drawn.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 400), rel=0.02)


def test_equal_clusters_keep_the_columns_of_a_draw_together():
    kinds = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    drawn = resampled_sums(np.repeat(kinds, 100, axis=0), np.random.default_rng(4), 500)
    assert (drawn[:, 0] + drawn[:, 1] == 200).all()
    assert (drawn[:, 2] == 200).all()


def test_many_clusters_are_drawn_from_the_limit_with_their_spread_and_their_ties_to_one_another():
    rng = np.random.default_rng(11)
    values = rng.exponential(size=70_000)
    sums = np.c_[values, values + rng.normal(size=70_000)]
    drawn = resampled_sums(sums, np.random.default_rng(12), 4000)
    assert drawn.mean(axis=0) == pytest.approx(sums.sum(axis=0), rel=1e-3)
    assert drawn.std(axis=0) == pytest.approx(sums.std(axis=0) * np.sqrt(70_000), rel=0.05)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(np.corrcoef(sums.T)[0, 1], abs=0.03)


def test_one_cluster_that_stands_out_is_drawn_as_often_as_chance_has_it_however_many_others_there_are():
    values = np.r_[1e6, np.ones(70_000)]
    drawn = resampled_sums(values[:, None], np.random.default_rng(13), 300)[:, 0]
    assert (drawn < 1e5).mean() == pytest.approx(np.exp(-1), abs=0.1)  # a third of the draws do without it
