"""Numbers have stopped being numbers."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import go_back
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, SLIGHT, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class NumericDivergence(Cause):
    """Predicts NaN or infinity in losses, scores or gradients, from one row on."""

    name = "numeric_divergence"
    title = "numeric divergence"
    kinds = ("policy",)
    requires = ("non_finite",)
    predicts: ClassVar = {"non_finite": DECISIVE, "gradient_dead": SLIGHT, "gradient_rises": SLIGHT}
    absence = 0.0  # one row is enough to kill a run

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A policy whose loss is NaN is lost."""
        return "critical"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        told = sights["non_finite"].evidence[0].statement.rstrip(".")
        before = established(sights, "score_fell", "score_below_start")
        why = ""
        if (
            before
            and (o := sights[before[0]].onset) is not None
            and (n := sights["non_finite"].onset) is not None
            and o.value < n.value
        ):
            why = f"; the score had been falling since step {o.value:g}"
        elif "score" in sights["non_finite"].note:
            why = "; the score itself is not finite, so the reward model, or what it was given, is where to look"
        return f"{told}{why}: the run is dead from there."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Go back to finite weights."""
        onset = sights["non_finite"].onset
        return (
            *go_back(onset.value if onset else None, "Weights after it are lost."),
            Next(
                "Skip batches whose scores or losses are not finite, and clip the gradient.",
                "One such batch makes every weight NaN.",
            ),
        )
