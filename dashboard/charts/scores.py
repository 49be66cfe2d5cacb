"""Scores of reward models: accuracy with its intervals, distributions, margins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dashboard.look import BLUE, VERMILLION, Mark, Theme, drawn, faded, heading, layout, percent

ROW = 30
"""Pixels of a category for one model; a further model adds half of it."""

BESIDE = 310
"""Pixels of a panel that stands beside another one."""


def accuracy(
    tables: Mapping[str, pd.DataFrame], marks: Mapping[str, Mark], names: Mapping[str, str], theme: Theme
) -> dict[str, Any]:
    """Accuracy by category: a dot with its 95 % (thin) and 50 % (thick) interval, without caps.

    Parameters
    ----------
    tables : scorer -> rows of `Board.accuracy`, in the order in which categories are drawn; a column `rule` holds the
        share of a trivial rule, drawn as a tick
    """
    categories = list(dict.fromkeys(name for table in tables.values() for name in table["category"]))
    place = {name: len(categories) - 1 - i for i, name in enumerate(categories)}
    data: list[dict[str, Any]] = []
    for number, (run, table) in enumerate(tables.items()):
        shift = 0.0 if len(tables) == 1 else 0.25 - 0.5 * number / (len(tables) - 1)
        y = np.array([place[name] + shift for name in table["category"]])
        colour = marks[run].colour
        data += [
            _bars(table, "low", "high", y, colour, 2),
            _bars(table, "low50", "high50", y, colour, 7),
        ]
        words = [_words(row) for row in table.to_dict("records")]
        if "rule" in table:
            data.append(_ticks(100 * table["rule"].to_numpy(float), y, theme))
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": 100 * table["accuracy"].to_numpy(float),
                "y": y,
                "name": drawn(names.get(run, run)),
                "marker": {"color": theme.ground, "size": 9, "line": {"color": colour, "width": 2.5}},
                "text": words,
                "hovertemplate": "%{text}<extra></extra>",
                "showlegend": len(tables) > 1,
            }
        )
    few = {
        name: int(max(t.loc[t["category"] == name, "n"].max() for t in tables.values() if name in set(t["category"])))
        for name in categories
    }
    rows = max(len(categories), 1)
    height = rows * ROW + (len(tables) - 1) * rows * ROW // 3 + 96
    return {
        "data": data,
        "layout": layout(
            theme,
            height=max(height, BESIDE if rows * len(tables) > 3 else 150),
            margin={"l": 60, "r": 24, "t": 48, "b": 52},
            xaxis={
                "title": {"text": "pairs ranked right, %  (bars: 50 and 95 %; dotted: chance)"},
                "range": _span(tables),
                "ticksuffix": " %",
            },
            yaxis={
                "tickvals": [place[name] for name in categories],
                "ticktext": [
                    f"{drawn(name) or 'not named'}  <span style='color:{theme.muted}'>n {few[name]:,}</span>"
                    for name in categories
                ],
                "range": [-0.6, rows - 0.4],
                "showgrid": False,
                "tickfont": {"color": theme.text, "size": 12},
                "fixedrange": True,
            },
            shapes=[_chance(theme)],
            annotations=[
                heading(theme, "Right by category", "", x=0, y=1.07),
            ],
            showlegend=len(tables) > 1,
            legend={"orientation": "h", "y": 1.06, "yanchor": "bottom", "x": 1, "xanchor": "right"},
            hovermode="closest",
        ),
    }


def _bars(table: pd.DataFrame, low: str, high: str, y: np.ndarray, colour: str, width: int) -> dict[str, Any]:
    ends = np.column_stack([100 * table[low], 100 * table[high], np.full(len(table), np.nan)])
    return {
        "type": "scatter",
        "mode": "lines",
        "x": ends.ravel(),
        "y": np.repeat(y, 3),
        "line": {"color": colour, "width": width},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _ticks(x: np.ndarray, y: np.ndarray, theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "marker": {"symbol": "line-ns", "size": 13, "line": {"color": theme.neutral, "width": 2.5}},
        "hovertemplate": "the strongest trivial rule: %{x:.1f} %<extra></extra>",
        "showlegend": False,
    }


def _words(row: Mapping[str, Any]) -> str:
    missing = f"<br>{row['missing']:,} without a finite score" if row.get("missing") else ""
    return (
        f"<b>{drawn(str(row['category']))}</b>: {percent(row['accuracy'])} of {row['n']:,}<br>"
        f"95 %: {percent(row['low'])} to {percent(row['high'])}<br>{row['ties']:,} ties count as not right{missing}"
    )


def _span(tables: Mapping[str, pd.DataFrame]) -> list[float]:
    """From below chance or the lowest interval to the highest: differences fill the width, chance stays in sight."""
    ruled = [float(r) for t in tables.values() if "rule" in t for r in t["rule"] if r == r]
    low = min([0.5, *ruled, *(float(t["low"].min()) for t in tables.values())])
    high = max([0.5, *ruled, *(float(t["high"].max()) for t in tables.values())])
    return [max(100 * low - 4, -1), min(100 * high + 4, 101)]


def _chance(theme: Theme) -> dict[str, Any]:
    line = {"color": theme.neutral, "width": 1, "dash": "dot"}
    return {
        "type": "line",
        "x0": 50,
        "x1": 50,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": line,
        "layer": "below",
    }


SIDES = {"chosen": BLUE, "rejected": VERMILLION}


def distributions(histogram: pd.DataFrame, theme: Theme, *, labelled: bool = True) -> dict[str, Any]:
    """Scores of both sides on common bins, and the margins beside them, zero marked."""
    words = {"chosen": "chosen", "rejected": "rejected"} if labelled else {"chosen": "first", "rejected": "second"}
    data = [
        _steps(histogram[histogram["side"] == side], SIDES[side], words[side], "x", "y")
        for side in ("chosen", "rejected")
    ]
    margins = histogram[histogram["side"] == "margin"]
    data.append(_steps(margins, theme.neutral, "margin", "x2", "y2"))
    wrong = float(margins.loc[margins["right"] <= 0, "count"].sum() / max(margins["count"].sum(), 1))
    zero = {"color": theme.text, "width": 1}
    sides = "  ".join(
        f"<span style='color:{theme.word(SIDES[side])}'><b>{word}</b></span>" for side, word in words.items()
    )
    return {
        "data": data,
        "layout": layout(
            theme,
            height=BESIDE,
            margin={"l": 52, "r": 20, "t": 40, "b": 48},
            xaxis={"domain": [0, 0.46], "title": {"text": "score, reward units"}},
            yaxis={"title": {"text": "pairs"}, "rangemode": "tozero"},
            xaxis2={
                "domain": [0.56, 1],
                "anchor": "y2",
                "title": {"text": f"{words['chosen']} minus {words['rejected']}, reward units"},
            },
            yaxis2={"anchor": "x2", "title": {"text": "pairs"}, "rangemode": "tozero"},
            shapes=[
                {
                    "type": "line",
                    "x0": 0,
                    "x1": 0,
                    "xref": "x2",
                    "y0": 0,
                    "y1": 1,
                    "yref": "y2 domain",
                    "line": zero,
                }
            ],
            annotations=[
                heading(theme, "Scores", "", x=0, y=1.03, more=f"  {sides}"),
                heading(
                    theme,
                    "Margins",
                    f"about {percent(wrong, 0)} below zero" if labelled else "",
                    x=0.56,
                    y=1.03,
                ),
            ],
            bargap=0,
            hovermode="closest",
        ),
    }


def _steps(part: pd.DataFrame, colour: str, name: str, x: str, y: str) -> dict[str, Any]:
    middle = ((part["left"] + part["right"]) / 2).to_numpy(float)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": middle,
        "y": part["count"].to_numpy(float),
        "xaxis": x,
        "yaxis": y,
        "name": name,
        "line": {"color": colour, "width": 1.8, "shape": "hvh"},
        "fill": "tozeroy",
        "fillcolor": faded(colour, 0.15),
        "hovertemplate": "%{x:.3g}: %{y:,} pairs<extra>" + name + "</extra>",
    }
