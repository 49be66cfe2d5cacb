"""The score has risen from its start."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import SMALL, gain
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class ScoreUp(Detector):
    """Established where the present score is above its start beyond noise."""

    name = "score_up"
    kinds = ("policy",)
    about = "whether the score rises"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        found = gain(view)
        if found is None:
            return "too few rows, or no spread of single scores to measure the gain in"
        state: State = "established" if found.low > 0 else "refuted" if found.high < SMALL else "not_established"
        size = f"{abs(found.value):.2g} SD of single responses ({found.low:.2g} to {found.high:.2g})"
        statement = f"The score rose by {size}: from {found.start:.3g} to {found.now.value:.3g} reward units."
        if state != "established":
            way = "above" if found.raw >= 0 else "below"
            statement = f"The score is {size} {way} its start: from {found.start:.3g} to {found.now.value:.3g} reward units, which is no rise beyond noise."
        evidence = Evidence(
            statement, state, found.value, found.low, found.high, "SD", found.now.n, view.series["score"].tag,
            (found.now.first, found.now.last), f"mean of the last rows against the first two; SD from {found.sd.how}",
            needed=rows_needed(found.now.n, (found.high - found.low) / 2, found.value, 0.0) if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), value=found.value)
