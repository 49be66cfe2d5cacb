"""Most responses are cut off at the length limit."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, present
from analysis.diagnosis.signals import Signals


@registry.detector
class TruncationHigh(Detector):
    """Established where more than half of the responses are cut off: then most of the signal comes from unfinished text."""

    name = "truncation_high"
    kinds = ("policy",)
    about = "whether responses are cut off"
    needs = ("response.truncated_fraction",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["response.truncated_fraction"]
        now = present(series)
        if now is None or len(series) < 2 * FEW:
            return "too few rows"
        state: State = "established" if now.low > 0.5 else "refuted" if now.high < 0.5 else "not_established"
        statement = f"{100 * now.value:.0f} % of the responses are cut off at the length limit ({100 * series.values[:FEW].mean():.0f} % at the start)."
        evidence = Evidence(
            statement, state, now.value, now.low, now.high, "of responses", now.n, series.tag, (now.first, now.last),
            "mean of the last rows",
        )  # fmt: skip
        at = crossing(series, 0.5) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), now.value)
