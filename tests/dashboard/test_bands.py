"""Bands: the interval of a mean over seeds is Student's, the grey band says how many runs it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dashboard import look
from dashboard.charts import areas, bands
from tests.dashboard.conftest import stretches

BASE = {"xaxis": "x", "yaxis": "y"}


def cohort(n: int, groups=("",)) -> pd.DataFrame:
    rows = [
        {"group": g, "metric": "kl", "unit": "", "x": x, "n": n, "mean": x, "sd": 2.0, "low": x - 3, "high": x + 3,
         "q10": x - 1, "q50": x, "q90": x + 1}
        for g in groups for x in (0.0, 1.0, 2.0)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def alone(table: pd.DataFrame) -> bands.Columns:
    """The one group of the one panel of a table."""
    ((rows,),) = (groups.values() for groups in bands.of_panels(table).values())
    return rows


def test_the_interval_of_a_mean_is_students():
    sample = np.random.default_rng(1).normal(size=5)
    half = bands.half_width(np.array([sample.std(ddof=1)]), np.array([5.0]))[0]
    low, high = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert half == pytest.approx((high - low) / 2)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(4000, 3))
    half = bands.half_width(draws.std(axis=1, ddof=1), np.full(4000, 3.0))
    held = np.mean(np.abs(draws.mean(axis=1)) <= half)
    assert abs(held - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 4000)


def test_one_seed_has_no_interval():
    assert np.isnan(bands.half_width(np.array([np.nan]), np.array([1.0]))[0])


@pytest.mark.parametrize(("n", "reach"), [(2, 3.0), (20, 1.0)])
def test_few_runs_are_drawn_from_least_to_greatest(n, reach):
    band, _, median = bands.cohort(alone(cohort(n)), look.LIGHT, BASE, "KL")
    assert np.nanmax(band["y"]) - 2.0 == pytest.approx(reach)
    assert median["y"].tolist() == [0, 1, 2]
    assert median["customdata"].tolist() == [n] * 3


def test_neither_band_nor_median_crosses_a_silence():
    rows = pd.concat([cohort(5).assign(x=start + np.arange(3.0)) for start in (0, 10, 500)])
    band, edges, median = bands.cohort(alone(rows), look.LIGHT, BASE, "KL")
    assert stretches(band) == stretches(median) == [(0, 12), (500, 502)]
    assert set(stretches(edges)) == {(0, 12), (500, 502)}


def test_the_grey_band_has_an_outline_that_is_seen():
    _, edges, _ = bands.cohort(alone(cohort(5)), look.LIGHT, BASE, "KL")
    assert edges["line"] == {"width": areas.OUTLINE, "color": look.LIGHT.older}


def test_each_group_has_its_mean_in_its_own_colour():
    marks = {"a": look.mark(0), "b": look.mark(1)}
    (groups,) = bands.of_panels(cohort(4, ("a", "b"))).values()
    drawn = list(bands.seeds(groups, marks, BASE, "KL"))
    assert [t["line"].get("color") for t in drawn[2::3]] == [look.HUES[0], look.HUES[1]]
    assert bands.of_panels(cohort(4).iloc[:0]) == {}
