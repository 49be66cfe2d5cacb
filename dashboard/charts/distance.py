"""Reward over the distance from the reference: the path of each run, what was fitted to it, and its peak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.policy.over_optimisation import CurveFit
from dashboard.look import Mark, Theme, drawn, faded, heading, layout, number, spoken
from dashboard.travelled import Path

PANEL, GAP, TOP, BOTTOM = 240, 52, 30, 48
"""Pixels of a panel, between panels (a heading stands there), above the first and below the last."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One run: its id, its name, and its path."""

    run: str
    name: str
    path: Path


def figure(panels: Sequence[Panel], marks: Mapping[str, Mark], theme: Theme, *, revision: str = "") -> dict[str, Any]:
    """A panel a run, one under the other: scores of different runs may lie on different scales."""
    plot = len(panels) * PANEL + (len(panels) - 1) * GAP
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    shapes: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for place, panel in enumerate(panels):
        tail = str(place + 1) if place else ""
        top = 1 - place * (PANEL + GAP) / plot
        where = {"xaxis": f"x{tail}", "yaxis": f"y{tail}"}
        last = place == len(panels) - 1
        axes[f"xaxis{tail}"] = {
            "anchor": f"y{tail}",
            "title": {"text": "sqrt(KL to reference), square root of nats per sequence" if last else ""},
            "exponentformat": "none",
        }
        axes[f"yaxis{tail}"] = {"domain": [max(top - PANEL / plot, 0), top], "anchor": f"x{tail}"}
        whose = panel.name if len(panels) > 1 else ""
        title = f"{whose}: score" if whose else "Score"
        annotations.append(heading(theme, title, panel.path.unit, x=0, y=min(top + 5 / plot, 1 + 5 / plot)))
        data += _path(panel.path, marks[panel.run], theme, where)
        data += _fitted(panel.path, theme, where)
        shapes += _peak(panel.path.fit, theme, tail)
    return {
        "data": data,
        "layout": layout(
            theme,
            height=plot + TOP + BOTTOM,
            margin={"l": 58, "r": 24, "t": TOP, "b": BOTTOM},
            annotations=annotations,
            shapes=shapes,
            hovermode="closest",
            uirevision=revision,
            **axes,
        ),
    }


def _path(path: Path, mark: Mark, theme: Theme, where: dict[str, str]) -> list[dict[str, Any]]:
    """Rows as logged, and where the run has arrived."""
    rows = {
        "type": "scatter",
        "mode": "markers",
        "customdata": np.column_stack([path.step, path.kl]),
        "hovertemplate": "step %{customdata[0]:,.0f}<br>KL %{customdata[1]:.4g} nats per sequence"
        "<br>score %{y:.4g}<extra></extra>",
        **where,
    }
    dots = {"size": 5, "color": mark.colour}
    ring = {"size": 11, "color": theme.ground, "line": {"color": mark.colour, "width": 2.4}}
    return [
        {**rows, "x": path.distance, "y": path.score, "marker": dots, "name": "score"},
        {
            **rows,
            "x": path.distance[-1:],
            "y": path.score[-1:],
            "customdata": rows["customdata"][-1:],
            "marker": ring,
            "name": "last row",
        },
    ]


def _fitted(path: Path, theme: Theme, where: dict[str, str]) -> list[dict[str, Any]]:
    if not path.fit.forms:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": path.fitted_at,
            "y": path.fitted,
            "line": {"color": theme.text, "width": 1.6},
            "name": f"{spoken(path.fit.forms[0].name)} form",
            "hovertemplate": f"{drawn(spoken(path.fit.forms[0].name))} form: %{{y:.4g}}<extra></extra>",
            **where,
        }
    ]


def _peak(fit: CurveFit, theme: Theme, tail: str) -> list[dict[str, Any]]:
    """Where reward was greatest, with its interval; only where that is established."""
    if fit.state != "established" or fit.peak is None:
        return []
    peak = fit.peak
    upright = {"xref": f"x{tail}", "yref": f"y{tail} domain", "y0": 0, "y1": 1, "layer": "below"}
    words = {
        "text": f"peak {number(peak.d)} ({number(peak.low)} to {number(peak.high)})",
        "textangle": 0,
        "textposition": "end",
        "xanchor": "right",
        "yanchor": "bottom",
        "padding": 3,
        "font": {"size": 11, "color": theme.warning},
    }
    ends = {"x0": peak.d, "x1": peak.d}
    shade = {"fillcolor": faded(theme.warning, 0.12), "line": {"width": 0}}
    return [
        {"type": "rect", **upright, "x0": peak.low, "x1": peak.high, **shade},
        {"type": "line", **upright, **ends, "line": {"color": theme.warning, "width": 1.6}, "label": words},
    ]
