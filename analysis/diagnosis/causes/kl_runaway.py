"""KL to the reference runs away, and nothing says why."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import go_back, stronger_penalty
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals

HARM = ("score_fell", "score_below_start", "value_error_rises")


@registry.cause
class KLRunaway(Cause):
    """Predicts KL off its own path with gradients, value error and entropy in its wake."""

    name = "kl_runaway"
    title = "KL runs away"
    kinds = ("policy",)
    requires = ("kl_runaway",)
    predicts: ClassVar = {
        "kl_runaway": FAIR, "score_fell": FAIR, "value_error_rises": SLIGHT, "value_error_high": SLIGHT, "gradient_rises": SLIGHT, "entropy_falls": SLIGHT,
    }  # fmt: skip
    forbids: ClassVar = {"kl_jump": STRONG, "lr_jump": STRONG, "score_jump": FAIR, "length_paid": FAIR}
    absence = 0.0  # KL may run away before anything else moves

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """KL alone only warns; critical once the score or the value model is harmed with it."""
        return "critical" if established(sights, *HARM) else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        told = sights["kl_runaway"].evidence[0].statement.rstrip(".")
        harmed = {
            "score_fell": "the score falls",
            "score_below_start": "the score is below its start",
            "value_error_rises": "the value model's error grows",
        }
        words = [harmed[n] for n in established(sights, *HARM)]
        return f"{told}{'; ' + ' and '.join(words) + ' with it' if words else ''}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Hold it, and find out whether it buys anything."""
        onset = sights["kl_runaway"].onset
        at = onset.low if onset else None
        return (
            stronger_penalty(view, at),
            Next(
                "Score responses from before and after with another judge.",
                "It tells whether the KL buys quality or only score.",
            ),
            *(go_back(at, "KL was on its path before.") if established(sights, *HARM) else ()),
        )
