"""Training runs without a KL penalty."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.penalty import USES, coefficient
from analysis.diagnosis.signals import Signals


@registry.detector
class NoKLPenalty(Detector):
    """Established where the coefficient is 0. With a verifiable reward that is usual; with a learned one nothing holds the policy."""

    name = "no_kl_penalty"
    kinds = ("policy",)
    about = "whether there is a KL penalty"
    needs = ()
    uses = (*USES, "score")

    def look(self, view: Signals) -> Sight | str:
        found = coefficient(view)
        if found is None:
            return "neither log nor configuration tells the KL coefficient"
        beta, how = found
        at = float(view.steps[0]) if len(view.steps) else 0.0
        if beta > 0:
            return Sight("refuted", (Evidence(f"The KL coefficient is {beta:.3g}, {how}.", "refuted", beta),))
        return Sight("established", (Evidence(f"There is no KL penalty: the coefficient is 0, {how}.", "established", 0.0),), Onset(at, at, at))  # fmt: skip
