"""A curve that leaves its own path in one direction: what detectors of slow faults share."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Sight
from analysis.diagnosis.signals import Series


def departure(
    series: Series, *, up: bool, what: str, rooted: bool = False, allowed: np.ndarray | None = None, fold: float = 1.0
) -> Sight | str:
    """The first row at which a curve is off its path in this direction, and whether it came back since.

    Parameters
    ----------
    series : with its `change`
    rooted : whether that is of the square root
    allowed : (n,) rows at which a departure means something
    fold : least ratio (or its inverse, downwards) of what is to what the path would have given
    """
    change = series.change
    if change is None or not np.isfinite(change.excess).any():
        return "too few rows for a path to leave"
    sign = 1.0 if up else -1.0
    recent, expected = (np.square(np.maximum(v, 0)) if rooted else v for v in (change.recent, change.expected))
    off = sign * change.excess > 1
    if allowed is not None:
        off &= allowed
    if fold > 1:
        tiny = 1e-12 * np.nanmax(np.abs(series.values)) or 1.0  # a curve of zeros stays where it is
        off &= (recent / np.maximum(expected, tiny) > fold) if up else (expected / np.maximum(recent, tiny) > fold)
    if not off.any():
        return Sight(
            "refuted", (Evidence(f"{what[0].upper()}{what[1:]} stays on its own path.", "refuted", n=len(series), series=series.tag),),
        )  # fmt: skip
    i = int(np.flatnonzero(off)[0])
    width = int(change.width[i])
    begin, now = float(expected[i]), float(series.values[-1])
    # it began somewhere in the rows that are off their path; the reference may already hold its beginning
    first = max(0, i - width + 1)
    low = max(0, i - 2 * width + 1)
    word = "rose" if up else "fell"
    statement = (
        f"{what[0].upper()}{what[1:]} {word} off its path at step {series.steps[i]:g}: {recent[i]:.3g} where the rows before "
        f"lead to {begin:.3g}"
        + (f", and is {now:.3g} now" if i < len(series) - 1 else "")
        + f" {series.unit}".rstrip()
        + "."
    )
    evidence = Evidence(
        statement, "established", float(recent[i]), None, None, series.unit, len(series), series.tag,
        (float(series.steps[low]), float(series.steps[i])),
        f"mean of {width} rows against the line before, {abs(change.excess[i]):.1f} times the bound",
    )  # fmt: skip
    onset = Onset(float(series.steps[first]), float(series.steps[low]), float(series.steps[i]))
    came_back = len(series) - i > 4 * width and (sign * (series.values[-width:].mean() - begin) <= 0)
    if came_back:
        return Sight("refuted", (Evidence(f"{what[0].upper()}{what[1:]} left its path at step {series.steps[i]:g} and came back.", "refuted", series=series.tag),), onset)  # fmt: skip
    return Sight("established", (evidence,), onset, float(recent[i]))
