"""Sizes of what to change: each follows from an identity that is named beside it."""

from __future__ import annotations

from math import sqrt

import numpy as np

from analysis.diagnosis.finding import Next, Size
from analysis.diagnosis.penalty import coefficient, normalised, penalty
from analysis.diagnosis.signals import Signals


def go_back(at: float | None, why: str) -> tuple[Next, ...]:
    """The last checkpoint before a step."""
    if at is None:
        return ()
    return (Next(f"Go back to the last checkpoint before step {at:g}.", why, Size("checkpoint", None, at)),)


def stronger_penalty(view: Signals, at: float | None) -> Next:
    """The KL coefficient whose optimum is no further than the policy was when it was still worth it."""
    told = coefficient(view)
    beta = told[0] if told else None
    target = kl_at(view, at)
    found = penalty(view)
    if target is None or found is None or target <= 0:
        return Next(
            "Raise the KL coefficient, or stop earlier.", "The policy goes on paying KL for a score that no longer means more.",
            Size("kl_coefficient", beta, None),
        )  # fmt: skip
    new = found.sd.value / sqrt(2 * target)
    new = max(new, 1.5 * beta) if beta else new
    return Next(
        f"Raise the KL coefficient from {beta:.3g} to about {new:.2g}.",
        f"(s / beta)^2 / 2 then is {target:.3g} nats, where the policy was when its gain was still worth the KL.",
        Size("kl_coefficient", beta, float(f"{new:.2g}")),
    )


def smaller_rate(view: Signals, times: float | None) -> Next:
    """The learning rate at which updates fit the clip range: KL of an update grows with its square."""
    rate = view.get("learning_rate")
    old = view.setting("learning_rate") or (float(rate.values.max()) if rate is not None else None)
    if old is None or not times or times <= 1:
        return Next("Lower the learning rate, by ten times at first.", "Updates are far larger than the clip range.", Size("learning_rate", old, None if old is None else old / 10))  # fmt: skip
    new = float(f"{old / sqrt(times):.1g}")
    return Next(
        f"Lower the learning rate from {old:.2g} to about {new:.1g}.",
        f"The KL of an update grows with the square of the learning rate, and was {times:.3g} times too large.",
        Size("learning_rate", old, new),
    )


def score_scale(view: Signals) -> Next:
    """Scores brought to an SD of 1 under the reference, which is what other settings are made for."""
    found = penalty(view)
    sd = None if found is None or normalised(view) else found.sd.value
    if sd is None:
        return Next(
            "Bring the scores to an SD of 1 under the reference policy.", "Other settings are in reward units too."
        )
    return Next(
        f"Divide the scores by {sd:.3g}, so that their SD under the reference is 1 (or multiply the KL coefficient by as much).",
        "The optimum exp(r / beta) stays the same if both change; clip ranges and penalties are in reward units as well.",
        Size("score_scale", 1.0, float(f"{1 / sd:.3g}")),
    )


def kl_at(view: Signals, step: float | None) -> float | None:
    """KL per sequence just before a step."""
    series = view.get("kl.per_sequence")
    if series is None or step is None:
        return None
    place = int(np.searchsorted(series.steps, step)) - 1
    if place < 0:
        return None
    return float(np.median(series.values[max(0, place - 4) : place + 1]))
