"""The Losses page. How an expert would catch it wrong:

- a number that is not the loss's: everything is held against formulas worked here, with `math` alone
- a tie told as right; a wrong order; scores that are NaN or absurd
- a shift said to change nothing where it does, and the other way round; shift and scale applied in the wrong order
- a setting that reaches the picture but not the sentence, or one out of range that takes the page down
- penalty and gradient of two models exchanged; a curve around another middle than that of the model's own scores
- torch loaded by a page that has no use for it
"""

from __future__ import annotations

import html
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from analysis import losses
from dashboard import chart_tables, look, lossviews, losswords
from dashboard.charts import losses as charts
from dashboard.lossviews import Pair
from tests.dashboard.conftest import words

A, B = Pair("A", 3.2, 1.5), Pair("B", -0.5, -2.0)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def table(page):
    return page.dataframe[0].value.set_index("loss")


def readings(*pairs: Pair, shift: float = 0.0, scale: float = 1.0):
    return [lossviews.reading(name, lossviews.defaults(name), pairs, shift, scale) for name in lossviews.names()]


def one(name: str, *pairs: Pair, shift: float = 0.0, scale: float = 1.0, **settings: float):
    known = tuple((dict(lossviews.defaults(name)) | settings).items())
    return lossviews.reading(name, known, pairs, shift, scale)


# -- the page


def test_the_verdict_stands_first_and_is_the_formula_s_number(draw, board):
    page = draw("losses", board)
    assert not page.exception
    assert not page.error
    verdict = page.markdown[0].value
    assert verdict.startswith("Both models rank the pair right: margins 1.70 (A) and 1.50 (B).")
    of_a, of_b = softplus(-1.7), softplus(-1.5)
    assert f"Bradley-Terry penalises A with {of_a:.3g} and B with {of_b:.3g}" in verdict
    assert "Hinge (margin 1) asks nothing of either" in verdict
    bce_a, bce_b = (softplus(-3.2) + softplus(1.5)) / 2, (softplus(0.5) + softplus(-2.0)) / 2
    assert f"penalises A with {bce_a:.3g} and B with {bce_b:.3g}" in verdict


def test_the_table_holds_every_loss_with_penalties_and_gradients(draw, board):
    rows = table(draw("losses", board))
    assert len(rows) == len(losses.names())
    bt = rows.loc["Bradley-Terry"]
    assert (bt["A: penalty"], bt["B: penalty"]) == pytest.approx((softplus(-1.7), softplus(-1.5)))
    assert (bt["A: d/d margin"], bt["B: d/d margin"]) == pytest.approx((-sigma(-1.7), -sigma(-1.5)))
    assert (bt["A: d/d chosen"], bt["A: d/d rejected"]) == pytest.approx((-sigma(-1.7), sigma(-1.7)))
    bce = rows.loc["Binary cross-entropy"]
    assert (bce["A: d/d chosen"], bce["A: d/d rejected"]) == pytest.approx(((sigma(3.2) - 1) / 2, sigma(1.5) / 2))
    smoothed = rows.loc["Label-smoothed Bradley-Terry (smoothing 0.1)"]
    assert smoothed["A: penalty"] == pytest.approx(0.9 * softplus(-1.7) + 0.1 * softplus(1.7))
    hinge = rows.loc["Hinge (margin 1)"]
    assert (hinge["A: in penalty region"], hinge["a shift changes it"], hinge["a scale changes it"]) == (
        "no",
        "no",
        "yes",
    )
    assert rows.loc["Score centring", "A: d/d margin"] == 0
    assert rows.loc["Score centring", "A: d/d chosen"] == pytest.approx(2 * 4.7)
    assert rows["source"].str.len().min() > 10


def test_scores_of_the_address_are_computed_with(draw, board):
    page = draw("losses", board, a_chosen="0.25", a_rejected="1")
    assert page.number_input(key="a_chosen").value == 0.25
    assert "Model A ranks the pair wrong (margin -0.75); Model B ranks it right (margin 1.50)." in words(page)
    rows = table(page)
    assert rows.loc["Hinge (margin 1)", "A: penalty"] == pytest.approx(1.75)
    assert rows.loc["Hinge (margin 1)", "A: in penalty region"] == "yes"
    assert "Hinge (margin 1) penalises A with 1.75 and asks nothing of B" in words(page)


def test_an_edited_score_changes_the_sentence(draw, board):
    page = draw("losses", board)
    page.number_input(key="b_rejected").set_value(0.5).run()
    assert "Model B ranks it wrong (margin -1.00)" in words(page)


def test_a_tie_is_not_right(draw, board):
    assert "Model B scores it a tie, which is not right" in words(draw("losses", board, b_chosen="-2"))
    both = words(draw("losses", board, b_chosen="-2", a_chosen="1.5"))
    assert "Both models score the two responses the same: a tie, which is not right." in both


@pytest.mark.parametrize("score", [1e7, -3e200])
def test_scores_that_say_nothing_get_a_sentence_and_no_number(draw, board, score):
    page = draw("losses", board)
    page.number_input(key="b_rejected").set_value(score).run()
    assert not page.exception
    assert not page.error
    assert "Model B's rejected score is" in words(page)
    assert "beyond 1,000,000" in words(page)
    assert not page.dataframe


@pytest.mark.parametrize("score", ["nan", "inf", "3,2"])
def test_an_address_whose_score_is_no_number_is_told(draw, board, score):
    page = draw("losses", board, b_rejected=score)
    assert f"The address gives '{score}' as Model B's rejected score" in words(page)
    assert page.number_input(key="b_rejected").value == -2
    assert "margins 1.70 (A) and 1.50 (B)" in words(page)


def test_scores_at_the_limit_draw(draw, board):
    page = draw("losses", board, a_chosen="1000000", a_rejected="-1000000", scale="10", shift="5")
    assert not page.exception
    assert not page.error
    assert np.isfinite(table(page).select_dtypes("number").to_numpy()).all()


def test_shift_and_scale_are_told_apart_and_scale_comes_first(draw, board):
    page = draw("losses", board, shift="1.5", scale="2")
    said = words(page)
    assert "**A shift** of +1.5 changes nothing under 11 of 15 losses" in said
    assert "**A rescale** by 2 keeps every order, makes margins 3.40 (A) and 3.00 (B)" in said
    assert f"Bradley-Terry goes from {softplus(-1.7):.3g} and {softplus(-1.5):.3g} to {softplus(-3.4):.3g}" in said
    rows = table(page)
    after = rows["A: after shift and scale"]
    assert after["Bradley-Terry"] == pytest.approx(softplus(-3.4))
    assert after["Mean squared error"] == pytest.approx(((3.2 * 2 + 1.5 - 1) ** 2 + (1.5 * 2 + 1.5) ** 2) / 2)
    assert rows.loc["Bradley-Terry", "A: penalty"] == pytest.approx(softplus(-1.7))


def test_a_setting_reaches_sentence_table_and_address(draw, board):
    page = draw("losses", board, **{"hinge.margin": "1.6"})
    assert page.number_input(key="hinge.margin").value == 1.6
    assert "Hinge (margin 1.6) penalises B with 0.1 and asks nothing of A" in words(page)
    assert table(page).loc["Hinge (margin 1.6)", "B: penalty"] == pytest.approx(0.1)


def test_a_setting_out_of_range_leaves_the_other_losses(draw, board):
    page = draw("losses", board, **{"label_smoothed.smoothing": "0.7"})
    assert not page.exception
    assert len(page.error) == 1
    assert "Label-smoothed Bradley-Terry is left out" in page.error[0].value
    assert "below 0.5" in page.error[0].value
    assert len(table(page)) == len(losses.names()) - 1


def test_losses_are_chosen_by_family(draw, board):
    page = draw("losses", board, pairwise=["Exponential"], listwise="", pointwise=["Mean squared error"])
    assert f"Exponential penalises A with {math.exp(-1.7):.3g} and B with {math.exp(-1.5):.3g}" in words(page)
    nothing = draw("losses", board, pairwise="", listwise="", pointwise="")
    assert "No loss is chosen" in words(nothing)
    assert len(table(nothing)) == len(losses.names())


def test_it_is_said_that_values_of_two_losses_are_not_compared(draw, board):
    said = words(draw("losses", board))
    assert "never compared" in said
    for comparable in ("ranking", "calibrated likelihood", "reward per SD"):
        assert f"**{comparable}**" in said


