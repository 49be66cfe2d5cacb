"""Preference optimisation does worse than a policy that knows nothing of the pairs."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, mean_of
from analysis.diagnosis.signals import Signals


@registry.detector
class PreferenceLossAboveStart(Detector):
    """Established where five rows in a row of the training loss lie a fifth above the first row, noise included.

    A policy that is its reference has a loss that no pair moves; gradient steps lower it. Only steps that overshoot raise it
    on the very pairs that they are made on. The held-out loss may rise for other reasons (`preference_loss_rises`).
    """

    name = "preference_loss_above_start"
    kinds = ("policy",)
    about = "whether updates lower the loss on the pairs they are made on"
    needs = ("loss.total", "dpo.accuracy")

    def look(self, view: Signals) -> Sight | str:
        series = view.series["loss.total"]
        if len(series) < 2 * FEW or series.values[0] <= 0:
            return "too few rows"
        start = float(series.values[0])
        bound = (1 + SMALL) * start
        sums = np.concatenate([[0.0], np.cumsum(series.values[1:])])
        top = int((sums[FEW:] - sums[:-FEW]).argmax()) + 1
        worst = mean_of(series, top, top + FEW)
        state: State = "established" if worst.low > bound else "refuted" if worst.value < bound else "not_established"
        statement = (
            f"The training loss was {worst.value:.3g} over steps {worst.first:g} to {worst.last:g}, where the first row has "
            f"{start:.3g}: {'above' if state == 'established' else 'not shown to be above'} {bound:.3g}, a fifth more"
        )
        evidence = Evidence(
            f"{statement}.", state, worst.value / start, worst.low / start, worst.high / start, "of the first row's", FEW,
            series.tag, (worst.first, worst.last), "the worst five rows in a row, with the noise of rows",
        )  # fmt: skip
        above = np.flatnonzero(series.values > bound)
        at = float(series.steps[above[0]]) if len(above) else worst.first
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), worst.value / start)
