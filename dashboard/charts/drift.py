"""Score quantiles over days or steps against a baseline."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.look import GREY, HUES, Ink, axis, fade, layout


def fan(
    table: pd.DataFrame,
    versions: pd.DataFrame,
    colours: Ink,
    *,
    day: bool,
    unit: str,
    baseline: tuple[float, float] | None,
) -> dict[str, Any]:
    """Fan of quantiles (5 to 95 %) with the baseline's band behind it and the number of responses below.

    Version changes are ticks on the time line; the baseline window is shaded.
    """
    x = _x(table["x"], day)
    data: list[dict[str, Any]] = []
    if "base_q50" in table and table["base_q50"].notna().any():
        data += _band(x, table["base_q05"], table["base_q95"], GREY, 0.16, "baseline, 5 to 95 %")
        data.append(_line(x, table["base_q50"], GREY, 1, "baseline median", "dot"))
    data += _band(x, table["q05"], table["q95"], HUES[0], 0.14, "5 to 95 %")
    data += _band(x, table["q25"], table["q75"], HUES[0], 0.28, "25 to 75 %")
    data.append(_line(x, table["q50"], HUES[0], 2.2, "median", "solid"))
    data.append(
        {"x": x, "y": table["n"].tolist(), "type": "bar", "marker": {"color": fade(GREY, 0.6)}, "yaxis": "y2", "name": "responses",
         "hovertemplate": "%{y} responses<extra></extra>"}
    )  # fmt: skip
    shape = layout(colours, 430, hovermode="x unified", bargap=0.25)
    shape["xaxis"] = axis(
        colours, "day (UTC)" if day else "step", showgrid=False, anchor="y2", type="date" if day else "linear"
    )
    shape["yaxis"] = axis(colours, unit, domain=[0.24, 1])
    shape["yaxis2"] = axis(colours, "responses", domain=[0, 0.16], nticks=3)
    shape["shapes"], shape["annotations"] = [], []
    if baseline is not None:
        a, b = _x(pd.Series(baseline), day)
        shape["shapes"].append(
            {
                "type": "rect",
                "x0": a,
                "x1": b,
                "yref": "paper",
                "y0": 0.24,
                "y1": 1,
                "line": {"width": 0},
                "fillcolor": fade(GREY, 0.10),
                "layer": "below",
            }
        )
        shape["annotations"].append(_note("baseline", a, colours))
    for row in _changes(versions).itertuples():
        at = _x(pd.Series([row.x]), day)[0]
        shape["shapes"].append(
            {
                "type": "line",
                "x0": at,
                "x1": at,
                "yref": "paper",
                "y0": 0.2,
                "y1": 1,
                "line": {"color": colours.quiet, "width": 1, "dash": "dash"},
            }
        )
        shape["annotations"].append(_note(str(row.value), at, colours))
    return {"data": data, "layout": shape}


def by_category(table: pd.DataFrame, colours: Ink, *, day: bool, unit: str) -> dict[str, Any]:
    """Median and 25 to 75 % of each category as small multiples on shared axes."""
    categories = sorted(table["category"].unique())
    columns = min(4, max(len(categories), 1))
    rows = -(-len(categories) // columns)
    data: list[dict[str, Any]] = []
    shape = layout(colours, 190 * rows + 40, annotations=[])
    width, height = 1 / columns, 1 / max(rows, 1)
    for i, category in enumerate(categories):
        row, column = divmod(i, columns)
        suffix = "" if i == 0 else str(i + 1)
        part = table[table["category"] == category]
        x = _x(part["x"], day)
        place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        if "base_q50" in part and part["base_q50"].notna().any():
            data.append(_line(x, part["base_q50"], GREY, 1, "baseline median", "dot") | place)
        data += [t | place for t in _band(x, part["q25"], part["q75"], HUES[0], 0.22, "25 to 75 %")]
        data.append(_line(x, part["q50"], HUES[0], 1.8, "median", "solid") | place)
        left, top = column * width, 1 - row * height
        shape[f"xaxis{suffix}"] = axis(
            colours,
            domain=[left, left + width * 0.9],
            anchor=f"y{suffix}",
            showgrid=False,
            nticks=4,
            type="date" if day else "linear",
        ) | ({} if i == 0 else {"matches": "x"})
        shape[f"yaxis{suffix}"] = axis(
            colours,
            unit if column == 0 else "",
            domain=[max(top - height * 0.72, 0), top - height * 0.02],
            anchor=f"x{suffix}",
        ) | ({} if i == 0 else {"matches": "y"})
        shape["annotations"].append(
            {"text": f"<b>{category or 'no category'}</b>", "x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left",
             "yanchor": "bottom", "showarrow": False, "font": {"size": 12, "color": colours.text}}
        )  # fmt: skip
    return {"data": data, "layout": shape}


def _changes(versions: pd.DataFrame) -> pd.DataFrame:
    """Versions that came in later than the first of their kind."""
    if versions.empty:
        return versions
    first = versions.groupby("field")["x"].transform("min")
    return versions[versions["x"] > first]


def _x(values: pd.Series, day: bool) -> list[Any]:
    return [pd.Timestamp(v, unit="s").strftime("%Y-%m-%d") for v in values] if day else values.tolist()


def _band(x: list[Any], low: pd.Series, high: pd.Series, colour: str, alpha: float, name: str) -> list[dict[str, Any]]:
    edge = {
        "x": x,
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "name": name,
    }
    return [
        {**edge, "y": low.tolist()},
        {**edge, "y": high.tolist(), "fill": "tonexty", "fillcolor": fade(colour, alpha)},
    ]


def _line(x: list[Any], y: pd.Series, colour: str, width: float, name: str, dash: str) -> dict[str, Any]:
    return {
        "x": x, "y": y.tolist(), "type": "scatter", "mode": "lines", "name": name,
        "line": {"color": colour, "width": width, "dash": dash}, "hovertemplate": "%{y:.3g}<extra>" + name + "</extra>",
    }  # fmt: skip


def _note(text: str, at: Any, colours: Ink) -> dict[str, Any]:
    return {
        "text": text, "x": at, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False,
        "font": {"size": 11, "color": colours.quiet},
    }  # fmt: skip
