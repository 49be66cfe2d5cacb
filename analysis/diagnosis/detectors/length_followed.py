"""Margins follow length beyond what the labels justify."""

from __future__ import annotations

from scipy.special import ndtri

from analysis import registry
from analysis.diagnosis.examined import CURVES, MATERIAL, evaluation_of, from_start, said, share_lost, unseen
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals


@registry.detector
class LengthFollowed(Detector):
    """Established where length is over-used (adjusted for all features) at a material share of what the model knows.

    That margins correlate with length is no bias: labels may too. The test asks whether a margin that comes from length
    is worth less than one that does not.
    """

    name = "length_followed"
    kinds = ("reward_model",)
    about = "whether margins follow length beyond what the labels justify"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        if found.bias is None:
            return "no length of the responses is known"
        if found.bias.because:
            return found.bias.because
        effect = next((e for e in found.bias.effects if e.kind == "length"), None)
        if effect is None:
            return "the sides differ in length in too few prompts"
        share = share_lost(effect.cost, found)
        there = effect.verdict == "over-used" and share >= MATERIAL
        # the score statistic of what the labels do not justify; what they justify more of is no bias
        z = 0.0 if effect.verdict == "under-used" else -float(ndtri(max(effect.p, 1e-300) / 2))
        most, needed = unseen(found, found.bias.n, z)
        state: State = "established" if there else "refuted" if most < MATERIAL else "not_established"
        statement = effect.statement
        if effect.verdict == "over-used":
            statement += f"; that costs {100 * share:.0f} % of what it could know"
        if state == "not_established":
            statement += f"; it may cost up to {100 * most:.0f} % of what the model knows"
        follows = found.length.follows if found.length else None
        if follows is not None and follows.computable:
            statement += f". Margins and length correlate by {follows.value:.2f}"
        evidence = said(
            statement, state, found.bias.method, value=effect.moves, low=effect.low, high=effect.high,
            unit="SD of the margin", n=effect.pairs, needed=needed if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), share, effect.name)
