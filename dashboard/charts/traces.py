"""Small multiples of curves: one figure, one shared x axis, one cursor."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.look import Mark, Theme, faded, heading, layout, number
from dashboard.look import drawn as escaped
from dashboard.panels import Panel

PANEL, GAP, TOP, BOTTOM = 112, 42, 30, 48
"""Pixels of a panel, between panels (a heading stands there), above the first and below the last."""

LABELLED = 4
"""Up to so many runs are labelled at their right ends; more get a legend."""

GAP_STEPS = 10.0
"""Nothing logged for ten times the usual distance is a gap and is not bridged by a line."""

DOTTED = 40
"""Curves of fewer points show the points."""

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
    if len(runs) > LABELLED:
        data += _legend(runs, marks, names)
    for place, panel in enumerate(panels):
        top = 1 - place * (PANEL + GAP) / plot
        suffix = "" if place == 0 else str(place + 1)
        part = trace[(trace["metric"] == panel.metric) & trace["run"].isin(panel.runs)]
        domain = [max(top - PANEL / plot, 0), top]
        axes[f"yaxis{suffix}"] = {
            "domain": domain,
            "anchor": "x",
            "nticks": 4,
            "exponentformat": _exponent(part),
        }
        axes[f"yaxis{place + 101}"] = _bottom(f"y{suffix}")
        drawn = _panel(part, panel, marks, names, theme, f"y{suffix}", f"y{place + 101}", span, x in ORDERED)
        data += drawn
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


def _exponent(part: pd.DataFrame) -> str:
    """Plain numbers with separators up to millions, powers of ten beyond and for the very small."""
    greatest = np.nanmax(np.abs(part["high"].to_numpy(float)), initial=0.0)
    return "none" if 1e-3 < greatest < 1e7 else "power"


def _bottom(over: str) -> dict[str, Any]:
    """An invisible scale from 0 to 1 over a panel, on which marks stand at its bottom."""
    return {"overlaying": over, "range": [0, 1], "visible": False, "fixedrange": True, "anchor": "x"}


def _panel(
    part: pd.DataFrame,
    panel: Panel,
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    y: str,
    bottom: str,
    span: int,
    joined: bool,
) -> list[dict[str, Any]]:
    several, splits = len(panel.runs) > 1, part["split"].nunique() > 1
    # along another metric a curve is no function: neighbours in x may be far apart in time, and no line joins them
    part = part.assign(joined=joined)
    drawn: list[dict[str, Any]] = []
    for (run, split, old), rows in part.groupby(["run", "split", "superseded"], sort=False):
        words = [names.get(run, run)] if several else []
        words += [split] if splits or split != "train" else []
        name = escaped(" ".join([panel.label, *words]))
        base = {"type": "scatter", "yaxis": y, "legendgroup": run, "showlegend": False}
        if old:
            drawn.append(
                {
                    **base,
                    **_line(rows, "mean", theme.older, "solid", 1.0, 1.0),
                    "name": f"{name}, before restart",
                }
            )
            continue
        drawn += _curve(rows, {**base, "name": name}, marks[run], split, span, theme.raw)
        drawn += _not_finite(rows, {**base, "name": f"{name}: NaN or infinite"}, marks[run], bottom)
    return drawn


def _curve(
    rows: pd.DataFrame, base: dict[str, Any], mark: Mark, split: str, span: int, opacity: float
) -> list[dict[str, Any]]:
    dash = mark.dash if split == "train" else "dot"
    held_out = split != "train"
    parts = []
    if bool((rows["high"] > rows["low"]).any() and rows["joined"].all()):
        parts.append({**base, **_band(rows, mark.colour)})
    raw = _line(rows, "mean", mark.colour, dash, 1.0 if span > 1 else 1.7, opacity if span > 1 else 1.0)
    if not rows["joined"].all():
        raw |= {"mode": "markers", "marker": {"size": 4, "color": mark.colour}}
    elif held_out or len(rows) <= DOTTED:
        raw |= {
            "mode": "lines+markers",
            "marker": {"size": 7 if len(rows) == 1 else 5 if held_out else 4, "color": mark.colour},
        }
    parts.append({**base, **raw} | ({"hoverinfo": "skip"} if span > 1 else {}))
    if span > 1:
        parts.append({**base, **_line(rows, "smooth", mark.colour, dash, 2.2, 1.0)})
    return parts


def _line(rows: pd.DataFrame, column: str, colour: str, dash: str, width: float, opacity: float) -> dict[str, Any]:
    x, y = _broken(rows, column)
    return {
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": width, "dash": dash},
        "opacity": opacity,
        "connectgaps": False,
        "hovertemplate": "%{y:.4g}",
    }


def _breaks(rows: pd.DataFrame) -> np.ndarray:
    """Where the line must not go on to the next point: a restart, or a gap in what was logged."""
    x, attempt = rows["x"].to_numpy(float), rows["attempt"].to_numpy()
    if len(x) < 2:
        return np.zeros(0, dtype=int)
    apart = np.diff(x)
    usual = np.median(np.abs(apart))
    far = (apart > GAP_STEPS * usual) & (usual > 0) & (len(x) > DOTTED) & bool(rows["joined"].all())
    ends = (np.diff(attempt) != 0) | far
    return np.flatnonzero(ends) + 1


def _broken(rows: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    at = _breaks(rows)
    x, y = rows["x"].to_numpy(float), rows[column].to_numpy(float)
    whole = bool(np.all(x == np.round(x)) and np.all(np.abs(x) < 2**31))
    if len(at):
        return np.insert(x, at, x[at - 1]), np.insert(y, at, np.nan).astype(np.float32)
    return x.astype(np.int32) if whole else x, y.astype(np.float32)


def _band(rows: pd.DataFrame, colour: str) -> dict[str, Any]:
    """The span from least to greatest value of each bucket, one closed shape for every unbroken stretch."""
    low, high, x = (rows[c].to_numpy(float) for c in ("low", "high", "x"))
    cuts = set(_breaks(rows).tolist())
    finite = np.isfinite(low) & np.isfinite(high)
    edges = [i for i in range(len(x) + 1) if i in (0, len(x)) or i in cuts or finite[i] != finite[i - 1]]
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    for start, end in itertools.pairwise(edges):
        if end - start > 1 and finite[start]:
            piece = slice(start, end)
            xs += [x[piece], x[piece][::-1], [np.nan]]  # type: ignore[list-item]
            ys += [high[piece], low[piece][::-1], [np.nan]]  # type: ignore[list-item]
    flat = np.concatenate(ys) if ys else np.zeros(0)
    return {
        "mode": "lines",
        "x": np.concatenate(xs) if xs else np.zeros(0),
        "y": flat.astype(np.float32),
        "fill": "toself",
        "fillcolor": faded(colour, 0.16),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _not_finite(rows: pd.DataFrame, base: dict[str, Any], mark: Mark, bottom: str) -> list[dict[str, Any]]:
    bad = rows[rows["nonfinite"] > 0]
    if bad.empty:
        return []
    words = [f"{n} of {of} values" for n, of in zip(bad["nonfinite"], bad["n"], strict=True)]
    marks = {"symbol": "x", "size": 8, "color": mark.colour, "line": {"width": 0}}
    return [
        {
            **base,
            "mode": "markers",
            "x": bad["x"].to_numpy(float),
            "y": np.full(len(bad), 0.07),
            "yaxis": bottom,
            "marker": marks,
            "text": words,
            "hovertemplate": "%{text}",
        }
    ]


def _labels(
    part: pd.DataFrame,
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    y: str,
    several: bool,
) -> list[dict[str, Any]]:
    """Name and last value at the right end of each curve, in its colour, pushed apart where they would overlap."""
    now = part[~part["superseded"].astype(bool)]
    finite = now[np.isfinite(now["mean"].to_numpy(float))]
    if finite.empty:
        return []
    low, high = finite["low"].min(), finite["high"].max()
    height = (high - low) * 1.1 or 1.0
    splits = finite["split"].nunique() > 1
    ends = []
    for (run, split), rows in finite.groupby(["run", "split"], sort=False):
        value = float(rows["last"].iloc[-1]) if np.isfinite(rows["last"].iloc[-1]) else float(rows["mean"].iloc[-1])
        words = [names.get(run, run)] if several else []
        words += [split] if splits else []
        at = float(rows["smooth"].iloc[-1]) if "smooth" in rows else float(rows["mean"].iloc[-1])
        ends.append(
            (
                at if np.isfinite(at) else value,
                escaped(" ".join([*words, number(value)])),
                theme.word(marks[run].colour),
            )
        )
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
