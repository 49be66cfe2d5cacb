"""How everything looks: colours of both themes, marks of runs, numbers and times in words. No Streamlit here."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
HUES = (BLUE, VERMILLION, GREEN, PURPLE)
"""The four of Okabe and Ito's colours that reach 3:1 on both grounds and stay apart for red-green blind readers."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one theme. Text colours keep 4.5:1 on the ground, lines 3:1.

    older : attempts before a restart; neutral : what a run is compared with
    words : the four hues as text; raw : opacity of the curve as logged behind its smoothed one
    """

    name: str
    ground: str
    text: str
    muted: str
    grid: str
    older: str
    neutral: str
    critical: str
    warning: str
    healthy: str
    words: tuple[str, str, str, str]
    raw: float

    def severity(self, word: str) -> str:
        """The colour of "critical", "warning" or "healthy"; what is only worth knowing is neutral."""
        return {"critical": self.critical, "warning": self.warning, "healthy": self.healthy}.get(word, self.neutral)

    def word(self, hue: str) -> str:
        """The hue for text: the same hue, as much darker or lighter as 4.5:1 asks for."""
        return self.words[HUES.index(hue)] if hue in HUES else hue


LIGHT = Theme(
    name="light",
    ground="#FFFFFF",
    text="#1F2328",
    muted="#59636E",
    grid="#E7EAEE",
    older="#8A929A",
    neutral="#6E7781",
    critical="#9B1C1C",
    warning="#8A5A00",
    healthy="#1A6B4F",
    words=("#0072B2", "#B54F00", "#007A5A", "#A34C80"),
    raw=0.35,
)
DARK = Theme(
    name="dark",
    ground="#0E1117",
    text="#E6EDF3",
    muted="#9BA4AE",
    grid="#262D37",
    older="#66707B",
    neutral="#8B949E",
    critical="#FF7B72",
    warning="#E3B341",
    healthy="#56D3A0",
    words=("#4AA5DB", "#F08A4B", "#2BBF93", "#DB96BC"),
    raw=0.5,
)
THEMES = {"light": LIGHT, "dark": DARK}

DASHES = ("solid", "dash", "dot", "dashdot")
"""What tells the fifth run from the first: never a fifth hue."""

SEVERITY = {
    "critical": (":material/error:", "critical", "red"),
    "warning": (":material/warning:", "warning", "orange"),
    "info": (":material/info:", "note", "gray"),
    "healthy": (":material/check_circle:", "healthy", "green"),
    "unknown": (":material/help:", "not diagnosed yet", "gray"),
}
"""Icon, word and colour: severity is never told by colour alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How one run is drawn, on every page."""

    colour: str
    dash: str


def marks(runs: Sequence[str], kept: Mapping[str, int] | None = None) -> dict[str, int]:
    """A slot for each run: its own hue by its id, the next free one where two runs shown would share it.

    `kept` holds the slots given earlier in a session, so that a run doesn't change when others join; of two that were
    given the same one on different pages the first keeps it.
    """
    slots: dict[str, int] = {}
    for run in runs:
        if kept and run in kept and kept[run] not in slots.values():
            slots[run] = kept[run]
    taken = set(slots.values())
    for run in runs:
        if run in slots:
            continue
        own = hashlib.blake2b(run.encode(), digest_size=4).digest()[0] % len(HUES)
        ring = [(own + turn) % len(HUES) for turn in range(len(HUES))]
        order = [dash * len(HUES) + hue for dash in range(len(DASHES)) for hue in ring]
        slots[run] = next((slot for slot in order if slot not in taken), own)
        taken.add(slots[run])
    return slots


def mark(slot: int) -> Mark:
    """Colour and dash of a slot."""
    return Mark(HUES[slot % len(HUES)], DASHES[slot // len(HUES) % len(DASHES)])


def faded(colour: str, opacity: float) -> str:
    """A colour with an opacity, as Plotly takes it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


# -- words and numbers


def number(value: float | None, digits: int = 3) -> str:
    """A number with as many digits as are worth reading; "" if there is none."""
    if value is None or value != value:
        return "NaN" if value is not None else ""
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e7):
        return f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    if value == int(value) and size >= 10:
        return f"{int(value):,}"
    if size >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def count(n: float, word: str, words: str | None = None) -> str:
    """A count with its word: "1 run", "2,312 pairs"."""
    return f"{int(n):,} {word if n == 1 else words or word + 's'}"


