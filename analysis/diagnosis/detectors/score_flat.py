"""The score does not move."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, gain
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
    uses = ("score.sd", "rollouts")

    def look(self, view: Signals) -> Sight | str:
        found, series = gain(view), view.series["score"]
        if found is None or len(series) < LEAST:
            return f"fewer than {LEAST} rows, or no spread of single scores"
        # smooth enough that noise alone stays within a small effect
        parts = np.array_split(series.values, 8)
        means = np.array([p.mean() for p in parts])
        most = float(np.abs(means - means[0]).max()) / found.sd.value
        still = found.low > -SMALL and found.high < SMALL and most < SMALL
        moved = found.low > 0 or found.high < 0
        state: State = "established" if still else "refuted" if moved else "not_established"
        needed = None
        if state == "not_established":
            needed = float(np.ceil(found.now.n * ((found.high - found.low) / 2 / SMALL) ** 2))
        statement = (
            f"After {len(series)} rows the score has moved by {found.value:+.2g} SD of single responses "
            f"({found.low:.2g} to {found.high:.2g})."
        )
        evidence = Evidence(
            statement, state, found.value, found.low, found.high, "SD", len(series), series.tag,
            (float(series.steps[0]), found.now.last), "eight parts of the run, first against all", needed,
        )  # fmt: skip
        return Sight(state, (evidence,), Onset(*(float(series.steps[0]),) * 3), found.value)
