"""Smoothing of training curves that looks back only: the curve before an event must not know of it."""

from __future__ import annotations

from math import isfinite, nan

import numpy as np
import numpy.typing as npt
import pandas as pd


def trailing_mean(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], span: float
) -> npt.NDArray[np.float64]:
    """Trailing exponential moving average, corrected for its start.

    Each value counts with its weight (points behind a drawn bucket) times (1 - 2 / (span + 1)) ** age, age in
    points; dividing by the sum of these weights removes the pull to the first value (as Adam does, Kingma and
    Ba 2015, section 3). A value that is not finite is left out; its place carries the mean so far.

    Parameters
    ----------
    values, weights : one length; weights >= 0, in points
    span : points after which a value's weight has fallen to about 1 / e^2; 1 or less returns the values

    Returns
    -------
    Smoothed values, NaN before the first finite one.
    """
    if span <= 1:
        return values.copy()
    keep = 1 - 2 / (span + 1)
    smooth = []
    total = weight = 0.0
    # a recursion over plain floats: three times as fast as over numpy's
    for value, w in zip(values.tolist(), weights.tolist(), strict=True):
        fade = keep ** max(w, 1.0)
        total, weight = total * fade, weight * fade
        if isfinite(value):
            # a bucket of w points enters as w equal values, the newest with full weight
            gain = (1 - fade) / (1 - keep)
            total, weight = total + gain * value, weight + gain
        smooth.append(total / weight if weight > 0 else nan)
    return np.array(smooth)


def smoothed(trace: pd.DataFrame, span: int) -> pd.DataFrame:
    """`trace` (as `Board.traces` returns it) with a column `smooth`: the trailing mean of each curve over `span` points."""
    smooth = np.full(len(trace), np.nan)
    if len(trace):
        keys = ["run", "metric", "split", "attempt"]
        mean, n = trace["mean"].to_numpy(float), trace["n"].to_numpy(float)
        for rows in trace.groupby(keys, sort=False).indices.values():
            smooth[rows] = trailing_mean(mean[rows], n[rows], span)
    return trace.assign(smooth=smooth)
