"""Scores, KL penalty and clip ranges are of different sizes."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import score_scale, stronger_penalty
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.penalty import normalised
from analysis.diagnosis.signals import Signals


@registry.cause
class RewardScaleMismatch(Cause):
    """Predicts a penalty that can't hold the policy and clip ranges that are tiny beside the scores, from the first row."""

    name = "reward_scale_mismatch"
    title = "reward scale out of proportion"
    kinds = ("policy",)
    requires = ("penalty_weak",)
    predicts: ClassVar = {
        "penalty_weak": STRONG,
        "value_clip_binds": STRONG,
        "value_error_high": SLIGHT,
        "kl_excess": SLIGHT,
    }
    forbids: ClassVar = {"length_paid": SLIGHT}
    absence = 0.0  # A mismatch need not hurt.

    def fits(self, view: Signals, sights: Sights) -> bool:
        """Rewards that are divided by their own SD have no scale."""
        return not normalised(view)

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A warning where a second sign says that it is the scale; alone worth knowing."""
        return "warning" if established(sights, "value_clip_binds", "kl_excess", "value_error_high") else "info"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        ratio = sights["penalty_weak"].value or 0.0
        clip = ""
        if established(sights, "value_clip_binds"):
            clip = (
                f", and one SD of the scores is {sights['value_clip_binds'].value:.0f} clip ranges of the value model"
            )
        return (
            f"The scores are too large for the KL coefficient: its optimum lies {ratio:.0f} times the reference's entropy away"
            f"{clip}."
        )

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Bring scores to SD 1."""
        return (score_scale(view), *(() if not established(sights, "kl_excess") else (stronger_penalty(view, None),)))
