"""The value model's error leaves its path, upwards."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.departure import departure
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals

FOLD = 1.25
"""A quarter more than its path gives: value losses fall by orders of magnitude, smaller wiggles mean nothing."""


@registry.detector
class ValueErrorRises(Detector):
    """Established where the value loss is a quarter above what its path gives, beyond noise."""

    name = "value_error_rises"
    kinds = ("policy",)
    about = "whether the value model's error grows"
    needs = ("value.mse",)
    watches = ("value.mse",)
    alone = "info"

    def look(self, view: Signals) -> Sight | str:
        series = view.series["value.mse"]
        if len(series) < 2 * FEW:
            return "too few rows"
        return departure(series, up=True, what="the value model's squared error", rooted=True, fold=FOLD)
