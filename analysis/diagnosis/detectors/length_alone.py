"""Margins are made of length, and rank pairs no better than length alone does."""

from __future__ import annotations

from math import isfinite, sqrt

from analysis import registry
from analysis.diagnosis.examined import CONFOUNDED, CURVES, MARGIN, evaluation_of, from_start, said
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals
from analysis.uncertainty.intervals import wilson

HALF = sqrt(0.5)
"""Correlation at which length explains half of the differences between margins."""


@registry.detector
class LengthAlone(Detector):
    """Established where length explains half of the margins' variance, and the labels say that this is all there is.

    They say so where they prefer what the margins prefer less often than by chance: no share of such a margin can be
    justified. And where the rule that ranks by length alone is as good, with a lead of ten points ruled out. How much of a
    taste for length that the labels share is justified, is asked by `length_followed`.
    """

    name = "length_alone"
    kinds = ("reward_model",)
    about = "whether margins are more than length"
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
        rule = next((b for b in found.panel.rules if b.rule.startswith(liked)), None)
        if rule is None or not isfinite(rule.share):
            return "the sides do not differ in length"
        low, high = wilson(rule.share * follows.n, follows.n)
        least = min(abs(follows.low), abs(follows.high)) if follows.low * follows.high > 0 else 0.0
        lead = rule.difference
        told = lead.verdict != "not computable" and rule.share <= CONFOUNDED
        against, leads = high < 0.5, told and lead.low > 0
        state: State = "not_established"
        if max(abs(follows.low), abs(follows.high)) < HALF or (leads and not against):
            state = "refuted"
        elif least > HALF and (against or (told and lead.high < MARGIN)):
            state = "established"
        statement = (
            f"margins and length correlate by {follows.value:.2f} ({follows.low:.2f} to {follows.high:.2f}), so that the {liked} "
            f"side scores higher, and the labels prefer the {liked} side in {100 * rule.share:.0f} % of the pairs "
            f"({100 * low:.0f} to {100 * high:.0f})"
        )
        if told and not against:
            statement += (
                f"; the model ranks {100 * lead.difference:+.1f} points ({100 * lead.low:.1f} to {100 * lead.high:.1f}) more of "
                "them right"
            )
        evidence = said(
            statement, state, follows.method, value=follows.value, low=follows.low, high=follows.high, unit="correlation",
            n=follows.n, needed=lead.needed if told and state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), follows.value)
