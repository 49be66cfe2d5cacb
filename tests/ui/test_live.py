"""Pages that follow their data: a row shows within two seconds, the zoom stays, silence sends nothing."""

from __future__ import annotations

import json
import time

from tests.ui.conftest import Screen, policy_rows


def append(shown: Screen, run: str, step: int) -> None:
    row = policy_rows(run, step)[-1]
    with (shown.site.logs / run / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


def test_a_flushed_row_shows_within_two_seconds_and_the_zoom_stays(screen):
    shown = screen().go("/run?run=ppo-a")
    shown.until(lambda: shown.points() >= 140)
    box = shown.page.locator(".js-plotly-plot").first.bounding_box()
    y = box["y"] + 80
    shown.page.mouse.move(box["x"] + 300, y)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 800, y, steps=5)
    shown.page.mouse.up()
    reach = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.map(Number)"
    shown.until(lambda: shown.page.evaluate(reach)[0] > 10)
    zoomed = shown.page.evaluate(reach)
    took = []
    for step in range(141, 146):
        before = shown.points()
        append(shown, "ppo-a", step)
        took.append(shown.until(lambda before=before: shown.points() > before))
        shown.page.wait_for_timeout(400)
    assert max(took) < 2.0, took
    assert shown.page.evaluate(reach) == zoomed
    shown.check()


def test_a_page_without_news_sends_nothing(screen):
    shown = screen()
    received: list[int] = []
    shown.page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(len(data))))
    shown.go("/run?run=ppo-b")
    shown.until(lambda: shown.points() >= 140)
    shown.page.wait_for_timeout(1500)
    received.clear()
    shown.page.wait_for_timeout(3000)
    assert sum(received) < 10_000  # the watcher's own start and end, if that; no figure and no table


def test_news_of_another_run_does_not_disturb(screen):
    shown = screen()
    received: list[int] = []
    shown.page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(len(data))))
    shown.go("/run?run=rm-tb")
    shown.until(lambda: shown.points() >= 100)
    shown.page.wait_for_timeout(1500)
    received.clear()
    append(shown, "ppo-b", 141)
    shown.page.wait_for_timeout(2500)
    assert sum(received) < 10_000


def test_a_new_run_appears_on_the_overview(screen):
    shown = screen().go("/")
    runs = shown.page.locator(".st-key-verdict").inner_text()
    folder = shown.site.logs / f"ppo-new-{time.time_ns()}"
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in policy_rows("x", 20)))
    shown.until(lambda: shown.page.locator(".st-key-verdict").inner_text() != runs, 5)
    shown.check()
