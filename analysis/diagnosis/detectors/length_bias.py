"""The score is mostly length, among responses of the policy that training began with."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import reach
from analysis.diagnosis.numbers import percent
from analysis.diagnosis.signals import Signals


@registry.detector
class LengthBias(Detector):
    """Established where length explains more than half of the variance of the scores of the first rollouts, and pays."""

    name = "length_bias"
    kinds = ("policy",)
    about = "whether the reward model scores by length"
    needs = ("rollouts/length_share", "rollouts/token_price")

    def look(self, view: Signals) -> Sight | str:
        share, price = view.series["rollouts/length_share"], view.series["rollouts/token_price"]
        assert share.errors is not None
        value, half = float(share.values[0]), reach(32, 30) * float(share.errors[0])
        pays = price.values[0] > 0
        state: State = "not_established"
        if value - half > 0.5 and pays:
            state = "established"
        elif value + half < 0.5 or not pays:
            state = "refuted"
        statement = (
            f"Among the responses that training began with, length explains {100 * value:.0f} % of the variance of the score; "
            f"a token more is worth {price.values[0]:+.2g} reward units"
        )
        if state == "not_established":
            statement += f"; that it is more than half is not shown ({percent(max(value - half, 0.0))} to {percent(min(value + half, 1.0))})"
        evidence = Evidence(
            f"{statement}.", state, value, value - half, value + half, "of the variance", series="rollouts",
            range=(float(share.steps[0]),) * 2, method="squared correlation among rollouts of the first step",
        )  # fmt: skip
        at = float(share.steps[0])
        return Sight(state, (evidence,), Onset(at, at, at), value)
