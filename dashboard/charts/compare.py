"""Reward models beside each other: ranks that are still possible, differences, categories, and the swap check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, log10
from typing import Any

import numpy as np

from analysis.ranking.accuracy import Accuracy
from analysis.ranking.categories import CategoryDifference
from analysis.ranking.compare import Difference
from analysis.ranking.swap import Swap
from dashboard.look import BLUE, VERMILLION, Mark, Theme, drawn, faded, heading, layout

ROW, DENSE, LINE = 42, 34, 27
"""Pixels of a row whose label has two lines, the same of many models, and of a row of one line."""

MANY = 8
"""More models than this stand closer together."""

LONG = 30
"""Characters of a name on an axis; the whole name is in the hover text."""

ESTABLISHED, OPEN = "\u2713", "\u25cb"
"""A tick and an empty circle: what is established is told by mark, word and colour."""

PARTICULAR = "\u25c6"


def models(
    order: Sequence[str],
    found: Mapping[str, Accuracy],
    ranks: Mapping[str, tuple[int, int]],
    losses: Mapping[str, str],
    marks: Mapping[str, Mark],
    theme: Theme,
    *,
    unit: str = "pairs",
) -> dict[str, Any]:
    """Share ranked right with 50 and 95 % intervals, and beside it the ranks that established differences leave.

    Parameters
    ----------
    order : names, the best first
    found : NaN where a model has no labelled pair
    losses : name -> loss, "" where nobody says
    unit : "pairs", of which chance ranks half right, or "lists", where chance depends on their length
    """
    place = {name: len(order) - 1 - i for i, name in enumerate(order)}
    data: list[dict[str, Any]] = []
    known = [name for name in order if isfinite(found[name].accuracy)]
    for name in known:
        a, y, colour = found[name], place[name], marks[name].colour
        data += [
            _bar([100 * a.low, 100 * a.high], y, colour, 2),
            _bar([100 * a.low50, 100 * a.high50], y, colour, 7),
            {
                "type": "scatter", "mode": "markers", "x": [100 * a.accuracy], "y": [y], "showlegend": False,
                "marker": {"color": theme.ground, "size": 9, "line": {"color": colour, "width": 2.5}},
                "hovertemplate": f"<b>{drawn(name)}</b><br>{100 * a.accuracy:.1f} % of {a.n:,} {unit} right<br>"
                f"95 %: {100 * a.low:.1f} to {100 * a.high:.1f} %<br>{a.ties:,} ties count as not right<extra></extra>",
            },
        ]  # fmt: skip
    ranked = [name for name in order if name in ranks]
    for name in ranked:
        best, worst = ranks[name]
        colour = BLUE if best == 1 else theme.neutral
        ends = f"rank {best}" if best == worst else f"ranks {best} to {worst}"
        data.append(
            {
                **_bar([best - 0.3, worst + 0.3], place[name], colour, 10), "xaxis": "x2",
                "hoverinfo": "text", "text": f"<b>{drawn(name)}</b><br>{ends}",
            }
        )  # fmt: skip
    even = [0.5] if unit == "pairs" else []
    low = min([*even, *(found[n].low for n in known)], default=0.0)
    high = max([*even, *(found[n].high for n in known)], default=1.0)
    chance = {"type": "line", "x0": 50, "x1": 50, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    return {
        "data": data,
        "layout": layout(
            theme,
            height=(ROW if len(order) <= MANY else DENSE) * len(order) + 96,
            margin={"l": 60, "r": 16, "t": 36, "b": 48},
            xaxis={
                "domain": [0, 0.58], "title": {"text": f"{unit} ranked right, %  (bars: 50 and 95 %)"}, "ticksuffix": " %",
                "range": [max(100 * low - 3, -1), min(100 * high + 3, 101)], "fixedrange": True,
            },
            xaxis2={
                "domain": [0.64, 1], "title": {"text": "rank, 1 is best"}, "range": [0.4, max(len(ranked), 1) + 0.6],
                "dtick": max(1, len(ranked) // 6), "tick0": 1, "fixedrange": True,
            },
            yaxis=_names([_two(name, losses.get(name) or "loss not told", theme) for name in order], theme),
            shapes=[chance | {"line": {"color": theme.neutral, "width": 1, "dash": "dot"}} for _ in even],
            annotations=[
                heading(theme, "Share ranked right", "", x=0, y=1.01),
                heading(theme, "Ranks still possible", "", x=0.64, y=1.01),
                *(
                    {
                        "text": "not computable: no labels", "x": 0.01, "xref": "x domain", "y": place[name], "xanchor": "left",
                        "font": {"size": 12, "color": theme.muted},
                    }
                    for name in order if name not in known
                ),
            ],
            hovermode="closest",
        ),
    }  # fmt: skip


def differences(found: Sequence[Difference], theme: Theme, *, unit: str = "pairs", against: str = "") -> dict[str, Any]:
    """Differences with 95 % intervals, established ones marked.

    against : the model that all of these are about: each is then that model less another one, and the other one names the
        row; without it each row is the better model less the other one
    """
    rows = [_seen_from(d, against) for d in found]
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for i, (one, other, value, low, high, d) in enumerate(rows):
        y = len(rows) - 1 - i
        sure = d.verdict in ("a", "b")
        colour = BLUE if sure else theme.neutral
        told = f"{ESTABLISHED} established" if sure else f"{OPEN} not established"
        more = f"p {d.p_adjusted:.2g}" if sure else _would(d, unit)
        told = told if sure or not against else OPEN
        gap = "  " if against else "<br>"
        words = theme.word(BLUE) if sure else theme.muted
        data += [
            _bar([100 * low, 100 * high], y, colour, 3),
            {
                "type": "scatter", "mode": "markers", "x": [100 * value], "y": [y], "showlegend": False,
                "marker": {"color": colour if sure else theme.ground, "size": 10, "line": {"color": colour, "width": 2}},
                "hovertemplate": f"<b>{drawn(one)}</b> less {drawn(other)}<br>{100 * value:.1f} points "
                f"({100 * low:.1f} to {100 * high:.1f}), adjusted p {d.p_adjusted:.2g}<br>{d.n:,} {unit} of {d.prompts:,} prompts; "
                f"only one right: {max(d.only_a, d.only_b):,} and {min(d.only_a, d.only_b):,}<extra></extra>",
            },
        ]  # fmt: skip
        notes.append(
            {
                "xref": "paper", "x": 1.01, "y": y, "xanchor": "left", "yanchor": "middle", "align": "left",
                "text": f"<b>{told}</b>{gap}<span style='color:{theme.muted}'>{more}</span>",
                "font": {"size": 12, "color": words}, "showarrow": False,
            }
        )  # fmt: skip
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    labels = [
        f"over <b>{drawn(_short(other))}</b>" if against else _two(one, f"over {_short(other)}", theme)
        for one, other, *_ in rows
    ]
    return {
        "data": data,
        "layout": layout(
            theme,
            height=(LINE if against else ROW) * len(rows) + 70,
            margin={"l": 60, "r": 190, "t": 10, "b": 48},
            xaxis={
                "title": {"text": f"more {unit} ranked right, percentage points  (bars: 95 %)"}, "fixedrange": True,
                "range": _room([100 * end for _, _, _, low, high, _ in rows for end in (low, high)]),
            },
            yaxis=_names(labels, theme),
            shapes=[zero | {"line": {"color": theme.text, "width": 1}}],
            annotations=notes,
            hovermode="closest",
        ),
    }  # fmt: skip


def categories(found: Sequence[CategoryDifference], order: Sequence[str], theme: Theme) -> dict[str, Any]:
    """Differences by category of one model less each other one, in points; established ones coloured, the rest grey.

    Parameters
    ----------
    order : the other models, first on top
    """
    columns = sorted({f.category for f in found})
    others = [name for name in order if any(f.difference.b == name for f in found)]
    cells = {(f.difference.b, f.category): f for f in found}
    grid = np.full((len(others), len(columns)), np.nan)
    x, y, texts, colours, hovers = [], [], [], [], []
    for i, name in enumerate(others):
        for j, category in enumerate(columns):
            cell = cells.get((name, category))
            if cell is None:
                continue
            sign = {"a": 1.0, "b": -1.0}.get(cell.verdict, 0.0)
            grid[len(others) - 1 - i, j] = sign
            x.append(j)
            y.append(len(others) - 1 - i)
            texts.append(_cell(cell))
            colours.append(theme.text if sign else theme.muted)
            hovers.append(wrapped(cell.statement))
    scale = [[0, faded(VERMILLION, 0.34)], [0.5, faded(theme.neutral, 0.07)], [1, faded(BLUE, 0.34)]]
    return {
        "data": [
            {
                "type": "heatmap", "x": list(range(len(columns))), "y": list(range(len(others))), "z": grid.tolist(),
                "zmin": -1, "zmax": 1, "colorscale": scale, "showscale": False, "hoverinfo": "skip", "xgap": 3, "ygap": 3,
            },
            {
                "type": "scatter", "mode": "text", "x": x, "y": y, "text": texts, "hovertext": hovers,
                "hovertemplate": "%{hovertext}<extra></extra>", "textfont": {"color": colours, "size": 13},
                "showlegend": False,
            },
        ],
        "layout": layout(
            theme,
            height=34 * len(others) + 60,
            margin={"l": 60, "r": 8, "t": 30, "b": 16},
            xaxis={
                "side": "top", "tickvals": list(range(len(columns))), "ticktext": [drawn(_short(c) or "not named") for c in columns],
                "showgrid": False, "fixedrange": True, "tickfont": {"color": theme.text, "size": 12},
                "range": [-0.5, len(columns) - 0.5],
            },
            yaxis=_names([drawn(_short(name)) for name in others], theme),
            hovermode="closest",
        ),
    }  # fmt: skip


def swap(found: Swap, theme: Theme) -> dict[str, Any]:
    """How much harder the new model presses, on a logarithmic scale with 1 in sight."""
    value, low, high = found.scale.value, found.scale.low, found.scale.high
    sure = found.verdict in ("harder", "softer")
    colour = BLUE if sure else theme.neutral
    ends = log10(min(low, 1 / 1.5)), log10(max(high, 1.5))
    room = 0.12 * (ends[1] - ends[0])
    one = {"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    side = {"xref": "paper", "yref": "paper", "y": 1, "yanchor": "bottom", "font": {"size": 12, "color": theme.muted}}
    return {
        "data": [
            _bar([low, high], 0, colour, 3),
            {
                "type": "scatter", "mode": "markers+text", "x": [value], "y": [0], "showlegend": False,
                "text": [f"<b>{value:.3g} times</b>"], "textposition": "top center", "textfont": {"color": theme.text},
                "marker": {"color": colour if sure else theme.ground, "size": 11, "line": {"color": colour, "width": 2}},
                "hovertemplate": f"{value:.3g} times ({low:.3g} to {high:.3g})<extra></extra>",
            },
        ],
        "layout": layout(
            theme,
            height=150,
            margin={"l": 16, "r": 16, "t": 26, "b": 48},
            xaxis={
                "type": "log", "title": {"text": "pressure of the new model over that of the old one, times (bar: 95 %)"},
                "range": [ends[0] - room, ends[1] + room], "fixedrange": True,
                "tickvals": [t for t in TICKS if 10 ** (ends[0] - room) <= t <= 10 ** (ends[1] + room)],
                "ticktext": [f"{t:g}" for t in TICKS if 10 ** (ends[0] - room) <= t <= 10 ** (ends[1] + room)],
            },
            yaxis={"visible": False, "range": [-1, 1.6], "fixedrange": True},
            shapes=[one | {"line": {"color": theme.text, "width": 1}}],
            annotations=[
                {**side, "text": "presses softer", "x": 0, "xanchor": "left"},
                {**side, "text": "presses harder", "x": 1, "xanchor": "right"},
            ],
            hovermode="closest",
        ),
    }  # fmt: skip


TICKS = tuple(part * 10.0**power for power in range(-3, 4) for part in (1, 1.5, 2, 3, 5, 7))
"""What a logarithmic axis of ratios is read by."""


def _bar(ends: Sequence[float], y: float, colour: str, width: int) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": list(ends), "y": [y, y], "line": {"color": colour, "width": width},
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _names(labels: Sequence[str], theme: Theme) -> dict[str, Any]:
    """The y axis of rows that are named from top to bottom."""
    return {
        "tickvals": list(range(len(labels) - 1, -1, -1)), "ticktext": list(labels), "range": [-0.6, len(labels) - 0.4],
        "showgrid": False, "fixedrange": True, "tickfont": {"color": theme.text, "size": 12},
    }  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG - 9]}\u2026{name[-8:]}"


def _two(name: str, more: str, theme: Theme) -> str:
    return f"<b>{drawn(_short(name))}</b><br><span style='color:{theme.muted}'>{drawn(more)}</span>"


def _seen_from(d: Difference, against: str) -> tuple[str, str, float, float, float, Difference]:
    if d.a == against or (d.b != against and d.difference >= 0):
        return d.a, d.b, d.difference, d.low, d.high, d
    return d.b, d.a, -d.difference, -d.high, -d.low, d


def _would(d: Difference, unit: str) -> str:
    """What would decide; above ten million pairs a number says nothing."""
    return f"{d.needed:,.0f} {unit} would show it" if d.needed < 1e7 else "no difference is seen"


def _cell(cell: CategoryDifference) -> str:
    if cell.verdict == "not computable":
        return "too few"
    text = f"{100 * cell.difference.difference:+.1f}"
    mark = PARTICULAR if cell.particular else ESTABLISHED
    return f"<b>{text} {mark}</b>" if cell.verdict in ("a", "b") else text


def _room(values: Sequence[float]) -> list[float]:
    low, high = min([0.0, *values]), max([0.0, *values])
    room = 0.05 * (high - low) or 1.0
    return [low - room, high + room]


def wrapped(text: str, width: int = 70) -> str:
    """Text for what the pointer shows, in lines."""
    import textwrap

    return "<br>".join(drawn(line) for line in textwrap.wrap(text, width))
