"""The score has lost most of what it had gained."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, gain, mean_of, noise, reach
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class ScoreFell(Detector):
    """Established where the present is below the best stretch by more than half of the gain, beyond noise."""

    name = "score_fell"
    kinds = ("policy",)
    about = "whether the score keeps what it has gained"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*")
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        found, series = gain(view), view.series["score"]
        if found is None or len(series) < 4 * FEW:
            return "too few rows, or no spread of single scores to measure the fall in"
        w = found.now.n
        before = len(series) - w
        sums = np.concatenate([[0.0], np.cumsum(series.values[:before])])
        means = (sums[w:] - sums[:-w]) / w
        if not len(means):
            return "too few rows"
        best = int(means.argmax())
        top = mean_of(series, best, best + w)
        fall = top.value - found.now.value
        half = reach(len(series), 16) * np.hypot(top.error, found.now.error)
        # half of the gain: more is lost than kept; and no less than noise and a small effect
        bound = max((top.value - found.start) / 2, SMALL * found.sd.value)
        state: State = "established" if fall - half > bound else "refuted" if fall + half < bound else "not_established"
        unit = found.sd.value
        stretch = f"{top.value:.3g} at steps {top.first:g} to {top.last:g}, now {found.now.value:.3g}; it began at {found.start:.3g}"
        statement = f"The score is {fall / unit:.2g} SD below its best ({stretch})"
        if fall <= 0:
            statement = f"The score is at its best ({stretch})"
        elif state == "refuted":
            statement += f": less than half of its gain, and than {bound / unit:.2g} SD"
        elif state == "not_established":
            statement += f"; that it has lost half of its gain is not shown ({(fall - half) / unit:.2g} to {(fall + half) / unit:.2g} SD lost)"
        evidence = Evidence(
            f"{statement}.", state, fall / unit, (fall - half) / unit, (fall + half) / unit, "SD", w, series.tag,
            (top.first, found.now.last), "best stretch against the present, as many rows each",
            needed=rows_needed(w, half, fall, bound) if state == "not_established" else None,
        )  # fmt: skip
        # the last row near the best is where it began to fall
        near = np.flatnonzero(series.values >= top.value - 2 * max(noise(series), top.error))
        at = int(near[-1]) if len(near) else best + w - 1
        end = min(at + 1, len(series) - 1)
        onset = Onset(float(series.steps[end]), float(series.steps[min(best + w - 1, end)]), float(series.steps[end]))
        return Sight(state, (evidence,), onset, fall / unit)
