"""The score has risen far, and a trusted score has not come along."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.held_out import LARGE, USES, lag
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals


@registry.detector
class GoldLags(Detector):
    """Established where less than half of a large gain is found again in a trusted score of the same kind."""

    name = "gold_lags"
    kinds = ("policy",)
    about = "whether a gain of solved tasks is found again in a trusted score"
    needs = ("score",)
    uses = USES

    def look(self, view: Signals) -> Sight | str:
        found = lag(view)
        if isinstance(found, str):
            return found
        since, score = float(found.gold.steps[0]), found.score
        statement = (
            f"Since step {since:g} the score rose by {found.gain:.2g} ({found.gain / found.sd.value:.2g} SD of single "
            f"responses), the trusted score by {found.rise:.2g} (at most {found.high:.2g})"
        )
        if found.state == "not_established":
            statement += f": less than half of a large gain ({LARGE:g} SD) is neither shown nor ruled out"
        evidence = Evidence(
            f"{statement}.", found.state, found.rise, None, found.high, "", len(found.gold), found.gold.tag,
            (since, float(found.gold.steps[-1])), "last rows against the first, with the noise of single rows",
        )  # fmt: skip
        up = score.values > score.values[:FEW].mean() + LARGE * found.sd.value
        at = float(score.steps[int(up.argmax())]) if up.any() else float(score.steps[-1])
        return Sight(found.state, (evidence,), Onset(at, min(since, at), float(score.steps[-1])), found.rise)
