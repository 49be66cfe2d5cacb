"""The score is one and the same number in row after row."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Floats, Signals

LONGER = 4
"""Times the longest stretch of equal rows before: scores that are printed in few digits, or that are told anew at every
tenth row only, stand still for a while as a matter of course."""

EXACT = 1e-9
"""Relative difference below which two rows are the same number: long runs are read in means, whose last digits differ."""


@registry.detector
class ScoreFrozen(Detector):
    """Established where the score of the newest rows, and its spread if it is logged, does not move at all, and did before.

    Scores of sampled responses to new prompts never agree to the last digit, unless all responses get the same. A task that
    is solved in every answer ends so as well: then the number is the best that was ever reached.
    """

    name = "score_frozen"
    kinds = ("policy",)
    about = "whether scores still differ from row to row"
    needs = ("score",)
    uses = ("score.sd",)

    def look(self, view: Signals) -> Sight | str:
        series, spread = view.series["score"], view.get("score.sd")
        if len(series) < 4 * FEW:
            return "too few rows of the score"
        lengths = _stretches(series.values)
        newest, before = int(lengths[-1]), int(lengths[:-1].max(initial=0))
        value, tag = float(series.values[-1]), series.tag
        if newest == len(series):
            return "the score has been the same number since the first row"
        since = float(series.steps[-newest])
        alike = newest >= max(FEW, LONGER * before)
        if alike and spread is not None and len(spread):
            alike = not spread.values[spread.steps >= since].any()
        solved = value >= float(series.values[:-newest].max()) - EXACT * abs(value)
        state: State = "established" if alike and not solved else "refuted"
        if not alike:
            statement = "The score differs from row to row."
        elif solved:
            statement = f"The score has been {value:.4g} in all of the last {newest} rows, the best that was reached: the task is solved."
        else:
            statement = f"The score has been exactly {value:.4g} in all of {newest} rows since step {since:g}; before, at most {before} rows in turn agreed."
        evidence = Evidence(
            statement, state, value, unit=series.unit, n=newest, series=tag, range=(since, float(series.steps[-1])),
            method="longest stretches of equal rows",
        )  # fmt: skip
        last = float(series.steps[-newest - 1])
        return Sight(state, (evidence,), Onset(since, last, since), value)


def _stretches(values: Floats) -> Floats:
    """Lengths of the stretches of equal rows, in order."""
    moved = np.abs(np.diff(values)) > EXACT * np.maximum(np.abs(values[1:]), np.abs(values[:-1]))
    ends = np.flatnonzero(np.r_[moved, True]) + 1
    return np.diff(np.r_[0, ends])
