"""The labels stand the wrong way round."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, SLIGHT, Cause, Sights
from analysis.diagnosis.signals import Signals


@registry.cause
class RmInvertedLabels(Cause):
    """Predicts that the rejected side scores higher, more often than by chance."""

    name = "rm_inverted_labels"
    title = "inverted labels"
    kinds = ("reward_model",)
    requires = ("pairs_reversed",)
    predicts: ClassVar = {"pairs_reversed": DECISIVE, "pairs_near_chance": SLIGHT}
    # inverted labels are learned as well as right ones; a model of noise may come to lie on either side of chance
    forbids: ClassVar = {"training_near_chance": DECISIVE, "length_alone": DECISIVE}

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical: a policy trained on it would learn the reverse."""
        return "critical"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        auroc = sights["pairs_reversed"].value or 0.0
        return f"The rejected side scores higher than by chance (AUROC within prompts {auroc:.3f}): labels, columns or the sign are swapped."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Find out which of them is swapped."""
        held = view.get("eval/rm.accuracy") or view.get("rm.accuracy")
        if held is not None and len(held) and held.values[-1] > 0.5:
            return (
                Next(
                    "Swap chosen and rejected in the training set and train again.",
                    f"In its own log the model is right in {100 * held.values[-1]:.0f} % of pairs: it has learned what its labels say.",
                ),
            )
        return (
            Next(
                "Check which column is the chosen side in this score file, and whether the score is a cost.",
                "Columns that are swapped look like a model that learned the reverse; the training log would tell.",
            ),
        )
