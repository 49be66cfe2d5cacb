"""Most tokens are beyond the clip range."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, present
from analysis.diagnosis.numbers import percent, rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class ClipSaturation(Detector):
    """Established where more than half of the tokens are clipped: the clip is there for the few, and then decides the update.

    A clipped token gives no gradient (Schulman et al. 2017, arXiv 1707.06347, equation 7): the update is made by what is left.
    """

    name = "clip_saturation"
    kinds = ("policy",)
    about = "whether most tokens are clipped"
    needs = ("policy.clip_fraction",)
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        series = view.series["policy.clip_fraction"]
        now = present(series)
        if now is None or len(series) < 2 * FEW:
            return "too few rows"
        if now.value > 1:
            return "the clip fraction is no share between 0 and 1"
        state: State = "established" if now.low > 0.5 else "refuted" if now.high < 0.5 else "not_established"
        statement = f"{percent(now.value)} of the tokens are clipped ({percent(float(series.values[:FEW].mean()))} at the start)"
        if state == "established":
            statement += ": updates go far beyond the clip range, and most of the batch gives no gradient"
        elif state == "not_established":
            statement += ": whether that is more than half is not told by so few rows"
        evidence = Evidence(
            f"{statement}.", state, now.value, now.low, now.high, "of tokens", now.n, series.tag, (now.first, now.last),
            "mean of the last rows",
            needed=rows_needed(now.n, now.high - now.value, now.value, 0.5) if state == "not_established" else None,
        )  # fmt: skip
        at = crossing(series, 0.5) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), now.value)
