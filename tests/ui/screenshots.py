"""Make the pictures of the README from the program, on the sample runs: `python -m tests.ui.screenshots`."""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.ui.conftest import CHROMIUM, FLAGS, ROOT, serve

SHOTS = {
    "run": "/run?run=policy-grpo&run=policy-grpo-weak-kl&smooth=10&metric=entropy.token_mean",
    "drift": "/drift?stream=deployment",
    "reward-models": "/reward-models?scorer=reward-model-bt&scorer=reward-model-hinge",
}


def main() -> None:
    """Write one picture for each page into `.assets`."""
    out = ROOT / ".assets"
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        sites = serve(Path(folder), ROOT / "sample_runs")
        site = next(sites)
        while json.load(urllib.request.urlopen(f"{site.url}/api/health"))["due"] != 0:
            time.sleep(0.2)  # pictures show the diagnosis
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        for name, path in SHOTS.items():
            page.goto(site.url + path)
            page.wait_for_selector(".js-plotly-plot .main-svg", timeout=30_000)
            page.wait_for_timeout(1500)
            page.screenshot(path=str(out / f"{name}.png"))
        browser.close()
        sites.close()


if __name__ == "__main__":
    main()
