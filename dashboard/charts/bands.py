"""Bands over steps: what the other runs do, in grey, and the mean over the seeds of one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.look import Mark, Theme, faded

FEWEST = 3
"""Runs that make a band of quantiles: of fewer only least and greatest can be said."""


def cohort(rows: pd.DataFrame, theme: Theme, base: Mapping[str, Any], label: str) -> Iterable[dict[str, Any]]:
    """The runs behind: 10 to 90 % of them as a grey band (least to greatest where fewer than three are), their median."""
    if rows.empty:
        return
    few = rows["n"].to_numpy() < FEWEST
    low, high = rows["q10"].mask(few, rows["low"]), rows["q90"].mask(few, rows["high"])
    x = rows["x"].to_numpy(float)
    yield {**base, **_shape(x, low.to_numpy(float), high.to_numpy(float), faded(theme.neutral, 0.18))}
    yield {
        **base,
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": rows["q50"].to_numpy(np.float32),
        "name": f"{label}, median of the other runs",
        "line": {"color": theme.neutral, "width": 1.2},
        "customdata": rows["n"].to_numpy(float),
        "hovertemplate": "%{y:.4g} (%{customdata} runs)",
        "showlegend": False,
    }


def seeds(
    rows: pd.DataFrame, marks: Mapping[str, Mark], base: Mapping[str, Any], label: str
) -> Iterable[dict[str, Any]]:
    """Mean over seeds with its 95 % t interval (Student 1908); where only one seed is, no interval is drawn."""
    for name, part in rows.groupby("group", sort=False):
        mark, x, mean = marks[str(name)], part["x"].to_numpy(float), part["mean"].to_numpy(float)
        half = half_width(part["sd"].to_numpy(float), part["n"].to_numpy(float))
        yield {**base, **_shape(x, mean - half, mean + half, faded(mark.colour, 0.2))}
        yield {
            **base,
            "type": "scatter",
            "mode": "lines",
            "x": x,
            "y": mean.astype(np.float32),
            "name": f"{label} {name}",
            "line": {"color": mark.colour, "dash": mark.dash, "width": 2.4},
            "customdata": np.column_stack([part["n"].to_numpy(float), half]),
            "hovertemplate": "%{y:.4g} ± %{customdata[1]:.2g} (%{customdata[0]} seeds)",
            "showlegend": False,
        }


def half_width(sd: npt.NDArray[np.float64], n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Half of the 95 % interval of a mean of n values with this sample deviation; NaN for n < 2."""
    from scipy.special import stdtrit

    with np.errstate(invalid="ignore", divide="ignore"):
        half = stdtrit(n - 1, 0.975) * sd / np.sqrt(n)
    return np.where(n > 1, half, np.nan)


def _shape(
    x: npt.NDArray[np.float64], low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], fill: str
) -> dict[str, Any]:
    held = np.isfinite(low) & np.isfinite(high)
    x, low, high = x[held], low[held], high[held]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]).astype(np.float32),
        "fill": "toself",
        "fillcolor": fill,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }
