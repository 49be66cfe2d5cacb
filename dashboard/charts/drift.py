"""Quantiles of a score over time as a fan, with the baseline's band behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.charts import areas
from dashboard.charts.steps import columns, gaps
from dashboard.look import BLUE, Theme, drawn, faded, heading, layout

MS = 1000.0
YEAR = 365 * 86400.0
DAY = 86_400.0
COLUMNS = 3


def fan(
    table: pd.DataFrame,
    versions: pd.DataFrame,
    baseline: tuple[float, float],
    theme: Theme,
    *,
    axis: str,
    title: str,
    unit: str,
    revision: str = "",
) -> dict[str, Any]:
    """Quantiles of `Board.score_quantiles` with a baseline, rows a day (or step) below, versions as ticks."""
    times = MS if axis == "day" else 1.0
    x = table["x"].to_numpy(float) * times
    data = [*_baseline(table, x, theme, "y", label=True), *_fan(table, x, theme, "y", label=True)]
    width = {"width": DAY * MS * 0.8} if axis == "day" else {}
    per = "day" if axis == "day" else "step"
    data.append(
        {
            "type": "bar",
            "x": x,
            "y": table["n"].to_numpy(float),
            "yaxis": "y2",
            "marker": {"color": theme.older},
            "name": "rows",
            "hovertemplate": "%{y:,} rows",
            **width,
        }
    )
    ticks, words = _versions(versions, times, theme)
    return {
        "data": data,
        "layout": layout(
            theme,
            height=430,
            margin={"l": 58, "r": 120, "t": 62, "b": 50},
            xaxis={
                "type": "date" if axis == "day" else "linear",
                "anchor": "y2",
                "title": {"text": "day (UTC)" if axis == "day" else "step"},
                "showspikes": True,
                "spikemode": "across",
                "spikesnap": "cursor",
                "spikethickness": 1,
                "spikedash": "solid",
                "spikecolor": theme.older,
            },
            yaxis={"domain": [0.27, 1], "anchor": "x"},
            yaxis2={"domain": [0, 0.17], "anchor": "x", "nticks": 2, "rangemode": "tozero"},
            shapes=[_window(baseline, times, theme, axis), *ticks],
            annotations=[
                heading(theme, title, unit, x=0, y=1.07),
                heading(theme, "Rows", f"a {per}", x=0, y=0.175),
                *_ends(table, theme),
                *words,
                _window_word(baseline, times, theme),
            ],
            hovermode="x unified",
            hoversubplots="axis",
            uirevision=revision,
        ),
    }


def categories(table: pd.DataFrame, theme: Theme, *, axis: str, unit: str, revision: str = "") -> dict[str, Any]:
    """The same fan for each category, small, all on one scale."""
    times = MS if axis == "day" else 1.0
    names = list(dict.fromkeys(table["category"]))
    rows = -(-len(names) // COLUMNS)
    data: list[dict[str, Any]] = []
    annotations, axes = [], {}
    # the chart above says the year; a narrow panel has room for one line
    span = np.ptp(table["x"].to_numpy(float)) if len(table) else 0.0
    day = {"tickformat": "%b %-d" if span < YEAR else "%b %Y"} if axis == "day" else {}
    gap, across = 0.30 / rows if rows > 1 else 0.0, 0.04
    height, width = (1 - gap * (rows - 1)) / rows, (1 - across * (COLUMNS - 1)) / COLUMNS
    for place, name in enumerate(names):
        row, column = divmod(place, COLUMNS)
        part = table[table["category"] == name]
        suffix = "" if place == 0 else str(place + 1)
        left, top = column * (width + across), 1 - row * (height + gap)
        x = part["x"].to_numpy(float) * times
        lines = [*_baseline(part, x, theme, f"y{suffix}"), *_fan(part, x, theme, f"y{suffix}")]
        data += [line | {"xaxis": f"x{suffix}"} for line in lines]
        axes[f"xaxis{suffix}"] = {
            "domain": [left, left + width],
            "anchor": f"y{suffix}",
            "type": "date" if axis == "day" else "linear",
            "nticks": 4,
            **day,
            **({"matches": "x"} if place else {}),
        }
        axes[f"yaxis{suffix}"] = {
            "domain": [max(top - height, 0), top],
            "anchor": f"x{suffix}",
            "nticks": 4,
            "showticklabels": column == 0,
            **({"matches": "y"} if place else {}),
        }
        annotations.append(heading(theme, name or "not named", f"n {int(part['n'].sum()):,}", x=left, y=top))
    return {
        "data": data,
        "layout": layout(
            theme,
            height=rows * 185 + 50,
            margin={"l": 46, "r": 16, "t": 30, "b": 34},
            annotations=annotations,
            hovermode="x unified",
            uirevision=revision,
            **axes,
        ),
    }


def _fan(table: pd.DataFrame, x: np.ndarray, theme: Theme, y: str, *, label: bool = False) -> list[dict[str, Any]]:
    """5 to 95 % light, 25 to 75 % darker, the median a line; days without rows stay gaps, one between two is a dot."""
    breaks = _gaps(x)
    at, median = areas.broken(x, table["q50"].to_numpy(float), breaks)
    ends = np.zeros(len(x) + 1, bool)
    ends[[0, *breaks, len(x)]] = True
    alone, _ = areas.broken(np.where(ends[:-1] & ends[1:], 6, 0), x, breaks)
    told = np.column_stack([areas.broken(x, table[q].to_numpy(float), breaks)[1] for q in ("q05", "q95")])
    colour = theme.word(BLUE)
    middle = {
        "type": "scatter",
        "mode": "lines+markers" if np.any(alone) else "lines",
        "x": at,
        "y": median.astype(np.float32),
        "yaxis": y,
        "name": "median",
        "line": {"color": colour, "width": 2},
        "marker": {"size": alone, "color": colour},
        "customdata": told.astype(np.float32) if label else None,
        "hovertemplate": "%{y:.4g}" + (" (5 to 95 %: %{customdata[0]:.4g} to %{customdata[1]:.4g})" if label else ""),
    }
    wide, narrow = ([table[q].to_numpy(float) for q in ends] for ends in (("q05", "q95"), ("q25", "q75")))
    bands = [
        areas.area(x, *wide, faded(BLUE, 0.14), breaks),
        areas.area(x, *narrow, faded(BLUE, 0.26), breaks),
        areas.edges(x, *wide, colour, breaks),
    ]
    return [*({**band, "yaxis": y} for band in bands), middle]


def _gaps(x: np.ndarray) -> areas.Places:
    """Days, or steps, before which there was nothing."""
    return gaps(*columns(x, x))


def _baseline(table: pd.DataFrame, x: np.ndarray, theme: Theme, y: str, *, label: bool = False) -> list[dict[str, Any]]:
    if "base_q50" not in table or not table["base_q50"].notna().any():
        return []
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": table["base_q50"].to_numpy(np.float32),
        "yaxis": y,
        "name": "baseline median",
        "line": {"color": theme.neutral, "width": 1.2, "dash": "dash"},
        "hovertemplate": "%{y:.4g}",
    }
    low, high = (table[q].to_numpy(float) for q in ("base_q05", "base_q95"))
    edges = areas.edges(x, low, high, theme.older)
    edges["line"] |= {"dash": "dot"}
    return [{**areas.area(x, low, high, faded(theme.neutral, 0.13)), "yaxis": y}, {**edges, "yaxis": y}, line]


def _ends(table: pd.DataFrame, theme: Theme) -> list[dict[str, Any]]:
    """Words at the right end of what they name."""
    last, blue = table.iloc[-1], theme.word(BLUE)
    wanted = [(last["q50"], "median", blue), (last["q95"], "95 %", blue), (last["q05"], "5 %", blue)]
    if "base_q50" in table and last["base_q50"] == last["base_q50"]:
        wanted.append((last["base_q50"], "baseline median", theme.neutral))
    wanted.sort(key=lambda end: end[0])
    low, high = (float(table[c].min() if c == "q05" else table[c].max()) for c in ("q05", "q95"))
    scale = 235 / ((high - low) * 1.1 or 1.0)
    at = np.array([end[0] for end in wanted]) * scale
    placed = at.copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + 14)
    return [
        {
            "text": text,
            "font": {"color": colour, "size": 12},
            "xref": "paper",
            "x": 1,
            "xshift": 8,
            "xanchor": "left",
            "yref": "y",
            "y": float(value),
            "yshift": float(place - want),
            "showarrow": False,
        }
        for (value, text, colour), place, want in zip(wanted, placed, at, strict=True)
    ]


def _window(baseline: tuple[float, float], times: float, theme: Theme, axis: str) -> dict[str, Any]:
    """A bar above the fan over the baseline window."""
    return {
        "type": "line",
        "x0": baseline[0] * times,
        "x1": baseline[1] * times,
        "xref": "x",
        "y0": 1.005,
        "y1": 1.005,
        "yref": "paper",
        "line": {"color": theme.neutral, "width": 4},
    }


def _window_word(baseline: tuple[float, float], times: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": "baseline window",
        "x": baseline[0] * times,
        "xref": "x",
        "xanchor": "left",
        "y": 1.01,
        "yref": "paper",
        "yanchor": "bottom",
        "font": {"size": 11, "color": theme.neutral},
        "showarrow": False,
    }


def _versions(versions: pd.DataFrame, times: float, theme: Theme) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Version changes: a tick through all panels and its name, at the first day or step that has it."""
    first = versions["x"].min() if len(versions) else np.nan
    later: pd.DataFrame = versions[versions["x"] > first]
    ticks, words = [], []
    for place, (x, rows) in enumerate(later.groupby("x")):
        names: Sequence[str] = rows["value"].tolist()
        line = {"color": theme.text, "width": 1, "dash": "dash"}
        at = float(x) * times  # type: ignore[arg-type]
        ticks.append(
            {
                "type": "line",
                "x0": at,
                "x1": at,
                "xref": "x",
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": line,
                "layer": "below",
            }
        )
        words.append(
            {
                "text": "<br>".join(drawn(name) for name in names),
                "x": at,
                "xref": "x",
                "xanchor": "left",
                "xshift": 4,
                "y": 0.985 - 0.06 * (place % 2),
                "yref": "paper",
                "yanchor": "top",
                "align": "left",
                "font": {"size": 11, "color": theme.text},
                "bgcolor": faded(theme.ground, 0.75),
                "showarrow": False,
            }
        )
    return ticks, words
