"""The reward model prefers what was rejected."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.examined import CURVES, evaluation_of, from_start, said
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class PairsReversed(Detector):
    """Established where it ranks fewer than half of the pairs right, the interval over prompts included; ties count half."""

    name = "pairs_reversed"
    kinds = ("reward_model",)
    about = "whether it prefers the rejected side"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        auroc = found.auroc
        if auroc is None or not auroc.computable:
            return "no pair has two finite scores"
        state: State = "established" if auroc.high < 0.5 else "refuted" if auroc.low > 0.5 else "not_established"
        a = found.accuracy
        statement = (
            f"the rejected side scores higher in {100 * a.losses / a.n:.1f} % of {a.n:,} pairs; AUROC within prompts "
            f"{auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f})"
        )
        needed = None
        if state == "not_established":
            statement += ": neither side is shown to score higher"
            needed = rows_needed(a.n, (auroc.high - auroc.low) / 2, auroc.value, 0.5, of=1)
        evidence = said(
            statement, state, auroc.method, value=auroc.value, low=auroc.low, high=auroc.high, unit="AUROC", n=a.n,
            needed=needed,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), auroc.value)
