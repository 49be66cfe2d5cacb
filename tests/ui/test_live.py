"""Pages that follow their data: a row shows, the zoom stays, silence sends nothing.

How soon a row shows is measured by `tests/benchmarks/bench_live.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.ui.conftest import Screen, Site, policy_rows, serve


def append(shown: Screen, run: str, step: int) -> None:
    row = policy_rows(run, step)[-1]
    with (shown.site.logs / run / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")


REACH = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.map(Number)"


def zoom(shown: Screen) -> list[float]:
    """Drag over the middle of the first panel; returns the steps that are then in view."""
    before = shown.page.evaluate(REACH)
    box = shown.page.locator(".js-plotly-plot").first.bounding_box()
    y = box["y"] + 80
    shown.page.mouse.move(box["x"] + 300, y)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 600, y, steps=5)
    shown.page.mouse.up()
    shown.until(lambda: shown.page.evaluate(REACH) != before)
    shown.page.wait_for_timeout(600)  # two presses in quick succession are a double click, which zooms out
    return shown.page.evaluate(REACH)


def test_a_flushed_row_shows_by_itself(screen):
    shown = screen().go("/run?run=ppo-a&rest=false")
    shown.until(lambda: shown.points() >= 140)
    for step in range(141, 146):
        before = shown.points()
        append(shown, "ppo-a", step)
        shown.until(lambda before=before: shown.points() > before)
        shown.page.wait_for_timeout(400)
    shown.check()


def test_the_zoom_stays_while_rows_arrive(screen):
    shown = screen().go("/run?run=ppo-a&rest=false")
    shown.until(lambda: shown.points() >= 140)
    zoomed = zoom(shown)
    append(shown, "ppo-a", 150)
    shown.page.wait_for_timeout(2000)
    assert shown.page.evaluate(REACH) == zoomed
    shown.check()


def test_a_zoom_brings_the_points_that_were_logged(screen):
    folder = screen().site.logs / "long-run"
    folder.mkdir(exist_ok=True)
    rows = ({"step": i, "reward": (i * 7919) % 1000 / 1000 + (9 if i == 12_345 else 0)} for i in range(40_000))
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = screen().go("/run?run=long-run&rest=false")
    shown.until(lambda: shown.points() > 1000, 15)
    held = "() => Math.max(...document.querySelector('.js-plotly-plot').calcdata.flat().map(p => p.y).filter(Number.isFinite))"
    assert shown.page.evaluate(held) > 9  # one point in 40,000
    counted = "() => document.querySelector('.chart .caption').textContent"
    assert "buckets" in shown.page.evaluate(counted)
    for _ in range(4):
        low, high = zoom(shown)
    shown.until(lambda: "each as logged" in shown.page.evaluate(counted))
    steps = "() => document.querySelector('.js-plotly-plot').calcdata[0].map(p => p.x)"
    seen = shown.page.evaluate(steps)
    assert seen == list(range(int(seen[0]), int(seen[-1]) + 1))
    assert low - 1 <= seen[0] <= seen[-1] <= high + 1
    shown.check()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Site]:
    """A server that nobody else writes to: rows and diagnoses of other tests' runs are news."""
    folder = tmp_path / "runs" / "ppo-b"
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in policy_rows("ppo-b", 140)))
    yield from serve(tmp_path, folder.parent, {"ppo-b"})


def test_a_page_without_news_sends_nothing(screen, alone):
    shown = screen(at=alone)
    received: list[int] = []
    asked: list[str] = []
    shown.page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(len(data))))
    shown.page.on("request", lambda request: asked.append(request.url))
    shown.go("/run?run=ppo-b")
    shown.until(lambda: shown.points() >= 140)
    settled = time.monotonic()
    while received or asked:  # a page asks once more whether anything came while it opened, some seconds later
        assert time.monotonic() - settled < 20, f"the page does not come to rest: {asked}"
        received.clear()
        asked.clear()
        shown.page.wait_for_timeout(4000)
    shown.page.wait_for_timeout(3000)
    assert (received, asked) == ([], [])


def test_parts_of_a_page_are_sent_whole_so_that_quick_clicks_cannot_lose_them(screen):
    shown, kinds, sizes = screen(), [], []

    def heard(data: bytes | str) -> None:
        if isinstance(data, bytes):
            kinds.append(ForwardMsg.FromString(data).WhichOneof("type"))
            sizes.append(len(data))

    shown.page.on("websocket", lambda ws: ws.on("framereceived", heard))
    shown.go("/run?run=ppo-a&rest=false")
    for _ in range(4):
        shown.page.locator(".runs .run input").nth(1).click()
        shown.page.wait_for_timeout(150)
    shown.settle()
    assert kinds.count("script_finished") >= 2
    assert max(sizes) > 10_000  # as large as what Streamlit would send by its name alone
    assert "ref_hash" not in kinds
    shown.check()


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
