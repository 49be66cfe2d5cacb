"""Steps as columns: where a row of a table stands on the axis, and where nothing was logged."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dashboard.look import Theme, caption, heading, layout

Floats = npt.NDArray[np.float64]


def columns(first: Floats, last: Floats) -> tuple[Floats, Floats]:
    """Left and right end of each row's column: half way to its nearer neighbour, on both sides.

    So columns touch where steps follow in equal distances, and a step that is missing stays a gap.
    """
    apart = first[1:] - last[:-1]
    if not len(apart):
        return first - 0.5, last + 0.5
    half = np.minimum(np.append(apart, np.inf), np.append(np.inf, apart)) / 2
    return first - half, last + half


def gaps(left: Floats, right: Floats) -> npt.NDArray[np.intp]:
    """Rows before which there is a gap."""
    return np.flatnonzero(left[1:] - right[:-1] > 1e-9 * (right[1:] - left[:-1])) + 1


def nothing(theme: Theme, title: str, unit: str) -> dict[str, Any]:
    """The figure of a table without rows."""
    hidden = {"visible": False}
    words = [heading(theme, title, unit, x=0, y=1.02), caption(theme, "no values with a step")]
    return {"data": [], "layout": layout(theme, height=150, xaxis=hidden, yaxis=hidden, annotations=words)}
