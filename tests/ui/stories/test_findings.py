"""Somebody opens a run that went wrong: reads what and since when, sees it on the curves, opens the card by keyboard.

Wrong would be: a sentence that the curves do not show; a mark on the wrong step, or gone when the browser asks again; a
card that no key reaches; a mark too faint to see in either theme; a healthy run that looks as if something were wrong.
"""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import SHARED
from tests.ui.conftest import serve

FAILING, HEALTHY = "ppo-ea7b", "ppo-5fdc"
INPUTS = ("trainer_state.json", "rollouts.csv")
ONSET = 91
"""The first step that its fault can have touched, by the label of the run."""


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    """A server on one run that failed and one that did not."""
    if not all((SHARED / "labelled_runs" / run).exists() for run in (FAILING, HEALTHY)):
        pytest.skip("needs the real logs of labelled_runs, which are not part of the project")
    root = tmp_path_factory.mktemp("findings")
    for run in (FAILING, HEALTHY):
        (root / "runs" / run).mkdir(parents=True)
        for name in INPUTS:
            shutil.copy(SHARED / "labelled_runs" / run / name, root / "runs" / run)
    yield from serve(root, root / "runs", {FAILING, HEALTHY})


@pytest.fixture(scope="module")
def tab(reader, diagnosed):
    return reader(f"/run?run={FAILING}&rest=false", site=diagnosed)


LINES = (
    "g._fullLayout.shapes.filter(s => s.type === 'line' && s.line.width > 1.5 && s.yref.endsWith(' domain'))"
    ".map(s => [s.yref.split(' ')[0], s.x0])"
)
"""Onsets: the axis of their panel and their step."""

HEADS = "g._fullLayout.annotations.filter(a => a.text.startsWith('<b>')).map(a => a.text.replace(/<[^>]*>/g, ''))"


def panels(tab) -> list[str]:
    """Headings of the panels that an onset stands on."""
    heads = tab.plot(HEADS)
    return [heads[int(axis[1:] or 1) - 1] for axis, _ in tab.plot(LINES)]


def test_the_sentence_stands_first_and_says_what_and_since_when(tab):
    tab.open(f"/run?run={FAILING}&rest=false")
    said = tab.page.locator(".st-key-verdict").inner_text()
    assert "failing" in said
    assert f"At step {ONSET} the learning rate jumped" in said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_onset_is_marked_on_the_kl_panel_and_can_be_seen(tab, scheme):
    tab.open(f"/run?run={FAILING}&rest=false").turn(scheme)
    assert any(head.startswith("KL to reference") for head in panels(tab))
    assert not any(head.startswith("Clip fraction") for head in panels(tab))
    assert {at for _, at in tab.plot(LINES)} == {ONSET}
    assert tab.page.evaluate("measured.faintMarks()") == []
    assert tab.page.evaluate("measured.faintWords()") == []
    assert tab.violations() == []
    tab.check()


def test_marks_stay_when_the_reader_zooms(tab):
    tab.open(f"/run?run={FAILING}&rest=false")
    before = panels(tab)
    tab.does(lambda: tab.drag(80, 110))
    assert panels(tab) == before
    low, high = tab.range()
    assert low < ONSET < high


def test_along_another_axis_than_step_nothing_is_marked(tab):
    tab.open(f"/run?run={FAILING}&rest=false&x=KL")
    assert tab.plot(LINES) == []


def test_the_card_is_reached_and_folded_by_keyboard(tab):
    tab.open(f"/run?run={FAILING}&rest=false")
    card = tab.page.locator(".st-key-findings summary").first
    assert "learning rate jump" in card.inner_text()
    assert tab.page.get_by_text("Go back to the last checkpoint").is_visible()
    card.evaluate("element => element.ownerDocument.body.focus()")
    for _ in range(60):
        tab.press("Tab")
        if card.evaluate("element => element === document.activeElement"):
            break
    else:
        pytest.fail("no number of tabs leads to the card")
    tab.press("Enter")
    tab.until(lambda: not tab.page.get_by_text("Go back to the last checkpoint").is_visible())
    tab.press("Enter")
    tab.until(lambda: tab.page.get_by_text("Go back to the last checkpoint").is_visible())
    tab.check()


def test_evidence_is_shown_as_the_curve_that_was_read(tab):
    tab.open(f"/run?run={FAILING}&rest=false")
    tab.does(lambda: tab.page.get_by_text("Evidence as curves").click())
    assert tab.page.locator(".st-key-evidence .js-plotly-plot").count() == 1
    read = tab.page.evaluate(
        "() => document.querySelector('.st-key-evidence .js-plotly-plot')._fullLayout.shapes"
        ".filter(s => s.yref === 'paper' && s.type === 'rect').map(s => [s.x0, s.x1])"
    )
    assert len(read) == 1
    assert read[0][0] < ONSET <= read[0][1]
    assert tab.page.evaluate("measured.faintMarks()") == []
    tab.check()


def test_how_it_was_computed_and_what_was_not_checked_are_one_click_away(tab):
    tab.open(f"/run?run={FAILING}&rest=false")
    tab.page.get_by_role("button", name="How computed").click()
    assert tab.page.get_by_text("ratio of neighbouring rows").first.is_visible()
    tab.page.keyboard.press("Escape")
    tab.page.get_by_text("could not be made").click()
    tab.until(lambda: tab.page.get_by_text("no gradient norm is logged").first.is_visible())
    tab.check()


def test_a_healthy_run_says_so_keeps_its_curves_in_sight_and_names_what_was_checked(reader, diagnosed):
    tab = reader(f"/run?run={HEALTHY}&rest=false", site=diagnosed)
    assert "healthy" in tab.page.locator(".st-key-verdict").inner_text()
    assert tab.page.locator(".st-key-findings").count() == 0
    assert tab.plot(LINES) == []
    assert tab.page.locator(".st-key-curves .plot").bounding_box()["y"] < 300
    tab.page.get_by_text("Nothing found in").click()
    tab.until(lambda: tab.page.get_by_text("whether KL to the reference jumps").is_visible())
    tab.check()


def test_reward_over_kl_is_told_and_drawn(tab):
    tab.open(f"/run?run={FAILING}&rest=false&details=Reward+over+KL")
    assert tab.page.get_by_text("over sqrt(KL)").first.is_visible()
    told = tab.numbers(".st-key-reward-over-kl")
    assert told["sqrt_kl"].max() > 10  # it went 131 nats away
    assert len(told) == 160
    assert tab.page.evaluate("measured.faintMarks()") == []
    tab.check()
