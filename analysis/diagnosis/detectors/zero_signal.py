"""Most groups of responses carry no signal."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, present
from analysis.diagnosis.numbers import percent, rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class ZeroSignal(Detector):
    """Established where more than half of the groups have the same reward throughout: most of the batch is thrown away."""

    name = "zero_signal"
    kinds = ("policy",)
    about = "whether groups of responses carry a signal"
    needs = ("reward.zero_std_fraction",)
    uses = ("score",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["reward.zero_std_fraction"]
        now = present(series)
        if now is None or len(series) < 2 * FEW:
            return "too few rows"
        state: State = "established" if now.low > 0.5 else "refuted" if now.high < 0.5 else "not_established"
        score = view.get("score")
        reward = "" if score is None else f", at a mean reward of {score.values[-FEW:].mean():.3g}"
        statement = f"{percent(now.value)} of the groups have the same reward throughout{reward}"
        if state == "not_established":
            statement += f"; that it is most of them is not shown ({percent(max(now.low, 0.0))} to {percent(min(now.high, 1.0))})"
        evidence = Evidence(
            f"{statement}.", state, now.value, now.low, now.high, "of groups", now.n, series.tag, (now.first, now.last),
            "mean of the last rows",
            needed=rows_needed(now.n, now.high - now.value, now.value, 0.5) if state == "not_established" else None,
        )  # fmt: skip
        at = crossing(series, 0.5) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), now.value)
