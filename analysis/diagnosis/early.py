"""Which rows are early: those in which the first updates of full size are made."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals

EARLY = 2 * FEW
"""Rows after the warm-up: two smallest presents. A gradient that points the right way does not lower what it climbs in its
first steps."""


def early(view: Signals) -> float:
    """Step of the last early row: the first `EARLY` rows from the end of the learning rate's warm-up, if it has one.

    A warm-up is the stretch in which every row's rate is larger than the one before; while it lasts, updates are smaller
    than the rate that was asked for.
    """
    steps = view.steps
    if not len(steps):
        return 0.0
    end = float(steps[0])
    rate = view.get("learning_rate")
    if rate is not None and len(rate) > 1:
        level = np.flatnonzero(np.diff(rate.values) <= 1e-9 * np.abs(rate.values[1:]))
        if len(level):  # a rate that only ever rises tells of no end
            end = float(rate.steps[level[0]])
    last = int(np.searchsorted(steps, end)) + EARLY - 1
    return float(steps[min(last, len(steps) - 1)])
