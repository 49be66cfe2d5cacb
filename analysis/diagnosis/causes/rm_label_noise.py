"""The labels hold next to nothing to learn."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import DECISIVE, FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class RmLabelNoise(Cause):
    """Predicts ranking near chance, in training and on held-out pairs, while the scores do move."""

    name = "rm_label_noise"
    title = "noisy labels"
    kinds = ("reward_model",)
    requires = ("pairs_near_chance", "training_near_chance")
    predicts: ClassVar = {"pairs_near_chance": STRONG, "training_near_chance": STRONG, "over_confident": SLIGHT}
    forbids: ClassVar = {
        "pairs_reversed": FAIR,
        "length_alone": STRONG,
        "scores_stand_still": DECISIVE,
        "scores_constant": DECISIVE,
        "little_carries_over": FAIR,
        "eval_loss_rises": FAIR,
    }

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where training and held-out pairs agree; from one of them alone a warning."""
        return "critical" if len(established(sights, "pairs_near_chance", "training_near_chance")) == 2 else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        pairs, train = sights.get("pairs_near_chance"), sights.get("training_near_chance")
        parts = []
        if pairs is not None and pairs.there:
            parts.append(f"ranks {100 * (pairs.value or 0.0):.1f} % of pairs right, hardly better than {pairs.note}")
        if train is not None and train.there:
            parts.append(
                f"{'is' if parts else 'ranks'} right in {100 * (train.value or 0.0):.1f} % of the pairs that it was trained on"
            )
        return f"The model {' and '.join(parts)}: near chance, as with labels that are mostly noise."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Look at the labels first."""
        return (
            Next(
                "Label a hundred training pairs a second time and count how often the labels agree.",
                "Agreement a, for two raters with the same error, means that a share (1 - sqrt(2 a - 1)) / 2 of the labels is flipped.",
            ),
            Next(
                "Train on a few hundred pairs that were checked; if that ranks better, the labels are the cause.",
                "A learning rate that is far too low looks alike in the scores.",
            ),
        )
