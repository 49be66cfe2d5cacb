"""The KL penalty holds the policy where it began."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights
from analysis.diagnosis.penalty import penalty
from analysis.diagnosis.signals import Signals


@registry.cause
class KLTooStrong(Cause):
    """Predicts a score that does not move, under a penalty whose optimum gains next to nothing."""

    name = "kl_too_strong"
    title = "KL penalty too strong"
    kinds = ("policy",)
    requires = ("penalty_strong",)
    predicts: ClassVar = {"penalty_strong": STRONG, "score_flat": FAIR, "policy_still": SLIGHT}
    forbids: ClassVar = {"score_up": STRONG, "kl_excess": STRONG, "zero_signal": FAIR}

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """No harm but lost time."""
        return "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        return f"Under this KL coefficient the best policy gains {sights['penalty_strong'].value:.2g} SD of the scores: there is no room to learn."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """The coefficient at which a gain of one SD is the optimum: beta = s."""
        found = penalty(view)
        old, new = (found.beta, found.sd.value) if found else (None, None)
        return (
            Next(
                f"Lower the KL coefficient from {old:.3g} to {new:.2g} or less."
                if found
                else "Lower the KL coefficient.",
                "The optimum gains s / beta SD: one SD at beta = s.",
                Size("kl_coefficient", old, None if new is None else float(f"{new:.2g}")),
            ),
        )
