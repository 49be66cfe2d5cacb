"""Scores of reward models: accuracy with its interval, distributions, margins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.look import GREY, HUES, Ink, Mark, axis, fade, layout

ROW_HEIGHT = 30


def accuracy_dots(
    tables: Mapping[str, pd.DataFrame], marks: Mapping[str, Mark], names: Mapping[str, str], colours: Ink
) -> dict[str, Any]:
    """Accuracy by category as dots with 50 % and 95 % bars without caps; chance is a line.

    Parameters
    ----------
    tables : run -> rows of `Board.accuracy` (category, n, accuracy, low, high, low50, high50)
    """
    categories = list(dict.fromkeys(c for table in tables.values() for c in table["category"]))
    data: list[dict[str, Any]] = []
    count = max(len(tables), 1)
    for k, (run, table) in enumerate(tables.items()):
        colour = marks[run].colour
        y = [len(categories) - 1 - categories.index(c) + (count / 2 - 0.5 - k) * 0.6 / count for c in table["category"]]
        for low, high, width, alpha in (("low", "high", 3, 0.45), ("low50", "high50", 7, 0.8)):
            xs: list[float | None] = []
            ys: list[float | None] = []
            for at, row in zip(y, table.itertuples(), strict=True):
                xs += [getattr(row, low), getattr(row, high), None]
                ys += [at, at, None]
            data.append(
                {"x": xs, "y": ys, "type": "scatter", "mode": "lines", "hoverinfo": "skip",
                 "line": {"color": fade(colour, alpha), "width": width}}
            )  # fmt: skip
        data.append(
            {
                "x": table["accuracy"].tolist(), "y": y, "type": "scatter", "mode": "markers", "name": names.get(run, run),
                "marker": {"color": colour, "size": 9},
                "customdata": table[["low", "high", "n", "ties"]].to_numpy().tolist(),
                "hovertemplate": "%{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f}), n %{customdata[2]}, ties %{customdata[3]}"
                "<extra>" + names.get(run, run) + "</extra>",
            }
        )  # fmt: skip
    shape = layout(colours, 90 + ROW_HEIGHT * max(len(categories), 1) * max(1, (count + 1) // 2))
    shape["xaxis"] = axis(colours, "ranking accuracy: strict wins / n, with 50 % and 95 % Wilson intervals")
    shape["yaxis"] = axis(
        colours, tickvals=list(range(len(categories))), ticktext=categories[::-1], showgrid=False,
        range=[-0.7, len(categories) - 0.3],
    )  # fmt: skip
    shape["shapes"] = [
        {
            "type": "line",
            "x0": 0.5,
            "x1": 0.5,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": GREY, "dash": "dot", "width": 1},
        }
    ]
    shape["annotations"] = [
        {"x": 0.5, "y": 1, "yref": "paper", "yanchor": "bottom", "text": "chance", "showarrow": False,
         "font": {"size": 11, "color": colours.quiet}}
    ]  # fmt: skip
    shape["showlegend"] = len(tables) > 1
    shape["legend"] = {"orientation": "h", "y": 1.16, "x": 0}
    for trace in data:
        trace["showlegend"] = trace["mode"] == "markers"
    return {"data": data, "layout": shape}


def distributions(histogram: pd.DataFrame, colours: Ink) -> dict[str, Any]:
    """Scores of chosen and rejected responses, and their margins beside them."""
    hue = {"chosen": HUES[0], "rejected": HUES[1], "margin": HUES[2]}
    data = []
    for side, part in histogram.groupby("side", sort=False):
        panel = "2" if side == "margin" else ""
        data.append(
            {
                "x": ((part["left"] + part["right"]) / 2).tolist(), "y": part["count"].tolist(), "type": "scatter",
                "mode": "lines", "line": {"shape": "hvh", "color": hue[str(side)], "width": 1.8}, "fill": "tozeroy",
                "fillcolor": fade(hue[str(side)], 0.16), "name": str(side), "xaxis": f"x{panel}", "yaxis": f"y{panel}",
                "showlegend": side != "margin", "hovertemplate": "%{x:.3g}: %{y} pairs<extra>" + str(side) + "</extra>",
            }
        )  # fmt: skip
    shape = layout(colours, 280)
    shape["xaxis"] = axis(colours, "score, reward units", domain=[0, 0.46], showgrid=False)
    shape["yaxis"] = axis(colours, "pairs")
    shape["xaxis2"] = axis(
        colours, "margin: chosen minus rejected, reward units", domain=[0.54, 1], anchor="y2", showgrid=False
    )
    shape["yaxis2"] = axis(colours, anchor="x2")
    shape["shapes"] = [
        {
            "type": "line",
            "x0": 0,
            "x1": 0,
            "xref": "x2",
            "yref": "y2 domain",
            "y0": 0,
            "y1": 1,
            "line": {"color": GREY, "dash": "dot", "width": 1},
        }
    ]
    shape["showlegend"] = True
    shape["legend"] = {"orientation": "h", "y": 1.16, "x": 0}
    return {"data": data, "layout": shape}
