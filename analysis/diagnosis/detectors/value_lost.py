"""The value model was good, and is worse than a constant from one row to the next."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, score_spread
from analysis.diagnosis.rounding import rounded
from analysis.diagnosis.signals import Signals

STAYS = 2
"""Rows in which it must be bad: one of them may be a batch of odd answers. A lost value model learns quickly anew."""

FOLD = 4.0
"""Times that its error must be above all of the rows before: as for KL, twice as far off."""


@registry.detector
class ValueLost(Detector):
    """Established at the first row from which the squared error is above the variance of single scores at the start, after
    five rows at the least in which it was below, and off its own path: a restart without the value model's weights looks like this.
    """

    name = "value_lost"
    kinds = ("policy",)
    about = "whether the value model is lost from one row to the next"
    needs = ("value.mse",)
    watches = ("value.mse",)
    uses = ("score", "score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        series, sd = view.series["value.mse"], score_spread(view)
        if sd is None:
            return "no spread of scores to hold the error against"
        error, change = series.values, None if series.change is None else series.change.sudden
        if len(error) < 2 * FEW + STAYS or change is None:
            return "too few rows"
        constant, most = sd.value**2, (sd.value * (1 + 2 * sd.error)) ** 2
        after = np.lib.stride_tricks.sliding_window_view(error, STAYS).min(axis=1)[2 * FEW :]
        before = np.lib.stride_tricks.sliding_window_view(error, FEW).max(axis=1)[FEW : FEW + len(after)]
        # rows that follow each other are alike: beyond what this run's own noise makes in so many rows
        off = np.lib.stride_tricks.sliding_window_view(change.excess, STAYS)[2 * FEW :]
        # an error that the log writes as 0 is no value model that was good: none may be trained, or the digits are too few
        held = (before > rounded(view)) & (before < constant)
        lost = held & (after > most) & (after > FOLD * before) & (off > 1).any(axis=1)
        if not lost.any():
            statement = "The value model's error never rises above that of a constant from one row to the next."
            return Sight("refuted", (Evidence(statement, "refuted", n=len(error), series=series.tag),))
        first = int(np.flatnonzero(lost)[0])
        row, was = first + 2 * FEW, float(before[first])
        worst = float(error[row : row + STAYS].max())
        statement = (
            f"The value model's squared error was {was:.3g} at most in the rows before, and is {worst:.3g} from step "
            f"{series.steps[row]:g} on: a value model that answers the same number everywhere has {constant:.3g}."
        )
        evidence = Evidence(
            statement, "established", worst / was, unit="times", n=len(error), series=series.tag,
            range=(float(series.steps[row - 1]), float(series.steps[row + STAYS - 1])),
            method="rows in a row above the variance of scores, after rows below it",
        )  # fmt: skip
        at = float(series.steps[row])
        return Sight("established", (evidence,), Onset(at, float(series.steps[row - 1]), at), worst / was)
