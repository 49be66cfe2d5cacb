"""Policy and reference, or sampler and trainer, are not the same model where they must be."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class PolicyReferenceMismatch(Cause):
    """Predicts a KL or implicit rewards that do not start at 0, a KL that stays below it, or a ratio that does not start at 1."""

    name = "policy_reference_mismatch"
    title = "policy and reference differ at the start"
    kinds = ("policy",)
    requires = ("start_mismatch", "implicit_reward_start")
    predicts: ClassVar = {"start_mismatch": STRONG, "implicit_reward_start": STRONG}
    forbids: ClassVar = {"policy_still": STRONG}  # where nothing moves, policy and reference are the same all along
    absence = 0.0  # each is known of another kind of trainer

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """The KL is not what it is taken for; whether that harms the run is open."""
        return "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        seen = established(sights, *self.requires)[0]
        told = sights[seen].evidence[0].statement.rstrip(".")
        return f"{told}: policy and reference, or sampler and trainer, are not the same model at the start."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Make them the same."""
        return (
            Next(
                "Compare log-probabilities of one batch under policy, reference and sampler before the first update.",
                "They must agree to rounding.",
            ),
            Next(
                "Look for dropout, another temperature or precision, padding and end-of-text masks.",
                "Each of them shifts log-probabilities.",
            ),
        )
