"""The policy earns its score by length."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import go_back
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class LengthHacking(Cause):
    """Predicts longer responses, a reward model that pays for tokens, and a gain that length explains; KL stays calm."""

    name = "length_hacking"
    title = "length hacking"
    kinds = ("policy",)
    requires = ("length_growth", "length_paid", "length_bias")
    predicts: ClassVar = {
        "length_paid": STRONG + FAIR,
        "length_growth": STRONG,
        "score_up": FAIR,
        "gold_lags": FAIR,
        "truncation_high": SLIGHT,
    }
    forbids: ClassVar = {
        "left_reference": FAIR,
        "score_below_start": FAIR,
        "early_drop": FAIR,
        "kl_jump": STRONG,
        "lr_jump": STRONG,
    }

    def fits(self, view: Signals, sights: Sights) -> bool:
        """Growth without a score that pays for it is no hacking: reasoning grows too. Nor is a price that nobody earns."""
        if established(sights, "length_collapse"):
            return False
        grows = established(sights, "length_growth", "surprise_growth")
        return bool(
            established(sights, "length_paid") or (established(sights, "length_bias", "score_up")[1:] and grows)
        )

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where length has grown and most of the gain is length."""
        both = len(established(sights, "length_growth", "length_paid")) == 2
        return "critical" if both and established(sights, "score_up") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        grown = sights["length_growth"].value if established(sights, "length_growth") else None
        growth = f"Responses grew {grown:.2g} times" if grown else "Responses seem to grow"
        if not established(sights, "length_paid"):
            share = 100 * (sights["length_bias"].value or 0.0)
            return f"{growth}, and length makes {share:.0f} % of the differences in score: the reward model pays for length."
        share = 100 * min(sights["length_paid"].value or 0.0, 1.0)
        return f"{growth}, and length alone makes {share:.0f} % of the gain in score: the reward model pays for length."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Take length out of the score."""
        grown = sights.get("length_growth")
        at = grown.onset.low if grown is not None and grown.onset is not None else None
        return (
            Next(
                "Subtract the price of a token from the score, or retrain the reward model on pairs of equal length.",
                "Among responses of one policy, longer ones score higher.",
            ),
            *go_back(at, "Before it the responses had their usual length."),
        )
