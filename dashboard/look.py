"""One design for all pages: hues, number formats, the figure template, and the states of an empty page."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Okabe and Ito's four that reach 3:1 on white and on the dark ground, in the order of use."""

DASHES = ("solid", "dash", "dot", "dashdot")
GREY = "#8A9099"

CSS = """
<style>
.block-container {max-width: 1400px; padding-top: 2.2rem; padding-bottom: 3rem;}
[data-testid="stHeader"] {background: transparent;}
[data-testid="stAppDeployButton"], [data-testid="stMainMenu"], footer {display: none;}
h1 {font-size: 1.65rem !important; font-weight: 600 !important; padding-bottom: 0.2rem !important;}
h2 {font-size: 1.15rem !important; font-weight: 600 !important;}
h3 {font-size: 1.0rem !important; font-weight: 600 !important;}
[data-testid="stMarkdownContainer"], [data-testid="stDataFrame"], .js-plotly-plot {font-variant-numeric: tabular-nums;}
.verdict {font-size: 1.08rem; line-height: 1.5; margin: 0.1rem 0 0.9rem 0; max-width: 72rem;}
.stale {opacity: 1 !important;}
[data-stale="true"] {opacity: 1 !important; transition: none !important;}
</style>
"""


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours that depend on the theme."""

    text: str
    quiet: str
    grid: str
    ground: str


LIGHT = Ink("#1B1F24", "#5B6370", "#E3E6EA", "#FFFFFF")
DARK = Ink("#E6E9EE", "#A3ABB8", "#2A303A", "#0E1117")


def ink() -> Ink:
    """Colours of the reader's theme."""
    return DARK if getattr(st.context.theme, "type", "light") == "dark" else LIGHT


def begin(title: str) -> None:
    """Head of a page: its question."""
    st.html(CSS)
    st.title(title, anchor=False)


def verdict(text: str) -> None:
    """The answer in words, first on the page."""
    with st.container(key="verdict"):
        st.markdown(f'<div class="verdict">{text}</div>', unsafe_allow_html=True)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a run is drawn, on every page."""

    colour: str
    dash: str


def marks(runs: Sequence[str]) -> dict[str, Mark]:
    """A hue for each run by its id; where two want one, the later takes the next free; beyond four, dashes."""
    taken: set[tuple[int, int]] = set()
    chosen = {}
    for run in runs:
        wanted = zlib.crc32(run.encode()) % len(HUES)
        places = [((wanted + i) % len(HUES), d) for d in range(len(DASHES)) for i in range(len(HUES))]
        hue, dash = next((p for p in places if p not in taken), places[0])
        taken.add((hue, dash))
        chosen[run] = Mark(HUES[hue], DASHES[dash])
    return chosen


def number(value: float | None, unit: str = "") -> str:
    """A value with digits by its size; missing is a word."""
    if value is None or value != value:
        return "not logged"
    size = abs(value)
    text = f"{value:,.0f}" if size >= 1000 else f"{value:.3g}" if size >= 0.001 or size == 0 else f"{value:.2e}"
    return f"{text} {unit}".strip()


def ago(seconds: float) -> str:
    """How long ago, in words."""
    if seconds != seconds:
        return "unknown"
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word} ago"
    return f"{max(seconds, 0):.0f} s ago"


def nothing(what: str, next_step: str, command: str | None = None) -> None:
    """An empty state: its cause and one action."""
    st.markdown(f"**{what}**  \n{next_step}")
    if command:
        st.code(command, language="bash")


def notes_of(table: pd.DataFrame) -> list[str]:
    """Sentences of the vocabulary about the metrics shown, each once, with the metrics they are about."""
    said: dict[str, list[str]] = {}
    for row in table.itertuples():
        for note in row.notes if row.notes is not None else ():
            said.setdefault(note, []).append(row.label)
    return [f"{', '.join(dict.fromkeys(labels))}: {note}" for note, labels in said.items()]


def axis(colours: Ink, title: str = "", **more: Any) -> dict[str, Any]:
    """An axis in the house style."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": colours.quiet}},
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "tickfont": {"size": 11, "color": colours.quiet},
        "automargin": True,
        **more,
    }


def layout(colours: Ink, height: int, **more: Any) -> dict[str, Any]:
    """The one figure template."""
    return {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Source Sans Pro, sans-serif", "size": 13, "color": colours.text},
        "margin": {"l": 8, "r": 8, "t": 34, "b": 8},
        "hoverlabel": {"font": {"size": 12}},
        "showlegend": False,
        "dragmode": "zoom",
        "uirevision": "kept",
        **more,
    }


PLOT = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "responsive": True,
}
"""Plotly settings of every chart."""


def fade(colour: str, alpha: float) -> str:
    """A hue with opacity."""
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha})"
