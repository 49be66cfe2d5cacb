"""The score has risen from its start."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, Gain, gain, mean_of, reach
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Series, Signals


@registry.detector
class ScoreUp(Detector):
    """Established where the present score is above its start beyond noise: above its first row, or above the mean of its first
    eighth, which is known better and which a score that rises has left already.
    """

    name = "score_up"
    kinds = ("policy",)
    about = "whether the score rises"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        found = gain(view)
        if found is None:
            return "too few rows, or no spread of single scores to measure the gain in"
        risen = found.low > 0 or (found.raw > 0 and _left_behind(view.series["score"], found))
        state: State = "established" if risen else "refuted" if found.high < SMALL else "not_established"
        size = f"{abs(found.value):.2g} SD of single responses ({found.low:.2g} to {found.high:.2g})"
        statement = f"The score rose by {size}: from {found.start:.3g} to {found.now.value:.3g} reward units."
        if state != "established":
            way = "above" if found.raw >= 0 else "below"
            statement = f"The score is {size} {way} its start: from {found.start:.3g} to {found.now.value:.3g} reward units, which is no rise beyond noise."
        evidence = Evidence(
            statement, state, found.value, found.low, found.high, "SD", found.now.n, view.series["score"].tag,
            (found.now.first, found.now.last), f"mean of the last rows against the first; SD from {found.sd.how}",
            needed=rows_needed(found.now.n, (found.high - found.low) / 2, found.value, 0.0) if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), value=found.value)


def _left_behind(score: Series, found: Gain) -> bool:
    """Whether the present is above the mean of the first eighth."""
    w = max(FEW, len(score) // 8)
    if len(score) < 4 * w:
        return False
    first = mean_of(score, 0, w)
    return found.now.value - first.value > reach(len(score), 16) * float(np.hypot(first.error, found.now.error))
