"""Whether a reward model can be trusted: is it as sure as it is right, does it follow length, what else moves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.ranking.baselines import Panel
from analysis.ranking.best_of import BestOfCurve
from analysis.ranking.bias import Effect
from analysis.ranking.calibration import Confidence
from analysis.ranking.length import LengthSplit
from dashboard.charts.compare import wrapped
from dashboard.charts.scores import BESIDE
from dashboard.look import BLUE, VERMILLION, Mark, Theme, drawn, faded, heading, layout, number, percent

ROW = 27
"""Pixels of a feature or a rule."""

LONG = 26
"""Letters of a name beside its row; the rest is in what the pointer shows."""


def reliability(as_is: Confidence | None, scaled: Confidence | None, mark: Mark, theme: Theme) -> dict[str, Any]:
    """Share ranked right by confidence with 95 % intervals, the band that chance alone fills if confidence were right.

    as_is : at T = 1, drawn if margins are log-odds; else `scaled`, at the fitted temperature; one of them must be there
    """
    found = as_is or scaled
    assert found is not None
    curve = found.reliability
    kept = curve.count > 0
    x, y = 100 * curve.confidence[kept], 100 * curve.accuracy[kept]
    low, high = 100 * curve.low[kept], 100 * curve.high[kept]
    band = np.concatenate([100 * curve.null_high[kept], 100 * curve.null_low[kept][::-1]])
    size = 7 + 9 * np.sqrt(curve.count[kept] / curve.count.max())
    data: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "x": np.concatenate([x, x[::-1]]), "y": band, "fill": "toself",
            "fillcolor": faded(theme.neutral, 0.22), "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
        },
        {
            "type": "scatter", "mode": "lines", "x": [50, 100], "y": [50, 100], "hoverinfo": "skip", "showlegend": False,
            "line": {"color": theme.neutral, "width": 1, "dash": "dot"},
        },
        _whiskers(x, low, high, mark.colour),
    ]  # fmt: skip
    if as_is is not None and scaled is not None:
        after = scaled.reliability
        there = after.count > 0
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": 100 * after.confidence[there], "y": 100 * after.accuracy[there],
                "line": {"color": mark.colour, "width": 1.3, "dash": "dot"}, "hoverinfo": "skip",
            }
        )  # fmt: skip
    data.append(
        {
            "type": "scatter", "mode": "lines+markers", "x": x, "y": y,
            "line": {"color": mark.colour, "width": 1.6, "dash": mark.dash},
            "marker": {"color": theme.ground, "size": size, "opacity": 1, "line": {"color": mark.colour, "width": 2.2}},
            "text": [
                f"sure by {a:.0f} %, right in {b:.1f} % ({c:.1f} to {d:.1f})<br>{n:,} pairs"
                for a, b, c, d, n in zip(x, y, low, high, curve.count[kept], strict=True)
            ],
            "hovertemplate": "%{text}<extra></extra>",
        }
    )  # fmt: skip
    least = min(50.0, float(np.nanmin(low)), float(np.nanmin(band)))
    return {
        "data": data,
        "layout": layout(
            theme,
            height=BESIDE,
            margin={"l": 56, "r": 20, "t": 34, "b": 48},
            xaxis={"title": {"text": "how sure it is, %"}, "range": [49, 101], "ticksuffix": " %"},
            yaxis={"title": {"text": "how often right, %"}, "range": [max(least - 3, -1), 103], "ticksuffix": " %"},
            annotations=[heading(theme, "As sure as it is right?", "", x=0, y=1.02)],
            hovermode="closest",
        ),
    }  # fmt: skip


def by_length(found: LengthSplit, mark: Mark, theme: Theme) -> dict[str, Any]:
    """Share ranked right by how much longer the chosen side is, with 95 % intervals."""
    bins = found.bins
    x = np.arange(len(bins))
    y, low, high = (
        np.array([100 * getattr(b, name) for b in bins]) for name in ("accuracy", "accuracy_low", "accuracy_high")
    )
    labels = [_span(b.low, b.high) for b in bins]
    return {
        "data": [
            _whiskers(x, low, high, mark.colour),
            {
                "type": "scatter", "mode": "markers", "x": x, "y": y,
                "marker": {"color": theme.ground, "size": 9, "line": {"color": mark.colour, "width": 2.4}},
                "text": [
                    f"chosen longer by {label} {drawn(found.unit)}<br>{b.n:,} pairs, {percent(b.accuracy)} right "
                    f"({percent(b.accuracy_low)} to {percent(b.accuracy_high)})"
                    for label, b in zip(labels, bins, strict=True)
                ],
                "hovertemplate": "%{text}<extra></extra>",
            },
        ],
        "layout": layout(
            theme,
            height=BESIDE,
            margin={"l": 56, "r": 20, "t": 34, "b": 48},
            xaxis={
                "title": {"text": f"length of chosen less rejected, {drawn(found.unit)}"}, "tickvals": x, "ticktext": labels,
                "range": [-0.6, len(bins) - 0.4], "showgrid": False, "fixedrange": True,
            },
            yaxis={
                "title": {"text": "pairs ranked right, %"}, "ticksuffix": " %",
                "range": [max(min(50.0, float(low.min())) - 4, -4), min(max(50.0, float(high.max())) + 4, 104)],
            },
            shapes=[_line(theme, y0=50, y1=50)],
            annotations=[heading(theme, "Right by length difference", "", x=0, y=1.02)],
            hovermode="closest",
        ),
    }  # fmt: skip


def effects(found: Sequence[Effect], theme: Theme) -> dict[str, Any]:
    """What a unit of each feature claims by way of the margin (dot) and what the labels justify (ring), log-odds."""
    data: list[dict[str, Any]] = []
    rows = len(found)
    for i, effect in enumerate(found):
        y = rows - 1 - i
        colour = {"over-used": VERMILLION, "under-used": BLUE}.get(effect.verdict, theme.neutral)
        told = f"<b>{drawn(effect.name)}</b>, a unit is one {drawn(effect.unit)}<br>{wrapped(effect.statement)}"
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": [effect.justified, effect.claimed], "y": [y, y],
                "line": {"color": colour, "width": 3}, "hoverinfo": "skip",
            }
        )  # fmt: skip
        for value, ground in ((effect.justified, theme.ground), (effect.claimed, colour)):
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [value], "y": [y],
                    "marker": {"color": ground, "size": 10, "line": {"color": colour, "width": 2.2}},
                    "hovertemplate": f"{told}<extra></extra>",
                }
            )  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            theme,
            height=ROW * max(rows, 1) + 90,
            margin={"l": 60, "r": 20, "t": 34, "b": 48},
            xaxis={"title": {"text": "log-odds a unit: ● the margin claims  ○ the labels justify"}},
            yaxis=_rows([e.name for e in found], theme),
            shapes=[_line(theme, x0=0, x1=0)],
            annotations=[heading(theme, "What moves the margin", "", x=0, y=1.01)],
            hovermode="closest",
        ),
    }  # fmt: skip


def rules(found: Panel, name: str, mark: Mark, theme: Theme, most: int) -> dict[str, Any]:
    """The scorer (line with its 95 % band) beside the strongest trivial rules (dots)."""
    shown = found.rules[:most]
    rows = len(shown)
    colours = [theme.neutral if b.verdict == "scorer" else VERMILLION for b in shown]
    ends = [100 * found.scorer.low, 100 * found.scorer.high]
    words = [
        f"<b>{drawn(b.rule)}</b>: {percent(b.share)} right<br>{wrapped(b.difference.statement)}<br>"
        + (f"decides alike in {percent(b.agreement, 0)} of pairs" if b.agreement == b.agreement else "never decides")
        for b in shown
    ]
    own = {"type": "line", "x0": 100 * found.scorer.value, "x1": 100 * found.scorer.value, "y0": 0, "y1": 1,
           "yref": "paper", "line": {"color": mark.colour, "width": 2}}  # fmt: skip
    return {
        "data": [
            {
                "type": "scatter", "mode": "markers", "x": [100 * b.share for b in shown], "y": list(range(rows - 1, -1, -1)),
                "marker": {"color": colours, "size": 9, "symbol": ["circle" if b.verdict == "scorer" else "diamond" for b in shown]},
                "text": words, "hovertemplate": "%{text}<extra></extra>",
            }
        ],
        "layout": layout(
            theme,
            height=ROW * max(rows, 1) + 90,
            margin={"l": 60, "r": 20, "t": 34, "b": 48},
            xaxis={
                "title": {"text": "pairs ranked right, %, ties at half"}, "ticksuffix": " %",
                "range": [min(40.0, *(100 * b.share for b in shown)) - 2, max(60.0, ends[1]) + 3],
            },
            yaxis=_rows([b.rule for b in shown], theme),
            shapes=[
                {"type": "rect", "x0": ends[0], "x1": ends[1], "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
                 "fillcolor": faded(mark.colour, 0.16), "line": {"width": 0}},
                own,
                _line(theme, x0=50, x1=50),
            ],
            annotations=[heading(theme, "Beside trivial rules", f"line: {name}", x=0, y=1.01)],
            hovermode="closest",
        ),
    }  # fmt: skip


def best_of(curve: BestOfCurve, mark: Mark, theme: Theme) -> dict[str, Any]:
    """Expected label of the favourite among k candidates, with its 95 % band."""
    k = curve.k
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines", "x": np.concatenate([k, k[::-1]]), "fill": "toself",
                "y": np.concatenate([curve.gold_high, curve.gold_low[::-1]]), "fillcolor": faded(mark.colour, 0.18),
                "line": {"width": 0}, "hoverinfo": "skip",
            },
            {
                "type": "scatter", "mode": "lines+markers", "x": k, "y": curve.gold,
                "line": {"color": mark.colour, "width": 2, "dash": mark.dash}, "marker": {"size": 6},
                "customdata": np.column_stack([curve.gold_low, curve.gold_high, curve.kl]),
                "hovertemplate": "best of %{x}: %{y:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})<br>KL at most "
                "%{customdata[2]:.2f} nats<extra></extra>",
            },
        ],
        "layout": layout(
            theme,
            height=BESIDE,
            margin={"l": 60, "r": 20, "t": 34, "b": 48},
            xaxis={"title": {"text": "candidates to choose from, k"}, "dtick": max(1, len(k) // 8)},
            yaxis={"title": {"text": "label of the favourite, mean over prompts"}},
            annotations=[heading(theme, "Best of k", "", x=0, y=1.02)],
            hovermode="closest",
        ),
    }  # fmt: skip


def _whiskers(x: Any, low: Any, high: Any, colour: str) -> dict[str, Any]:
    """Intervals without caps."""
    return {
        "type": "scatter", "mode": "lines", "x": np.repeat(np.asarray(x, float), 3),
        "y": np.column_stack([low, high, np.full(len(low), np.nan)]).ravel(), "line": {"color": colour, "width": 2},
        "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _line(theme: Theme, **ends: float) -> dict[str, Any]:
    """A dotted line across the panel; ends that are not told reach its edges."""
    across = {"x0": 0, "x1": 1, "xref": "paper"} if "y0" in ends else {"y0": 0, "y1": 1, "yref": "paper"}
    style = {"color": theme.neutral, "width": 1, "dash": "dot"}
    return {"type": "line", **across, **ends, "line": style, "layer": "below"}


def _rows(names: Sequence[str], theme: Theme) -> dict[str, Any]:
    short = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in names]
    return {
        "tickvals": list(range(len(names) - 1, -1, -1)), "ticktext": [drawn(name) for name in short], "showgrid": False,
        "range": [-0.7, len(names) - 0.3], "fixedrange": True, "tickfont": {"color": theme.text, "size": 12},
    }  # fmt: skip


def _span(low: float, high: float) -> str:
    """A range of differences in as few digits as tell it."""
    return number(low) if low == high else f"{number(low)} to {number(high)}"
