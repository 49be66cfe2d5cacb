"""The reward model is at chance in one category and well above it in the others."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.examined import CURVES, evaluation_of, from_start, said, weak_categories
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.numbers import rows_needed
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
        open_ = [c for c in found.categories if not c.accuracy.low > 0.5]
        # the weakest comes first; of those that are not shown to be above chance the one that says least
        shown = weak or tuple(sorted(open_, key=lambda c: c.accuracy.n)[:1]) or found.categories[:1]
        state: State = "established" if weak else "not_established" if open_ else "refuted"
        return Sight(state, tuple(_evidence(c, state) for c in shown), from_start(view), shown[0].accuracy.accuracy,
                     ", ".join(c.category for c in shown))  # fmt: skip


def _evidence(category: object, state: State) -> Evidence:
    from analysis.ranking.categories import Category

    assert isinstance(category, Category)
    a = category.accuracy
    statement, needed = category.statement, None
    if state == "not_established":
        shown = f"{100 * a.low:.1f} to {100 * a.high:.1f}" if np.isfinite(a.low) else "too few prompts for an interval"
        statement = f"{100 * a.accuracy:.1f} % of {a.n:,} pairs of {category.category} are ranked right ({shown}): neither chance nor better is shown"
        needed = rows_needed(a.n, (a.high - a.low) / 2, a.accuracy, 0.5, of=1) if np.isfinite(a.low) else None
    return said(
        statement, state, "accuracy here less accuracy elsewhere, over prompts, adjusted among categories (Holm)",
        value=100 * a.accuracy, low=100 * a.low, high=100 * a.high, unit="% of pairs", n=a.n, needed=needed,
    )  # fmt: skip
