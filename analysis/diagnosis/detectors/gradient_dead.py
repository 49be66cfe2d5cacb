"""Gradients vanish while training goes on."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals

DEAD = 1e-3
"""A thousandth of its usual size: what the largest of five rows must stay under."""


@registry.detector
class GradientDead(Detector):
    """Established where the gradient norm of the last five rows is at most a thousandth of that of the run so far."""

    name = "gradient_dead"
    kinds = ("policy", "reward_model")
    about = "whether gradients still flow"
    needs = ("grad_norm",)
    uses = ("learning_rate",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["grad_norm"]
        if len(series) < 3 * FEW:
            return "too few rows"
        usual = float(np.median(series.values[: 3 * FEW]))
        last = float(series.values[-FEW:].max())
        if usual > 0 and last > DEAD * usual:
            return Sight("refuted", (Evidence(f"Gradients flow: their norm is {series.values[-1]:.3g} ({usual:.3g} at the start).", "refuted", last / usual, series=series.tag),))  # fmt: skip
        alive = np.flatnonzero(series.values > DEAD * usual)
        at = float(series.steps[min(int(alive[-1]) + 1, len(series) - 1)]) if len(alive) else float(series.steps[0])
        statement = f"The gradient norm has been {'exactly 0' if last == 0 else f'at most {last:.2g}'} since step {at:g} ({usual:.3g} at the start)."
        evidence = Evidence(statement, "established", last, n=FEW, series=series.tag, range=(at, float(series.steps[-1])), method="largest of the last rows")  # fmt: skip
        return Sight("established", (evidence,), Onset(at, at, at), last)
