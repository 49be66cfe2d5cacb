"""Every page in a browser, at 10 to 1,000 runs and at 1,000 to 1,000,000 points a series: does it keep its time?

    python -m tests.benchmarks.bench_drawn [--repeat 3]

Starts a server on a store that is read and diagnosed already (a thousand runs are some minutes), opens each page in one
window that has seen it before (its scripts are in the browser's cache), and prints the median seconds until it is drawn and until the server had answered: the
longest of its requests and its script, each from the question to the last byte. Then how both grow with their exponent.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.bench_crowd import Watch, write_scores
from tests.benchmarks.bench_live import FLAGS
from tests.benchmarks.bench_pages import write_wide

METRICS = ["reward", "kl", "entropy", "response_length", "loss", "clip_frac"]
LINE = ".js-plotly-plot .scatterlayer path"
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PAGES = {
    "Overview": ("/", "table tbody tr, [data-testid='stDataFrame'] canvas"),
    "Run": ("/run?run=big", LINE),
    "Reward models": ("/reward-models", LINE),
    "Drift": ("/drift", LINE),
    "Data": ("/data", DONE),
}
SIZES = [(10, 1_000), (100, 1_000), (1_000, 1_000), (10, 10_000), (10, 100_000), (10, 1_000_000)]


def write(folder: Path, runs: int, points: int) -> None:
    """`runs` runs of 1,000 points a series, one of `points`, and scores for the other pages."""
    write_scores(folder)
    write_wide(folder / "big" / "metrics.parquet", points, METRICS)
    for i in range(runs - 1):
        write_wide(folder / f"run-{i:04d}" / "metrics.parquet", 1_000, METRICS)


def measure(folder: Path, port: int, repeat: int) -> dict[str, tuple[float, float]]:
    """Seconds to drawn and of the server, by page."""
    store = str(folder.parent / "store.duckdb")
    command = [sys.executable, "-c", "import sys; from analysis.cli import main; sys.exit(main(sys.argv[1:]))"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*command, "ingest", str(folder), "--db", store], check=True, **quiet)  # type: ignore[call-overload]
    served = [*command, "serve", str(folder), "--db", store, "--no-browser", "--port", str(port)]
    server = subprocess.Popen(served, **quiet)  # type: ignore[call-overload]
    try:
        wait_until_diagnosed(f"http://127.0.0.1:{port}/api/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            watch = Watch()
            watch.on(page)
            found = {
                name: visit(page, watch, f"http://127.0.0.1:{port}{path}", drawn, repeat)
                for name, (path, drawn) in PAGES.items()
            }
            browser.close()
        return found
    finally:
        server.terminate()
        server.wait(15)


def wait_until_diagnosed(health: str) -> None:
    """Until the server says that no run is due."""
    for _ in range(3_600):
        with suppress(OSError):
            told = json.loads(urllib.request.urlopen(health, timeout=5).read())
            if told["due"] == 0 and not told["reading"]:
                return
        time.sleep(0.5)
    raise TimeoutError("the server still diagnoses after half an hour")


def visit(page: Page, watch: Watch, url: str, drawn: str, repeat: int) -> tuple[float, float]:
    """Open a page once to warm up, then `repeat` times: medians."""
    times, served = [], []
    for turn in range(repeat + 1):
        page.goto("about:blank")
        watch.requests.clear()
        watch.scripts.clear()
        start = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(drawn, state="attached", timeout=60_000)
        took = time.perf_counter() - start
        page.wait_for_selector(DONE, state="attached", timeout=60_000)
        page.wait_for_timeout(500)
        if turn:
            times.append(took)
            served.append(max([*watch.requests, *watch.scripts], default=math.nan))
    return median(times), median(served)


def exponent(sizes: list[int], times: list[float]) -> float:
    """Slope of the times over the sizes, both as logarithms: 1 is linear, 0 is flat."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    results = []
    for place, (runs, points) in enumerate(SIZES):
        with tempfile.TemporaryDirectory() as work:
            write(Path(work, "logs"), runs, points)
            found = measure(Path(work, "logs"), 8650 + place, options.repeat)
        results.append(found)
        words = "  ".join(f"{name} {drawn:.2f} ({served:.2f})" for name, (drawn, served) in found.items())
        print(f"{runs:>5} runs, {points:>9,} points: {words}   s to drawn (s of the server)", flush=True)
    for name in PAGES:
        for what, part in (("to drawn", 0), ("of the server", 1)):
            by_runs = exponent([runs for runs, _ in SIZES[:3]], [found[name][part] for found in results[:3]])
            ends = [results[0], *results[3:]]
            by_points = exponent([1_000, *(points for _, points in SIZES[3:])], [found[name][part] for found in ends])
            print(f"{name:14} {what:14} grows with runs by exponent {by_runs:.2f}, with points by {by_points:.2f}")


if __name__ == "__main__":
    main()