def percent(share: float, digits: int = 1) -> str:
    """A share as percent, the unit apart: "71.3 %"."""
    return f"{100 * share:.{digits}f} %"


def ago(seconds: float | None) -> str:
    """How long ago, in the largest unit that fits."""
    if seconds is None or seconds != seconds:
        return "time not logged"
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word} ago"
    return f"{max(int(seconds), 0)} s ago"


def day(seconds: float) -> str:
    """The UTC date of a unix time."""
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).strftime("%Y-%m-%d")


def sentence(parts: Iterable[str]) -> str:
    """Words joined as in speech: "a, b and c"."""
    *head, last = list(parts)
    return f"{', '.join(head)} and {last}" if head else last


def spoken(name: str) -> str:
    """An identifier as words: "bradley_terry" is read as "bradley terry"."""
    return name.replace("_", " ")


def literal(text: str) -> str:
    """A name out of a log for Markdown: shown as it is, whatever it is made of."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|$~:])", r"\\\1", text)


def drawn(text: str) -> str:
    """A name out of a log for a figure, where Plotly would read tags in it."""
    return html.escape(text, quote=False)


# -- the one template of all figures


def layout(theme: Theme, **more: Any) -> dict[str, Any]:
    """The layout that every figure starts from."""
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"color": theme.muted, "size": 11},
        "title": {"font": {"color": theme.muted, "size": 12}, "standoff": 8},
        "exponentformat": "power",
        "separatethousands": True,
        "automargin": True,
    }
    template = {
        "layout": {
            "font": {"family": "Source Sans, Source Sans Pro, sans-serif", "size": 12, "color": theme.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(HUES),
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": theme.ground,
                "bordercolor": theme.grid,
                "font": {"color": theme.text, "size": 12},
                "align": "left",
                "namelength": -1,
            },
            "legend": {"font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)"},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": theme.muted, "activecolor": theme.text},
            "annotationdefaults": {"showarrow": False, "font": {"size": 12, "color": theme.text}},
        }
    }
    start = {"template": template, "margin": {"l": 56, "r": 24, "t": 28, "b": 44}, "showlegend": False}
    return {**start, **more}


def heading(theme: Theme, text: str, unit: str, *, x: float, y: float, more: str = "") -> dict[str, Any]:
    """What a panel shows and its unit, set above its upper left corner; `more` is in Plotly's own markup."""
    unit_text = f"  <span style='color:{theme.muted}'>{drawn(unit)}</span>" if unit else ""
    return {
        "text": f"<b>{drawn(text)}</b>{unit_text}{more}",
        "xref": "paper",
        "yref": "paper",
        "x": x,
        "y": y,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def caption(theme: Theme, text: str) -> dict[str, Any]:
    """A note inside an otherwise empty panel."""
    return {"text": text, "showarrow": False, "font": {"color": theme.muted, "size": 12}}


FAVICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='#0072B2'/>"
    "<path d='M6 22 L12 15 L17 19 L26 8' fill='none' stroke='#fff' stroke-width='3.2' stroke-linecap='round' "
    "stroke-linejoin='round'/><circle cx='26' cy='8' r='3' fill='#fff'/></svg>"
)

WORDMARK = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='176' height='32' viewBox='0 0 176 32'>"
    "<g transform='translate(2 3) scale(.8)'><rect width='32' height='32' rx='7' fill='#0072B2'/>"
    "<path d='M6 22 L12 15 L17 19 L26 8' fill='none' stroke='#fff' stroke-width='3.2' stroke-linecap='round' "
    "stroke-linejoin='round'/></g><text x='36' y='22' font-family='Source Sans, Source Sans Pro, sans-serif' "
    "font-size='19' font-weight='700' fill='#4C86AB'>Rewardboard</text></svg>"
)
"""The name in a blue that reads on both side bars."""

PLOT_CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud", "toImage"],
}
"""What plotly.js offers above a chart; pictures and numbers have buttons of their own below it."""

CSS = (Path(__file__).parent / "scripts" / "frame.css").read_text(encoding="utf-8")
"""The style sheet of every page; the first HTML holds it, so that nothing moves once the page is there."""
