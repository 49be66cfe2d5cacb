"""The loss of preference optimisation on held-out pairs rises again while that on training pairs falls."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.memorised import rises_again
from analysis.diagnosis.signals import Signals


@registry.detector
class PreferenceLossRises(Detector):
    """See `memorised.rises_again`. Only beside implicit rewards: other policies' losses mean nothing from row to row."""

    name = "preference_loss_rises"
    kinds = ("policy",)
    about = "whether preferences are learned by heart"
    needs = ("loss.total", "eval/loss.total", "dpo.accuracy")

    def look(self, view: Signals) -> Sight | str:
        return rises_again(view.series["loss.total"], view.series["eval/loss.total"])
