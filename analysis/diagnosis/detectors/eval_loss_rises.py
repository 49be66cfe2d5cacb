"""The loss of a reward model on held-out pairs rises again while that on training pairs falls."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.memorised import rises_again
from analysis.diagnosis.signals import Signals


@registry.detector
class EvalLossRises(Detector):
    """See `memorised.rises_again`. `note` is "below start" where it ends above the loss that training began with."""

    name = "eval_loss_rises"
    kinds = ("reward_model",)
    about = "whether it learns the training pairs by heart"
    needs = ("rm.loss", "eval/rm.loss")

    def look(self, view: Signals) -> Sight | str:
        return rises_again(view.series["rm.loss"], view.series["eval/rm.loss"])
