"""Losses over the margin of a pair: a panel a loss, its push on the margin beneath, two models' pairs marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.losses.curves import Curve, PairPoint
from dashboard.look import BLUE, VERMILLION, Theme, drawn, faded, heading, layout, number

COLUMNS = 3

HEAD, LOSS, BETWEEN, PUSH, FOOT = 68, 150, 12, 58, 36
"""Pixels of a panel, from top to bottom: its words, the loss, a gap, the push, the margins' ticks."""

ROW = HEAD + LOSS + BETWEEN + PUSH + FOOT

ACROSS = 0.055
"""Gap between columns, as a share of the width: room for ticks."""

TITLE = 26
"""Letters that fit above a panel where the window is 800 pixels wide."""

MARKS = {"A": BLUE, "B": VERMILLION}

SHAPES = {"A": ("circle", 12), "B": ("diamond", 8)}
"""Symbol and pixels: the second is drawn over the first, which still shows around it where margins are close."""

LEAST_REACH = 4.0
"""Margins of at least this size are drawn: by then the push of Bradley-Terry is below 0.02, so its whole bend is seen."""

ROOM = 1.3
"""A mark stands at most at 1 / 1.3 of the way to an edge, so that its letter has room."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A loss as it is drawn: one curve for all models, or one for each where the middle of the scores matters.

    points : the pair of each model, by its letter, where it is marked
    before : where it was before a shift and a scale; empty if there are none
    """

    title: str
    note: str
    curves: Sequence[Curve]
    points: Mapping[str, PairPoint]
    before: Mapping[str, PairPoint]


def reach(margins: Sequence[float]) -> float:
    """How far from 0 margins are drawn, both ways."""
    return max(LEAST_REACH, ROOM * max(abs(margin) for margin in margins))


