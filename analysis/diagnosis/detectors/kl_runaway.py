"""KL to the reference leaves the path it was on, upwards."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.departure import departure
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Floats, Signals


@registry.detector
class KLRunaway(Detector):
    """Established where sqrt(KL) rises faster than its own path; not while the learning rate warms up."""

    name = "kl_runaway"
    kinds = ("policy",)
    about = "whether KL to the reference runs away from its own path"
    needs = ("kl.to_reference",)
    uses = ("learning_rate",)
    watches = ("kl.to_reference",)
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        series = view.series["kl.to_reference"]
        return departure(series, up=True, what="KL to the reference", rooted=True, allowed=~warming(view, series.steps))


def warming(view: Signals, steps: Floats) -> np.ndarray:
    """Steps up to which the learning rate has risen with every row since the first.

    A distance that is walked with growing steps bends upwards without any fault.
    """
    rate = view.get("learning_rate")
    if rate is None or len(rate) < 2:
        return np.zeros(len(steps), bool)
    rising = np.diff(rate.values, prepend=rate.values[:1]) > 0
    rising[0] = rising[1] if len(rising) > 1 else False
    still = np.logical_and.accumulate(rising)  # from the first row on
    end = rate.steps[still][-1] if still.any() else -np.inf
    return np.asarray(steps <= end)
