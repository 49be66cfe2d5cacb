"""Everything can be done without a mouse: each control is reached in the order of reading, seen to have the focus, and operated."""

from __future__ import annotations

import itertools

import pytest

from tests.ui.stories.test_every_page import PAGES

GROUPS = '[data-testid="stButtonGroup"], .runs .list, [role="radiogroup"]'
"""Controls of which Tab reaches one and arrows the others."""

FAR = 90
"""Pixels that a stop may stand above the one before it in the same row of controls, labels and help marks included."""


def walk(shown) -> list[dict]:
    """Press Tab until the page ends; what had the focus, where it stands, and whether it looked different with it."""
    page = shown.page
    page.evaluate(
        """() => {
          document.head.append(Object.assign(document.createElement("style"), { textContent: "* {transition: none !important}" }));
          document.activeElement.blur();
          getSelection().removeAllRanges();
          window.atRest = new WeakMap();
          measured.controls().forEach((element, i) => { element.dataset.stop = i; atRest.set(element, measured.edges(element)); });
        }"""
    )
    stops: list[dict] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const element = document.activeElement;
              const rest = atRest.get(element);
              const seen = rest ? measured.edges(element) !== rest : getComputedStyle(element).outlineStyle !== "none";
              const box = element.getBoundingClientRect();
              const main = element.closest(".stMain");
              return { seen, end: element === document.body, stop: element.dataset?.stop, main: !!main && element !== main,
                at: box.top + (main?.scrollTop ?? 0), left: box.left, right: box.right, name: measured.name(element), inside: element.matches("canvas, .dvn-scroller") };  // Streamlit's tables draw their own focus, cell by cell
            }"""
        )
        if stop["end"]:
            return stops
        stops.append(stop)
    raise AssertionError("Tab never leaves the page")


@pytest.fixture(scope="module", params=PAGES)
def walked(request, reader):
    shown = reader(PAGES[request.param])
    shown.page.wait_for_timeout(300)
    return shown, walk(shown)


def test_tab_reaches_every_control(walked):
    shown, stops = walked
    missed = shown.page.evaluate(
        """([reached, names, groups]) => measured.controls().filter(element => {
             if (reached.includes(element.dataset.stop)) return false;
             // a table's tools are made anew when they get the focus
             if (element.closest("[data-testid=stElementToolbar]") && names.includes(measured.name(element))) return false;
             const group = element.closest(groups);
             return !(group && [...group.querySelectorAll("[data-stop]")].some(other => reached.includes(other.dataset.stop)));
           }).map(measured.name)""",
        [[stop["stop"] for stop in stops], [stop["name"] for stop in stops], GROUPS],
    )
    assert missed == []


def test_tab_goes_in_the_order_of_reading(walked):
    _, stops = walked
    inside = [stop["main"] for stop in stops]
    assert inside == sorted(inside)  # the side bar, then the page
    places = [stop for stop in stops if stop["main"]]
    back = [
        (a["name"], b["name"])
        for a, b in itertools.pairwise(places)
        if b["at"] < a["at"] - FAR and b["left"] < a["right"] and not b["inside"]  # up is where the next column begins
    ]
    assert back == []


def test_the_focus_is_seen(walked):
    _, stops = walked
    unseen = [stop["name"] for stop in stops if stop["seen"] is False and not stop["inside"]]
    assert unseen == []


def test_a_link_leads_past_the_side_bar(reader):
    tab = reader("/run?run=ppo-a")
    tab.page.evaluate("() => document.activeElement.blur()")
    tab.press("Tab")
    link = tab.page.get_by_test_id("stSkipToContent")
    assert link.evaluate("link => link === document.activeElement && link.getBoundingClientRect().left >= 0")
    tab.press("Enter", "Tab")
    assert tab.page.evaluate("() => document.activeElement.closest('.stMain') !== null")


def test_runs_are_chosen_by_key(reader):
    tab = reader("/run?run=ppo-a&rest=false")

    def focus() -> list[str]:
        return tab.page.evaluate(
            "() => [document.activeElement.closest('.run')?.dataset.run, document.activeElement.className || document.activeElement.type]"
        )

    tab.page.get_by_label("Find runs by regular expression").fill("^(ppo-[ab]|grpo)")
    tab.press("ArrowDown")
    assert focus() == ["ppo-a", "checkbox"]
    names = tab.page.locator(".runs .run .name").all_text_contents()
    tab.press("ArrowDown")
    assert focus()[0] == names[1]
    tab.press("End")
    assert focus()[0] == names[-1]
    tab.press("Home", "ArrowDown")
    tab.press(" ")
    tab.until(lambda: f"run={names[1]}" in tab.query)
    tab.settle()
    assert focus() == [names[1], "checkbox"]
    tab.press("Enter")
    tab.until(lambda: f"run={names[1]}" not in tab.query)
    tab.press("ArrowRight")
    assert focus() == [names[1], "only"]
    tab.press("Enter")
    tab.until(lambda: tab.query.count("run=") == 1 and f"run={names[1]}" in tab.query)
    tab.press("ArrowRight")
    assert focus()[1].startswith("pin")
    tab.press("Enter")
    tab.until(lambda: f"pin={names[1]}" in tab.query)
    tab.check()


def test_a_chart_is_zoomed_moved_and_read_by_key(reader):
    tab = reader("/run?run=ppo-a&run=ppo-b&rest=false")
    chart = tab.page.locator(".st-key-curves .plot")
    name = chart.get_attribute("aria-label")
    assert "plus and minus zoom" in name
    assert "Reward (score)" in name
    chart.focus()
    low, high = tab.range()
    asked = tab.does(lambda: tab.press("+"))
    middle, width = (low + high) / 2, high - low
    assert asked["window"] == pytest.approx([middle - width / 4, middle + width / 4], rel=1e-3)
    said = tab.page.locator(".st-key-curves .said")
    assert said.inner_text().startswith("step ")
    tab.does(lambda: tab.press("ArrowRight"))
    assert tab.range() == pytest.approx([middle - width / 8, middle + 3 * width / 8], rel=1e-3)
    tab.does(lambda: tab.press("-"))
    assert tab.range()[1] == pytest.approx(high)
    tab.does(lambda: tab.press("+"))
    tab.does(lambda: tab.press("0"))
    assert tab.range() == pytest.approx([low, high])
    tab.press("Shift+ArrowRight")
    words = said.inner_text()
    assert words.startswith("step ")
    for run in ("ppo-a", "ppo-b"):
        assert f"Reward (score) {run}" in words
        assert f"Entropy {run}" in words
    tab.check()


def test_numbers_are_downloaded_by_key(reader):
    tab = reader("/drift?stream=deployed")
    button = tab.page.get_by_role("button", name="Download the numbers of fan as CSV")
    button.focus()
    with tab.page.expect_download() as begun:
        tab.press("Enter")
    assert begun.value.suggested_filename == "rewardboard-fan.csv"


def test_controls_above_a_chart_are_operated_by_key(reader):
    tab = reader("/run?run=ppo-a&rest=false")
    tab.page.locator(".st-key-x button").first.focus()
    tab.does(lambda: tab.press("ArrowRight", "Enter"))
    assert "x=time" in tab.query
    tab.page.get_by_role("combobox", name="Smoothing").focus()
    tab.does(lambda: tab.press("ArrowDown", "ArrowDown", "Enter"))
    assert "smooth=" in tab.query
    tab.page.get_by_role("button", name="View").focus()
    tab.press("Enter")
    tab.page.get_by_text("side by side").wait_for()
    tab.press("Escape")
    tab.until(lambda: not tab.page.get_by_text("side by side").is_visible())
    tab.check()
