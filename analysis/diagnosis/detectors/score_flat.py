"""The score does not move."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, gain, mean_of
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.reward_kind import PARTS
from analysis.diagnosis.signals import Series, Signals

LEAST = 8 * FEW
"""Rows before 'it does not move' is said: five presents after warm-up."""


@registry.detector
class ScoreFlat(Detector):
    """Established where start, middle and present all differ by less than a small effect, noise included.

    Where the parts of the reward are logged they must stand still as well: a part with a small weight may be learned in
    full and hardly move the sum.
    """

    name = "score_flat"
    kinds = ("policy",)
    about = "whether training moves the score at all"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*", f"{PARTS}*")

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
        part = next((s for name, s in view.series.items() if name.startswith(PARTS) and _moved(s)), None)
        if still and part is not None:
            w = max(FEW, len(part) // 8)
            statement = (
                f"The score has moved by {value:+.2g} SD of single responses, but a part of it, {part.tag}, went from "
                f"{part.values[:w].mean():.3g} to {part.values[-w:].mean():.3g}."
            )
            return Sight("refuted", (Evidence(statement, "refuted", value, n=len(part), series=part.tag),), value=value)
        moved = found.low > 0 or found.high < 0 or low > SMALL or high < -SMALL
        state: State = "established" if still else "refuted" if moved else "not_established"
        needed = None
        if state == "not_established":
            # to be told from a small effect, or to be held within one: what lies closer
            needed = rows_needed(w, half, abs(value), SMALL)
        statement = (
            f"After {len(series)} rows the score has moved by {value:+.2g} SD of single responses "
            f"({low:.2g} to {high:.2g})"
        )
        if state == "not_established":
            statement += f"; whether that is less than a small effect, {SMALL:g} SD, is open"
        evidence = Evidence(
            f"{statement}.", state, value, low, high, "SD", len(series), series.tag,
            (float(series.steps[0]), found.now.last), "last eighth against the first, and all eighths alike", needed,
        )  # fmt: skip
        return Sight(state, (evidence,), Onset(*(float(series.steps[0]),) * 3), value)


def _moved(part: Series) -> bool:
    """Whether a part of the reward between 0 and 1 moved by more than a small effect of the SD of its single values."""
    if len(part) < LEAST or part.values.min() < 0 or part.values.max() > 1:
        return False
    w = max(FEW, len(part) // 8)
    first, last = mean_of(part, 0, w), mean_of(part, len(part) - w, len(part))
    # the largest SD that values between 0 and 1 of these means can have
    spread = max(float(np.sqrt(m * (1 - m))) for m in (first.value, last.value))
    return abs(last.value - first.value) - 2 * float(np.hypot(first.error, last.error)) > SMALL * spread
