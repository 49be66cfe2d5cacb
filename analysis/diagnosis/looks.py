"""At which steps a run is looked at. The rows before a step alone decide that, so later rows change no earlier look."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.signals import Floats, Series, Signals

EACH = 32
"""Rows that are looked at one by one; afterwards the next look comes when the run has grown by 1/32, about 3 %: a
finding is late by no more than that, and a run of n rows costs 32 log(n) looks."""


def looks(signals: Signals) -> Floats:
    """Steps to look at: the schedule, rows where a metric stops being finite or leaves its path, evaluations, new rollouts.

    Evaluations are few, and the last of them comes when the log ends: they have the schedule of their own rows.
    """
    steps = signals.steps
    if not len(steps):
        return np.empty(0)
    urgent = [s.bad[:1] for s in signals.series.values()]
    judged = [s.steps[_schedule(len(s))] for name, s in signals.series.items() if name.startswith(EVALUATED)]
    found = [steps[_schedule(len(steps))], *urgent, *judged, *(_left(s) for s in signals.series.values())]
    if signals.exception:  # the log does not go on
        found.append(steps[-1:])
    if signals.rollouts is not None and len(signals.rollouts):
        sampled = np.unique(signals.rollouts["step"].to_numpy(float))
        # a look at a row: rollouts may carry steps at which nothing was logged
        found.append(steps[np.minimum(np.searchsorted(steps, sampled[sampled <= steps[-1]]), len(steps) - 1)])
    return np.unique(np.concatenate(found))


EVALUATED = ("eval/", "eval.")
"""Metrics of evaluations, by how their names begin."""


def _schedule(n: int) -> list[int]:
    """Of n rows those at which to look."""
    at, chosen = 0, []
    while at < n:
        chosen.append(at)
        at += max(1, (at + 1) // EACH)
    return chosen


def _left(series: Series) -> Floats:
    """Steps at which a curve begins to be off its path."""
    if series.change is None or not len(series):
        return np.empty(0)
    off = np.abs(np.nan_to_num(series.change.excess)) > 1
    begins = off & ~np.concatenate([[False], off[:-1]])
    return np.asarray(series.steps[begins])


def epoch(n: int) -> int:
    """Doublings of the number of rows: looks within one doubling see nearly the same rows."""
    return max(1, int(np.log2(max(n, 2))))


def level(n: int, alpha: float) -> float:
    """Two-sided error of one look at row n so that all looks of a run spend at most about `alpha`.

    A doubling of the run gets alpha / (k (k + 1)), which sums to alpha over all doublings k, and is shared by four
    looks: as many as see fairly different rows (windows of at least a quarter of the run so far).
    """
    k = epoch(n)
    return alpha / (4 * k * (k + 1))
