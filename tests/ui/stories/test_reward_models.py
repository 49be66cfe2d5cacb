"""Somebody asks whether a reward model can be trusted: its accuracy, where it fails, its scores, and the numbers of each."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from tests.ui.stories import logs

GOOD, WEAK = logs.pairs("rm-good"), logs.pairs("rm-weak")


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson 1927, equation for the interval of a binomial share."""
    share, centre = right / n, (right + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(n * share * (1 - share) + z * z / 4)
    return centre - half, centre + half


@pytest.fixture(scope="module")
def tab(reader):
    return reader("/reward-models?scorer=rm-good&scorer=rm-weak")


def test_the_verdict_says_how_often_each_is_right_and_how_sure_that_is(tab):
    said = tab.page.locator(".st-key-verdict").inner_text()
    for run, table in (("rm-good", GOOD), ("rm-weak", WEAK)):
        right = int((table["chosen_score"] > table["rejected_score"]).sum())
        share, n, low, high = re.search(
            rf"{run} ranks ([\d.]+) % of ([\d,]+) pairs right \(([\d.]+) to ([\d.]+), Wilson 95 %\)", said
        ).groups()
        assert int(n) == len(table)
        assert float(share) == pytest.approx(100 * right / len(table), abs=0.05)
        assert (float(low), float(high)) == pytest.approx([100 * end for end in wilson(right, len(table))], abs=0.06)


def test_the_numbers_by_category_are_those_of_the_file(tab):
    told = tab.numbers(".st-key-accuracy").set_index(["run", "category"])
    for run, table in (("rm-good", GOOD), ("rm-weak", WEAK)):
        right = (table["chosen_score"] > table["rejected_score"]).groupby(table["category"]).mean()
        assert told.loc[run, "accuracy"].to_dict() == pytest.approx(right.to_dict())


def test_calibration_length_and_rules_hand_out_their_numbers(tab):
    tab.open("/reward-models?scorer=rm-good")
    curve = tab.numbers(".st-key-reliability")
    as_is = curve[curve["margins"] == "as they are"]
    assert as_is["count"].sum() == len(GOOD)
    right = (GOOD["chosen_score"] > GOOD["rejected_score"]).sum()
    assert (as_is["accuracy"] * as_is["count"]).sum() == pytest.approx(right)
    assert (as_is["null_low"].dropna() <= as_is["null_high"].dropna()).all()
    margin = GOOD["chosen_score"] - GOOD["rejected_score"]
    sure = 1 / (1 + np.exp(-margin.abs()))
    assert (as_is["confidence"] * as_is["count"]).sum() == pytest.approx(sure.sum())


def test_scores_are_shown_of_the_model_that_is_asked_for(tab):
    tab.open("/reward-models?scorer=rm-good&scorer=rm-weak")
    group = tab.page.locator(".st-key-of")
    group.get_by_text("rm-weak", exact=True).click()
    tab.until(lambda: "of=rm-weak" in tab.query)
    tab.settle()
    told = tab.numbers(".st-key-scores")
    assert told["run"].unique().tolist() == ["rm-weak"]
    assert told.groupby("side")["count"].sum().to_dict() == {"chosen": 600, "rejected": 600, "margin": 600}


def test_reloading_gives_the_same_view(tab):
    tab.open("/reward-models?scorer=rm-weak&scorer=rm-good&of=rm-weak&category=code")
    before = tab.page.locator(".stMainBlockContainer").inner_text()
    tab.page.reload()
    tab.settle()
    tab.drawn()
    tab.until(lambda: tab.page.locator(".stMainBlockContainer").inner_text() == before)
    assert "rm-weak" in before


def test_nothing_failed_in_all_of_this(tab):
    tab.check()
