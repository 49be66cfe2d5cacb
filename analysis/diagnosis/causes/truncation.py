"""Most responses are cut off."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class Truncation(Cause):
    """Predicts responses at the length limit, most of them or ever more; the score may rise all the same."""

    name = "truncation"
    title = "responses cut off"
    kinds = ("policy",)
    requires = ("truncation_high", "truncation_rises")
    predicts: ClassVar = {"truncation_high": STRONG, "truncation_rises": STRONG, "score_flat": SLIGHT}
    forbids: ClassVar = {
        "length_paid": STRONG,
        "kl_jump": STRONG,
        "lr_jump": STRONG,
        "update_too_large": FAIR,
        "left_reference": FAIR,
    }
    absence = 0.0  # the score may rise on what is not cut off

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A warning: what is learned from unfinished text is seldom what is wanted."""
        return "critical" if established(sights, "score_fell", "score_below_start") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        if established(sights, "truncation_high"):
            told = sights["truncation_high"].evidence[0].statement.rstrip(".")
            return f"{told}: most of the signal comes from unfinished text."
        return sights["truncation_rises"].evidence[0].statement

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Room, or a reason to end."""
        limit = view.setting("max_completion_length", "response_length", "max_new_tokens")
        return (
            Next(
                "Raise the length limit.",
                "Responses don't fit.",
                Size("max_completion_length", limit, None if limit is None else 2 * limit),
            ),
            Next(
                "Leave cut-off responses out of the loss, or give them a penalty that grows near the limit; check the end-of-text token.",
                "A policy that never ends its text shows the same.",
            ),
        )
