"""The KL penalty can't hold the policy near its reference."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import TENFOLD
from analysis.diagnosis.penalty import NEEDS, USES, penalty, reference_entropy
from analysis.diagnosis.signals import Signals


@registry.detector
class PenaltyWeak(Detector):
    """Established where the best policy under the penalty lies ten times further than the reference's whole entropy.

    A policy that gives one single typical answer is as many nats away as the reference has entropy. If the penalised
    optimum, (s / beta)^2 / 2, lies an order of magnitude beyond, the penalty will not stop the policy before that.
    """

    name = "penalty_weak"
    kinds = ("policy",)
    about = "whether the KL penalty is in proportion to the spread of the scores"
    needs = NEEDS
    uses = USES

    def look(self, view: Signals) -> Sight | str:
        found, entropy = penalty(view), reference_entropy(view)
        if found is None:
            return "neither log nor configuration tells the KL coefficient, or no spread of scores is known"
        if found.beta <= 0:
            return "there is no KL penalty"
        if entropy is None:
            return "no entropy of whole responses at the start"
        ratio, open_ = found.optimum / entropy, (1 + 2 * found.sd.error) ** 2
        low, high = ratio / open_, ratio * open_
        state: State = "established" if low > TENFOLD else "refuted" if high < TENFOLD else "not_established"
        statement = (
            f"Scores spread by {found.sd.value:.3g} and a KL coefficient of {found.beta:.3g} pull the policy to "
            f"{found.optimum:.3g} nats, {ratio:.2g} times the entropy of the reference's answers ({entropy:.3g} nats)"
        )
        if state == "refuted":
            statement += f": less than {TENFOLD:g} times, so that the penalty holds it"
        elif state == "not_established":
            statement += f"; the spread is too little known to tell whether that is {TENFOLD:g} times"
        evidence = Evidence(
            f"{statement}.", state, ratio, low, high, "of the entropy", series="KL coefficient " + found.how,
            method=f"(s / beta)^2 / 2; s: {found.sd.how}",
        )  # fmt: skip
        at = float(view.series["score"].steps[0])
        return Sight(state, (evidence,), Onset(at, at, at), ratio)
