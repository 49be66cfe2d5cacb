"""From event files that were never read to a line in the browser: Rewardboard beside TensorBoard, in one run.

    python -m tests.benchmarks.bench_first_chart [--runs 100] [--repeat 3] [--only rewardboard]

Writes runs of 20 tags x 1,000 steps, starts each server as a new process (t = 0), opens its page in one headless
Chromium as soon as it answers, and takes the time until a chart in the window has a line, until every run is listed and
nothing is loading any more, and the memory of the server and of the tab. For Rewardboard also: another metric, one
run on and off, and what an untouched page costs. Ratios are what counts: machines are noisy.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import google_crc32c
import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.bench_live import FLAGS

TAGS = [
    "objective/kl", "objective/entropy", "objective/non_score_reward", "objective/rlhf_reward", "objective/scores",
    "policy/approxkl_avg", "policy/clipfrac_avg", "policy/entropy_avg", "policy/grad_norm", "loss/policy_avg",
    "loss/value_avg", "val/clipfrac_avg", "val/ratio", "val/ratio_var", "val/num_eos_tokens",
    "val/explained_variance", "tokens/mean_length", "eps", "lr", "episode",
]  # fmt: skip
STEPS, DISTINCT = 1000, 20
"""Runs beyond the first `DISTINCT` repeat their bytes: encoding is slow in Python, and reading does not care."""


def record(payload: bytes) -> bytes:
    """One TFRecord."""

    def masked(data: bytes) -> bytes:
        crc = google_crc32c.value(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def varint(value: int) -> bytes:
    """Protocol buffers' variable-length integer."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def events(seed: int) -> bytes:
    """An event file of random walks, one record a value, as torch's SummaryWriter writes them."""
    walks = np.random.default_rng(seed).normal(size=(STEPS, len(TAGS))).cumsum(axis=0)
    parts = [record(b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2")]
    for step in range(1, STEPS + 1):
        head = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step)
        for tag, value in zip(TAGS, walks[step - 1], strict=True):
            inner = b"\x0a" + varint(len(tag)) + tag.encode() + b"\x15" + struct.pack("<f", value)
            summary = b"\x0a" + varint(len(inner)) + inner
            parts.append(record(head + b"\x2a" + varint(len(summary)) + summary))
    return b"".join(parts)


def write_runs(folder: Path, runs: int) -> None:
    """`runs` folders with one event file each."""
    files = [events(seed) for seed in range(min(runs, DISTINCT))]
    for i in range(runs):
        path = folder / f"run_{i:04d}" / f"events.out.tfevents.{1_700_000_000 + i}.host"
        path.parent.mkdir(parents=True)
        path.write_bytes(files[i % len(files)])


@dataclass(frozen=True)
class Tool:
    """A server: its command, the page to open, and scripts that tell whether a line is drawn and all is there."""

    name: str
    command: Callable[[Path, int, Path], list[str]]
    path: str
    drawn: str
    complete: str
    nudge: str = ""


TENSORBOARD = Tool(
    "tensorboard",
    lambda logs, port, _: [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port", str(port)],
    "/",
    """() => { const canvas = document.querySelector('scalar-card .series-view canvas');
         if (!canvas || !canvas.width) return false;
         const copy = document.createElement('canvas'); copy.width = canvas.width; copy.height = canvas.height;
         const context = copy.getContext('2d', {willReadFrequently: true}); context.drawImage(canvas, 0, 0);
         const data = context.getImageData(0, 0, copy.width, copy.height).data, columns = new Set();
         for (let i = 3; i < data.length; i += 4) if (data[i] >= 20) columns.add(((i - 3) / 4) % copy.width);
         return columns.size > copy.width / 2; }""",
    """runs => document.querySelectorAll('runs-data-table tb-data-table-content-row').length === runs
         && !document.querySelector('scalar-card mat-spinner')""",
    "() => document.querySelector('app-header-reload button')?.click()",
)
REWARDBOARD = Tool(
    "rewardboard",
    lambda logs, port, work: [
        *[sys.executable, "-c", "import sys; from analysis.cli import main; sys.exit(main(sys.argv[1:]))", str(logs)],
        *["--no-browser", "--port", str(port), "--db", str(work / "store.duckdb")],
    ],
    "/run",
    """() => [...document.querySelectorAll('.js-plotly-plot .main-svg path.js-line')]
         .some(path => (path.getAttribute('d') || '').split(/(?=[ML])/).length > 10)""",
    """runs => document.querySelector('.runs .count')?.textContent === `${runs.toLocaleString('en')} runs`
         && document.querySelector('.runs .reading').hidden && !document.querySelector('.plot[aria-busy]')""",
)


@dataclass
class Memory(threading.Thread):
    """Peak resident memory (bytes) of a process tree, and of the largest browser tab.

    Of a tree it is what its processes hold together (PSS): libraries that two of them share are there once.
    """

    pid: int
    server: int = 0
    tab: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.stop.wait(0.5):
            try:
                root = psutil.Process(self.pid)
                tree = [root, *root.children(recursive=True)]
                self.server = max(self.server, sum(process.memory_full_info().pss for process in tree))
                tabs = [p for p in psutil.Process().children(recursive=True) if "--type=renderer" in p.cmdline()]
                self.tab = max([self.tab, *(p.memory_info().rss for p in tabs)])
            except psutil.Error:
                pass


def until(page: Page, script: str, argument: Any = None, *, limit: float, nudge: str = "") -> float:
    """Seconds (since the epoch) at which a script became true; `nudge` is run every 5 s meanwhile."""
    end, pressed = time.time() + limit, time.time()
    while not page.evaluate(script, argument):
        if time.time() > end:
            return float("inf")
        if nudge and time.time() - pressed > 5:
            pressed = time.time()
            page.evaluate(nudge)
        page.wait_for_timeout(50)
    return time.time()


def measure(tool: Tool, logs: Path, runs: int, browser: Any, limit: float) -> dict[str, float]:
    """One cold start: seconds and MB by name."""
    with socket.socket() as probe, tempfile.TemporaryDirectory() as work:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto("about:blank")
        start = time.time()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
            "PYTHONPATH": os.getcwd()
        }
        server = subprocess.Popen(tool.command(logs, port, Path(work)), env=environment, **quiet)  # type: ignore[call-overload]
        memory = Memory(server.pid)
        memory.start()
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                try:
                    urllib.request.urlopen(url, timeout=5).read()
                    break
                except OSError:
                    time.sleep(0.02)
            found = {"server answers, s": time.time() - start}
            page.goto(url + tool.path, wait_until="commit")
            found["first chart, s"] = until(page, tool.drawn, limit=limit) - start
            found["everything read, s"] = until(page, tool.complete, runs, limit=limit, nudge=tool.nudge) - start
            if tool is REWARDBOARD:
                found |= interactions(page, server.pid, start)
        finally:
            memory.stop.set()
            server.terminate()
            server.wait(15)
            page.close()
        return found | {"server, MB": memory.server / 1e6, "tab, MB": memory.tab / 1e6}


def interactions(page: Page, pid: int, begun: float) -> dict[str, float]:
    """Another metric, one run on; then what an untouched page costs the server."""
    picture = (
        "() => [...document.querySelectorAll('.js-plotly-plot path.js-line')].map(p => p.getAttribute('d')).join()"
    )
    found = {}
    page.wait_for_timeout(1000)
    for name, act in (
        ("one run on, s", lambda: page.locator(".runs .run input").nth(3).click()),
        ("another metric, s", lambda: page.get_by_placeholder("regular expression", exact=True).fill("^kl.to_ref")),
    ):
        before, start = page.evaluate(picture), time.time()
        act()
        if "metric" in name:
            page.keyboard.press("Enter")
        changed = f"before => ({picture})() !== before && !document.querySelector('.plot[aria-busy]')"
        found[name] = until(page, changed, before, limit=20) - start
        page.wait_for_timeout(1000)
    process = psutil.Process(pid)
    health = page.url.partition("/run")[0] + "/api/health"
    while json.load(urllib.request.urlopen(health))["due"] != 0:  # diagnosing goes on while one reads: not at rest yet
        page.wait_for_timeout(1000)
    found["all diagnosed, s"] = time.time() - begun
    page.wait_for_timeout(10_000)  # the page takes its last news in
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    used, start = sum(process.cpu_times()[:2]), time.time()
    page.wait_for_timeout(8000)
    found["idle, % of a core"] = 100 * (sum(process.cpu_times()[:2]) - used) / (time.time() - start)
    found["idle, requests"] = len(asked)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=240)
    parser.add_argument("--only", choices=["rewardboard", "tensorboard"])
    options = parser.parse_args()
    tools = [tool for tool in (REWARDBOARD, TENSORBOARD) if options.only in (None, tool.name)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_runs(Path(folder), options.runs)
        for package in ("analysis", "dashboard"):  # as pip does, and as TensorBoard is
            compileall.compile_dir(package, quiet=1)
        results: dict[str, list[dict[str, float]]] = {tool.name: [] for tool in tools}
        for _ in range(options.repeat):
            for tool in tools:  # in turns, so that a busy minute hits both
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                results[tool.name].append(measure(tool, Path(folder), options.runs, browser, options.limit))
                browser.close()
    medians = {
        name: {key: median(row[key] for row in rows) for key in rows[0]} for name, rows in results.items() if rows
    }
    print(f"{options.runs} runs x {len(TAGS)} tags x {STEPS:,} steps, median of {options.repeat}")
    print(f"{'':22}" + "".join(f"{name:>14}" for name in medians) + f"{'ratio':>10}")
    for key in medians[tools[0].name]:
        row = [found.get(key, float("nan")) for found in medians.values()]
        ratio = f"{row[0] / row[1]:10.2f}" if len(row) == 2 and row[1] == row[1] else ""
        print(f"{key:22}" + "".join(f"{value:14.2f}" for value in row) + ratio)


if __name__ == "__main__":
    main()
