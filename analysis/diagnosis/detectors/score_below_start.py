"""The score is below where training began."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import SMALL, crossing, gain
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class ScoreBelowStart(Detector):
    """Established where the present score is below its start beyond noise, by more than a small effect."""

    name = "score_below_start"
    kinds = ("policy",)
    about = "whether the score is below its start"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*")
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        found = gain(view)
        if found is None:
            return "too few rows, or no spread of single scores to measure the gain in"
        down: State = "not_established"
        if found.high < 0 and found.value < -SMALL:
            down = "established"
        elif found.low > -SMALL:
            down = "refuted"
        relation = "below" if found.raw < 0 else "above"
        statement = (
            f"The score is {abs(found.value):.2g} SD of single responses {relation} its start "
            f"({found.start:.3g}, now {found.now.value:.3g} reward units)"
        )
        if down == "refuted" and found.raw < 0:
            statement += f": less than a small effect, {SMALL:g} SD"
        elif down == "not_established":
            statement += f"; noise alone leaves {found.low:+.2g} to {found.high:+.2g} SD open"
        series = view.series["score"]
        evidence = Evidence(
            f"{statement}.", down, found.value, found.low, found.high, "SD", found.now.n, series.tag,
            (found.now.first, found.now.last), "mean of the last rows against the first",
            needed=rows_needed(found.now.n, (found.high - found.low) / 2, found.value, 0.0 if found.value < -SMALL else -SMALL) if down == "not_established" else None,
        )  # fmt: skip
        at = crossing(series, found.start - SMALL * found.sd.value, below=True)
        return Sight(down, (evidence,), Onset(at, float(series.steps[0]), at), found.value)
