"""Most of what was learned on training pairs does not hold on others."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, present
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals


@registry.detector
class LittleCarriesOver(Detector):
    """Established where training accuracy leads held-out accuracy by more than half of what it is above chance."""

    name = "little_carries_over"
    kinds = ("reward_model",)
    about = "whether accuracy on training pairs holds on others"
    needs = ("rm.accuracy", "eval/rm.accuracy")

    def look(self, view: Signals) -> Sight | str:
        train, held = present(view.series["rm.accuracy"]), present(view.series["eval/rm.accuracy"])
        if train is None or held is None:
            return f"fewer than {FEW} rows of accuracy in training or on held-out pairs"
        learned, gap = train.value - 0.5, train.value - held.value
        sure = train.low - held.high
        there = train.low > 0.5 and sure > learned / 2
        state: State = (
            "established" if there else "refuted" if train.high - held.low < learned / 2 else "not_established"
        )
        statement = (
            f"Training pairs are ranked right in {100 * train.value:.1f} %, held-out ones in {100 * held.value:.1f} % "
            f"({100 * held.low:.1f} to {100 * held.high:.1f})"
        )
        if state == "refuted":
            statement += ": most of what was learned holds"
        elif state == "not_established":
            statement += "; whether most of what was learned holds is open"
        evidence = Evidence(
            f"{statement}.", state, 100 * gap, 100 * sure, 100 * (train.high - held.low), "points", held.n,
            view.series["eval/rm.accuracy"].tag, (held.first, held.last), "means of the last eighth of both curves",
            needed=rows_needed(train.n, (train.high - train.low + held.high - held.low) / 2, gap, learned / 2) if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), None, gap)
