"""Responses have grown."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.lengths import NEEDS, USES, LengthShift, length_shift
from analysis.diagnosis.levels import crossing
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class LengthGrowth(Detector):
    """Established where the mean length has risen by more than one SD of the lengths that training began with."""

    name = "length_growth"
    kinds = ("policy",)
    about = "whether responses grow"
    needs = NEEDS
    uses = USES
    alone = "info"

    def look(self, view: Signals) -> Sight | str:
        found = length_shift(view)
        if found is None:
            return "too few lengths"
        state: State = "established" if found.low > 1 else "refuted" if found.high < 1 else "not_established"
        statement = (
            f"Responses went from {found.start:.3g} to {found.now.value:.3g} tokens, {found.shift:+.2g} SD of their lengths "
            f"({found.low:.2g} to {found.high:.2g})"
        )
        if state == "refuted" and found.shift > 0:
            statement += ": less than one SD"
        elif state == "not_established":
            statement += "; growth by more than one SD is not shown"
        evidence = Evidence(
            f"{statement}.", state, found.shift, found.low, found.high, "SD", found.now.n, found.series.tag,
            (found.now.first, found.now.last), f"last rows against the first; SD: {found.how}",
            needed=_needed(found) if state == "not_established" else None,
        )  # fmt: skip
        at = crossing(found.series, found.start + found.sd / 2) if state == "established" else found.now.last
        before = found.series.steps[found.series.steps < at]
        low = float(before[-1]) if len(before) and found.series.errors is not None else float(found.series.steps[0])
        return Sight(state, (evidence,), Onset(at, low, at), found.ratio)


def _needed(found: LengthShift) -> float | None:
    """Rows; rollouts have as many responses a step as were sampled, however long the run is."""
    sampled = found.series.errors is not None
    return None if sampled else rows_needed(found.now.n, (found.high - found.low) / 2, found.shift, 1.0)
