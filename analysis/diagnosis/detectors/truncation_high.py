"""Most responses are cut off at the length limit."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, present
from analysis.diagnosis.numbers import percent, rows_needed
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
        statement = f"{percent(now.value)} of the responses are cut off at the length limit ({percent(float(series.values[:FEW].mean()))} at the start)"
        if state == "not_established":
            statement += (
                f"; most of them are not shown to be ({percent(max(now.low, 0.0))} to {percent(min(now.high, 1.0))})"
            )
        evidence = Evidence(
            f"{statement}.", state, now.value, now.low, now.high, "of responses", now.n, series.tag, (now.first, now.last),
            "mean of the last rows",
            needed=rows_needed(now.n, now.high - now.value, now.value, 0.5) if state == "not_established" else None,
        )  # fmt: skip
        at = crossing(series, 0.5) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), now.value)
