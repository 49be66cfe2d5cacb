"""One curve after the other: slices of a table of traces, and the Plotly traces that draw each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.charts import areas
from dashboard.charts.apart import Columns, apart
from dashboard.look import Mark, Theme, faded

GAP_STEPS = 10.0
"""Nothing logged for ten times the usual distance is a gap and is not bridged by a line."""

DOTTED = 40
"""Curves of fewer points show the points."""

Floats = areas.Floats


@dataclass(frozen=True)
class Curve:
    """Buckets of one metric of one run and split, in the order of the log; `old`: before a restart covered them.

    joined : whether neighbours may be joined by a line: along another metric a curve is no function, and neighbours
        in x may be far apart in time
    """

    run: str
    metric: str
    split: str
    old: bool
    joined: bool
    columns: Columns

    def __getitem__(self, column: str) -> Floats:
        return self.columns[column]

    def __len__(self) -> int:
        return len(self.columns["x"])

    @cached_property
    def breaks(self) -> npt.NDArray[np.intp]:
        """Where the line must not go on to the next point: a restart, or a gap in what was logged."""
        restarts = np.flatnonzero(np.diff(self["attempt"]) != 0) + 1
        far = areas.silences(self["x"], GAP_STEPS) if len(self) > DOTTED and self.joined else areas.NO_PLACES
        return np.union1d(restarts, far)


def split(trace: pd.DataFrame, joined: bool) -> dict[str, list[Curve]]:
    """Curves of each metric of a table as `Board.traces` returns, in the order of its rows."""
    found: dict[str, list[Curve]] = {}
    for (metric, run, part, old), columns in apart(trace, "metric", "run", "split", "superseded").items():
        found.setdefault(metric, []).append(Curve(run, metric, part, bool(old), joined, columns))
    return found


def traces(
    curve: Curve, name: str, mark: Mark, theme: Theme, *, y: str, bottom: str, span: int = 1, faint: bool = False
) -> list[dict[str, Any]]:
    """Band, line, smoothed line and marks of one curve; an older attempt is a thin grey line.

    faint : a seed behind the mean of its group: thin, without its band
    """
    base = {"type": "scatter", "yaxis": y, "legendgroup": curve.run, "showlegend": False, "name": name}
    if curve.old:
        return [{**base, **_line(curve, "mean", theme.older, "solid", 1.0, 1.0), "name": f"{name}, before restart"}]
    if faint:
        thin = _line(curve, "smooth" if span > 1 else "mean", mark.colour, "solid", 1.0, theme.raw)
        return [{**base, **thin, "hoverinfo": "skip"}]
    held_out = curve.split != "train"
    dash = "dot" if held_out else mark.dash
    parts = []
    if curve.joined and bool(np.any(curve["high"] > curve["low"])):
        parts += [{**base, **part} for part in _band(curve, mark.colour)]
    raw = _line(curve, "mean", mark.colour, dash, 1.0 if span > 1 else 1.7, theme.raw if span > 1 else 1.0)
    if not curve.joined:
        raw |= {"mode": "markers", "marker": {"size": 4, "color": mark.colour}}
    elif held_out or len(curve) <= DOTTED:
        size = 7 if len(curve) == 1 else 5 if held_out else 4
        raw |= {"mode": "lines+markers", "marker": {"size": size, "color": mark.colour}}
    parts.append({**base, **raw} | ({"hoverinfo": "skip"} if span > 1 else {}))
    if span > 1:
        parts.append({**base, **_line(curve, "smooth", mark.colour, dash, 2.2, 1.0)})
        parts += [] if curve.joined else [{**base, **_end_of_path(curve, mark.colour, theme), "name": f"{name}, last"}]
    return parts + _not_finite(curve, {**base, "name": f"{name}: NaN or infinite"}, mark, bottom)


def _line(curve: Curve, column: str, colour: str, dash: str, width: float, opacity: float) -> dict[str, Any]:
    over_means = column == "smooth" and "smooth_x" in curve.columns
    x, y = areas.broken(curve["smooth_x" if over_means else "x"], curve[column], curve.breaks)
    return {
        "mode": "lines",
        "x": areas.compact(x),
        "y": areas.single(y),
        "line": {"color": colour, "width": width, "dash": dash},
        "opacity": opacity,
        "connectgaps": False,
        "hovertemplate": "%{y:.4g}",
    }


def _end_of_path(curve: Curve, colour: str, theme: Theme) -> dict[str, Any]:
    """Where a path that runs to and fro has arrived."""
    x = curve["smooth_x" if "smooth_x" in curve.columns else "x"][-1:]
    marker = {"size": 10, "color": colour, "line": {"color": theme.ground, "width": 2}}
    return {"mode": "markers", "x": x, "y": curve["smooth"][-1:], "marker": marker, "hovertemplate": "%{y:.4g}"}


def _band(curve: Curve, colour: str) -> list[dict[str, Any]]:
    """The span from least to greatest value of each bucket; its outline is what shows a spike of one point."""
    x, low, high = curve["x"], curve["low"], curve["high"]
    fill = areas.area(x, low, high, faded(colour, 0.16), curve.breaks)
    return [fill, areas.edges(x, low, high, colour, curve.breaks)]


def _not_finite(curve: Curve, base: dict[str, Any], mark: Mark, bottom: str) -> list[dict[str, Any]]:
    bad = np.flatnonzero(curve["nonfinite"] > 0)
    if not len(bad):
        return []
    words = [f"{int(curve['nonfinite'][i])} of {int(curve['n'][i])} values" for i in bad]
    return [
        {
            **base,
            "mode": "markers",
            "x": curve["x"][bad],
            "y": np.full(len(bad), 0.07),
            "yaxis": bottom,
            "marker": {"symbol": "x", "size": 8, "color": mark.colour, "line": {"width": 0}},
            "text": words,
            "hovertemplate": "%{text}",
        }
    ]
