"""Far more KL than the gain in score would cost."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, TENFOLD, Level, Spread, crossing, gain, mean_of, mostly_above, score_spread
from analysis.diagnosis.penalty import reference_entropy
from analysis.diagnosis.reward_kind import bounded
from analysis.diagnosis.signals import Series, Signals


@registry.detector
class KLExcess(Detector):
    """Established where KL is more than ten times the cheapest way to the score reached, with what is open on both sides.

    Only where KL is also more than half of the entropy of the reference's answers: long responses gather KL at every
    token. Without that entropy the waste can't be established. Not for rewards that count solved tasks, whose spread shrinks with success.

    A policy that tilts the reference towards a score that is normal under it pays g^2 / 2 nats for a gain of g SD
    (Gao et al. 2022; `analysis.policy.optimum`). No policy is that efficient; an order of magnitude is waste.
    """

    name = "kl_excess"
    kinds = ("policy",)
    about = "whether the gain in score is worth its KL"
    needs = ("score", "kl.per_sequence")
    uses = ("reward.component_mean/*", "score.sd", "rollouts/*", "entropy.sequence")

    def look(self, view: Signals) -> Sight | str:
        if bounded(view):
            return "the reward has few values: its spread says how many tasks are solved"
        best = max((s for s in (_logged(view), _sampled(view)) if s is not None), key=lambda s: s[1].low, default=None)
        if best is None:
            return "too few rows, or no spread of single scores to measure the gain in"
        value, kl, error, sd, series = best
        # two standard errors of the gain and of the SD it is measured in: a factor of ten leaves room for the rest
        most = max(value + 2 * error, 0.0) * (1 + 2 * sd.error)
        least = max(value - 2 * error, 0.0) / (1 + 2 * sd.error)
        cheapest = max(value, 0.0) ** 2 / 2
        # KL of less than a nat is nobody's worry: an answer is then less than e times likelier or unlikelier
        entropy = reference_entropy(view)
        low, high = mostly_above(series, kl), kl.within()[1]
        state: State = "not_established"
        if entropy is not None and low > max(1.0, entropy / 2) and low > TENFOLD * max(most**2 / 2, 0.1):
            state = "established"
        elif high < TENFOLD * max(least**2 / 2, 0.1):
            state = "refuted"
        statement = (
            f"KL to the reference is {kl.value:.3g} nats a response for a gain of {value:.2g} SD, "
            f"which takes {cheapest:.2g} nats at the least"
        )
        if state == "refuted":
            statement += f": less than {TENFOLD:g} times that"
        elif state == "not_established":
            statement += ". " + _open(entropy, low, most, value)
        evidence = Evidence(
            f"{statement}.", state, kl.value / max(cheapest, 0.1), low / max(most**2 / 2, 0.1),
            high / max(least**2 / 2, 0.1), "times the least", kl.n, series.tag, (kl.first, kl.last),
            "KL over gain squared / 2; gain in SD of responses at the start",
        )  # fmt: skip
        bound = max(TENFOLD * max(cheapest, 0.1), (entropy or 0.0) / 2)
        at = crossing(view.series["kl.per_sequence"], bound) if state == "established" else kl.last
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), kl.value / max(cheapest, 0.1))


def _open(entropy: float | None, low: float, most: float, value: float) -> str:
    """Why neither waste nor thrift is established."""
    if low > TENFOLD * max(most**2 / 2, 0.1):
        if entropy is None:
            return "Long responses gather KL at every token: without the entropy of the reference's answers that is not shown to be waste"
        return f"That is not more than half of the entropy of the reference's answers ({entropy:.3g} nats), as long responses gather KL at every token"
    if value <= 0:
        return "There is no gain yet to weigh it against"
    return f"With the noise of both, the gain may be up to {most:.2g} SD: an excess of {TENFOLD:g} times is not shown"


Compared = tuple[float, Level, float, Spread, Series]
"""Gain in SD, KL, standard error of the gain in SD, the SD, and the curve of KL."""


def _logged(view: Signals) -> Compared | None:
    """Gain and KL as the training log tells them."""
    found, series = gain(view), view.series["kl.per_sequence"]
    n = len(series)
    width = 1 if series.errors is not None else max(FEW, n // 8)
    if found is None or len(view.series["score"]) < 2 * FEW or n < width + 1:
        return None
    return found.value, mean_of(series, n - width, n), found.error, found.sd, series


def _sampled(view: Signals) -> Compared | None:
    """Gain and KL of the same responses: rollouts to the same prompts, whose start is known better than a batch's."""
    gained, series, sd = view.get("rollouts/gain"), view.get("rollouts/kl"), score_spread(view)
    if gained is None or series is None or sd is None or len(gained) < 2 or gained.steps[-1] != series.steps[-1]:
        return None
    assert gained.errors is not None
    kl = mean_of(series, len(series) - 1, len(series))
    return float(gained.values[-1]) / sd.value, kl, float(gained.errors[-1]) / sd.value, sd, series
