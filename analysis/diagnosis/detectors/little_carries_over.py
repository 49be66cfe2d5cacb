"""Most of what a reward model has learned on training pairs does not hold on others."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.memorised import carries_little
from analysis.diagnosis.signals import Signals


@registry.detector
class LittleCarriesOver(Detector):
    """Established where training accuracy leads held-out accuracy by more than half of what it is above chance."""

    name = "little_carries_over"
    kinds = ("reward_model",)
    about = "whether accuracy on training pairs holds on others"
    needs = ("rm.accuracy", "eval/rm.accuracy")

    def look(self, view: Signals) -> Sight | str:
        return carries_little(view.series["rm.accuracy"], view.series["eval/rm.accuracy"])
