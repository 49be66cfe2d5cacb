"""Training does not change the reward model."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import DECISIVE, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class RmNoLearning(Cause):
    """Predicts evaluations that all agree, or scores that tell nothing apart."""

    name = "rm_no_learning"
    title = "no learning"
    kinds = ("reward_model",)
    requires = ("scores_stand_still", "scores_constant")
    predicts: ClassVar = {
        "scores_stand_still": DECISIVE,
        "scores_constant": STRONG,
        "training_near_chance": SLIGHT,
        "pairs_near_chance": SLIGHT,
        "over_confident": SLIGHT,
    }
    absence = (
        0.0  # a model that never moved need not be near chance, and one with constant scores may have moved before
    )

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical: there is no model."""
        return "critical"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        if established(sights, "scores_constant"):
            return "Every response gets the same score: the head was not trained, or its output is not read."
        moved = 100 * (sights["scores_stand_still"].value or 0.0)
        return f"All evaluations agree within {moved:.2g} %: training does not change the scores."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """What keeps a model from moving."""
        rate = view.get("learning_rate")
        old = float(rate.values.max()) if rate is not None else view.setting("learning_rate")
        return (
            Next(
                "Check that parameters require gradients, are in the optimiser, and that the learning rate is not 0.",
                "Scores that do not move at all are a matter of wiring.",
                Size("learning_rate", old, None),
            ),
        )
