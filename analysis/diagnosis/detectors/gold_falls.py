"""A trusted score falls while the reward model's rises."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.held_out import USES, lag, trusted
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import ALPHA, FEW, noise, reach, scatter
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class GoldFalls(Detector):
    """Established where gold is below its best stretch beyond noise; refuted where it is above its start, and not far behind the score."""

    name = "gold_falls"
    kinds = ("policy",)
    about = "whether a trusted score (gold, held out) follows the reward model's"
    needs = ()
    uses = USES

    def look(self, view: Signals) -> Sight | str:
        series, error = trusted(view)
        if series is None:
            return "no gold or held-out score is logged or among the rollouts"
        if len(series) < (3 if error else 2 * FEW):
            return "too few gold scores"
        v = series.values
        if error:
            best = int(v.argmax())
            fall, half = float(v[best] - v[-1]), reach(len(v), 30) * float(np.hypot(error[best], error[-1]))
            rise = float(v[-1] - v[0]) - reach(len(v), 30) * float(np.hypot(error[0], error[-1]))
        else:
            w = max(3, len(v) // 8)
            sums = np.concatenate([[0.0], np.cumsum(v)])
            means = (sums[w:] - sums[:-w]) / w
            top = int(means.argmax())
            best = top + w // 2
            # answers to a test set are drawn anew each time: their noise is that of rows, whatever the policy does between;
            # a share near 0 or 1 has less of it at first than later
            error_of = max(noise(series), scatter(series)) / np.sqrt(w)
            # the best of so many stretches is above the others by chance alone
            alpha = ALPHA / max(len(v) // w, 1)
            fall, half = float(means[top] - means[-1]), reach(len(v), max(len(v) - 2, 4), alpha) * np.sqrt(2) * error_of
            rise = float(means[-1] - means[0]) - 3 * error_of
            # less than a quarter of what was gained may come and go
            half = max(half, float(means[top] - means[0]) / 4)
        state: State = "established" if fall - half > 0 else "refuted" if rise > 0 else "not_established"
        if state == "refuted" and not isinstance(behind := lag(view), str) and behind.state == "established":
            state = "not_established"  # a sliver of what the score has gained speaks for nobody
        at = float(series.steps[best])
        statement = f"Gold is {fall:.3g} below its best at step {at:g} ({v[best]:.3g}, now {v[-1]:.3g})."
        if state == "refuted":
            statement = f"Gold has risen from {v[0]:.3g} to {v[-1]:.3g}."
        elif state == "not_established":
            statement = f"{statement[:-1]}; noise alone makes falls of up to {half:.2g}."
        evidence = Evidence(
            statement, state, fall, fall - half, fall + half, "", len(v), series.tag,
            (float(series.steps[0]), float(series.steps[-1])), "best stretch against the last, with the noise of single rows",
            needed=None if error or state != "not_established" else rows_needed(w, half, fall, 0.0),
        )  # fmt: skip
        return Sight(state, (evidence,), Onset(at, at, float(series.steps[min(best + 1, len(v) - 1)])), fall)
