"""KL to the reference leaves the path it was on, upwards."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.departure import departure
from analysis.diagnosis.finding import Evidence
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Floats, Series, Signals


@registry.detector
class KLRunaway(Detector):
    """Established where sqrt(KL) rises faster than its own path; not while the learning rate warms up."""

    name = "kl_runaway"
    kinds = ("policy",)
    about = "whether KL to the reference runs away from its own path"
    needs = ("kl.to_reference",)
    uses = ("learning_rate", "score")
    watches = ("kl.to_reference",)
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        series = view.series["kl.to_reference"]
        sight = departure(
            series, up=True, what="KL to the reference", rooted=True, allowed=~warming(view, series.steps)
        )
        if isinstance(sight, str) or not sight.there or sight.onset is None:
            return sight
        told = _paid(view, series, sight.onset.low)
        return sight if told is None else Sight("refuted", (told,), sight.onset)


def _paid(view: Signals, kl: Series, since: float) -> Evidence | None:
    """Whether the distance walked since then has brought the score at least half of what distance brought before.

    A policy that learns walks on; returns diminish, but what is worth half of the average so far is no runaway.
    """
    score = view.get("score")
    if score is None:
        return None
    at, k, s = together(kl, score)
    place = int(np.searchsorted(at, since))
    width = 2 * FEW
    if place < width or len(at) - place < 2 * width:
        return None
    d = np.sqrt(np.maximum(k, 0))
    late = max(width, (len(at) - place) // 2)  # the later half: the further it went, the better its return is known
    d0, d1, d2 = d[:3].mean(), d[place - width : place].mean(), d[-late:].mean()
    s0, s1, s2 = s[:3].mean(), s[place - width : place].mean(), s[-late:].mean()
    if d2 <= d1 or d1 <= d0 or s1 <= s0:
        return None
    before, after = (s1 - s0) / (d1 - d0), (s2 - s1) / (d2 - d1)
    if after < before / 2:
        return None
    statement = f"KL rose off its path, and the score with it: {after:.2g} reward units for a further sqrt(nat), {before:.2g} before."
    return Evidence(statement, "refuted", after / before, unit="of the return before", n=len(at), series=kl.tag)


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
