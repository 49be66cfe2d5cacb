"""What kind of number the score is: a learned model's, without bounds, or a verifier's that counts solved tasks."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.levels import ROOM, TENFOLD, scatter
from analysis.diagnosis.signals import Series, Signals

PARTS = "reward.component_mean/"


def bounded(view: Signals) -> bool:
    """Whether the score counts solved tasks: few values among single responses, or means that stay between 0 and 1.

    Its spread is sqrt(p (1 - p)) and shrinks with success, and its gain in SD says little of what it may cost in KL.
    """
    sampled = view.get("rollouts/values")
    if sampled is not None:
        return bool(sampled.values[0] <= 1 / TENFOLD)
    parts = [s for name, s in view.series.items() if name.startswith(PARTS) and len(s)]
    if len(parts) > 1:  # a sum of what several verifiers say
        return all(_share(p) for p in parts)
    score = view.get("score")
    return score is not None and bool(score.values.min() >= 0 and score.values.max() <= 1)


def _share(part: Series) -> bool:
    """Whether a part of the reward lies between 0 and 1; some logs add noise, which passes an end in single rows."""
    room = ROOM * scatter(part)
    inside = part.values.min() >= -room and part.values.max() <= 1 + room
    return bool(inside and 0 <= np.median(part.values) <= 1)
