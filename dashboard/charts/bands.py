"""Bands over steps: what the other runs do, in grey, and the mean over the seeds of one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.charts import areas
from dashboard.charts.apart import Columns, apart
from dashboard.charts.curves import GAP_STEPS
from dashboard.look import Mark, Theme, faded

FEWEST = 3
"""Runs that make a band of quantiles: of fewer only least and greatest can be said."""


Groups = dict[str, Columns]
"""Rows of `Board.cohort` by their group."""


def of_panels(table: pd.DataFrame | None) -> dict[tuple[str, str], Groups]:
    """Rows of `Board.cohort` by metric and unit: runs that log a metric in another unit have a panel of their own."""
    found: dict[tuple[str, str], Groups] = {}
    for (metric, unit, group), columns in apart(table, "metric", "unit", "group").items() if table is not None else ():
        found.setdefault((metric, unit), {})[str(group)] = columns
    return found


def cohort(rows: Columns, theme: Theme, base: Mapping[str, Any], label: str) -> Iterable[dict[str, Any]]:
    """The runs behind: 10 to 90 % of them as a grey band (least to greatest where fewer than three are), their median."""
    few, x = rows["n"] < FEWEST, rows["x"]
    gaps = areas.silences(x, GAP_STEPS)
    ends = x, np.where(few, rows["low"], rows["q10"]), np.where(few, rows["high"], rows["q90"])
    yield {**base, **areas.area(*ends, faded(theme.neutral, 0.18), gaps)}
    yield {**base, **areas.edges(*ends, theme.older, gaps)}
    at, median = areas.broken(x, rows["q50"], gaps)
    yield {
        **base,
        "type": "scatter",
        "mode": "lines",
        "x": at,
        "y": median.astype(np.float32),
        "name": f"{label}, median of the other runs",
        "line": {"color": theme.neutral, "width": 1.2},
        "customdata": areas.broken(x, rows["n"], gaps)[1],
        "hovertemplate": "%{y:.4g} (%{customdata} runs)",
        "showlegend": False,
        "legendgroup": "others",
        "legendrank": 2000,  # below the runs themselves in the list at the cursor
    }


def seeds(groups: Groups, marks: Mapping[str, Mark], base: Mapping[str, Any], label: str) -> Iterable[dict[str, Any]]:
    """Mean over seeds with its 95 % t interval (Student 1908); where only one seed is, no interval is drawn."""
    for name, part in groups.items():
        mark, x, mean, n = marks[name], part["x"], part["mean"], part["n"]
        half = half_width(part["sd"], n)
        gaps = areas.silences(x, GAP_STEPS)
        yield {**base, **areas.area(x, mean - half, mean + half, faded(mark.colour, 0.2), gaps)}
        yield {**base, **areas.edges(x, mean - half, mean + half, mark.colour, gaps)}
        at, line = areas.broken(x, mean, gaps)
        yield {
            **base,
            "type": "scatter",
            "mode": "lines",
            "x": at,
            "y": line.astype(np.float32),
            "name": f"{label} {name}",
            "line": {"color": mark.colour, "dash": mark.dash, "width": 2.4},
            "customdata": np.column_stack([areas.broken(x, values, gaps)[1] for values in (n, half)]),
            "hovertemplate": "%{y:.4g} ± %{customdata[1]:.2g} (%{customdata[0]} seeds)",
            "showlegend": False,
        }


def half_width(sd: npt.NDArray[np.float64], n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Half of the 95 % interval of a mean of n values with this sample deviation; NaN for n < 2."""
    from scipy.special import stdtrit

    with np.errstate(invalid="ignore", divide="ignore"):
        half = stdtrit(n - 1, 0.975) * sd / np.sqrt(n)
    return np.where(n > 1, half, np.nan)
