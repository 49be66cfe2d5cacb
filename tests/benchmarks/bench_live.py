"""From a flushed row to the open page: one run watched, and a hundred, all of them growing.

    python -m tests.benchmarks.bench_live

Opens the Run page in headless Chromium, appends rows to a JSON-lines log and takes the time until the drawn curve
reaches the new step. Needs playwright and Chromium.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LAST_X = """() => Math.max(-1, ...[...document.querySelectorAll('.js-plotly-plot')].flatMap(
    plot => (plot.calcdata || []).map(curve => curve.length && curve[0].trace.legendgroup === 'run-000'
        ? curve[curve.length - 1].x : -1)))"""
"""Of the run that is looked at; the band of the others may be ahead of it."""


def append(path: Path, step: int) -> None:
    """Write one flushed row, as a trainer does."""
    with path.open("a") as file:
        file.write(json.dumps({"step": step, "reward": step % 7, "kl": step / 100, "loss": 1 / (step + 1)}) + "\n")


def latency(page: Page, path: Path, step: int) -> float:
    """Seconds from the flush of a row to its being drawn."""
    start = time.perf_counter()
    append(path, step)
    while page.evaluate(LAST_X) < step:
        if time.perf_counter() - start > 20:
            return float("inf")
        time.sleep(0.02)
    return time.perf_counter() - start


def measure(runs: int, port: int, rows: int = 12) -> list[float]:
    """Latencies on one page while all of `runs` grow by about one row a second each."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder, "logs", f"run-{i:03d}", "metrics.jsonl") for i in range(runs)]
        for path in logs:
            path.parent.mkdir(parents=True)
            for step in range(50):
                append(path, step)
        command = [sys.executable, "-m", "analysis.cli", "serve", str(logs[0].parent.parent), "--port", str(port)]
        server = subprocess.Popen(
            [*command, "--no-browser", "--db", f"{folder}/live.duckdb"], stderr=subprocess.DEVNULL
        )
        stop = threading.Event()

        def others() -> None:
            step = 50
            while not stop.wait(1.0):
                for path in logs[1:]:
                    append(path, step)
                step += 1

        writer = threading.Thread(target=others, daemon=True)
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=1)
                    break
                except OSError:
                    time.sleep(0.2)
            time.sleep(2)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                page = browser.new_page(viewport={"width": 1400, "height": 1000})
                page.goto(f"http://127.0.0.1:{port}/run?run=run-000")
                page.wait_for_selector(".js-plotly-plot .main-svg", timeout=20_000)
                writer.start()
                times = []
                for step in range(50, 50 + rows):
                    times.append(latency(page, logs[0], step))
                    time.sleep(0.37)  # out of step with the page's own second
                browser.close()
            return times
        finally:
            stop.set()
            server.terminate()
            server.wait(10)


def main() -> None:
    for runs, port in ((1, 8641), (100, 8642)):
        times = measure(runs, port)
        print(f"{runs:>4} runs watched: median {median(times):.2f} s, largest {max(times):.2f} s of {len(times)} rows")


if __name__ == "__main__":
    main()