def height(panels: int) -> int:
    """Pixels of the figure."""
    return -(-panels // COLUMNS) * ROW


def figure(panels: Sequence[Panel], theme: Theme) -> dict[str, Any]:
    """One panel a loss on a shared margin axis: penalty above with its region shaded, push below, pairs marked."""
    width = (1 - ACROSS * (COLUMNS - 1)) / COLUMNS
    total = height(len(panels))
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    shapes: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for place, panel in enumerate(panels):
        row, column = divmod(place, COLUMNS)
        left = column * (width + ACROSS)
        top = total - row * ROW - HEAD  # pixels from below
        upper, lower = (top - LOSS, top), (top - LOSS - BETWEEN - PUSH, top - LOSS - BETWEEN)
        last = place + COLUMNS >= len(panels)
        cell = _Cell(place, panel, theme)
        data += cell.traces()
        axes |= cell.axes(left, width, [v / total for v in upper], [v / total for v in lower], named=last)
        shapes += cell.lines()
        words += [*_head(panel, theme, left, top / total), *(_sides(cell, theme) if not column else [])]
    return {
        "data": data,
        "layout": layout(
            theme,
            height=total,
            margin={"l": 64, "r": 16, "t": 0, "b": 0, "autoexpand": False},
            shapes=shapes,
            annotations=words,
            hovermode="closest",
            uirevision="losses",
            **axes,
        ),
    }


class _Cell:
    """The two small axes of one loss, and what stands on them."""

    def __init__(self, place: int, panel: Panel, theme: Theme) -> None:
        self.place, self.panel, self.theme = place, panel, theme
        upper, lower = 2 * place + 1, 2 * place + 2
        self.loss = ("" if upper == 1 else str(upper), "" if upper == 1 else str(upper))
        self.push = (str(lower), str(lower))
        self.colours = [theme.neutral] if len(panel.curves) == 1 else list(MARKS.values())

    def traces(self) -> list[dict[str, Any]]:
        """Shaded regions first, then curves, then marks."""
        found: list[dict[str, Any]] = []
        names = [""] if len(self.panel.curves) == 1 else list(self.panel.points)
        for curve, colour, name in zip(self.panel.curves, self.colours, names, strict=True):
            plain = not name
            line = self.theme.text if plain else colour
            inside = curve.in_penalty_region
            shade = faded(colour, 0.22 if plain else 0.12)
            found += [
                self._area(curve.margin, np.where(inside, curve.value, np.nan), shade, self.loss),
                self._area(curve.margin, np.where(inside, -curve.gradient_margin, np.nan), shade, self.push),
                self._line(curve.margin, curve.value, line, self.loss, "penalty", name),
                self._line(curve.margin, -curve.gradient_margin, line, self.push, "push", name),
            ]
        for model, point in self.panel.before.items():
            found += self._marks(model, point, hollow=True)
        for model, point in self.panel.points.items():
            found += self._marks(model, point, hollow=False)
        return found

    def _on(self, axes: tuple[str, str]) -> dict[str, Any]:
        return {"type": "scatter", "xaxis": f"x{axes[0]}", "yaxis": f"y{axes[1]}"}

    def _area(self, x: npt.NDArray[Any], y: npt.NDArray[Any], colour: str, axes: tuple[str, str]) -> dict[str, Any]:
        shade = {"fill": "tozeroy", "fillcolor": colour, "line": {"width": 0}, "connectgaps": False}
        return {**self._on(axes), "mode": "lines", "x": x, "y": y.astype(np.float32), **shade, "hoverinfo": "skip"}

    def _line(
        self, x: npt.NDArray[Any], y: npt.NDArray[Any], colour: str, axes: tuple[str, str], what: str, model: str
    ) -> dict[str, Any]:
        around = f" around {model}'s middle" if model else ""
        return {
            **self._on(axes),
            "mode": "lines",
            "x": x,
            "y": y.astype(np.float32),
            "line": {"color": colour, "width": 1.7 if what == "penalty" else 1.2},
            "name": drawn(self.panel.title),
            "hovertemplate": f"margin %{{x:.2f}}: {what} %{{y:.3g}}{around}<extra>{drawn(self.panel.title)}</extra>",
        }

    def _marks(self, model: str, point: PairPoint, hollow: bool) -> list[dict[str, Any]]:
        colour = MARKS[model]
        points = self.panel.before if hollow else self.panel.points
        right = model == _rightmost(points)
        told = (
            f"<b>Model {model}</b>{', before shift and scale' if hollow else ''}<br>margin {point.margin:.3g}, "
            f"penalty {number(point.value)}, push {number(-point.gradient_margin + 0.0)}"
        )
        base = {
            "mode": "markers" if hollow else "markers+text",
            "x": [point.margin],
            "cliponaxis": False,
            "marker": {
                "symbol": SHAPES[model][0],
                "size": SHAPES[model][1],
                "color": self.theme.ground if hollow else colour,
                "line": {"color": colour if hollow else self.theme.ground, "width": 1.5 if hollow else 1},
            },
            "hovertemplate": f"{told}<extra></extra>",
            "name": f"Model {model}",
        }
        letter = {
            "text": [f"<b>{model}</b>"],
            "textposition": "top right" if right else "top left",
            "textfont": {"color": self.theme.word(colour), "size": 12},
        }
        return [
            {**self._on(self.loss), **base, "y": [point.value], **({} if hollow else letter)},
            {**self._on(self.push), **base, "mode": "markers", "y": [-point.gradient_margin + 0.0]},
        ]

    def axes(
        self, left: float, width: float, upper: Sequence[float], lower: Sequence[float], *, named: bool
    ) -> dict[str, Any]:
        """Both pairs of axes; margins are shared by all panels."""
        span = float(self.panel.curves[0].margin[-1])
        across = {"domain": [left, left + width], "range": [-span, span], "nticks": 7}
        shared = {"matches": "x"} if self.place else {}
        title = {"title": {"text": "margin", "standoff": 2}} if named else {}
        return {
            f"xaxis{self.loss[0]}": {**across, **shared, "anchor": f"y{self.loss[1]}", "showticklabels": False},
            f"yaxis{self.loss[1]}": {
                "domain": list(upper),
                "anchor": f"x{self.loss[0]}",
                "range": self._span(),
                "nticks": 4,
                "automargin": False,
            },
            f"xaxis{self.push[0]}": {**across, "matches": "x", "anchor": f"y{self.push[1]}", **title},
            f"yaxis{self.push[1]}": {
                "domain": list(lower),
                "anchor": f"x{self.push[0]}",
                "range": self._push_span(),
                "nticks": 3,
                "automargin": False,
            },
        }

    def _inner(self, values: Sequence[npt.NDArray[Any]], marks: Sequence[float]) -> tuple[float, float]:
        """Least and greatest of what must be seen: every mark, and curves over the inner half of the margins.

        Steep losses leave the panel beyond that; drawn whole they would press their own bend into a line.
        """
        inner = [v[np.abs(c.margin) <= c.margin[-1] / 2] for v, c in zip(values, self.panel.curves, strict=True)]
        everything = np.concatenate([*inner, np.array(marks, float)])
        return float(everything.min()), float(everything.max())

    def _all_points(self) -> list[PairPoint]:
        return [*self.panel.points.values(), *self.panel.before.values()]

    def _span(self) -> list[float]:
        _, high = self._inner([c.value for c in self.panel.curves], [p.value for p in self._all_points()])
        high = high or 1.0
        return [-0.04 * high, 1.12 * high]

    def _push_span(self) -> list[float]:
        low, high = self._inner(
            [-c.gradient_margin for c in self.panel.curves], [-p.gradient_margin for p in self._all_points()]
        )
        low, high = min(low, 0.0), max(high, 0.0)
        size = (high - low) or 1.0
        return [low - 0.15 * size, high + 0.15 * size]

    def lines(self) -> list[dict[str, Any]]:
        """The zero margin through both, and the line of no push."""
        line = {"type": "line", "layer": "below"}
        zero = {"color": self.theme.older, "width": 1}
        found = [
            {**line, "xref": f"x{x}", "x0": 0, "x1": 0, "yref": f"y{y} domain", "y0": 0, "y1": 1, "line": zero}
            for x, y in (self.loss, self.push)
        ]
        none = {"xref": f"x{self.push[0]} domain", "x0": 0, "x1": 1, "yref": f"y{self.push[1]}", "y0": 0, "y1": 0}
        return [*found, {**line, **none, "line": zero}]


def _rightmost(points: Mapping[str, PairPoint]) -> str:
    """Whose letter stands to the right of its mark: the larger margin's, the first model's if they are equal."""
    return max(points, key=lambda model: points[model].margin)


def _head(panel: Panel, theme: Theme, left: float, top: float) -> list[dict[str, Any]]:
    """What the loss is called and set to, and what it asks of each model, above its panel."""
    asked = "&nbsp;&nbsp; ".join(
        f"<span style='color:{theme.word(MARKS[model])}'><b>{model}</b> {_asked(point)}</span>"
        for model, point in panel.points.items()
    )
    return [
        {**heading(theme, "", "", x=left, y=top), "text": text, "align": "left", "yshift": shift}
        for text, shift in ((_title(panel, theme), 19), (asked, 2))
    ]


def _title(panel: Panel, theme: Theme) -> str:
    """Title and settings, on lines of their own where they are too long for a narrow panel."""
    note = f"<span style='color:{theme.muted}'>{drawn(panel.note)}</span>" if panel.note else ""
    lines = wrap(panel.title, TITLE, break_on_hyphens=False)
    words = "<br>".join(f"<b>{drawn(line)}</b>" for line in lines)
    if note:
        together = len(lines[-1]) + len(panel.note) < TITLE
        words += f"{'&nbsp;' if together else '<br>'}{note}"
    return words


def _asked(point: PairPoint) -> str:
    return number(point.value) if point.in_penalty_region else f"{number(point.value)}, no push"


def _sides(cell: _Cell, theme: Theme) -> list[dict[str, Any]]:
    """The words of both vertical axes, once a row."""
    return [
        {
            "text": text,
            "textangle": -90,
            "xref": "paper",
            "x": 0,
            "xshift": -46,
            "xanchor": "center",
            "yref": f"y{axes[1]} domain",
            "y": 0.5,
            "yanchor": "middle",
            "font": {"size": 12, "color": theme.muted},
            "showarrow": False,
        }
        for text, axes in (("penalty", cell.loss), ("push", cell.push))
    ]
