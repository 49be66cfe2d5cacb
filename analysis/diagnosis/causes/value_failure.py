"""The value model is worse than none."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals

LATER = ("score_fell", "score_below_start", "kl_runaway", "kl_jump", "score_jump")


@registry.cause
class ValueFailure(Cause):
    """Predicts errors of the value model above the variance of the scores, and a policy that climbs those errors."""

    name = "value_failure"
    title = "value model failure"
    kinds = ("policy",)
    requires = ("value_error_high",)
    predicts: ClassVar = {
        "value_error_high": STRONG,
        "score_below_start": SLIGHT,
        "score_fell": SLIGHT,
        "early_drop": SLIGHT,
        "kl_excess": SLIGHT,
        "left_reference": SLIGHT,
    }
    forbids: ClassVar = {
        "value_clip_binds": FAIR, "update_too_large": STRONG, "lr_jump": STRONG, "kl_jump": STRONG, "score_jump": FAIR,
    }  # fmt: skip
    absence = 0.0  # Whitened advantages hide a bad value model from the score: a score that holds says little.

    def fits(self, view: Signals, sights: Sights) -> bool:
        """What the value model caused can't have begun before its own error did; a policy that runs away spoils values too."""
        own = sights["value_error_high"].onset
        others = [o for n in established(sights, *LATER) if (o := sights[n].onset) is not None]
        rows = view.steps
        slack = float(np.median(np.diff(rows))) * 2 * FEW if len(rows) > 2 else 0.0  # onsets are estimates
        return own is None or all(own.value <= o.value + slack for o in others)

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where the score fell with it."""
        return "critical" if established(sights, "score_below_start", "score_fell") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        sight = sights["value_error_high"]
        when = "still is" if sight.note == "still" else "later came down"
        harm = ", and the score falls with it" if established(sights, "score_below_start", "score_fell") else ""
        return (
            f"The value model's squared error was up to {sight.value:.3g} times the variance of the scores ({when}{harm}): "
            "advantages were mostly its own noise."
        )

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Mend the value model first."""
        own = view.setting("vf_coef", "value_loss_coef", "critic_lr")
        return (
            Next(
                "Start the value model from the reward model, or train it alone for some batches before the policy moves.",
                "A value model that answers one number everywhere would do better.",
            ),
            Next(
                "Check its learning rate and the scale of its head.",
                "Both make large errors at the start.",
                Size("value_learning_rate", own, None),
            ),
        )
