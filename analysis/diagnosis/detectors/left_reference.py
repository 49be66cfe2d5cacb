"""The policy has left the region where the reference writes."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, mean_of, mostly_above
from analysis.diagnosis.penalty import reference_entropy
from analysis.diagnosis.signals import Signals


@registry.detector
class LeftReference(Detector):
    """Established where KL is larger than the entropy of the reference's own answers.

    KL(policy to reference) = surprise of the reference at the policy's answers - entropy of the policy. Where it passes
    the reference's entropy, the reference finds the policy's answers more surprising than its own by all that the policy
    has left in variety: they lie outside its typical set, and so outside what the reward model has seen.
    """

    name = "left_reference"
    kinds = ("policy",)
    about = "whether the policy still writes what the reference could have written"
    needs = ("kl.per_sequence", "entropy.sequence")
    uses = ("rollouts/*",)

    def look(self, view: Signals) -> Sight | str:
        series, entropy = view.series["kl.per_sequence"], reference_entropy(view)
        if entropy is None or entropy <= 0 or len(series) < 2:
            return "no entropy of whole responses at the start"
        n = len(series)
        width = 1 if series.errors is not None else min(FEW, n)
        kl = mean_of(series, n - width, n)
        low, high = mostly_above(series, kl), kl.within()[1]
        state: State = "established" if low > entropy else "refuted" if high < entropy / 2 else "not_established"
        statement = (
            f"KL to the reference is {kl.value:.3g} nats a response, {kl.value / entropy:.2g} times the entropy of the "
            f"reference's own answers ({entropy:.3g} nats)"
        )
        if state == "not_established":
            statement += (
                f"; that it is more than that entropy is not shown ({low / entropy:.2g} to {high / entropy:.2g} times)"
            )
        evidence = Evidence(
            f"{statement}.", state, kl.value / entropy, low / entropy, high / entropy, "of the entropy", kl.n, series.tag,
            (kl.first, kl.last), "KL over the entropy of a response in the first rows",
        )  # fmt: skip
        at = crossing(series, entropy) if state == "established" else kl.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), kl.value / entropy)
