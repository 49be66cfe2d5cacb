"""The run trains, and nothing moves."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class NoLearning(Cause):
    """Predicts a score that stays within a small effect of its start, preferences at chance, or a policy that stands still."""

    name = "no_learning"
    title = "no learning"
    kinds = ("policy",)
    requires = ("score_flat", "preferences_flat", "policy_still")
    predicts: ClassVar = {
        "score_flat": STRONG, "preferences_flat": STRONG, "policy_still": STRONG, "gradient_dead": FAIR,
    }  # fmt: skip
    forbids: ClassVar = {
        "penalty_strong": FAIR,
        "zero_signal": STRONG,
        "kl_excess": SLIGHT,
        "truncation_high": FAIR,
        "score_up": STRONG,
    }
    absence = 0.0  # gradients may flow to no use

    def fits(self, view: Signals, sights: Sights) -> bool:
        """A score that has risen was learned, whatever else stands still."""
        return not established(sights, "score_up")

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """No harm but lost time."""
        return "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        dead = "; gradients are zero" if established(sights, "gradient_dead") else ""
        seen = established(sights, "policy_still", "score_flat", "preferences_flat")[0]
        told = sights[seen].evidence[0].statement.rstrip(".")
        return f"{told}: nothing is being learned{dead}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """A larger rate, and a look at the signal."""
        rate = view.setting("learning_rate")
        return (
            Next(
                "Check that advantages are not all zero and that the trained weights are the sampled ones.",
                "Both leave the score where it is.",
            ),
            Next(
                "Raise the learning rate, by three times at first.",
                "The score does not move.",
                Size("learning_rate", rate, None if rate is None else 3 * rate),
            ),
        )
