"""The KL penalty can't hold the policy near its reference."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import TENFOLD
from analysis.diagnosis.penalty import NEEDS, USES, penalty, reference_entropy
from analysis.diagnosis.signals import Signals

BOUND = TENFOLD**2
"""Times the reference's entropy: what an order of magnitude of the scores makes of the optimum."""


@registry.detector
class PenaltyWeak(Detector):
    """Established where scores are ten times too large for the penalty to hold the policy within the reference's entropy.

    A policy that gives one single typical answer is as many nats away as the reference has entropy. The penalised optimum,
    (s / beta)^2 / 2, grows with the square of the scores: it then lies a hundred times further than that. Ten times is
    what runs have whose coefficient is small on purpose, and which are ended before they get there.
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
        state: State = "established" if low > BOUND else "refuted" if high < BOUND else "not_established"
        statement = (
            f"Scores spread by {found.sd.value:.3g} and a KL coefficient of {found.beta:.3g} pull the policy to "
            f"{found.optimum:.3g} nats, {ratio:.2g} times the entropy of the reference's answers ({entropy:.3g} nats)"
        )
        if state == "refuted":
            statement += f": less than {BOUND:g} times"
        elif state == "not_established":
            statement += f"; the spread is too little known to tell whether that is {BOUND:g} times"
        evidence = Evidence(
            f"{statement}.", state, ratio, low, high, "of the entropy", series="KL coefficient " + found.how,
            method=f"(s / beta)^2 / 2; s: {found.sd.how}",
        )  # fmt: skip
        at = float(view.series["score"].steps[0])
        return Sight(state, (evidence,), Onset(at, at, at), ratio)
