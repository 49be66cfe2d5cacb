"""The first picture of the Run page, asked for by its HTML while the page itself is still loading.

The same chart as the page's own, so that the page takes it over as it stands (`scripts/opening.js`, `scripts/plot.js`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard import figures, findings, libraries, look, runlist, views

if TYPE_CHECKING:
    from analysis.board import Board
    from analysis.host import Host

SCRIPT = (Path(__file__).parent / "scripts" / "opening.js").read_text(encoding="utf-8")

PATH = "/run"
"""The page that opens so."""

PATIENCE_SECONDS = 5.0
"""So long the answer waits for the first run to be read; then the page comes without a first picture."""


COVER_SECONDS = 8.0
"""A page that has not taken the picture over by then will not: it says something else, and must be seen."""

CLIENT_SECONDS = 1.5
"""The page's client starts by then at the latest, with or without a picture."""

_PLACE = """
#rewardboard-opening {position: fixed; inset: 0 0 0 270px; z-index: 1000; overflow: hidden; box-sizing: border-box;
  padding: 33px 36px 0; pointer-events: none;}
#rewardboard-opening .title {font: 650 25.5px/33px "Source Sans", "Source Sans Pro", sans-serif; letter-spacing: -.01em;
  height: 178px;}
@media (max-width: 1200px) {#rewardboard-opening .title {height: 245px;}}
@media (max-width: 900px) {#rewardboard-opening {padding: 39px 15px 0;} #rewardboard-opening .title {height: 327px;}}
"""
"""Where the page's own title and chart stand once it is there, so that nothing moves when it takes over."""


_CLIENT = re.compile(r'<script type="module"[^>]* src="([^"]+)"></script>')
"""The script that starts Streamlit's client."""


def into(html: str, page: str) -> str:
    """The page's HTML with the script that opens it, which starts Streamlit's client once the picture is drawn."""
    title = next(found.title for found, _ in views.find() if f"/{found.url}" == PATH)
    client = _CLIENT.search(html)
    told = {
        "page": page,
        "title": title,
        "path": PATH,
        "library": libraries.BASIC,
        "config": look.PLOT_CONFIG,
        "client": client[1] if client else "",
        "cover": COVER_SECONDS,
        "patience": CLIENT_SECONDS,
    }
    colours = "".join(
        f"html.opening-{theme.name}, #rewardboard-opening.{theme.name} {{background: {theme.ground}; color: {theme.text};}}"
        for theme in look.THEMES.values()
    )
    opening = f"<style>{_PLACE}{colours}</style><script>{SCRIPT}\nrewardboardOpen({json.dumps(told)})</script>"
    return _CLIENT.sub("", html, count=1).replace("</head>", f"{opening}</head>", 1)


def view(table: pd.DataFrame, asked: Sequence[str], theme: str) -> figures.Curves | None:
    """What the page draws at an address that names `asked` runs and nothing else; None while there is nothing."""
    runs = runlist.drawn(table, asked or runlist.newest(table))
    if not runs or not (table.set_index("run")["n_metrics"].reindex(list(runs)) > 0).any():
        return None
    slots = look.marks(runs)
    behind = runlist.others(table, "", runs)
    return figures.Curves(runs=runs, slots=tuple(slots[run] for run in runs), behind=behind, theme=theme)


def wanted(shared: Host, asked: Mapping[str, Any]) -> figures.Curves | None:
    """The view that the page will ask for, once there is anything to draw; None if its picture is not to be drawn yet."""
    runs, theme = [str(run) for run in asked.get("runs", ())], str(asked.get("theme"))
    theme = theme if theme in look.THEMES else look.LIGHT.name
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := view(shared.board.runs(), runs, theme)) is None:
        if not shared.reading or time.monotonic() > end:
            return None
        time.sleep(0.02)
    return None if _below_cards(shared.board, found.runs) else found


def _below_cards(board: Board, runs: Sequence[str]) -> bool:
    """Whether the page's chart stands further down, below findings: drawn early it would jump there."""
    return any(findings.serious(found) for found in board.diagnoses(runs).values())
