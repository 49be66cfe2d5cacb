"""The score does not move."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, gain, mean_of
from analysis.diagnosis.signals import Signals

LEAST = 8 * FEW
"""Rows before 'it does not move' is said: five presents after warm-up."""


@registry.detector
class ScoreFlat(Detector):
    """Established where start, middle and present all differ by less than a small effect, noise included."""

    name = "score_flat"
    kinds = ("policy",)
    about = "whether training moves the score at all"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        found, series = gain(view), view.series["score"]
        if found is None or len(series) < LEAST:
            return f"fewer than {LEAST} rows, or no spread of single scores"
        # an eighth of the run at a time: the first row alone is too noisy to say that nothing moved
        w = len(series) // 8
        first, last = mean_of(series, 0, w), mean_of(series, len(series) - w, len(series))
        half = (
            2 * float(np.hypot(first.error, last.error)) / found.sd.value
        )  # a plain interval: a small effect is the margin
        value = (last.value - first.value) / found.sd.value
        low, high = value - half, value + half
        means = np.array([p.mean() for p in np.array_split(series.values, 8)])
        most = float(np.abs(means - means[0]).max()) / found.sd.value
        still = low > -SMALL and high < SMALL and most < SMALL and abs(found.value) < SMALL + 2 * found.error
        moved = found.low > 0 or found.high < 0 or low > SMALL or high < -SMALL
        state: State = "established" if still else "refuted" if moved else "not_established"
        needed = None
        if state == "not_established":
            needed = float(np.ceil(w * ((high - low) / 2 / SMALL) ** 2))
        statement = (
            f"After {len(series)} rows the score has moved by {value:+.2g} SD of single responses "
            f"({low:.2g} to {high:.2g})."
        )
        evidence = Evidence(
            statement, state, value, low, high, "SD", len(series), series.tag,
            (float(series.steps[0]), found.now.last), "last eighth against the first, and all eighths alike", needed,
        )  # fmt: skip
        return Sight(state, (evidence,), Onset(*(float(series.steps[0]),) * 3), value)
