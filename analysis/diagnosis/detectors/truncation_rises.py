"""Ever more responses are cut off at the length limit."""

from __future__ import annotations

from math import sqrt

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, mean_of, present
from analysis.diagnosis.numbers import percent, rows_needed
from analysis.diagnosis.signals import Signals

BOUND = 1 - sqrt(1 / 2)
"""Share beyond which of two responses one at least is cut off more often than not: (1 - share)^2 < 1/2. An advantage
compares responses."""


@registry.detector
class TruncationRises(Detector):
    """Established where the share has risen beyond its start, and most comparisons of two responses hold an unfinished one."""

    name = "truncation_rises"
    kinds = ("policy",)
    about = "whether ever more responses are cut off"
    needs = ("response.truncated_fraction",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["response.truncated_fraction"]
        now = present(series)
        if now is None or len(series) < 3 * FEW:
            return "too few rows"
        start = mean_of(series, 0, FEW)
        state: State = "not_established"
        if now.low > max(BOUND, start.high):
            state = "established"
        elif now.high < BOUND or now.high < start.low:
            state = "refuted"
        statement = f"The share of responses that are cut off went from {percent(start.value)} to {percent(now.value)}"
        if state == "established":
            unfinished = 1 - (1 - now.value) ** 2
            statement += f": of two responses one or both are unfinished in {percent(unfinished)} of all comparisons"
        elif state == "refuted":
            statement += (
                ", which is no rise" if now.high < start.low else f", below {percent(BOUND)}, where they decide"
            )
        else:
            statement += f"; a rise beyond {percent(BOUND)} and beyond the noise of the first rows is not shown"
        evidence = Evidence(
            f"{statement}.", state, now.value, now.low, now.high, "of responses", now.n, series.tag, (now.first, now.last),
            "mean of the last rows against the first, each with its error",
            needed=rows_needed(now.n, now.high - now.value, now.value, max(BOUND, start.high)) if state == "not_established" and now.value > start.high else None,
        )  # fmt: skip
        at = crossing(series, BOUND) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), now.value)
