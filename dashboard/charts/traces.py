"""Small multiples of curves: one figure, one shared x axis, one cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.charts import curves
from dashboard.charts.curves import Curve
from dashboard.look import Mark, Theme, heading, layout, number
from dashboard.look import drawn as escaped
from dashboard.panels import Panel

PANEL, GAP, TOP, BOTTOM = 112, 42, 30, 48
"""Pixels of a panel, between panels (a heading stands there), above the first and below the last."""

LABELLED = 4
"""Up to so many runs are labelled at their right ends; more get a legend."""

ORDERED = ("step", "time", "tokens", "episode", "epoch")
"""Axes along which a run only goes forward."""

AXES = {
    "step": "step",
    "time": "time (UTC)",
    "kl": "KL to reference",
    "tokens": "tokens",
    "episode": "episodes",
    "epoch": "epoch",
}


def figure(
    trace: pd.DataFrame,
    panels: Sequence[Panel],
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    *,
    x: str = "step",
    x_unit: str = "",
    span: int = 1,
    revision: str = "",
) -> dict[str, Any]:
    """Curves of `trace` (as `Board.traces`, with `smooth` if `span` > 1), one panel under the other."""
    plot = len(panels) * PANEL + (len(panels) - 1) * GAP
    data: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    runs = list(dict.fromkeys(run for panel in panels for run in panel.runs))
    trace = trace.assign(x=trace["x"] * 1000) if x == "time" else trace  # Plotly's dates are milliseconds
    found = curves.split(trace, joined=x in ORDERED)
    if len(runs) > LABELLED:
        data += _legend(runs, marks, names)
    for place, panel in enumerate(panels):
        top = 1 - place * (PANEL + GAP) / plot
        suffix = "" if place == 0 else str(place + 1)
        part = [curve for curve in found.get(panel.metric, ()) if curve.run in panel.runs]
        domain = [max(top - PANEL / plot, 0), top]
        axes[f"yaxis{suffix}"] = {
            "domain": domain,
            "anchor": "x",
            "nticks": 4,
            "exponentformat": _exponent(part),
        }
        axes[f"yaxis{place + 101}"] = _bottom(f"y{suffix}")
        data += _panel(part, panel, marks, names, theme, f"y{suffix}", f"y{place + 101}", span)
        annotations.append(heading(theme, panel.label, panel.unit, x=0, y=min(top + 4 / plot, 1 + 4 / plot)))
        if len(runs) <= LABELLED:
            annotations += _labels(part, marks, names, theme, f"y{suffix}", len(runs) > 1)
    widest = max((len(a["text"]) for a in annotations if a.get("xshift")), default=4)
    return {
        "data": data,
        "layout": layout(
            theme,
            height=plot + TOP + BOTTOM,
            margin={"l": 58, "r": min(24 + round(6.6 * widest), 230), "t": TOP, "b": BOTTOM},
            xaxis=_shared_x(x, x_unit, span, len(panels), theme),
            annotations=annotations,
            shapes=_restarts(trace, theme),
            hovermode="x unified",
            hoversubplots="axis",
            uirevision=revision,
            showlegend=len(runs) > LABELLED,
            legend={
                "orientation": "h",
                "y": 1 + 26 / plot,
                "yanchor": "bottom",
                "x": 0,
                "groupclick": "togglegroup",
            },
            **axes,
        ),
    }


def _shared_x(x: str, unit: str, span: int, panels: int, theme: Theme) -> dict[str, Any]:
    words = AXES.get(x, x) + (f", {unit}" if unit else "")
    if span > 1:
        words += f"  ·  bold: trailing mean of {span} points"
    last = "y" if panels == 1 else f"y{panels}"
    return {
        "anchor": last,
        "title": {"text": words},
        "type": "date" if x == "time" else "linear",
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "solid",
        "spikecolor": theme.older,
        "exponentformat": "none",
    }


def _exponent(drawn: Sequence[Curve]) -> str:
    """Plain numbers with separators up to millions, powers of ten beyond and for the very small."""
    greatest = max((np.nanmax(np.abs(curve["high"]), initial=0.0) for curve in drawn), default=0.0)
    return "none" if 1e-3 < greatest < 1e7 else "power"


def _bottom(over: str) -> dict[str, Any]:
    """An invisible scale from 0 to 1 over a panel, on which marks stand at its bottom."""
    return {"overlaying": over, "range": [0, 1], "visible": False, "fixedrange": True, "anchor": "x"}


def _panel(
    drawn: Sequence[Curve],
    panel: Panel,
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    y: str,
    bottom: str,
    span: int,
) -> list[dict[str, Any]]:
    several, splits = len(panel.runs) > 1, len({curve.split for curve in drawn}) > 1
    parts: list[dict[str, Any]] = []
    for curve in drawn:
        words = [names.get(curve.run, curve.run)] if several else []
        words += [curve.split] if splits or curve.split != "train" else []
        name = escaped(" ".join([panel.label, *words]))
        parts += curves.traces(curve, name, marks[curve.run], theme, y=y, bottom=bottom, span=span)
    return parts


def _labels(
    drawn: Sequence[Curve],
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    y: str,
    several: bool,
) -> list[dict[str, Any]]:
    """Name and last value at the right end of each curve, in its colour, pushed apart where they would overlap."""
    now = [curve for curve in drawn if not curve.old and np.isfinite(curve["mean"]).any()]
    if not now:
        return []
    low, high = (f([f(curve[c]) for curve in now]) for f, c in ((np.nanmin, "low"), (np.nanmax, "high")))
    height = (high - low) * 1.1 or 1.0
    splits = len({curve.split for curve in now}) > 1
    ends = []
    for curve in now:
        held = np.flatnonzero(np.isfinite(curve["mean"]))[-1]
        last = float(curve["last"][held])
        value = last if np.isfinite(last) else float(curve["mean"][held])
        words = [names.get(curve.run, curve.run)] if several else []
        words += [curve.split] if splits else []
        at = float(curve["smooth" if "smooth" in curve.columns else "mean"][held])
        text = escaped(" ".join([*words, number(value)]))
        ends.append((at if np.isfinite(at) else value, text, theme.word(marks[curve.run].colour)))
    ends.sort(key=lambda end: end[0])
    wanted = np.array([end[0] for end in ends]) / height * PANEL
    placed = wanted.copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + 14)
    placed -= (placed - wanted).max() / 2
    return [
        {
            "text": words,
            "font": {"color": colour, "size": 12},
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 8,
            "yref": y,
            "y": value,
            "yanchor": "middle",
            "yshift": float(place - want),
            "showarrow": False,
        }
        for (value, words, colour), place, want in zip(ends, placed, wanted, strict=True)
    ]


def _restarts(trace: pd.DataFrame, theme: Theme) -> list[dict[str, Any]]:
    """A thin line through all panels where a new attempt begins."""
    later = trace[trace["attempt"] > 0]
    starts = sorted(set(later.groupby(["run", "attempt"])["x"].min().tolist())) if len(later) else []
    line = {"color": theme.older, "width": 1, "dash": "dashdot"}
    return [
        {
            "type": "line",
            "x0": x,
            "x1": x,
            "y0": 0,
            "y1": 1,
            "xref": "x",
            "yref": "paper",
            "line": line,
            "layer": "below",
            "label": {"text": "restart", "textposition": "end", "font": {"size": 10, "color": theme.muted}},
        }
        for x in starts[:20]
    ]


def _legend(runs: Sequence[str], marks: Mapping[str, Mark], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """One entry a run; a click hides the run in every panel."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [None],
            "y": [None],
            "name": escaped(names.get(run, run)),
            "legendgroup": run,
            "line": {"color": marks[run].colour, "dash": marks[run].dash, "width": 2.2},
            "showlegend": True,
        }
        for run in runs
    ]
