"""What stands upright through panels: restarts, levels, and when a finding began and was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.look import Theme, faded, number
from dashboard.look import drawn as escaped
from dashboard.panels import Panel

LINE = 0.13
"""Height of a line of words in a panel: labels of several findings stand under each other."""

HEADING = 0.35
"""Share of a panel's width that its heading takes."""

RIGHT = 0.75
"""From this share of the axis on a label stands to the left of its line, where there is room."""

LONGEST = 20
"""Restarts drawn of a run that was restarted over and over."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding on the time line of one run.

    metrics : those that its evidence concerns; a panel of another metric does not show it
    onset : first step, and the interval of it (value, low, high); None where it is not known
    detected : the step at which the data were enough
    severity : "critical", "warning" or "info"
    label : a few words; sentence : what the pointer tells
    """

    run: str
    metrics: frozenset[str]
    onset: tuple[float, float, float] | None
    detected: float | None
    severity: str
    label: str
    sentence: str = ""


def findings(
    noted: Sequence[Noted],
    panel: Panel,
    runs: Sequence[str],
    axes: tuple[str, str, str],
    seen: tuple[float, float],
    theme: Theme,
    heading: float = HEADING,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Shapes of the findings that concern a panel, and points that tell them under the pointer.

    Parameters
    ----------
    runs : those drawn in this panel
    axes : names of its x axis, of its y axis, and of the axis from 0 to 1 that lies over it
    seen : both ends of the x axis, by which a label finds room
    heading : share of the axis that the panel's heading takes: behind it a label stands above the panel
    """
    mine = [n for n in noted if n.run in runs and n.run in panel.runs and panel.metric in n.metrics]
    shapes: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for place, finding in enumerate(mine):
        shapes += _finding(finding, axes, theme)
        shapes += _label(finding, axes, place, seen, heading, theme)
        points.append(_point(finding, axes, place, theme))
    return shapes, points


def _upright(axes: tuple[str, str, str]) -> dict[str, Any]:
    return {"xref": axes[0], "yref": f"{axes[1]} domain", "y0": 0, "y1": 1, "layer": "below"}


def _finding(noted: Noted, axes: tuple[str, str, str], theme: Theme) -> list[dict[str, Any]]:
    """The interval of its onset, shaded; the onset as a line; its detection as a thin dashed one."""
    colour, upright = theme.severity(noted.severity), _upright(axes)
    shapes = []
    if noted.onset is not None:
        value, low, high = noted.onset
        if high > low:
            shade = {"fillcolor": faded(colour, 0.12), "line": {"width": 0}}
            shapes.append({"type": "rect", **upright, "x0": low, "x1": high, **shade})
        shapes.append({"type": "line", **upright, "x0": value, "x1": value, "line": {"color": colour, "width": 1.8}})
    if noted.detected is not None and (noted.onset is None or noted.detected != noted.onset[0]):
        line = {"color": colour, "width": 1, "dash": "dash"}
        shapes.append({"type": "line", **upright, "x0": noted.detected, "x1": noted.detected, "line": line})
    return shapes


def _label(
    noted: Noted, axes: tuple[str, str, str], place: int, seen: tuple[float, float], heading: float, theme: Theme
) -> list[dict[str, Any]]:
    """Its words: the first above the panel where the heading leaves room, others under each other inside it."""
    at = noted.onset[0] if noted.onset is not None else noted.detected
    if at is None:
        return []
    along = (at - seen[0]) / ((seen[1] - seen[0]) or 1.0)
    above = place == 0 and along > heading
    words = {
        "text": escaped(noted.label),
        "textangle": 0,
        "textposition": "end",
        "xanchor": "right" if along > RIGHT else "left",
        "yanchor": "bottom" if above else "top",
        "padding": 3 if above else 5,
        "font": {"size": 11, "color": theme.severity(noted.severity)},
    }
    spot = {**_upright(axes), "x0": at, "x1": at, "y1": 1 - LINE * place, "layer": "above"}
    return [{"type": "line", **spot, "line": {"width": 0}, "label": words}]


def _point(noted: Noted, axes: tuple[str, str, str], place: int, theme: Theme) -> dict[str, Any]:
    """The finding in words, where the pointer meets its onset."""
    at = noted.onset[0] if noted.onset is not None else noted.detected
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [at],
        "y": [1 - LINE * place],
        "xaxis": axes[0],
        "yaxis": axes[2],
        "marker": {"symbol": "triangle-down", "size": 8, "color": theme.severity(noted.severity)},
        "name": escaped(noted.label),
        "text": [escaped(noted.sentence)],
        "hovertemplate": "%{text}",
        "showlegend": False,
        "cliponaxis": False,
    }


def restarts(trace: pd.DataFrame, theme: Theme) -> list[dict[str, Any]]:
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
        for x in starts[:LONGEST]
    ]


def level(at: float | None, theme: Theme) -> list[dict[str, Any]]:
    """A line through all panels where the runs are compared."""
    if at is None:
        return []
    words = {
        "text": f"all reach {number(at)}",
        "textposition": "end",
        "textangle": 0,
        "xanchor": "left",
        "font": {"size": 10, "color": theme.muted},
    }
    line = {"color": theme.neutral, "width": 1, "dash": "dot"}
    ends = {"x0": at, "x1": at, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return [{"type": "line", **ends, "line": line, "layer": "below", "label": words}]


def read(span: tuple[float, float] | None, theme: Theme) -> list[dict[str, Any]]:
    """The steps that a piece of evidence was read from, shaded grey."""
    if span is None:
        return []
    ends = {"x0": span[0], "x1": span[1], "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    words = {
        "text": "read here",
        "textposition": "bottom right",
        "font": {"size": 10, "color": theme.muted},
    }
    line = {"color": theme.older, "width": 1, "dash": "dot"}
    return [
        {
            "type": "rect",
            **ends,
            "fillcolor": faded(theme.neutral, 0.12),
            "line": line,
            "layer": "below",
            "label": words,
        }
    ]
