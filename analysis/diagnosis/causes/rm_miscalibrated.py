"""Margins are larger than being right allows, and nothing else explains it."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, Cause, Sights
from analysis.diagnosis.signals import Signals


@registry.cause
class RmMiscalibrated(Cause):
    """Predicts margins, log-odds by their loss, that are too sure. By itself that harms no ranking."""

    name = "rm_miscalibrated"
    title = "miscalibration"
    kinds = ("reward_model",)
    requires = ("over_confident",)
    predicts: ClassVar = {"over_confident": FAIR}

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A note, as ranking does not suffer; a warning where the likelihood is worse than saying one half of everything."""
        return "warning" if sights["over_confident"].note == "worthless" else "info"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        t = sights["over_confident"].value or 1.0
        return f"Margins are {t:.3g} times too large for how often they are right; a policy trained on them feels that much less of its KL penalty."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Divide by the temperature."""
        t = sights["over_confident"].value or 1.0
        return (
            Next(
                f"Divide the scores by {t:.3g} before they are used as rewards or probabilities.",
                "That is the temperature at which they fit being right.",
                Size("score_scale", 1.0, float(f"{1 / t:.3g}")),
            ),
        )
