"""The reward model is at chance in one category and well above it in the others."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.examined import CURVES, evaluation_of, from_start, said, weak_categories
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals


@registry.detector
class CategoryNearChance(Detector):
    """Established where a category is worse than the rest (adjusted for all) and not shown to be above one half."""

    name = "category_near_chance"
    kinds = ("reward_model",)
    about = "whether it fails in one category"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        if not found.categories:
            return "the pairs have fewer than two categories"
        weak = weak_categories(found)
        shown = weak or found.categories[:1]  # the weakest comes first
        state: State = "established" if weak else "refuted"
        return Sight(state, tuple(_evidence(c, state) for c in shown), from_start(view), shown[0].accuracy.accuracy,
                     ", ".join(c.category for c in shown))  # fmt: skip


def _evidence(category: object, state: State) -> Evidence:
    from analysis.ranking.categories import Category

    assert isinstance(category, Category)
    a = category.accuracy
    return said(
        category.statement, state, "accuracy here less accuracy elsewhere, over prompts, adjusted among categories (Holm)",
        value=100 * a.accuracy, low=100 * a.low, high=100 * a.high, unit="% of pairs", n=a.n,
    )  # fmt: skip
