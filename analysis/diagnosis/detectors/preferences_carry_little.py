"""Most of the preferences learned on training pairs do not hold on others."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.memorised import carries_little
from analysis.diagnosis.signals import Signals


@registry.detector
class PreferencesCarryLittle(Detector):
    """Established where training accuracy leads held-out accuracy by more than half of what it is above chance."""

    name = "preferences_carry_little"
    kinds = ("policy",)
    about = "whether preferences learned on training pairs hold on others"
    needs = ("dpo.accuracy", "eval/dpo.accuracy")

    def look(self, view: Signals) -> Sight | str:
        return carries_little(view.series["dpo.accuracy"], view.series["eval/dpo.accuracy"])
