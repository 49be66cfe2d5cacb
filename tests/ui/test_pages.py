"""Every page is drawn with data and without a failure; both themes and widths are in `stories/test_every_page.py`."""

from __future__ import annotations

import pytest

PAGES = {
    "/": 0,
    "/run?run=ppo-a&run=ppo-b": 6,
    "/run?run=rm-tb&smooth=10": 3,
    "/reward-models?scorer=rm-scored": 3,
    "/compare": 0,
    "/drift?stream=deployed": 4,
    "/losses": 12,
    "/data": 0,
}
"""Pages, and how many curves of more than ten points each must draw."""


@pytest.mark.parametrize("path", PAGES)
def test_page(screen, path):
    shown = screen().go(path)
    if PAGES[path]:
        shown.until(lambda: shown.curves() >= PAGES[path])
    shown.check()


def test_figures_take_the_width_they_have_and_follow_the_window(screen):
    shown = screen().go("/reward-models?scorer=rm-scored")
    shown.until(lambda: shown.curves() > 2)

    def spare() -> float:
        return shown.page.evaluate(
            "() => Math.max(...[...document.querySelectorAll('.js-plotly-plot')].map(plot =>"
            " Math.abs(plot.getBoundingClientRect().width - plot.querySelector('.main-svg').getBoundingClientRect().width)))"
        )

    shown.until(lambda: spare() <= 2)
    shown.page.set_viewport_size({"width": 1000, "height": 900})
    shown.page.wait_for_timeout(500)
    shown.until(lambda: spare() <= 2)
    shown.check()


def test_no_button_sends_data_elsewhere(screen):
    shown = screen().go("/run?run=ppo-a")
    shown.until(lambda: shown.curves() > 3)
    titles = shown.page.evaluate(
        "() => [...document.querySelectorAll('.modebar-btn')].map(b => b.getAttribute('data-title'))"
    )
    assert titles
    assert not [title for title in titles if "loud" in title or "hart studio" in title.lower() or "hare" in title]


def ground(shown) -> tuple[int, ...]:
    colour = shown.page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    return tuple(int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])


@pytest.mark.parametrize(("scheme", "colour"), [("light", (255, 255, 255)), ("dark", (14, 17, 23))])
def test_both_themes_are_ours_and_figures_follow(screen, scheme, colour):
    shown = screen(scheme).go("/run?run=ppo-a")
    shown.until(lambda: shown.curves() > 3)
    assert ground(shown) == colour
    text = shown.page.evaluate("() => document.querySelector('.js-plotly-plot')._fullLayout.font.color")
    assert text == {"light": "#1F2328", "dark": "#E6EDF3"}[scheme]


def test_the_frame_is_ours(screen):
    shown = screen().go("/")
    assert shown.page.title().startswith(("Rewardboard", "Overview"))
    for part in ("stAppDeployButton", "stMainMenu"):
        assert not shown.page.locator(f'[data-testid="{part}"]').is_visible()
    width = shown.page.evaluate("() => document.querySelector('.stMainBlockContainer').getBoundingClientRect().width")
    assert width <= 1400


def test_real_logs_draw(screen, site):
    if not (site.logs / "ppo-97ed").exists():
        pytest.skip("needs the real logs of labelled_runs, which are not part of the project")
    shown = screen().go("/run?run=ppo-97ed")
    shown.until(lambda: shown.curves() >= 6)
    shown.check()
    assert "nats per" in shown.page.locator(".js-plotly-plot").first.text_content()


def test_the_menu_leads_everywhere(screen):
    shown = screen().go("/")
    for name, question in {
        "Run": "What is wrong with this run",
        "Reward models": "Can this reward model be trusted",
        "Compare": "Which of these models is better",
        "Drift": "Did rewards drift",
        "Losses": "What does each loss penalise",
        "Data": "What was read",
        "Overview": "Which runs need me",
    }.items():
        shown.page.get_by_test_id("stSidebarNav").get_by_text(name, exact=True).click()
        shown.page.wait_for_selector(f"h1:has-text('{question}')")
        shown.settle()
        shown.check()


def test_the_address_holds_the_state(screen):
    path = "/run?run=ppo-b&run=ppo-a&x=KL&smooth=20"
    shown = screen().go(path)
    shown.until(lambda: shown.curves() >= 3)

    def state() -> tuple[list[str], str, str]:
        page = shown.page
        tags = page.locator('[data-testid="stMultiSelect"]').first.locator('[data-baseweb="tag"], [data-tag]')
        axis = page.evaluate("() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.title.text")
        return page.url, tags.all_inner_texts(), axis

    before = state()
    assert "KL to reference" in before[2]
    assert "20 points" in before[2]
    shown.page.reload()
    shown.settle()
    shown.until(lambda: shown.curves() >= 3)
    assert state() == before


def test_a_choice_goes_into_the_address(screen):
    shown = screen().go("/run?run=ppo-a")
    shown.page.get_by_text("KL", exact=True).first.click()
    shown.until(lambda: "x=KL" in shown.page.url)
    again = screen().go(shown.page.url.removeprefix(shown.site.url))
    again.until(lambda: again.curves() > 0 or again.points() > 0)
    axis = again.page.evaluate("() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.title.text")
    assert axis.startswith("KL to reference")


def test_the_cursor_runs_through_all_panels(screen):
    shown = screen().go("/run?run=ppo-a")
    shown.until(lambda: shown.curves() > 3)
    box = shown.page.locator(".js-plotly-plot").first.bounding_box()
    shown.page.mouse.move(box["x"] + 400, box["y"] + 80)
    shown.page.wait_for_selector(".hoverlayer .legendtext")
    texts = " ".join(shown.page.locator(".hoverlayer .legendtext").all_text_contents())
    assert "Reward" in texts
    assert "KL" in texts


def test_sql_refuses_to_write(screen):
    shown = screen().go("/data")
    page = shown.page
    area = page.locator('[data-testid="stTextArea"] textarea')
    area.fill("DELETE FROM runs")
    page.get_by_role("button", name="Run the query").click()
    box = page.locator('[data-testid="stAlertContentError"]')
    box.wait_for()
    assert "SELECT" in box.inner_text()
    area.fill("SELECT count(*) AS n FROM runs")
    page.get_by_role("button", name="Run the query").click()
    page.wait_for_selector("text=1 row")
    shown.until(lambda: box.count() == 0)
