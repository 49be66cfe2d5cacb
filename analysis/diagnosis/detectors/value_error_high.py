"""The value model's error is larger than the whole spread of the scores."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, score_spread
from analysis.diagnosis.signals import Signals


@registry.detector
class ValueErrorHigh(Detector):
    """Established where, for five rows in a row, the squared error is above the variance of single scores at the start.

    A value model that answers the same number everywhere has about that error; a worse one adds noise to every advantage.
    Where explained variance is logged, below 0 says the same.
    """

    name = "value_error_high"
    kinds = ("policy",)
    about = "whether the value model is better than a constant"
    needs = ()
    uses = ("value.mse", "value.explained_variance", "score", "score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        error, told = view.get("value.mse"), view.get("value.explained_variance")
        if error is not None:
            sd = score_spread(view)
            if sd is not None:
                most = (sd.value * (1 + 2 * sd.error)) ** 2
                ratio = error.values / sd.value**2
                bad = error.values > most
                what = f"{ratio[-1]:.3g} times the variance of single scores ({sd.value**2:.3g})"
                return _judged(
                    error.steps, bad, ratio, what, error.tag, "squared error of values over variance of scores"
                )
        if told is not None:
            bad = told.values < 0
            what = f"explained variance {told.values[-1]:.2g}"
            return _judged(told.steps, bad, 1 - told.values, what, told.tag, "explained variance below 0")
        return "no value loss with a spread of scores, and no explained variance is logged"


def _judged(steps: np.ndarray, bad: np.ndarray, size: np.ndarray, now: str, tag: str, method: str) -> Sight | str:
    if len(bad) < FEW:
        return "too few rows"
    runs = np.convolve(bad, np.ones(FEW), "valid") == FEW
    if not runs.any():
        statement = f"The value model's error stays below that of a constant; now {now}."
        return Sight("refuted", (Evidence(statement, "refuted", float(size[-1]), unit="times the variance", n=len(bad), series=tag, method=method),))  # fmt: skip
    start = int(np.flatnonzero(runs)[0])
    stretch = bad[start:]
    end = start + (int(np.flatnonzero(~stretch)[0]) if (~stretch).any() else len(stretch)) - 1
    worst, rows = float(size[start : end + 1].max()), end - start + 1
    still = end == len(bad) - 1
    statement = f"For {rows} rows from step {steps[start]:g} the value model's error was above the variance of the scores, up to {worst:.3g} times"
    statement += f"; now {now}." if not still else "; it still is."
    evidence = Evidence(
        statement, "established", worst, unit="times the variance", n=len(bad), series=tag,
        range=(float(steps[start]), float(steps[end])), method=method,
    )  # fmt: skip
    begin = float(steps[start])
    return Sight("established", (evidence,), Onset(begin, begin, begin), worst, "still" if still else "over")
