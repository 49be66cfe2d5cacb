"""The policy climbs the reward model's score where the reward model knows nothing."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import go_back, stronger_penalty
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.reward_kind import bounded
from analysis.diagnosis.signals import Signals

FAR = ("kl_excess", "left_reference", "spread_collapse", "entropy_collapse")

FALLING = 1 / 3
"""A score that has lost a quarter of its best gain (a third of what is left) is falling, whatever makes it fall."""


@registry.cause
class RewardHacking(Cause):
    """Predicts a high score that is paid with far too much KL, a policy outside its reference, and gold that falls."""

    name = "reward_hacking"
    title = "reward hacking"
    kinds = ("policy",)
    requires = ("kl_excess", "left_reference", "spread_collapse", "gold_falls", "gold_lags")
    predicts: ClassVar = {
        "gold_falls": DECISIVE, "gold_lags": STRONG + FAIR, "kl_excess": STRONG, "left_reference": STRONG, "score_up": FAIR, "spread_collapse": FAIR,
        "entropy_collapse": SLIGHT, "kl_runaway": SLIGHT, "no_kl_penalty": SLIGHT, "penalty_weak": SLIGHT,
    }  # fmt: skip
    forbids: ClassVar = {
        "score_below_start": STRONG, "early_drop": FAIR, "update_too_large": FAIR, "kl_jump": STRONG, "lr_jump": STRONG,
        "score_fell": FAIR, "score_jump": FAIR, "length_paid": FAIR,
    }  # fmt: skip

    dated = ("kl_runaway",)

    def fits(self, view: Signals, sights: Sights) -> bool:
        """Nothing is hacked unless the score is up and stays there, and is more than a count of solved tasks."""
        if not established(sights, "score_up") or established(sights, "score_below_start"):
            return False
        if bounded(view) and not established(sights, "gold_falls", "gold_lags"):
            return False  # a verifier that is exploited shows in nothing but a score that was held out
        fall = sights["score_fell"].value if "score_fell" in sights else None
        return fall is None or fall < (sights["score_up"].value or 0.0) * FALLING

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical with gold down, or where the policy left its reference or lost its variety, and a second sign says so."""
        gone = established(sights, "left_reference", "entropy_collapse") and len(established(sights, *FAR)) > 1
        return "critical" if gone or established(sights, "gold_falls") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        gain = sights["score_up"].value or 0.0
        parts = [f"The reward model's score rose by {gain:.2g} SD"]
        if established(sights, "gold_falls"):
            parts.append(f"while gold fell by {sights['gold_falls'].value:.2g} from its best")
        elif established(sights, "gold_lags"):
            parts.append(f"while a trusted score of the same kind moved by {sights['gold_lags'].value:+.2g}")
        elif established(sights, "kl_excess"):
            parts.append(f"at {sights['kl_excess'].value:.0f} times the KL that such a gain needs")
        if established(sights, "left_reference"):
            parts.append("and the policy now writes what its reference would not")
        elif established(sights, "spread_collapse", "entropy_collapse"):
            parts.append("and the responses have become all alike")
        return ", ".join(parts) + ": the policy is exploiting the reward model."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Go back, hold it closer, and have the newest responses judged."""
        onsets = [
            o.value
            for n in ("gold_falls", "gold_lags", *FAR)
            if established(sights, n) and (o := sights[n].onset) is not None
        ]
        at = min(onsets, default=None)
        judged = () if established(sights, "gold_falls") else (
            Next(f"Have 100 responses of step {view.steps[-1]:g} judged by another reward model or by people, beside as many from before step {at:g}.",
                 "A score can't testify against itself: this settles whether quality fell."),
        )  # fmt: skip
        return (*go_back(at, "Later gains cost more KL than they can be worth."), stronger_penalty(view, at), *judged)
