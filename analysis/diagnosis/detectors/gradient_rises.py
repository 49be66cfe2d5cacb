"""Gradients leave their path, upwards."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.departure import departure
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals


@registry.detector
class GradientRises(Detector):
    """Established where the gradient norm is twice what its path gives, beyond noise."""

    name = "gradient_rises"
    kinds = ("policy",)
    about = "whether gradients grow"
    needs = ("grad_norm",)
    watches = ("grad_norm",)

    def look(self, view: Signals) -> Sight | str:
        return departure(view.series["grad_norm"], up=True, what="the gradient norm", rooted=True, fold=2.0)
