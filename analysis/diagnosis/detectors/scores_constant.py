"""The reward model gives every response the same score."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.examined import CURVES, from_start, said
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals


@registry.detector
class ScoresConstant(Detector):
    """Established where both sides score the same in every pair."""

    name = "scores_constant"
    kinds = ("reward_model",)
    about = "whether it tells responses apart at all"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        if view.examined is None:
            return "no preference pairs with labels are scored"
        a = view.examined.evaluation.accuracy
        if not a.n:
            return "no pair has two finite scores"
        tied = a.ties == a.n
        statement = f"{a.ties:,} of {a.n:,} pairs have two equal scores"
        state: State = "established" if tied else "refuted"
        return Sight(
            state,
            (said(statement, state, "count", value=float(a.ties), unit="pairs", n=a.n),),
            from_start(view),
            a.ties / a.n,
        )
