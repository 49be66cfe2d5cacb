"""A server on logs that real writers wrote, and a browser in front of it."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import SHARED
from tests.dashboard.conftest import rollouts, scored_pairs, stream

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic",
]  # fmt: skip
LAUNCH = "import sys; from analysis.cli import main; sys.exit(main(sys.argv[1:]))"
PROBES = re.compile(r"/[^/]+/_stcore/(health|host-config)$")
"""Streamlit's page finds out its base path by asking below the page's own path first; the 404 is its answer."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.ui)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="needs Chromium (apt-get install chromium)"))


def policy_rows(run: str, steps: int) -> list[dict[str, float]]:
    pace = 0.6 if run.endswith("a") else 1.4
    return [
        {
            "step": i,
            "time": 1.79e9 + 30 * i,
            "reward": math.nan if i == 70 else 2 - 2 * math.exp(-pace * i / 50),
            "kl": 0.02 * pace * i,
            "entropy": 3 * math.exp(-pace * i / 300),
            "loss": math.sin(i / 5) / i,
            "response_length": 40 + 0.3 * i,
            "learning_rate": 1e-5,
            "grad_norm": 1 + math.cos(i),
        }
        for i in range(1, steps + 1)
    ]


def write_tensorboard(folder: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for i in range(1, 151):
            writer.add_scalar("train/loss", 0.7 - 0.002 * i + 0.03 * math.sin(i), i)
            writer.add_scalar("train/accuracy", 0.5 + 0.0015 * i, i)
            writer.add_scalar("train/learning_rate", 1e-4 / i, i)
            if i % 25 == 0:
                writer.add_scalar("eval/loss", 0.7 - 0.0015 * i, i)


MANY = 500_000
"""Rollouts of a run: their rows are taller together than a browser can draw."""


def many_rollouts(folder: Path) -> None:
    folder.mkdir(parents=True)
    step = np.arange(MANY) // 1000
    score = np.random.default_rng(5).normal(size=MANY) + step / 250
    prompt = pa.array(np.arange(MANY) % 1000).cast(pa.string())
    length = np.arange(MANY) % 97
    pq.write_table(
        pa.table({"step": step, "prompt_id": prompt, "score": score, "length": length}), folder / "rollouts.parquet"
    )


@dataclass
class Site:
    """A running server: its address and the folder that it follows."""

    url: str
    logs: Path
    process: subprocess.Popen[str]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("ui")
    logs = root / "runs"
    for run in ("ppo-a", "ppo-b"):
        (logs / run).mkdir(parents=True)
        rows = policy_rows(run, 140)
        (logs / run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_tensorboard(logs / "rm-tb")
    scored_pairs(logs / "rm-scored")
    scored_pairs(logs / "rm-second", seed=1, right=0.55)
    stream(logs / "deployed")
    rollouts(logs / "grpo-rolled")
    many_rollouts(logs / "grpo-many")
    (logs / "broken.json").write_text('{"log_history": [')
    for real in ("ppo-97ed", "rm-00f6"):
        if (SHARED / "labelled_runs" / real).exists():
            shutil.copytree(SHARED / "labelled_runs" / real, logs / real)
    yield from serve(root, logs, {"ppo-b", "rm-tb", "rm-scored", "rm-second", "deployed"})


def serve(root: Path, logs: Path, runs: Collection[str] = ()) -> Iterator[Site]:
    """A server on these logs, once it has read these runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, "serve", str(logs), "--db", str(root / "store.duckdb"), "--no-browser"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://localhost:\d+", said)
    assert found, said + process.stderr.read()
    shown = Site(found[0], logs, process)
    try:
        _read(shown, root / "store.duckdb", set(runs))
        yield shown
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@dataclass
class Screen:
    """A browser page and what went wrong in it."""

    page: object
    site: Site
    failures: list[str] = field(default_factory=list)

    def go(self, path: str) -> Screen:
        """Open a page and wait until its script is done."""
        self.page.goto(self.site.url + path)
        self.page.wait_for_selector("h1", timeout=30_000)
        self.settle()
        return self

    def settle(self) -> None:
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=30_000)
        self.page.wait_for_timeout(300)

    def curves(self, at_least: int = 10) -> int:
        """Curves in view that have more than so many points."""
        return self.page.evaluate(
            """least => [...document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line')]
                        .filter(p => (p.getAttribute('d') || '').split(/[MLHVC]/).length > least).length""",
            at_least,
        )

    def points(self) -> int:
        """Points of the longest curve drawn."""
        return self.page.evaluate(
            "() => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')]"
            ".flatMap(plot => (plot.calcdata || []).map(curve => curve.length)))"
        )

    def until(self, what: Callable[[], bool], seconds: float = 10) -> float:
        """Seconds until something holds."""
        start = time.monotonic()
        while not what():
            assert time.monotonic() - start < seconds, "it did not happen"
            self.page.wait_for_timeout(20)
        return time.monotonic() - start

    def check(self) -> None:
        """Nothing failed: no exception, no error box, nothing on the console, nothing wider than the window."""
        assert self.failures == []
        assert self.page.locator('[data-testid="stException"]').count() == 0
        boxes = self.page.locator('[data-testid="stAlertContentError"]')
        assert boxes.count() == 0, boxes.all_inner_texts()
        wide = self.page.evaluate("() => document.scrollingElement.scrollWidth - window.innerWidth")
        assert wide <= 0


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def watched(page: object, site: Site) -> Screen:
    """A page whose errors, warnings and failed requests are kept."""
    shown = Screen(page, site)

    def said(message: object) -> None:
        named = "Failed to load resource" in message.text  # the response or the failed request names it
        if message.type in ("error", "warning") and not named:
            shown.failures.append(f"{message.type}: {message.text}")

    def failed(request: object) -> None:
        if request.failure != "net::ERR_ABORTED":  # called off: a zoom overtaken by the next, a page that is left
            shown.failures.append(f"{request.failure} {request.url}")

    page.on("pageerror", lambda error: shown.failures.append(str(error)))
    page.on("console", said)
    page.on("requestfailed", failed)
    page.on(
        "response",
        lambda r: (
            shown.failures.append(f"{r.status} {r.url}") if r.status >= 400 and not PROBES.search(r.url) else None
        ),
    )
    return shown


@pytest.fixture
def screen(browser, site) -> Iterator[Callable[..., Screen]]:
    """Open a window: `screen(scheme="dark", width=800)`, on another server with `at=...`."""
    opened = []

    def window(scheme: str = "light", width: int = 1400, at: Site = site) -> Screen:
        context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        opened.append(context)
        return watched(context.new_page(), at)

    yield window
    for context in opened:
        context.close()


def _read(site: Site, store: Path, runs: set[str]) -> None:
    """Wait until these runs are read and all are diagnosed, so that no test meets either half-way."""
    from analysis.questions.diagnosis import DIAGNOSED
    from analysis.remote import find_server

    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert site.process.poll() is None, "the server ended"
        remote = find_server(store)
        if remote is not None:
            table = remote.runs()
            pending = table[table["kind"].isin(DIAGNOSED) & ~table["verdict"].astype(bool)]
            if not runs or (runs <= set(table["run"]) and pending.empty):
                return
        time.sleep(0.1)
    raise AssertionError("the first reading did not end")
