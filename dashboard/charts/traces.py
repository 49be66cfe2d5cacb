"""Training curves as small multiples on one shared x axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from dashboard.look import GREY, Ink, Mark, axis, fade, layout

PANEL_HEIGHT = 215
LABELLED = 4
"""Curves that get their name at their right end; more would overlap."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: the metrics drawn in it share a unit."""

    title: str
    unit: str
    metrics: tuple[str, ...]


def figure(
    trace: pd.DataFrame,
    panels: Sequence[Panel],
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    colours: Ink,
    *,
    x_title: str,
    columns: int = 2,
    log_y: bool = False,
) -> dict[str, Any]:
    """Small multiples of `trace` (columns of `Board.traces`, and `smooth`), one panel each.

    Raw values stay visible behind the smoothed line; between the extremes of a bucket lies a band; older attempts
    are grey; what is not finite is a mark at the panel's lower edge; gaps stay gaps.
    """
    rows = max(1, ceil(len(panels) / columns))
    data: list[dict[str, Any]] = []
    shape = layout(colours, PANEL_HEIGHT * rows + 40, hovermode="x unified", annotations=[])
    gap_x, gap_y = 0.07, 62 / (PANEL_HEIGHT * rows)
    width, height = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    x_type = "date" if x_title == "time" else "linear"
    for i, panel in enumerate(panels):
        row, column = divmod(i, columns)
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        last = row == rows - 1 or i + columns >= len(panels)
        suffix = "" if i == 0 else str(i + 1)
        shape[f"xaxis{suffix}"] = axis(
            colours,
            x_title if last else "",
            domain=[left, left + width],
            anchor=f"y{suffix}",
            type=x_type,
            showgrid=False,
        ) | ({} if i == 0 else {"matches": "x"})
        shape[f"yaxis{suffix}"] = axis(
            colours,
            panel.unit,
            domain=[max(top - height, 0), top],
            anchor=f"x{suffix}",
            type="log" if log_y else "linear",
        )
        shape["annotations"].append(_title(panel.title, left, top, colours))
        mine = trace[trace["metric"].isin(panel.metrics)]
        data += _panel(mine, suffix, marks, names, colours)
        if mine.empty:
            shape["annotations"].append(_missing(left + width / 2, top - height / 2, colours))
    return {"data": data, "layout": shape}


def _title(text: str, x: float, y: float, colours: Ink) -> dict[str, Any]:
    return {
        "text": f"<b>{text}</b>", "x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "font": {"size": 13, "color": colours.text}, "yshift": 4,
    }  # fmt: skip


def _missing(x: float, y: float, colours: Ink) -> dict[str, Any]:
    return {
        "text": "not logged on this axis", "x": x, "y": y, "xref": "paper", "yref": "paper", "showarrow": False,
        "font": {"size": 12, "color": colours.quiet},
    }  # fmt: skip


def _panel(
    mine: pd.DataFrame, suffix: str, marks: Mapping[str, Mark], names: Mapping[str, str], colours: Ink
) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = []
    if mine.empty:
        return data
    place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
    floor = float(np.nanmin(mine["low"])) if mine["low"].notna().any() else 0.0
    curves = list(mine.groupby(["run", "metric", "split", "attempt"], sort=False))
    lines = {(run, metric, split) for (run, metric, split, _), _ in curves}
    several = len({split for _, _, split in lines}) > 1
    for (run, metric, split, _), part in curves:
        mark = marks[run]
        name = names.get(run, run) + (f" {split}" if several else "")
        name += f" {metric.rpartition('/')[2]}" if mine["metric"].nunique() > 1 else ""
        dash = "dot" if several and split != "train" else mark.dash
        for old, stretch in part.groupby((part["superseded"] != part["superseded"].shift()).cumsum(), sort=False):
            del old
            grey = bool(stretch["superseded"].iloc[0])
            data += _curve(stretch, name, GREY if grey else mark.colour, dash, place, grey)
        if len(lines) <= LABELLED and not part["superseded"].iloc[-1]:
            data.append(_end_label(part, name, mark.colour, place))
        bad = part[part["nonfinite"] > 0]
        if len(bad):
            data.append(_not_finite(bad, name, floor, mark.colour, place))
    return data


def _x(part: pd.DataFrame) -> list[Any]:
    return part["x"].tolist()


def _curve(
    part: pd.DataFrame, name: str, colour: str, dash: str, place: dict[str, str], grey: bool
) -> list[dict[str, Any]]:
    x = _x(part)
    data: list[dict[str, Any]] = []
    smooth = "smooth" in part and not grey
    if (part["n"] > 1).any():
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "type": "scatter", **place}
        data.append({"x": x, "y": _y(part["low"]), **edge})
        data.append({"x": x, "y": _y(part["high"]), "fill": "tonexty", "fillcolor": fade(colour, 0.14), **edge})
    raw = {
        "x": x, "y": _y(part["mean"]), "type": "scatter", "name": name, "connectgaps": False,
        "mode": "lines+markers" if len(part) == 1 else "lines",
        "line": {"color": fade(colour, 0.32 if smooth else 0.6 if grey else 1.0), "width": 1 if smooth or grey else 1.7, "dash": dash},
        "marker": {"color": colour, "size": 7},
        **place,
    }  # fmt: skip
    if smooth or grey:
        raw["hoverinfo"] = "skip"
    else:
        raw["hovertemplate"] = "%{y:.4g}<extra>" + _safe(name) + "</extra>"
    data.append(raw)
    if smooth:
        data.append(
            {
                "x": x, "y": _y(part["smooth"]), "type": "scatter", "mode": "lines", "name": name, "connectgaps": False,
                "line": {"color": colour, "width": 2, "dash": dash},
                "customdata": _y(part["mean"]),
                "hovertemplate": "%{y:.4g} (raw %{customdata:.4g})<extra>" + _safe(name) + "</extra>",
                **place,
            }
        )  # fmt: skip
    return data


def _end_label(part: pd.DataFrame, name: str, colour: str, place: dict[str, str]) -> dict[str, Any]:
    column = "smooth" if "smooth" in part and part["smooth"].notna().any() else "mean"
    known = part[part[column].notna()]
    if known.empty:
        known = part
    return {
        "x": [known["x"].iloc[-1]], "y": _y(known[column].iloc[-1:]), "type": "scatter", "mode": "text",
        "text": [_safe(_short(name))], "textposition": "top left", "textfont": {"color": colour, "size": 11},
        "hoverinfo": "skip", "cliponaxis": False, **place,
    }  # fmt: skip


def _not_finite(bad: pd.DataFrame, name: str, floor: float, colour: str, place: dict[str, str]) -> dict[str, Any]:
    return {
        "x": _x(bad), "y": [floor] * len(bad), "type": "scatter", "mode": "markers",
        "marker": {"symbol": "x", "size": 9, "color": colour, "line": {"width": 1, "color": "#B00020"}},
        "customdata": bad["nonfinite"].tolist(),
        "hovertemplate": "%{customdata} values are not finite (NaN or infinite)<extra>" + _safe(name) + "</extra>", **place,
    }  # fmt: skip


def _y(values: pd.Series) -> list[float | None]:
    return [None if not np.isfinite(v) else float(v) for v in values.to_numpy(float)]


def _safe(text: str) -> str:
    """Plotly reads tags in texts: a run's name must stay text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(name: str, most: int = 28) -> str:
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-most // 2 :]}"
