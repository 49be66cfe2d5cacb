"""Margins are made of length, in the direction that the labels do not take."""

from __future__ import annotations

from math import isfinite, sqrt

from analysis import registry
from analysis.diagnosis.examined import CURVES, evaluation_of, from_start, said
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals
from analysis.uncertainty.intervals import wilson

HALF = sqrt(0.5)
"""Correlation at which length explains half of the differences between margins."""


@registry.detector
class LengthAgainstLabels(Detector):
    """Established where length explains half of the margins' variance, and prefers what the labels prefer less often.

    No share of such a margin can be justified by these labels. Where both point the same way, `length_followed` asks how
    much of it they justify.
    """

    name = "length_against_labels"
    kinds = ("reward_model",)
    about = "whether margins follow length against the labels"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        follows = None if found.length is None else found.length.follows
        if follows is None or not follows.computable or found.panel is None:
            return "no length of the responses is known"
        liked = "longer" if follows.value > 0 else "shorter"
        rule = next((b.share for b in found.panel.rules if b.rule.startswith(liked)), None)
        if rule is None or not isfinite(rule):
            return "the sides do not differ in length"
        low, high = wilson(rule * follows.n, follows.n)
        least = min(abs(follows.low), abs(follows.high)) if follows.low * follows.high > 0 else 0.0
        made = least > HALF
        against = high < 0.5
        state: State = "established" if made and against else "not_established"
        if max(abs(follows.low), abs(follows.high)) < HALF or low > 0.5:
            state = "refuted"
        statement = (
            f"margins and length correlate by {follows.value:.2f} ({follows.low:.2f} to {follows.high:.2f}), so that the {liked} "
            f"side scores higher, and the labels prefer the {liked} side in {100 * rule:.0f} % of the pairs "
            f"({100 * low:.0f} to {100 * high:.0f})"
        )
        evidence = said(
            statement, state, follows.method, value=follows.value, low=follows.low, high=follows.high, unit="correlation",
            n=follows.n,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), follows.value)