def test_no_other_page_loads_torch_nor_does_the_menu():
    code = (
        "import sys; from dashboard import views, lossviews; views.find(); lossviews.names();"
        "print(lossviews.loading(), [m for m in ('torch',) if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.strip() == "True []"


# -- the words


def test_what_facts_say_of_a_shift_is_what_numbers_show():
    for found in readings(A, B, shift=1.3):
        same = [p.value for p in found.entered] == pytest.approx([p.value for p in found.shifted])
        assert same == found.facts.shift_invariant, found.name


def test_the_loss_decides_which_model_pays_more():
    said = losswords.who_pays(readings(A, B), (A, B))
    # larger margin, smaller penalty: A, but for what reads zero, and ListNet, which finds both margins too large
    assert "Model B under 8" in said
    assert "Model A under 5 (ListNet (top one), Binary cross-entropy, Mean squared error" in said
    assert "both the same under 2 (Hinge and Squared hinge)" in said


def test_equal_models_pay_the_same():
    twin = Pair("B", A.chosen, A.rejected)
    assert "both the same under 15" in losswords.who_pays(readings(A, twin), (A, twin))
    assert losswords.alike((A, twin)).startswith("Margins are equal")


def test_the_factor_that_makes_margins_equal_does():
    said = losswords.alike((A, B))
    assert said.startswith(f"Times {1.7 / 1.5:.3g}, B's scores have A's margin")
    assert one("bradley_terry", A, B, scale=1.7 / 1.5).scaled[1].value == pytest.approx(softplus(-1.7))
    assert losswords.alike((A, Pair("B", 0.0, 1.0))) == ""
    assert losswords.alike((A, Pair("B", 1.0, 1.0))) == ""


# -- the figure


def panel(found, reach=4.0, before=False):
    models = ("A", "B")
    return charts.Panel(
        found.facts.title,
        found.note,
        lossviews.curves(found, reach),
        dict(zip(models, found.moved, strict=True)),
        dict(zip(models, found.entered, strict=True)) if before else {},
    )


@pytest.mark.parametrize("theme", look.THEMES.values(), ids=look.THEMES)
@pytest.mark.parametrize("before", [False, True])
def test_plotly_knows_every_property_of_every_loss(theme, before):
    found = readings(A, B, shift=1.0, scale=0.5)
    go.Figure(charts.figure([panel(f, before=before) for f in found], theme))


def test_marks_lie_on_their_curves():
    for found in readings(A, B, shift=0.7, scale=1.6):
        drawn = panel(found)
        for place, point in enumerate(drawn.points.values()):
            curve = drawn.curves[min(place, len(drawn.curves) - 1)]
            on_curve = np.interp(point.margin, curve.margin, curve.value)
            assert on_curve == pytest.approx(point.value, abs=0.01 * (1 + abs(point.value))), found.name


def test_a_loss_that_reads_zero_has_a_curve_for_each_model():
    assert len(lossviews.curves(one("bradley_terry", A, B), 4.0)) == 1
    curves = lossviews.curves(one("bce", A, B, shift=1.0), 4.0)
    assert [curve.middle for curve in curves] == pytest.approx([3.35, -0.25])


def test_only_the_penalty_region_is_shaded():
    figure = charts.figure([panel(one("hinge", A, B, margin=2.0))], look.LIGHT)
    shade = next(trace for trace in figure["data"] if trace.get("fill"))
    inside = np.isfinite(shade["y"])
    assert shade["x"][inside].max() == pytest.approx(2.0, abs=0.03)
    assert shade["x"][~inside].min() == pytest.approx(2.0, abs=0.03)


def test_push_below_zero_narrows_the_margin():
    sure = one("label_smoothed", A, Pair("B", 4.0, 0.5), smoothing=0.1)  # the best margin is log 9 = 2.2
    figure = charts.figure([panel(sure)], look.LIGHT)
    pushes = {t["name"]: t["y"][0] for t in figure["data"] if t.get("marker") and t["yaxis"] == "y2"}
    assert pushes["Model A"] > 0 > pushes["Model B"]
    assert pushes["Model B"] == pytest.approx(0.9 - sigma(3.5))


def test_every_mark_is_in_sight_however_far_a_pair_lies():
    far = Pair("B", -40.0, 30.0)
    reach = charts.reach([A.margin, far.margin])
    for name in ("exponential", "hinge", "mse"):
        found = one(name, A, far)
        layout = charts.figure([panel(found, reach)], look.LIGHT)["layout"]
        for point in found.moved:
            for axis, value in (("xaxis", point.margin), ("yaxis", point.value), ("yaxis2", -point.gradient_margin)):
                low, high = layout[axis]["range"]
                assert low <= value <= high


def test_the_numbers_of_the_picture_are_those_drawn(board):
    asked = chart_tables.asked(
        "losses",
        drawn=[("hinge", [["margin", 2.0]]), ("bce", [])],
        pairs=[("A", 3.2, 1.5), ("B", -0.5, -2.0)],
        shift=1.0,
        scale=1.0,
        reach=4.0,
    )
    found = chart_tables.table(board, json.loads(json.dumps(asked)))
    hinge = found[found["loss"] == "Hinge (margin 2)"]
    assert hinge["penalty"].to_numpy() == pytest.approx(np.maximum(0, 2 - hinge["margin"].to_numpy()))
    assert set(hinge["model"]) == {""}
    assert hinge.loc[hinge["margin"] > 2.01, "in_penalty_region"].sum() == 0
    of_a = found[(found["loss"] == "Binary cross-entropy") & (found["model"] == "A")]
    at_zero = of_a.loc[of_a["margin"].abs().idxmin()]  # both scores at A's middle, 2.35 and 1 for the shift
    assert at_zero["penalty"] == pytest.approx((softplus(-3.35) + softplus(3.35)) / 2)
    assert at_zero["push"] == pytest.approx(0.25)


def test_no_line_of_a_title_reaches_the_panel_beside_it_in_a_narrow_window():
    for found in readings(A, B):
        lines = charts._title(panel(found), look.LIGHT).split("<br>")
        longest = max(len(html.unescape(re.sub("<[^>]*>", "", line))) for line in lines)
        assert longest <= charts.TITLE, found.name
        assert 19 + 16 * len(lines) <= charts.HEAD, (
            found.name
        )  # from its place above the panel to the top of the figure
