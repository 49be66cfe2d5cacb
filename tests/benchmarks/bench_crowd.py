"""Ten browsers on one server while a hundred runs are written to.

    python -m tests.benchmarks.bench_crowd [--minutes 30] [--browsers 10]

Each window stands on a page of its own and is used every few seconds (another run, a metric search, a zoom, back).
Prints what the server says it took for requests and for runs of the page's script (`/api/health`), what the windows saw
(from the question to the last message of its answer: on one machine with them that is their own waiting for a core
too), its memory by minute, and every error that a window or the server told.

Memory settles in some 25 minutes: DuckDB notes each block that a query let go of, and looks through these notes only
when there are 32,768 of them, in each of six queues (`duckdb_eviction_queues()`; 40 MB in all; after 1,300 polls the last is full).
So what grows is read from the five minutes after.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Error, Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.bench_live import FLAGS, append

RUNS, ROWS = 100, 200
PAGES = ["/", "/run", "/run?run=run-050", "/run?run=run-003&x=KL", "/data", "/reward-models", "/drift"]
SCORED = 500
SETTLED = 25
"""Minutes of ten windows after which DuckDB's own notes no longer grow."""


@dataclass
class Watch:
    """What windows asked and heard: seconds by kind, and errors."""

    requests: list[float] = field(default_factory=list)
    scripts: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        """Listen to one window."""
        asked: list[float] = []

        def sent(data: str | bytes) -> None:
            if isinstance(data, bytes) and BackMsg.FromString(data).WhichOneof("type") == "rerun_script":
                asked.append(time.perf_counter())

        def heard(data: str | bytes) -> None:
            if (
                isinstance(data, bytes)
                and ForwardMsg.FromString(data).WhichOneof("type") == "script_finished"
                and asked
            ):
                self.scripts.append(time.perf_counter() - asked.pop(0))
                asked.clear()  # questions that came meanwhile were answered together

        def socket(found: Any) -> None:
            if "_stcore" in found.url:
                found.on("framesent", sent)
                found.on("framereceived", heard)

        def finished(request: Any) -> None:
            if "/page/" in request.url:
                timing = request.timing
                self.requests.append((timing["responseStart"] - timing["requestStart"]) / 1000)

        page.on("websocket", socket)
        page.on("requestfinished", finished)
        page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        page.on("console", lambda said: self.errors.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("response", lambda r: self.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)


def write_scores(folder: Path) -> None:
    """A scored preference set and a scored stream, so that no page is empty."""
    rng = np.random.default_rng(0)
    (folder / "rm").mkdir(parents=True)
    rows = [
        {"pair_id": i, "category": "ab"[i % 2], "chosen_score": float(a), "rejected_score": float(b)}
        for i, (a, b) in enumerate(rng.normal((0.8, 0), size=(SCORED, 2)))
    ]
    (folder / "rm" / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "deployed").mkdir()
    (folder / "deployed" / "traffic.csv").write_text(
        "timestamp,prompt_id,category,score,length,model_version\n"
        + "".join(
            f"2026-10-{1 + i // 100:02d}T12:00:00,p{i},{'ab'[i % 2]},{rng.normal():.4f},{50 + i % 90},v1\n"
            for i in range(2500)
        )
    )


def use(page: Page, rng: random.Random) -> None:
    """Do one of the things that people do on the page that is open."""
    acts: list[Callable[[], Any]] = [lambda: page.mouse.wheel(0, rng.choice([-600, 600]))]
    if "/run" in page.url:
        acts += [
            lambda: page.locator(".runs .run input").nth(rng.randrange(6)).click(timeout=2000),
            lambda: page.get_by_placeholder("regular expression", exact=True).fill(rng.choice(["kl", "loss", ""])),
            lambda: page.keyboard.press("Enter"),
            lambda: drag(page),
            lambda: page.locator(".js-plotly-plot").first.dblclick(position={"x": 200, "y": 80}, timeout=2000),
        ]
    try:
        rng.choice(acts)()
    except Error as error:
        if "Timeout" not in str(error):  # what is just being drawn anew can't be clicked; people try again
            raise


def drag(page: Page) -> None:
    """Zoom into the first panel."""
    box = page.locator(".js-plotly-plot").first.bounding_box(timeout=2000)
    if box:
        page.mouse.move(box["x"] + 200, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, box["y"] + 80, steps=4)
        page.mouse.up()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=SETTLED + 5)
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--port", type=int, default=8643)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work, "logs")
        logs = [folder / f"run-{i:03d}" / "metrics.jsonl" for i in range(RUNS)]
        for path in logs:
            path.parent.mkdir(parents=True)
            for step in range(ROWS):
                append(path, step)
        write_scores(folder)
        said = Path(work, "server.log")
        with said.open("w") as log:
            command = [sys.executable, "-m", "analysis.cli", "serve", str(folder), "--port", str(options.port)]
            server = subprocess.Popen(
                [*command, "--no-browser", "--db", f"{work}/crowd.duckdb"], stderr=log, start_new_session=True
            )
        put_first(server)
        stop = threading.Event()

        def write() -> None:
            step = ROWS
            while not stop.wait(1.0):
                for path in logs:
                    append(path, step)
                step += 1

        try:
            crowd(options, server, threading.Thread(target=write, daemon=True))
        finally:
            stop.set()
            server.terminate()
            server.wait(15)
        told = [line for line in said.read_text().splitlines() if "Rewardboard at" not in line]
        print(f"server's log: {len(told)} lines", *told[:5], sep="\n  ")


