"""Small multiples of curves: one figure, one shared x axis, one cursor; runs over each other or side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dashboard.charts import bands, curves, verticals
from dashboard.charts.apart import Columns
from dashboard.charts.curves import Curve
from dashboard.look import Mark, Theme, heading, layout, number
from dashboard.look import drawn as escaped
from dashboard.panels import Panel

PANEL, GAP, TOP, BOTTOM = 112, 42, 30, 48
"""Pixels of a panel, between panels (a heading stands there), above the first and below the last."""

LABELLED = 4
"""Up to so many runs are labelled at their right ends; more get a legend."""

COLUMNS = 4
"""Runs side by side: more columns are narrower than a word."""

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


def height(panels: int) -> int:
    """Pixels of a figure of so many panels."""
    return panels * PANEL + (panels - 1) * GAP + TOP + BOTTOM


@dataclass(frozen=True, slots=True)
class Options:
    """How curves are laid out.

    x, x_unit : axis of `Board.traces` and its unit; span : points of the trailing mean, 1 for none
    log_x, log_y : logarithmic axes where all values are positive; beside : one column a run
    level : where on the x axis all runs are compared, None for no such place
    findings : what is marked on the panels that it concerns; read : steps that are shaded as those that were read
    revision : as long as it is the same, the reader's zoom is kept
    """

    x: str = "step"
    x_unit: str = ""
    span: int = 1
    log_x: bool = False
    log_y: bool = False
    beside: bool = False
    level: float | None = None
    findings: tuple[verticals.Noted, ...] = ()
    read: tuple[float, float] | None = None
    revision: str = ""


Bands = Mapping[tuple[str, str], bands.Groups]
"""Bands of each panel, by its metric and unit."""


@dataclass(frozen=True)
class _Sheet:
    """What all panels share."""

    marks: Mapping[str, Mark]
    names: Mapping[str, str]
    theme: Theme
    options: Options
    plot: int
    several: bool
    data: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    axes: dict[str, Any] = field(default_factory=dict)
    shapes: list[dict[str, Any]] = field(default_factory=list)
    behind: Bands = field(default_factory=dict)
    groups: Bands | None = None


def figure(
    trace: pd.DataFrame,
    panels: Sequence[Panel],
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    options: Options = Options(),
    *,
    behind: pd.DataFrame | None = None,
    groups: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """One panel for each metric, one under the other.

    Parameters
    ----------
    trace : as `Board.traces`, with `smooth` if `options.span` > 1
    behind : as `Board.cohort`: the other runs, as a grey band
    groups : as `Board.cohort`, a group a configuration: means over seeds with their intervals; `marks` knows the groups
    """
    plot = len(panels) * PANEL + (len(panels) - 1) * GAP
    logging = {run for panel in panels for run in panel.runs}
    runs = [run for run in marks if run in logging]
    seeds = None if groups is None else bands.of_panels(groups)
    sheet = _Sheet(marks, names, theme, options, plot, len(runs) > 1, behind=bands.of_panels(behind), groups=seeds)
    columns = [[run] for run in runs[:COLUMNS]] if options.beside and len(runs) > 1 else [runs]
    trace = trace.assign(x=trace["x"] * 1000) if options.x == "time" else trace  # Plotly's dates are milliseconds
    found = curves.split(trace, joined=options.x in ORDERED)
    legend = len(columns) == 1 and len(runs) > LABELLED and groups is None
    if legend:
        sheet.data.extend(_legend(runs, marks, names))
    for place, panel in enumerate(panels):
        drawn = [curve for curve in found.get(panel.metric, ()) if curve.run in panel.runs]
        log = options.log_y and _positive(drawn, _around(sheet, panel))
        for column, members in enumerate(columns):
            part = [curve for curve in drawn if curve.run in members]
            _cell(sheet, panel, part, place, column, len(columns), log=log, labelled=not legend)
            _findings(sheet, panel, members, place * len(columns) + column + 1, column, len(columns), trace)
    for column, members in enumerate(columns):
        sheet.axes[f"xaxis{column + 1 if column else ''}"] = _x_axis(sheet, column, len(columns), len(panels), trace)
        if len(columns) > 1:
            sheet.annotations.append(_column_title(sheet, members[0], column, len(columns)))
    widest = max((len(a["text"]) for a in sheet.annotations if a.get("xshift")), default=4)
    top = TOP + 20 * (len(columns) > 1)
    return {
        "data": sheet.data,
        "layout": layout(
            theme,
            height=height(len(panels)) + top - TOP,
            margin={"l": 58, "r": min(24 + round(6.6 * widest), 230), "t": top, "b": BOTTOM},
            annotations=sheet.annotations,
            shapes=[
                *verticals.read(options.read, theme),
                *sheet.shapes,
                *verticals.restarts(trace, theme),
                *verticals.level(options.level, theme),
            ],
            hovermode="x unified",
            hoversubplots="axis",
            uirevision=options.revision,
            showlegend=legend,
            legend={"orientation": "h", "y": 1 + 26 / plot, "yanchor": "bottom", "x": 0, "groupclick": "togglegroup"},
            **sheet.axes,
        ),
    }


def _cell(
    sheet: _Sheet,
    panel: Panel,
    drawn: Sequence[Curve],
    place: int,
    column: int,
    columns: int,
    *,
    log: bool,
    labelled: bool,
) -> None:
    """One panel of one column: axes, what lies behind, curves, heading, labels."""
    theme, options, plot = sheet.theme, sheet.options, sheet.plot
    index = place * columns + column + 1
    y, x, bottom = f"y{index if index > 1 else ''}", f"x{column + 1 if column else ''}", f"y{index + 100}"
    top = 1 - place * (PANEL + GAP) / plot
    axis = {
        "domain": [max(top - PANEL / plot, 0), top],
        "anchor": x,
        "nticks": 4,
        "exponentformat": _exponent(drawn),
        "type": "log" if log else "linear",
        "autorange": True,  # said, since plotly.js would go on from the range that a constant curve was given before
    }
    if not _around(sheet, panel) and not log and (flat := _flat(drawn)) is not None:
        axis |= {"range": flat, "autorange": False}
    if column:
        axis |= {"matches": f"y{place * columns + 1 if place else ''}", "showticklabels": False}
    sheet.axes[f"yaxis{y[1:]}"] = axis
    sheet.axes[f"yaxis{index + 100}"] = {
        "overlaying": y, "range": [0, 1], "visible": False, "fixedrange": True, "anchor": x,
    }  # fmt: skip
    base = {"xaxis": x, "yaxis": y}
    others = list(sheet.behind.get((panel.metric, panel.unit), {}).values())
    for rows in others:
        sheet.data.extend(bands.cohort(rows, theme, base, escaped(panel.label)))
    spans = np.concatenate([np.zeros(0), *(rows[name] for rows in others for name in ("q10", "q90"))])
    seeds = None if sheet.groups is None else sheet.groups.get((panel.metric, panel.unit), {})
    several, splits = len({curve.run for curve in drawn}) > 1, len({curve.split for curve in drawn}) > 1
    for curve in drawn:
        words = [sheet.names.get(curve.run, curve.run)] if several or columns > 1 else []
        words += [curve.split] if splits or curve.split != "train" else []
        name = escaped(" ".join([panel.label, *words]))
        sheet.data.extend(
            trace | {"xaxis": x}
            for trace in curves.traces(
                curve,
                name,
                sheet.marks[curve.run],
                theme,
                y=y,
                bottom=bottom,
                span=options.span,
                faint=seeds is not None,
            )
        )
    if seeds is not None:
        sheet.data.extend(bands.seeds(seeds, sheet.marks, base, escaped(panel.label)))
    if column == 0:
        sheet.annotations.append(heading(theme, panel.label, panel.unit, x=0, y=min(top + 4 / plot, 1 + 4 / plot)))
    if seeds is not None:
        sheet.annotations.extend(_labels(sheet, _group_ends(seeds), y, spans, log=log))
    elif labelled and columns == 1:
        sheet.annotations.extend(_labels(sheet, _ends(drawn, sheet), y, spans, log=log))


def _findings(
    sheet: _Sheet, panel: Panel, runs: Sequence[str], index: int, column: int, columns: int, trace: pd.DataFrame
) -> None:
    """What was found in the metric of a panel, when it began and when it was seen."""
    if not sheet.options.findings:
        return
    axes = (f"x{column + 1 if column else ''}", f"y{index if index > 1 else ''}", f"y{index + 100}")
    seen = (float(trace["x"].min()), float(trace["x"].max()))
    taken = verticals.HEADING * columns
    shapes, points = verticals.findings(sheet.options.findings, panel, runs, axes, seen, sheet.theme, taken)
    sheet.shapes.extend(shapes)
    sheet.data.extend(points)


def _x_axis(sheet: _Sheet, column: int, columns: int, panels: int, trace: pd.DataFrame) -> dict[str, Any]:
    options, theme = sheet.options, sheet.theme
    words = AXES.get(options.x, options.x) + (f", {options.x_unit}" if options.x_unit else "")
    if options.span > 1:
        words += f"  ·  bold: trailing mean of {options.span} points{', of KL as well' if options.x == 'kl' else ''}"
    last = (panels - 1) * columns + column + 1
    width = (1 - 0.04 * (columns - 1)) / columns
    log = options.log_x and options.x != "time" and bool((trace["x"] > 0).all())
    return {
        "anchor": f"y{last if last > 1 else ''}",
        "domain": [column * (width + 0.04), min(column * (width + 0.04) + width, 1)],
        "title": {"text": words if column == 0 else ""},
        "type": "date" if options.x == "time" else "log" if log else "linear",
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "solid",
        "spikecolor": theme.older,
        "exponentformat": "none",
        "unifiedhovertitle": {"text": f"<b>{AXES.get(options.x, options.x)} %{{x}}</b>"},
        **({"matches": "x"} if column else {}),
    }


def _column_title(sheet: _Sheet, run: str, column: int, columns: int) -> dict[str, Any]:
    width = (1 - 0.04 * (columns - 1)) / columns
    colour = sheet.theme.word(sheet.marks[run].colour)
    return {
        "text": f"<b style='color:{colour}'>{escaped(sheet.names.get(run, run))}</b>",
        "xref": "paper",
        "yref": "paper",
        "x": column * (width + 0.04),
        "y": 1 + 24 / sheet.plot,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def _flat(drawn: Sequence[Curve]) -> list[float] | None:
    """The range for curves that hold one value only; None if they hold more. Left alone, the axis would show the
    rounding of its seventh digit.
    """
    ends = [float(f(curve[name])) for curve in drawn for f, name in ((np.nanmin, "low"), (np.nanmax, "high"))
            if np.isfinite(curve[name]).any()]  # fmt: skip
    if not ends or max(ends) - min(ends) > 1e-6 * max(map(abs, ends)):
        return None
    value = ends[0]
    return [value - abs(value) / 2, value + abs(value) / 2] if value else [-1.0, 1.0]


def _around(sheet: _Sheet, panel: Panel) -> list[Columns]:
    """The bands of a panel."""
    key = panel.metric, panel.unit
    return [*sheet.behind.get(key, {}).values(), *(sheet.groups or {}).get(key, {}).values()]


def _positive(drawn: Sequence[Curve], others: Sequence[Columns]) -> bool:
    """Whether a logarithmic axis can hold all of these curves and bands."""
    lows = [float(np.nanmin(curve["low"], initial=np.inf)) for curve in drawn]
    lows += [float(np.nanmin(rows["low"], initial=np.inf)) for rows in others]
    return bool(lows) and min(lows) > 0


def _exponent(drawn: Sequence[Curve]) -> str:
    """Plain numbers with separators up to millions, powers of ten beyond and for the very small."""
    greatest = max((np.nanmax(np.abs(curve["high"]), initial=0.0) for curve in drawn), default=0.0)
    return "none" if 1e-3 < greatest < 1e7 or not greatest else "power"


@dataclass(frozen=True, slots=True)
class _End:
    """A label at the right end of a curve: where, which value, whose, and how high its panel reaches."""

    at: float
    value: float
    words: tuple[str, ...]
    run: str
    low: float
    high: float


def _ends(drawn: Sequence[Curve], sheet: _Sheet) -> list[_End]:
    now = [curve for curve in drawn if not curve.old and np.isfinite(curve["mean"]).any()]
    splits = len({curve.split for curve in now}) > 1
    ends = []
    for curve in now:
        held = np.flatnonzero(np.isfinite(curve["mean"]))[-1]
        last = float(curve["last"][held])
        value = last if np.isfinite(last) else float(curve["mean"][held])
        at = float(curve["smooth" if "smooth" in curve.columns else "mean"][held])
        words = (
            *([sheet.names.get(curve.run, curve.run)] if sheet.several else []),
            *([curve.split] if splits else []),
        )
        low, high = float(np.nanmin(curve["low"])), float(np.nanmax(curve["high"]))
        ends.append(_End(at if np.isfinite(at) else value, value, words, curve.run, low, high))
    return ends


def _group_ends(groups: bands.Groups) -> list[_End]:
    ends = []
    for name, part in groups.items():
        held = np.flatnonzero(np.isfinite(part["mean"]))
        if len(held):
            last, low, high = part["mean"][held[-1]], np.nanmin(part["low"][held]), np.nanmax(part["high"][held])
            ends.append(_End(float(last), float(last), (name,), name, float(low), float(high)))
    return ends


def _labels(sheet: _Sheet, ends: Sequence[_End], y: str, spans: curves.Floats, *, log: bool) -> list[dict[str, Any]]:
    """Name and last value at the right end of each curve, in its colour, pushed apart where they would overlap."""
    if not ends:
        return []
    scale = np.log10 if log else np.asarray
    ends = sorted(ends, key=lambda end: end.at)
    spans = spans[np.isfinite(spans)]
    low = min(*(end.low for end in ends), float(np.min(spans[spans > 0] if log else spans, initial=np.inf)))
    high = max(*(end.high for end in ends), float(np.max(spans, initial=-np.inf)))
    height = float(scale(high) - scale(low)) * 1.1 or 1.0
    wanted = np.array([float(scale(end.at)) for end in ends]) / height * PANEL
    placed = wanted.copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + 14)
    placed -= (placed - wanted).max() / 2
    return [
        {
            "text": escaped(" ".join([*end.words, number(end.value)])),
            "font": {"color": sheet.theme.word(sheet.marks[end.run].colour), "size": 12},
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 8,
            "yref": y,
            "y": float(scale(end.at)),
            "yanchor": "middle",
            "yshift": float(place - want),
            "showarrow": False,
        }
        for end, place, want in zip(ends, placed, wanted, strict=True)
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
