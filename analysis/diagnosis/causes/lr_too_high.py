"""The learning rate is too high from the start."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import smaller_rate
from analysis.diagnosis.detectors.update_too_large import ONCE
from analysis.diagnosis.early import early
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals

CORNER = ("entropy_collapse", "length_collapse", "gradient_dead", "spread_collapse")
"""Signs of a policy that was thrown where all its answers are alike."""


@registry.cause
class LearningRateTooHigh(Cause):
    """Predicts that the first updates leave the clip range, lower the score that they climb, and throw the policy far away."""

    name = "lr_too_high"
    title = "learning rate too high"
    kinds = ("policy",)
    requires = ("update_too_large", "early_drop", "preference_loss_above_start")
    predicts: ClassVar = {
        "update_too_large": STRONG, "early_drop": STRONG, "preference_loss_above_start": STRONG, "score_below_start": FAIR, "kl_excess": FAIR,
        "left_reference": SLIGHT, "value_error_high": SLIGHT, "clip_saturation": 0.0,
        # a policy that is thrown away often ends in a corner, where all responses are alike
        "entropy_collapse": SLIGHT, "length_collapse": SLIGHT, "gradient_dead": SLIGHT, "spread_collapse": SLIGHT,
    }  # fmt: skip
    forbids: ClassVar = {"lr_jump": STRONG, "kl_jump": STRONG, "score_jump": FAIR}
    absence = 0.0  # what such updates do to the score is a matter of luck, and of the warm-up

    def fits(self, view: Signals, sights: Sights) -> bool:
        """Early: what begins later has another cause. So has a score that falls while every update stays in bounds."""
        if "update_too_large" in sights and sights["update_too_large"].state == "refuted":
            return False
        last = early(view)
        return any((o := sights[n].onset) is not None and o.value <= last for n in established(sights, *self.requires))

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where the score fell, the policy is far away for nothing or can't learn any more; one large update
        that did no harm is a note.
        """
        harmed = established(sights, "early_drop", "score_below_start", "kl_excess")
        # answers that are all alike give nothing to learn from; a task that is learned ends so as well, and has its gain
        if len(established(sights, *CORNER)) > 1 and not established(sights, "score_up"):
            return "critical"
        seen = established(sights, *self.requires)
        if (harmed and "update_too_large" in seen) or len(harmed) > 1:
            return "critical"
        once = seen == ["update_too_large"] and sights["update_too_large"].note == ONCE
        return "info" if once and not harmed else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        parts = []
        if established(sights, "update_too_large"):
            parts.append(
                f"single updates move the policy up to {sights['update_too_large'].value:.0f} times further than the clip range stands for"
            )
        if established(sights, "early_drop"):
            parts.append(f"the first updates lowered the score by {sights['early_drop'].value:.2g} SD")
        if established(sights, "preference_loss_above_start"):
            parts.append(
                f"the training loss rose to {sights['preference_loss_above_start'].value:.2g} times that of a policy that has learned nothing"
            )
        text = " and ".join(parts)
        return f"{text[0].upper()}{text[1:]}: the learning rate is too high."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """A smaller rate, from the start: what the first updates broke is not repaired."""
        times = sights["update_too_large"].value if established(sights, "update_too_large") else None
        return (
            smaller_rate(view, times),
            Next(
                "Start again from the reference.",
                "The first updates threw the policy away; later ones climb back from there.",
            ),
        )
