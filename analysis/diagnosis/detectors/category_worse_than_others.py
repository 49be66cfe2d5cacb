"""In its weak category the reward model is worse than another one on the same pairs, more than elsewhere."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.examined import CURVES, evaluation_of, from_start, said, weak_categories
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals


@registry.detector
class CategoryWorseThanOthers(Detector):
    """What tells a category that was harmed from one that is hard: another scorer ranks the same pairs right."""

    name = "category_worse_than_others"
    kinds = ("reward_model",)
    about = "whether another reward model succeeds where it fails"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        weak = {c.category for c in weak_categories(found)}
        if not weak:
            return "no category is near chance"
        beside = [d for d in view.examined.beside() if d.category in weak and d.difference.verdict != "not computable"]
        if not beside:
            return (
                "no other reward model scored the same pairs, so a hard category can't be told from one that was harmed"
            )
        better = [d for d in beside if d.verdict == "b" and d.particular]
        state: State = "established" if better else "not_established"
        best = max(better or beside, key=lambda d: -d.difference.difference)
        d = best.difference
        evidence = said(
            best.statement, state, "paired differences over prompts, adjusted among categories and models (Holm)",
            value=100 * d.difference, low=100 * d.low, high=100 * d.high, unit="points", n=d.n,
            needed=None if better else d.needed,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), d.difference, best.category)
