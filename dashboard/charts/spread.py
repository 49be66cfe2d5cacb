"""How one column of many rows lies over another: points while they can be told apart, a grid of counts beyond."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.spread import Grid, Spread
from dashboard.charts import areas, steps
from dashboard.charts.distributions import density_scale
from dashboard.look import Mark, Theme, drawn, faded, heading, layout, number

PANEL, TOP, BOTTOM, GAP = 250, 42, 48, 58
"""Pixels of a row of panels, above the first, below the last, and between two of them."""

BETWEEN = 0.07
"""Share of the width between two panels."""


SEEN = 0.75
"""Opacity of a point: where points lie over each other it is darker, and one alone still keeps 3:1 to the ground."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A column that stands along an axis, and its unit."""

    name: str
    label: str
    unit: str

    @property
    def words(self) -> str:
        """Label and unit, as an axis carries them."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


def figure(
    runs: Mapping[str, Sequence[Spread]],
    along: Sequence[Axis],
    y: Axis,
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    theme: Theme,
    *,
    revision: str = "",
) -> dict[str, Any]:
    """A row of panels a run, one panel for each of `along`; y is shared by all panels, x by those below one another.

    Parameters
    ----------
    runs : run -> its spreads, in the order of `along`
    """
    rows, columns = len(runs), len(along)
    height = rows * PANEL + (rows - 1) * GAP + TOP + BOTTOM
    plot = rows * PANEL + (rows - 1) * GAP
    width = (1 - BETWEEN * (columns - 1)) / columns
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    annotations: list[dict[str, Any]] = []
    most = _darkest(s.grid for found in runs.values() for s in found if s.grid is not None)
    for place, (run, found) in enumerate(runs.items()):
        top = 1 - place * (PANEL + GAP) / plot
        for column, (spread, axis) in enumerate(zip(found, along, strict=True)):
            index = place * columns + column + 1
            tail = str(index) if index > 1 else ""
            left = column * (width + BETWEEN)
            data += _panel(spread, axis, y, marks[run], theme, {"xaxis": f"x{tail}", "yaxis": f"y{tail}"}, most)
            above = str(column + 1) if column else ""
            axes[f"xaxis{tail}"] = {
                "domain": [left, min(left + width, 1)],
                "anchor": f"y{tail}",
                "title": {"text": axis.words if place == rows - 1 else ""},
                "exponentformat": "none",
                **({"matches": f"x{above}"} if place else {}),
            }
            axes[f"yaxis{tail}"] = {
                "domain": [max(top - PANEL / plot, 0), top],
                "anchor": f"x{tail}",
                "title": {"text": y.words if column == 0 else ""},
                **({"matches": "y"} if index > 1 else {}),
            }
            annotations.append(
                heading(
                    theme,
                    f"{y.label} by {axis.label}",
                    names.get(run, run) if len(runs) > 1 else "",
                    x=left,
                    y=min(top + 6 / plot, 1 + 6 / plot),
                    more=_left_out(spread, theme),
                )
            )
    return {
        "data": data,
        "layout": layout(
            theme,
            height=height,
            margin={"l": 58, "r": 20, "t": TOP, "b": BOTTOM},
            annotations=annotations,
            hovermode="closest",
            uirevision=revision,
            **axes,
        ),
    }


def _panel(
    spread: Spread, x: Axis, y: Axis, mark: Mark, theme: Theme, base: dict[str, str], most: float
) -> list[dict[str, Any]]:
    if spread.grid is not None:
        shape = _cells(spread.grid, x, y, mark, theme, base, most)
    else:
        told = f"{drawn(x.label)} %{{x:,}}<br>{drawn(y.label)} %{{y:.4g}}<extra></extra>"
        shape = {
            **base,
            "type": "scatter",
            "mode": "markers",
            "x": spread.x,
            "y": spread.y.astype(np.float32),
            "marker": {
                "size": 5 if spread.n <= 300 else 4,
                "color": faded(theme.word(mark.colour), SEEN),
                "line": {"width": 0},
            },
            "hovertemplate": told,
        }
    return [shape, *_quartiles(spread, x, theme, base)]


def _cells(grid: Grid, x: Axis, y: Axis, mark: Mark, theme: Theme, base: dict[str, str], most: float) -> dict[str, Any]:
    breaks = steps.gaps(grid.left, grid.right)
    edges = np.insert(np.append(grid.left, grid.right[-1]), breaks, grid.right[breaks - 1])
    counts = np.insert(grid.counts, breaks, np.nan, axis=0)
    return {
        **base,
        "type": "heatmap",
        "x": edges,
        "y": grid.edges,
        "z": counts.T,
        "zmin": 0,
        "zmax": most,
        "colorscale": density_scale(theme.word(mark.colour)),
        "hoverongaps": False,
        "showscale": base["xaxis"] == "x",
        "colorbar": {
            "title": {"text": f"rows a cell,<br>{number(most)} or more", "font": {"size": 11, "color": theme.muted}},
            "tickfont": {"size": 11, "color": theme.muted},
            "thickness": 10,
            "outlinewidth": 0,
            "nticks": 5,
        },
        "hovertemplate": f"{drawn(x.label)} %{{x:,}}<br>{drawn(y.label)} %{{y:.4g}}: %{{z:,}} rows<extra></extra>",
    }


def _quartiles(spread: Spread, x: Axis, theme: Theme, base: dict[str, str]) -> list[dict[str, Any]]:
    """The median and the middle half of each column; a casing in the colour of the ground keeps them apart.

    Nothing is joined over columns that hold too little to say; one between two such stretches is a dot.
    """
    if not len(spread.at):
        return []
    breaks = steps.gaps(*steps.columns(spread.at, spread.at))
    ends = np.zeros(len(spread.at) + 1, bool)
    ends[[0, *breaks, len(spread.at)]] = True
    _, alone = areas.broken(spread.at, np.where(ends[:-1] & ends[1:], 1.0, 0.0), breaks)
    alone = np.nan_to_num(alone)

    def line(quartile: int, colour: str, width: float, size: float, dash: str, **more: Any) -> dict[str, Any]:
        at, y = areas.broken(spread.at, spread.quartiles[:, quartile], breaks)
        return {
            **base,
            "type": "scatter",
            "mode": "lines+markers" if alone.any() else "lines",
            "x": at,
            "y": y,
            "line": {"color": colour, "width": width, "dash": dash},
            "marker": {"size": size * alone, "color": colour},
            **more,
        }

    def told(name: str) -> dict[str, str]:
        return {"name": name, "hovertemplate": f"{drawn(x.label)} %{{x:,.4g}}<br>{name} %{{y:.4g}}<extra></extra>"}

    return [
        line(1, theme.ground, 5, 0, "solid", opacity=0.6, hoverinfo="skip"),
        line(0, theme.text, 1.1, 4, "dot", **told("25 %")),
        line(2, theme.text, 1.1, 4, "dot", **told("75 %")),
        line(1, theme.text, 2, 7, "solid", **told("median")),
    ]


def _darkest(grids: Iterable[Grid]) -> float:
    """Rows from which a cell is darkest: one in a hundred of the cells that are not empty has more."""
    held = [grid.counts[grid.counts > 0] for grid in grids]
    return float(np.quantile(np.concatenate(held), 0.99, method="inverted_cdf")) if any(map(len, held)) else 1.0


def _left_out(spread: Spread, theme: Theme) -> str:
    """What the panel does not show, in words."""
    outside = spread.grid.outside if spread.grid is not None else 0
    words = [f"{number(outside)} outside of the axes"] if outside else []
    words += [f"{number(spread.missing)} without both"] if spread.missing else []
    return f"  <span style='color:{theme.muted}'>{', '.join(words)}</span>" if words else ""
