"""Training does not bring the accuracy on training pairs away from chance."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.examined import MARGIN, from_start
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, mean_of
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals

LEAST = 8 * FEW
"""Rows before it is said: before, a healthy run may still warm up."""


@registry.detector
class TrainingNearChance(Detector):
    """Established where accuracy on training pairs, over the second half of the log, is less than ten points above chance."""

    name = "training_near_chance"
    kinds = ("reward_model",)
    about = "whether training pairs can be learned at all"
    needs = ("rm.accuracy",)
    uses = ("rm.loss",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["rm.accuracy"]
        n = len(series)
        if n < LEAST:
            return f"{n} rows; {LEAST} or more are needed"
        found = mean_of(series, n // 2, n)
        state: State = (
            "established" if found.high < 0.5 + MARGIN else "refuted" if found.low > 0.5 + MARGIN else "not_established"
        )
        loss = view.get("rm.loss")
        more = (
            f"; the loss went from {loss.values[0]:.3f} to {loss.values[-FEW:].mean():.3f}" if loss is not None else ""
        )
        statement = (
            f"Over the second half of training, pairs that were trained on are ranked right in {100 * found.value:.1f} % "
            f"({100 * found.low:.1f} to {100 * found.high:.1f}){more}"
        )
        if state == "not_established":
            statement += f"; whether that is {100 * MARGIN:.0f} points above chance is open"
        evidence = Evidence(
            f"{statement}.", state, 100 * found.value, 100 * found.low, 100 * found.high, "% of pairs", found.n, series.tag,
            (found.first, found.last), "mean of the second half of the rows",
            needed=rows_needed(found.n, found.high - found.value, found.value, 0.5 + MARGIN, of=2) if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), found.value)
