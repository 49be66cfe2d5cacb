"""What the page Reward models draws and says of an evaluation.

An expert would look for: intervals that take pairs of one prompt as independent, calibration said of margins that are no
log-odds, a rule that is not beaten and passed over, a sample that is not said to be one, ties hidden, findings drawn in
the colour of no finding, numbers that are not those of the statistics.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from analysis import Board
from analysis.ranking.evaluate import evaluate
from analysis.ranking.features import length_feature
from dashboard import look, trust_tables, trustwords
from dashboard.charts import trust
from tests.analysis.ranking.made import pairs
from tests.dashboard.conftest import words
from tests.dashboard.test_charts import blended

MARK = look.mark(0)


def evaluation(n=600, *, prompts=None, loss="", scale=1.0, skill=1.0, ties=0, long=0.0):
    """Margins whose sign is right as often as sigmoid(skill * quality) says, stretched by `scale`, partly length."""
    rng = np.random.default_rng(4)
    size = np.abs(rng.normal(1, 0.7, n))
    margin = np.where(rng.random(n) < 1 / (1 + np.exp(-skill * size)), size, -size) * scale
    margin[:ties] = 0
    length = rng.normal(size=n)
    scored = pairs("rm", margin + long * length, prompts=prompts, categories=["a", "b", "c"] * (n // 3), loss=loss)
    return evaluate(scored, np.random.default_rng(0), features=length_feature(length, np.zeros(n), "tokens"))


FOUND = evaluation()
FIGURES = {
    "reliability": lambda theme: trust.reliability(FOUND.calibration.as_is, FOUND.calibration.scaled, MARK, theme),
    "length": lambda theme: trust.by_length(FOUND.length, MARK, theme),
    "effects": lambda theme: trust.effects(trust_tables.telling(FOUND, 9), theme),
    "rules": lambda theme: trust.rules(FOUND.panel, "rm", MARK, theme, 9),
}


@pytest.mark.parametrize("theme", look.THEMES.values(), ids=look.THEMES)
@pytest.mark.parametrize("name", FIGURES)
def test_plotly_knows_every_property_and_lines_are_told_from_the_ground(name, theme):
    figure = FIGURES[name](theme)
    go.Figure(figure)
    for trace in figure["data"]:
        if trace["type"] == "scatter" and "lines" in trace["mode"] and trace["line"].get("width"):
            assert blended(trace["line"]["color"], theme.ground) >= 3


def test_the_curve_is_drawn_with_its_intervals_and_the_band_of_chance():
    curve = FOUND.calibration.as_is.reliability
    data = FIGURES["reliability"](look.LIGHT)["data"]
    dots = data[-1]
    assert list(dots["y"]) == pytest.approx([100 * a for a in curve.accuracy if a == a])
    band = data[0]
    assert max(band["y"]) == pytest.approx(100 * np.nanmax(curve.null_high))
    assert min(band["y"]) == pytest.approx(100 * np.nanmin(curve.null_low))


def test_margins_that_are_no_log_odds_are_drawn_at_their_temperature_and_not_said_to_be_sure():
    found = evaluation(loss="hinge", scale=8.0)
    assert found.calibration.as_is is None
    figure = trust.reliability(None, found.calibration.scaled, MARK, look.LIGHT)
    assert len(figure["data"]) == 4
    assert "confident" not in trustwords.sentence(found, "rm")
    assert "over-confident: temperature" in trustwords.sentence(evaluation(scale=8.0), "rm")


def test_the_sentence_holds_the_numbers_of_the_statistics():
    found = evaluation(prompts=[f"q{i // 4}" for i in range(600)])
    a, said = found.accuracy, trustwords.sentence(found, "rm")
    assert f"ranks {100 * a.accuracy:.1f} % of 600 pairs right ({100 * a.low:.1f} to {100 * a.high:.1f}, " in said
    assert "Wilson 95 % over 150 prompts" in said
    assert f"ranks {100 * found.panel.rules[0].share:.1f} %" in said


def test_ties_are_said_with_what_they_are_worth_at_half():
    found = evaluation(ties=40)
    assert f"40 ties, {100 * found.accuracy.half_credit:.1f} % if a tie counts half" in trustwords.sentence(found, "rm")
    table = trust_tables.numbers([found])
    assert table[["ties", "half"]].iloc[0].tolist() == pytest.approx([40, 100 * found.accuracy.half_credit])
    assert "ties" not in trust_tables.numbers([FOUND])


def test_a_rule_that_is_not_beaten_is_named():
    rng = np.random.default_rng(1)
    length = rng.normal(0.3, 1, 300)
    scored = pairs("rm", length + 0.3 * rng.normal(size=300))
    found = evaluate(scored, np.random.default_rng(0), features=length_feature(length, np.zeros(300), "tokens"))
    said = trustwords.sentence(found, "rm")
    assert "that it beats the rule “longer”" in said
    assert "is not established" in said
    assert "orange diamond" in trustwords.beside(found.panel)
    dots = trust.rules(found.panel, "rm", MARK, look.LIGHT, 9)["data"][0]
    assert dict(zip([b.rule for b in found.panel.rules], dots["marker"]["symbol"], strict=True))["longer"] == "diamond"


def test_what_is_over_used_is_named_and_drawn_apart():
    found = evaluation(1500, long=2.0)
    assert [e.name for e in found.bias.having("over-used")] == ["length in tokens"]
    assert "its margins follow length in tokens" in trustwords.sentence(found, "rm")
    drawn = trust.effects(trust_tables.telling(found, 9), look.LIGHT)["data"][0]
    assert drawn["line"]["color"] == look.VERMILLION
    assert "margins follow" not in trustwords.sentence(FOUND, "rm")


def test_categories_are_the_lowest_first_beside_the_rule():
    table = trust_tables.by_category(FOUND)
    assert table["accuracy"].is_monotonic_increasing
    assert table["rule"].tolist() == [FOUND.panel.by_category[c] for c in table["category"]]


def test_a_sample_is_said_to_be_one():
    from dataclasses import replace

    assert trustwords.sampled(FOUND) == ""
    assert "500 of 600 pairs, whole prompts" in trustwords.sampled(replace(FOUND, looked_at=500))


def test_the_page_says_what_the_statistics_say(draw, board):
    found = board.evaluate("rm-a")
    page = draw("reward_models", board, scorer="rm-a")
    assert not page.exception
    assert not page.error
    said = words(page)
    assert trustwords.sentence(found, "rm-a") in said
    assert "independent" not in said
    row = page.dataframe[0].value.iloc[0]
    assert row["auroc"] == pytest.approx(found.auroc.value)
    assert row["ece_null95"] == pytest.approx(found.calibration.as_is.ece_null95)
    assert row["detectable"] == pytest.approx(100 * found.summary.detectable)


def test_lists_of_candidates_have_their_own_sentence_and_curve(draw, tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {"prompt_id": f"q{i}", "candidate_id": k, "score": rng.normal() + (k == 0), "label": int(k == 0)}
        for i in range(60)
        for k in range(5)
    ]
    (tmp_path / "rm").mkdir()
    pd.DataFrame(rows).to_csv(tmp_path / "rm" / "candidates.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        found = board.evaluate_lists("rm")
        said = words(draw("reward_models", board, scorer="rm"))
    assert f"first in {100 * found.scores.top1.value:.1f} % of 60 lists" in said
    assert "chance 20.0 %" in said
    assert f"mean reciprocal rank {found.scores.mrr.value:.3f}" in said
