"""Far more KL than the gain in score would cost."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, TENFOLD, crossing, gain, mean_of
from analysis.diagnosis.signals import Signals


@registry.detector
class KLExcess(Detector):
    """Established where KL is more than ten times the cheapest way to the score reached, with what is open on both sides.

    A policy that tilts the reference towards a score that is normal under it pays g^2 / 2 nats for a gain of g SD
    (Gao et al. 2022; `analysis.policy.optimum`). No policy is that efficient; an order of magnitude is waste.
    """

    name = "kl_excess"
    kinds = ("policy",)
    about = "whether the gain in score is worth its KL"
    needs = ("score", "kl.per_sequence")
    uses = ("score.sd", "rollouts")

    def look(self, view: Signals) -> Sight | str:
        found, series = gain(view), view.series["kl.per_sequence"]
        if found is None or len(view.series["score"]) < 2 * FEW:
            return "too few rows, or no spread of single scores to measure the gain in"
        n = len(series)
        width = 1 if series.errors is not None else max(FEW, n // 8)
        if n < width + 1:
            return "too few rows of KL"
        kl = mean_of(series, n - width, n)
        # two standard errors of the gain and of the SD it is measured in: a factor of ten leaves room for the rest
        most = max(found.value + 2 * found.error, 0.0) * (1 + 2 * found.sd.error)
        least = max(found.value - 2 * found.error, 0.0) / (1 + 2 * found.sd.error)
        cheapest = max(found.value, 0.0) ** 2 / 2
        # KL of less than a nat is nobody's worry: an answer is then less than e times likelier or unlikelier
        state: State = "not_established"
        if kl.low > 1 and kl.low > TENFOLD * max(most**2 / 2, 0.1):
            state = "established"
        elif kl.high < TENFOLD * max(least**2 / 2, 0.1):
            state = "refuted"
        statement = (
            f"KL to the reference is {kl.value:.3g} nats a response for a gain of {found.value:.2g} SD, "
            f"which takes {cheapest:.2g} nats at the least."
        )
        evidence = Evidence(
            statement, state, kl.value / max(cheapest, 0.1), kl.low / max(most**2 / 2, 0.1),
            kl.high / max(least**2 / 2, 0.1), "times the least", kl.n, series.tag, (kl.first, kl.last),
            "KL over gain squared / 2; gain in SD of responses at the start",
        )  # fmt: skip
        at = crossing(series, TENFOLD * max(cheapest, 0.1)) if state == "established" else kl.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), kl.value / max(cheapest, 0.1))
