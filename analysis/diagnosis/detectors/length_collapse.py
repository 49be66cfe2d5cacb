"""Responses end almost at once."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, mean_of
from analysis.diagnosis.signals import Signals

FOLD = 3.0
"""A third of the start's length: in free text, whose lengths spread by about half of their mean, no drift of style."""


@registry.detector
class LengthCollapse(Detector):
    """Established where the mean length is below a third of its start."""

    name = "length_collapse"
    kinds = ("policy",)
    about = "whether responses break off"
    needs = ("length",)
    uses = ("rollouts/*",)
    alone = "info"

    def look(self, view: Signals) -> Sight | str:
        series = view.series["length"]
        few = 1 if series.errors is not None else FEW
        if len(series) < 2 * few:
            return "too few lengths"
        start, now = mean_of(series, 0, few), mean_of(series, len(series) - few, len(series))
        share = now.value / max(start.value, 1e-9)
        state: State = "established" if share < 1 / FOLD else "refuted"
        statement = f"Responses went from {start.value:.3g} to {now.value:.3g} tokens."
        evidence = Evidence(
            statement, state, share, unit="of the start's", n=now.n, series=series.tag, range=(start.first, now.last),
            method="mean of the last rows over that of the first",
        )  # fmt: skip
        at = crossing(series, start.value / FOLD, below=True)
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), share)