def put_first(server: subprocess.Popen[bytes]) -> None:
    """In life the windows stand on other machines; here the server goes before them, and before what else runs.

    Where Linux shares cores between sessions first, the priority of a process counts inside its own session only.
    """
    with suppress(psutil.AccessDenied):
        psutil.Process(server.pid).nice(-15)
    with suppress(OSError):
        Path(f"/proc/{server.pid}/autogroup").write_text("-15")


def crowd(options: argparse.Namespace, server: subprocess.Popen[bytes], writer: threading.Thread) -> None:
    """Open the windows, use them, and print what they saw."""
    url, watch, rng = f"http://127.0.0.1:{options.port}", Watch(), random.Random(0)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/api/health", timeout=1)
            break
        except OSError:
            time.sleep(0.1)
    time.sleep(3)
    process, memory = psutil.Process(server.pid), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        windows = [
            browser.new_context(viewport={"width": 1400, "height": 900}).new_page() for _ in range(options.browsers)
        ]
        for place, page in enumerate(windows):
            watch.on(page)
            page.goto(url + PAGES[place % len(PAGES)])
            page.wait_for_selector("h1", timeout=60_000)
        writer.start()
        begun, used = time.perf_counter(), sum(process.cpu_times()[:2])
        watch.requests.clear(), watch.scripts.clear()
        while (now := time.perf_counter() - begun) < 60 * options.minutes:
            use(rng.choice(windows), rng)
            memory.append((now / 60, process.memory_info().rss / 1e6))
            windows[0].wait_for_timeout(700)
        busy = (sum(process.cpu_times()[:2]) - used) / (time.perf_counter() - begun)
        health = json.load(urllib.request.urlopen(f"{url}/api/health"))
        browser.close()
    for kind, took in health["seconds"].items():
        print(
            f"server: {kind:8} newest {took['n']:,}: p50 {took['p50']:.3f}, p95 {took['p95']:.3f}, p99 {took['p99']:.3f} s"
        )
    print(f"server: {100 * busy:.0f} % of a core")
    for name, times in (("windows: requests", watch.requests), ("windows: scripts", watch.scripts)):
        p50, p95, p99 = np.percentile(times, [50, 95, 99]) if times else (np.nan,) * 3
        print(f"{name:18} {len(times):6,}: median {p50:.3f} s, p95 {p95:.3f} s, p99 {p99:.3f} s")
    minutes, sizes = np.array(memory).T
    by_minute = [sizes[(minutes >= m) & (minutes < m + 1)].mean() for m in range(int(np.ceil(options.minutes)))]
    print("server memory by minute, MB: " + " ".join(f"{size:.0f}" for size in by_minute))
    late = minutes > max(options.minutes - 5, options.minutes / 3)
    growth = np.polyfit(minutes[late], sizes[late], 1)[0]
    print(f"growth from minute {minutes[late][0]:.0f} on: {growth:.1f} MB a minute")
    print(f"errors: {len(watch.errors)}", *watch.errors[:10], sep="\n  ")


if __name__ == "__main__":
    main()
