"""Entropy leaves its path, downwards."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.departure import departure
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals


@registry.detector
class EntropyFalls(Detector):
    """Established where entropy falls faster than its own path. Evidence beside others; a note is not made of it."""

    name = "entropy_falls"
    kinds = ("policy",)
    about = "whether entropy falls off its own path"
    needs = ("entropy.token_mean",)
    watches = ("entropy.token_mean",)

    def look(self, view: Signals) -> Sight | str:
        return departure(view.series["entropy.token_mean"], up=False, what="entropy")
