"""The KL penalty leaves the policy nowhere to go."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.penalty import NEEDS, USES, penalty
from analysis.diagnosis.signals import Signals

MEDIUM = 0.5
"""A medium effect, in SD of the responses' scores (Cohen 1988): a training whose best outcome is less is not worth its cost.
Where the score rises beyond noise all the same, nobody is told so."""


@registry.detector
class PenaltyStrong(Detector):
    """Established where the best policy under the penalty gains less than a medium effect: s / beta SD below 0.5."""

    name = "penalty_strong"
    kinds = ("policy",)
    about = "whether the KL penalty leaves room for a gain"
    needs = NEEDS
    uses = USES

    def look(self, view: Signals) -> Sight | str:
        found = penalty(view)
        if found is None:
            return "neither log nor configuration tells the KL coefficient, or no spread of scores is known"
        if found.beta <= 0:
            return "there is no KL penalty"
        room, open_ = found.sd.value / found.beta, 1 + 2 * found.sd.error
        state: State = (
            "established" if room * open_ < MEDIUM else "refuted" if room / open_ > MEDIUM else "not_established"
        )
        statement = (
            f"Under a KL coefficient of {found.beta:.3g} the best policy gains {room:.2g} SD of the scores "
            f"(SD {found.sd.value:.3g} reward units)"
        )
        if state == "refuted":
            statement += ": there is room to learn"
        elif state == "not_established":
            statement += (
                f"; the spread is too little known to tell whether that is less than a medium effect, {MEDIUM:g} SD"
            )
        evidence = Evidence(
            f"{statement}.", state, room, room / open_, room * open_, "SD", series="KL coefficient " + found.how,
            method="s / beta, for scores that are normal under the reference",
        )  # fmt: skip
        at = float(view.series["score"].steps[0])
        return Sight(state, (evidence,), Onset(at, at, at), room)
