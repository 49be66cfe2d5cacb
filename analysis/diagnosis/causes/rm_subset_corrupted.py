"""The labels of one category are wrong."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, FAIR, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class RmSubsetCorrupted(Cause):
    """Predicts chance in one category and good ranking elsewhere; another scorer that succeeds there settles it."""

    name = "rm_subset_corrupted"
    title = "corrupted labels of one category"
    kinds = ("reward_model",)
    requires = ("category_near_chance",)
    predicts: ClassVar = {"category_near_chance": STRONG, "category_worse_than_others": STRONG}
    # one category is told from the others: where all are lost there is nothing to tell it from, and a model that learned its
    # pairs by heart loses the hardest category first
    forbids: ClassVar = {
        "pairs_reversed": DECISIVE, "scores_stand_still": DECISIVE, "training_near_chance": STRONG, "pairs_near_chance": FAIR,
        "eval_loss_rises": FAIR,
    }  # fmt: skip

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A warning alone, as a category may just be hard; critical where another scorer succeeds on the same pairs."""
        return "critical" if established(sights, "category_worse_than_others") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        sight = sights["category_near_chance"]
        told = f"Near chance in {sight.note} ({100 * (sight.value or 0.0):.1f} % right), and well above it elsewhere"
        if established(sights, "category_worse_than_others"):
            return f"{told}; another model ranks the same pairs right, so its labels there are at fault."
        return f"{told}: its labels there may be wrong, or the category hard."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Tell a hard category from a harmed one."""
        name = sights["category_near_chance"].note
        look = Next(
            f"Label a hundred training pairs of {name} a second time.",
            "Flipped labels show as agreement below one half.",
        )
        if established(sights, "category_worse_than_others"):
            return (look,)
        return (
            Next(
                f"Score the same pairs of {name} with another reward model.",
                "Where it succeeds, the category is not hard.",
            ),
            look,
        )
