"""The Overview as its readers use it: find runs, open one or several, come back to the same view, watch them grow."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.generate import rows, write_many, write_run
from tests.ui.conftest import Screen, Site, serve

RUNS = 120


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Iterator[Site]:
    """A server that follows 120 runs of four projects, three of them being written."""
    root = tmp_path_factory.mktemp("many")
    write_many(root / "runs", RUNS, steps=30)
    # diagnosed as well: a verdict that comes later moves its run to the top, as it should
    yield from serve(root, root / "runs", {f"{f.parent.name}/{f.name}" for f in (root / "runs").glob("*/*")})


@pytest.fixture
def overview(screen, many):
    """The page, drawn; with an address behind it and a width."""

    def opened(path: str = "/", **window) -> Screen:
        shown = screen(at=many, **window)
        shown.page.goto(many.url + path)
        shown.page.wait_for_selector(".overview tbody tr, .overview .empty:not([hidden])", timeout=30_000)
        shown.until(lambda: number(shown)[1] == RUNS, 30)
        shown.settle()
        return shown

    return opened


def number(shown: Screen) -> tuple[int, int]:
    """Runs that match, and all."""
    found = [int(n.replace(",", "")) for n in re.findall(r"[\d,]+", shown.page.text_content(".overview .count"))]
    return (found[0], found[-1]) if found else (0, 0)


def names(shown: Screen) -> list[str]:
    return shown.page.locator(".overview tbody tr .name a").all_inner_texts()


def row(shown: Screen, place: int = 0):
    return shown.page.locator(".overview tbody tr").nth(place)


def address(shown: Screen) -> str:
    return shown.page.url.removeprefix(shown.site.url)


def fits(shown: Screen) -> None:
    """What is listed matches and is told: count, rows for a screen reader."""
    listed = int(shown.page.get_attribute(".overview table", "aria-rowcount")) - 1
    assert listed >= len(names(shown)) > 0


# -- what stands there


def test_the_verdict_comes_first_and_how_far_the_diagnosis_is_once(overview):
    shown = overview()
    text = shown.page.inner_text('[data-testid="stMain"]')
    assert re.search(r"\d+ of 120 runs need you: .*crashed", text)
    assert len(re.findall(r"\d+ runs? diagnosed", text)) == 1
    assert text.index("need you") < text.index("newest row")
    shown.check()


def test_those_that_need_somebody_stand_on_top_and_the_rest_folds(overview):
    shown = overview()
    needs = shown.page.locator(".overview tbody .need").all_inner_texts()
    assert {"!! crashed", "! stalled"} <= set(needs)
    assert needs == sorted(needs, key=lambda text: -text.count("!"))
    assert needs[0].startswith("!!")
    said = re.search(r"(\d+) of 120 runs need you", shown.page.inner_text('[data-testid="stMain"]'))
    assert sum("!" in text for text in needs) == min(int(said[1]), len(needs))
    more = shown.page.locator(".overview .more")
    folded = int(re.search(r"\d+", more.inner_text())[0])
    before = int(shown.page.get_attribute(".overview table", "aria-rowcount")) - 1
    assert before + folded == RUNS
    more.click()
    assert int(shown.page.get_attribute(".overview table", "aria-rowcount")) == RUNS + 1
    shown.until(lambda: "all=true" in shown.page.url)
    shown.check()


def test_only_rows_in_view_are_in_the_document_and_scrolling_brings_the_others(overview):
    shown = overview("/?all=true")
    assert len(names(shown)) < 60
    last = row(shown, -1).get_attribute("aria-rowindex")
    shown.page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, main.scrollHeight)")
    shown.until(lambda: int(row(shown, -1).get_attribute("aria-rowindex")) == RUNS + 1)
    assert int(last) < RUNS
    shown.check()


def test_a_window_that_grows_shows_more_rows(overview):
    shown = overview("/?all=true", width=1400)
    before = len(names(shown))
    shown.page.set_viewport_size({"width": 1400, "height": 3000})
    shown.until(lambda: len(names(shown)) > before + 20)
    shown.check()


@pytest.fixture(scope="module")
def long_named(tmp_path_factory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("long")
    for i in range(3):
        write_run(root / "runs" / f"a-policy-with-{'large-' * 28}{i}", i)
    broken = [
        {"step": i, "objective/kl": 5.0 + i % 3, "objective/entropy": -20.0 if i > 9 else 20.0} for i in range(60)
    ]
    (root / "runs" / f"a-log-that-contradicts-itself-{'and-' * 40}").mkdir()
    (root / "runs" / f"a-log-that-contradicts-itself-{'and-' * 40}" / "metrics.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in broken)
    )
    yield from serve(root, root / "runs")


@pytest.mark.parametrize("width", [1400, 1000, 800])
def test_long_names_stay_in_their_rows(screen, long_named, width):
    shown = screen(at=long_named, width=width)
    shown.page.goto(shown.site.url)
    shown.page.wait_for_selector(".overview tbody tr", timeout=30_000)
    shown.settle()
    shown.until(lambda: all(shown.page.locator(".overview tbody .wrong").all_inner_texts()), 60)  # all are diagnosed
    assert shown.page.locator(".overview tbody .wrong b").count() > 0
    below = """rows => rows.flatMap(row => [...row.querySelectorAll('.name a, .name .sub, .wrong, .reward, .kl, .seen')]
        .filter(part => part.offsetParent && part.textContent)
        .map(part => part.getBoundingClientRect().bottom - row.getBoundingClientRect().bottom))"""
    assert max(shown.page.locator(".overview tbody tr").evaluate_all(below)) <= 0.5
    shown.check()


def test_curves_are_drawn_with_words_for_those_who_do_not_see_them(overview):
    shown = overview()
    curves = shown.page.locator(".overview tbody svg[role=img]")
    assert curves.count() > 20
    assert re.search(r": from .* to .*, last ", curves.first.get_attribute("aria-label"))
    assert all(
        "L" in path
        for path in shown.page.eval_on_selector_all(
            ".overview svg path[fill=none]:not(.bad)", "all => all.map(p => p.getAttribute('d'))"
        )
    )


# -- opening


def test_a_click_opens_the_run_in_the_same_tab_without_loading_anew(overview):
    shown = overview()
    name = names(shown)[1]
    shown.page.evaluate("() => { window.kept = true; }")
    row(shown, 1).locator(".wrong").click(force=True)  # anywhere in the row
    shown.page.wait_for_selector("h1:has-text('What is')")
    shown.settle()
    assert address(shown).startswith("/run?run=")
    assert name.rsplit("/", 1)[-1] in address(shown)
    assert shown.page.evaluate("() => window.kept") is True
    assert len(shown.page.context.pages) == 1
    shown.check()


def test_the_way_back_leads_to_the_same_view(overview):
    shown = overview("/?find=ppo&sort=name")
    before = names(shown)
    row(shown).locator("a").click()
    shown.page.wait_for_selector("h1:has-text('What is')")
    shown.settle()
    shown.page.go_back()
    shown.page.wait_for_selector(".overview tbody tr")
    shown.until(lambda: names(shown) == before)
    assert "find=ppo" in shown.page.url
    shown.check()


def test_a_run_is_opened_with_the_keyboard_alone(overview):
    shown = overview()
    shown.page.focus(".overview .find")
    target = names(shown)[2]
    for _ in range(60):
        shown.page.keyboard.press("Tab")
        if shown.page.evaluate("() => document.activeElement.textContent") == target:
            break
    else:
        raise AssertionError("Tab does not lead to the run")
    outline = row(shown, 2).evaluate("row => getComputedStyle(row).outlineStyle")
    assert outline == "solid"  # the focus is seen
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_selector("h1:has-text('What is')")
    shown.check()


def test_the_browsers_own_ways_to_a_new_tab_stay(overview):
    shown = overview()
    for button, modifiers in (("left", ["Control"]), ("middle", [])):
        with shown.page.context.expect_page() as opened:
            row(shown).locator("a").click(button=button, modifiers=modifiers)
        assert "/run?run=" in opened.value.url
        opened.value.close()
    assert address(shown) == "/"


def test_ticked_runs_are_opened_together_and_keep_their_colours(overview):
    shown = overview()
    for place in (0, 2, 3):
        row(shown, place).locator("input").check()
    together = shown.page.locator(".overview .together")
    assert together.inner_text() == "Open 3 runs together"
    assert together.get_attribute("href").count("run=") == 3
    shown.until(lambda: all(row(shown, place).locator(".mark line").count() for place in (0, 2, 3)))
    colours = "all => Object.fromEntries(all.map(r => [(r.querySelector('a') ?? r.querySelector('.name')).textContent, r.querySelector('.mark line')?.getAttribute('stroke')]))"
    here = shown.page.eval_on_selector_all(".overview tbody tr", colours)
    together.click()
    shown.page.wait_for_selector("h1:has-text('What is')")
    shown.page.wait_for_selector(".runs .run .mark line", state="attached")
    shown.settle()
    there = shown.page.eval_on_selector_all(".runs .run:has(.mark line)", colours)
    assert len(there) == 3
    assert there == {name: here[name] for name in there}
    shown.check()


def test_all_that_match_are_ticked_at_once_and_unticked(overview):
    shown = overview("/?find=seed2")
    matching, _ = number(shown)
    shown.page.locator(".overview .bar input").check()
    shown.page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, main.scrollHeight)")
    assert shown.page.inner_text(".overview .together") == f"Open {matching} runs together"
    shown.page.get_by_text("Untick").click()
    assert shown.page.locator(".overview tbody input:checked").count() == 0
    assert not shown.page.locator(".overview .together").is_visible()


# -- finding and sorting


def test_a_filter_leads_into_the_address_and_back(overview):
    shown = overview()
    shown.page.fill(".overview .find", "grpo.*seed[01]")
    shown.page.select_option('.overview select[aria-label="Project"]', "project-1")
    shown.page.locator(".overview th.name button").click()
    shown.until(lambda: all(part in shown.page.url for part in ("find=", "project=project-1", "sort=name")))
    before = (number(shown), names(shown), shown.page.url)
    assert 0 < before[0][0] < RUNS
    assert before[1] == sorted(before[1])
    assert all("grpo" in name for name in before[1])
    shown.page.reload()
    shown.page.wait_for_selector(".overview tbody tr")
    shown.until(lambda: (number(shown), names(shown), shown.page.url) == before)
    assert shown.page.input_value(".overview .find") == "grpo.*seed[01]"
    shown.check()


def test_a_link_brings_the_same_view_to_somebody_else(overview):
    one = overview("/?state=crashed&sort=-reward")
    other = overview(address(one))
    assert names(other) == names(one)
    assert set(other.page.locator(".overview tbody .state").all_inner_texts()) == {"✕ crashed"}


def test_columns_are_sorted_with_the_keyboard_and_say_so(overview):
    shown = overview("/?all=true")
    head = shown.page.locator(".overview th.seen")
    assert head.get_attribute("aria-sort") == "none"
    head.locator("button").focus()
    shown.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    newest = shown.page.locator(".overview tbody .seen span").all_inner_texts()
    assert newest[0].endswith("s ago")
    shown.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown.page.locator(".overview tbody .seen span").first.inner_text().endswith("d ago")
    assert shown.page.locator('.overview th[aria-sort]:not([aria-sort="none"])').count() == 1
    shown.check()


def test_a_filter_without_a_match_says_so_and_is_cleared(overview):
    shown = overview("/?find=nobody")
    empty = shown.page.locator(".overview .empty")
    assert "No run matches" in empty.inner_text()
    empty.get_by_role("button").click()
    assert number(shown) == (RUNS, RUNS)
    shown.until(lambda: "find" not in shown.page.url)
    shown.check()


def test_what_is_no_regular_expression_is_searched_for_as_text(overview):
    shown = overview()
    shown.page.fill(".overview .find", "seed1(")
    assert shown.page.locator(".overview .hint").is_visible()
    shown.check()


# -- growing


def append(site: Site, run: int, step: int, folder: str = "project-0/grpo-0000-lr1e-6-seed0") -> None:
    """One more row for a run that is being written."""
    last = list(rows(run, step, until=time.time()))[-1]
    with (site.logs / folder / "metrics.jsonl").open("a") as log:
        log.write(json.dumps(last) + "\n")


WHERE = """() => [document.querySelector('[data-testid=stMain]').scrollTop, document.activeElement.textContent,
    document.querySelectorAll('.overview tbody input:checked').length, document.querySelector('.overview .find').value]"""


def test_growth_keeps_scroll_ticks_focus_and_the_filter(overview):
    shown = overview("/?find=project-0&all=true")
    page = shown.page
    page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTo(0, 300)")
    target = page.locator(".overview tbody tr", has_text="grpo-0036")
    target.locator("input").check()
    target.locator("a").focus()
    shown.settle()
    before = (page.evaluate(WHERE), names(shown))
    assert before[0][0] > 0
    for step in range(31, 34):
        append(shown.site, 0, step)
        write_run(shown.site.logs / "project-0" / "grpo-0036-lr2e-6-seed0", 36, steps=step)
        shown.until(lambda: "writing" in target.locator(".seen").inner_text(), 8)
        page.wait_for_timeout(1200)
    assert (page.evaluate(WHERE), names(shown)) == before
    assert page.inner_text(".overview .together") == "Open 1 run"
    shown.check()


def test_only_the_row_that_changed_is_drawn_anew(overview):
    shown = overview("/?find=-000")
    page = shown.page
    page.wait_for_timeout(1500)
    page.evaluate(
        """() => { window.changed = new Set();
             const near = (node, what) => (node.closest ? node : node.parentElement).closest(what);
             new MutationObserver(all => all.forEach(m => {
               const cell = near(m.target, 'td, th');
               if (cell && !cell.classList.contains('seen')) window.changed.add(near(cell, 'tr').dataset.run);
             })).observe(document.querySelector('.overview tbody'), {subtree: true, childList: true}); }"""
    )
    append(shown.site, 1, 40, "project-1/ppo-0001-lr2e-6-seed1")
    shown.until(lambda: page.evaluate("() => window.changed.size") > 0, 8)
    page.wait_for_timeout(1500)
    assert page.evaluate("() => [...window.changed]") == ["project-1/ppo-0001-lr2e-6-seed1"]


def test_a_new_run_joins_the_list_and_one_that_is_deleted_leaves_it(overview):
    from analysis.remote import find_server

    shown = overview("/?sort=-seen")
    name = f"late-{time.time_ns()}"
    path = write_run(shown.site.logs / "project-0" / name, 5, steps=20)
    try:
        shown.until(lambda: any(name in found for found in names(shown)), 20)  # folders are searched rarely
        assert number(shown)[1] == RUNS + 1
    finally:
        path.unlink()
        path.parent.rmdir()
        find_server(shown.site.logs.parent / "store.duckdb").delete(f"project-0/{name}")
    shown.until(lambda: number(shown)[1] == RUNS, 8)
    assert not any(name in found for found in names(shown))
    shown.check()


def test_a_page_at_rest_sends_nothing(overview):
    shown = overview()
    asked, received = [], []
    shown.page.wait_for_timeout(2500)
    shown.page.on("request", lambda request: asked.append(request.url))
    shown.page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(data)))
    shown.page.wait_for_timeout(3000)
    assert (asked, received) == ([], [])


def test_a_list_that_can_not_be_fetched_says_so_and_tries_again(overview):
    shown = overview()
    page = shown.page
    page.route("**/page/overview", lambda route: route.fulfill(status=500, json={"what": "the disk is full"}))
    append(shown.site, 2, 50, "project-2/dpo-0002-lr3e-6-seed2")
    failed = page.locator(".overview .failed")
    failed.wait_for(timeout=8000)
    assert "the disk is full" in failed.inner_text()
    assert len(names(shown)) > 10  # what was drawn stays
    page.unroute("**/page/overview")
    failed.get_by_role("button", name="Try again").click()
    failed.wait_for(state="hidden")


# -- for every eye


@pytest.mark.parametrize("width", [1400, 1000, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_reads_in_every_width_and_theme(overview, scheme, width):
    shown = overview(scheme=scheme, width=width)
    shown.check()
    fits(shown)
    over = shown.page.eval_on_selector_all(
        ".overview tbody tr",
        """rows => rows.flatMap(r => { const box = r.getBoundingClientRect();
             return [...r.querySelectorAll('td, th')].filter(c => { const b = c.getBoundingClientRect();
               return b.width && (b.right > box.right + 1 || b.left < box.left - 1 || b.bottom > box.bottom + 2); })
             .map(c => c.className); })""",
    )
    assert over == []


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_reaches_its_contrast(overview, scheme):
    shown = overview(scheme=scheme)
    found = shown.page.evaluate(
        """() => [...document.querySelectorAll('.overview *')].filter(e => e.offsetParent && [...e.childNodes].some(
               n => n.nodeType === 3 && n.textContent.trim())).map(e => {
             let ground = e;
             while (ground && getComputedStyle(ground).backgroundColor.endsWith(', 0)')) ground = ground.parentElement;
             return [e.className || e.tagName, getComputedStyle(e).color, getComputedStyle(ground).backgroundColor]; })"""
    )
    for what, *colours in found:
        text, ground = (luminance(tuple(float(v) for v in re.findall(r"[\d.]+", c)[:3])) for c in colours)
        ratio = (max(text, ground) + 0.05) / (min(text, ground) + 0.05)
        assert ratio >= 4.5, (what, colours, ratio)
