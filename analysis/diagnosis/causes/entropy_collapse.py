"""The policy has lost its variety, and with it the signal to learn from."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import go_back, stronger_penalty
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class EntropyCollapse(Cause):
    """Predicts entropy near 0, responses that all score alike, groups without signal, gradients that vanish."""

    name = "entropy_collapse"
    title = "entropy collapse"
    kinds = ("policy",)
    requires = ("entropy_collapse",)
    predicts: ClassVar = {
        "entropy_collapse": STRONG, "spread_collapse": FAIR, "zero_signal": FAIR, "gradient_dead": FAIR, "no_kl_penalty": SLIGHT,
    }  # fmt: skip
    forbids: ClassVar = {"kl_jump": STRONG, "lr_jump": STRONG, "update_too_large": FAIR, "score_below_start": SLIGHT}
    absence = 0.0  # each of them depends on what is logged and on the kind of reward

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A note by itself; with responses that all score alike nothing is learned any more."""
        lost = established(sights, "spread_collapse", "zero_signal", "gradient_dead")
        if len(lost) > 1 or "spread_collapse" in lost:
            return "critical"
        return "warning" if "gradient_dead" in lost else "info"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        share = 100 * (sights["entropy_collapse"].value or 0.0)
        lost = established(sights, "spread_collapse", "zero_signal")
        rest = ", and responses to a prompt all score alike" if lost else ", which a good run may do too"
        return f"Entropy has fallen to {share:.2g} % of its start{rest}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Keep variety."""
        onset = sights["entropy_collapse"].onset
        at = onset.value if onset else None
        return (
            *go_back(at, "Before it responses still differed."),
            Next("Add an entropy bonus or raise the upper clip range, or lower the learning rate.", "They slow down how fast likely tokens crowd out the rest."),
            stronger_penalty(view, at),
        )  # fmt: skip
