"""The logged learning rate jumps up, as no schedule does."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals

STEADY = 5
"""Rows before the jump that a schedule must have moved smoothly over."""


@registry.detector
class LearningRateJump(Detector):
    """Established where the learning rate more than doubles in a row after steady rows.

    Schedules move by a few per cent a row once warm-up is over; a warm restart of a cosine falls before it rises, and is
    read as one where the rows before fell to a small part of the peak.
    """

    name = "lr_jump"
    kinds = ("policy", "reward_model")
    about = "whether the logged learning rate follows its schedule"
    needs = ("learning_rate",)
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        series = view.series["learning_rate"]
        v = np.maximum(series.values, 0)
        if len(v) < STEADY + 2:
            return "too few rows"
        ratio = v[1:] / np.maximum(v[:-1], 1e-300)
        for i in np.flatnonzero(ratio > 2):
            if i < STEADY or v[i] <= 0:
                continue
            before = v[i - STEADY : i]
            steady = np.abs(np.diff(np.log(np.maximum(v[i - STEADY : i + 1], 1e-300)))).max() < np.log(1.5)
            restart = v[i + 1] <= v[: i + 1].max() * 1.01
            if not steady or restart or not (before > 0).all():
                continue
            statement = f"The learning rate jumped from {v[i]:.3g} to {v[i + 1]:.3g}, {ratio[i]:.3g} times, at step {series.steps[i + 1]:g}."
            at = float(series.steps[i + 1])
            evidence = Evidence(
                statement, "established", float(ratio[i]), unit="times", n=len(v), series=series.tag,
                range=(float(series.steps[i - STEADY]), at), method="ratio of neighbouring rows after steady ones",
            )  # fmt: skip
            return Sight("established", (evidence,), Onset(at, at, at), float(ratio[i]))
        return Sight("refuted", (Evidence("The learning rate follows a smooth schedule.", "refuted", n=len(v), series=series.tag),))  # fmt: skip
