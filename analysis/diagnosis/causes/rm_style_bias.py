"""The reward model pays for a style."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, SLIGHT, STRONG, Cause, Sights
from analysis.diagnosis.signals import Signals


@registry.cause
class RmStyleBias(Cause):
    """Predicts margins that follow words or formatting beyond what the labels justify."""

    name = "rm_style_bias"
    title = "style bias"
    kinds = ("reward_model",)
    requires = ("style_followed",)
    predicts: ClassVar = {"style_followed": DECISIVE, "over_confident": SLIGHT}
    forbids: ClassVar = {"length_alone": STRONG}  # a long response has more of every word
    absence = 0.0  # scale may be sound in spite of it

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where style costs half of what it could know."""
        return "critical" if (sights["style_followed"].value or 0.0) > 0.5 else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        sight = sights["style_followed"]
        return f"Margins follow {sight.note} beyond what the labels justify, which costs {100 * (sight.value or 0.0):.0f} % of what the model could know."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Take the style out."""
        words = sights["style_followed"].note
        return (
            Next(
                f"Look at pairs that differ in {words}: do the labels of the training set follow them?",
                "Raters who fall for a style teach it.",
            ),
            Next(
                "Add pairs in which the worse side has the style, or rewrite both sides in one style.",
                "Labels then can't be explained by it.",
            ),
        )
