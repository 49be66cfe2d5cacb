"""Evaluations of the same pairs all agree: nothing in the model moves."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.examined import from_start
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals

DIGITS = 1e-3
"""Evaluations are of the same pairs, so without learning they agree to the digits of the arithmetic; a mean over pairs in
bf16 keeps three."""


@registry.detector
class ScoresStandStill(Detector):
    """Established where all evaluations lie within a thousandth of the loss."""

    name = "scores_stand_still"
    kinds = ("reward_model",)
    about = "whether training changes the scores"
    needs = ("eval/rm.loss",)
    uses = ("learning_rate", "grad_norm")

    def look(self, view: Signals) -> Sight | str:
        held = view.series["eval/rm.loss"]
        if len(held) < FEW:
            return f"{len(held)} evaluations; {FEW} or more are needed"
        level = float(np.abs(held.values).mean())
        moved = float(np.ptp(held.values)) / level if level else 0.0
        state: State = "established" if moved < DIGITS else "refuted"
        rate, norm = view.get("learning_rate"), view.get("grad_norm")
        more = f"; the learning rate is at most {rate.values.max():.2g}" if rate is not None else ""
        more += f", the gradient norm {norm.values.mean():.2g}" if norm is not None else ""
        statement = (
            f"Over {len(held)} evaluations the held-out loss stays within {100 * moved:.2g} % of {level:.4g}{more}."
        )
        evidence = Evidence(
            statement, state, moved, unit="share of the loss", n=len(held), series=held.tag,
            range=(float(held.steps[0]), float(held.steps[-1])), method="range of all evaluations over their mean",
        )  # fmt: skip
        note = "no learning rate" if rate is not None and not rate.values.any() else ""
        return Sight(state, (evidence,), from_start(view), moved, note)
