"""The reward model pays for length."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, SLIGHT, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class RmLengthBias(Cause):
    """Predicts margins that follow length beyond what the labels justify; that makes them too sure as well."""

    name = "rm_length_bias"
    title = "length bias"
    kinds = ("reward_model",)
    requires = ("length_followed", "length_alone")
    predicts: ClassVar = {
        "length_followed": DECISIVE, "length_alone": DECISIVE, "over_confident": SLIGHT, "pairs_near_chance": SLIGHT,
    }  # fmt: skip
    absence = 0.0  # scale and ranking may be sound in spite of it

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where length costs half of what it could know, so that a policy would mostly learn to be long."""
        if established(sights, "length_alone"):
            return "critical"
        return "critical" if (sights["length_followed"].value or 0.0) > 0.5 else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        if established(sights, "length_alone"):
            return sights["length_alone"].evidence[0].statement
        share = 100 * (sights["length_followed"].value or 0.0)
        return f"Margins follow length beyond what the labels justify, which costs {share:.0f} % of what the model could know."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Take length out."""
        return (
            Next(
                "Train on pairs of equal length, or add the length difference as a term that is dropped afterwards.",
                "Labels then can't be explained by length.",
            ),
            Next(
                "In PPO subtract the price of a token from the score.",
                "Among responses of one policy longer ones would score higher.",
            ),
        )
