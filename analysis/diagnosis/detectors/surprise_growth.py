"""Whole responses carry more surprise than at the start: they are longer, or less certain."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, mean_of
from analysis.diagnosis.signals import Signals

FOLD = 1.5
"""Half as much again. Training makes a policy more certain: surprise that grows by this much is not its noise."""


@registry.detector
class SurpriseGrowth(Detector):
    """Established where the summed -log p of a response is half as large again as in the first row, beyond noise."""

    name = "surprise_growth"
    kinds = ("policy",)
    about = "whether responses carry more surprise (longer, or less certain)"
    needs = ("entropy.sequence_nll",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["entropy.sequence_nll"]
        start = float(series.values[0])
        if len(series) < FEW + 1 or start <= 0:
            return "too few rows, or surprise that is not positive"
        now = mean_of(series, len(series) - FEW, len(series))
        state: State = (
            "established" if now.low > FOLD * start else "refuted" if now.high < FOLD * start else "not_established"
        )
        statement = f"A response carries {now.value:.3g} nats of surprise, {now.value / start:.2g} times as many as at the start"
        if state == "established":
            statement += ": longer or less certain"
        else:
            statement += f": {'less than' if state == 'refuted' else 'not shown to be more than'} {FOLD:g} times"
        evidence = Evidence(
            f"{statement}.", state, now.value / start, now.low / start, now.high / start, "times", now.n, series.tag,
            (now.first, now.last), "mean of the last rows over the first",
        )  # fmt: skip
        at = crossing(series, FOLD * start) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), now.value / start)
