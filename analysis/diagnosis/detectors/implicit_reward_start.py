"""Implicit rewards of preference optimisation do not start at 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, ROOM, TENFOLD, noise
from analysis.diagnosis.signals import Series, Signals
from analysis.policy.invariants import implicit_reward_starts_at_zero
from analysis.ranking.temperature import LOG_TWO


@registry.detector
class ImplicitRewardStart(Detector):
    """Established where the row of step 1, measured before any update, holds implicit rewards beyond rounding and beyond noise.

    beta (log p - log p_reference) is 0 where policy and reference are one model (Rafailov et al. 2023, arXiv 2305.18290).
    Half precision is assumed, as logs seldom tell it. A first row over several steps already holds updates: what pairs
    differ by is then held against how far these updates can have gone (see `_apart_from_the_start`). Losses without a
    reference (ORPO, SimPO) call beta log p a reward: there is nothing to start at 0.
    """

    name = "implicit_reward_start"
    kinds = ("policy",)
    about = "whether implicit rewards start at 0"
    needs = ("dpo.reward_chosen", "dpo.reward_rejected")
    uses = ("dpo.logp_chosen", "dpo.logp_rejected", "dpo.margin_mean", "loss.total", "learning_rate")

    def look(self, view: Signals) -> Sight | str:
        chosen, rejected = view.series["dpo.reward_chosen"], view.series["dpo.reward_rejected"]
        logp = [view.get(n) for n in ("dpo.logp_chosen", "dpo.logp_rejected")]
        if _proportional((chosen, rejected), logp):
            return "these rewards are measured without a reference: they are proportional to log-probabilities"
        at = float(chosen.steps[0])
        c, r = float(chosen.values[0]), float(rejected.values[0])
        told = f"At step {at:g} the implicit reward of chosen is {c:.3g} and that of rejected {r:.3g}"
        if at > 1:
            apart = _apart_from_the_start(view)
            if apart is not None:
                return apart
            room = ROOM * max(noise(chosen), noise(rejected))
            if len(chosen) < 2 * FEW or max(abs(c), abs(r)) > room:
                return f"the first row, at step {at:g}, already holds updates"
            evidence = Evidence(
                f"{told}: 0 within the noise of rows.", "refuted", max(abs(c), abs(r)), n=1, series=chosen.tag
            )
            return Sight("refuted", (evidence,))
        size = max((abs(float(s.values[0])) for s in logp if s is not None), default=1.0) * (
            view.setting("beta") or 1.0
        )
        check = implicit_reward_starts_at_zero(
            chosen.steps[:1], chosen.values[:1], rejected.values[:1], before_update=True, logp_size=size, half_precision=True
        )  # fmt: skip
        if check.state != "refuted":
            return Sight(
                "refuted", (Evidence(f"{told}, as it must be before any update.", "refuted", check.size, n=1),)
            )
        # what kernels and batches add to rounding is seen in how rows scatter
        if len(chosen) < 2 * FEW:
            return f"{told}: too few rows to tell that from their noise"
        if max(abs(c), abs(r)) <= ROOM * max(noise(chosen), noise(rejected)):
            return f"{told}, which the noise of rows may make"
        evidence = Evidence(
            f"{told}; before any update the policy is its reference, and both are 0.", "established", check.size,
            unit=check.unit, n=1, series=chosen.tag, range=(at, at), method=check.tolerance_reason,
        )  # fmt: skip
        return Sight("established", (evidence,), Onset(at, at, at), check.size)


ROUNDING = 8 * 1e-4
"""Squared margins that rounding of loss and margin to four digits, as TRL prints them, may make."""


HALF_PRECISION = 2.0**-8
"""Relative distance of two neighbouring numbers in bfloat16."""


def _apart_from_the_start(view: Signals) -> Sight | None:
    """Whether margins of pairs differ in the first row by more than its updates can have made.

    log(1 + exp(-m)) = log 2 - m / 2 + m^2 / 8 for small margins m, so that a batch's mean loss and mean margin tell its mean
    squared margin, exactly and for any pairs. From 0 it grows at most with the square of the summed learning rate.
    """
    loss, margin, rate = (view.get(n) for n in ("loss.total", "dpo.margin_mean", "learning_rate"))
    if loss is None or margin is None or rate is None:
        return None
    at, told, mean = together(loss, margin)
    steps, square, walked = together(
        Series("", at, 8 * (told - LOG_TWO + mean / 2)), Series("", rate.steps, np.cumsum(rate.values))
    )
    logps = [view.get(n) for n in ("dpo.logp_chosen", "dpo.logp_rejected")]
    size = max((abs(float(s.values[0])) for s in logps if s is not None), default=None)
    beta = view.setting("beta")
    if len(steps) < FEW or steps[0] != loss.steps[0] or walked[0] <= 0 or size is None or not beta:
        return None
    # log-probabilities of whole responses in bfloat16: four of them make a margin, each off by up to half of its last digit
    rounded = (ROOM * beta * size * HALF_PRECISION) ** 2
    first, later = float(square[0]), float(square[1:FEW].mean())
    made = later * float(walked[0] ** 2 / np.square(walked[1:FEW]).mean())
    if first < max(TENFOLD * max(made, ROUNDING), rounded) or first > 1:  # the expansion is for small margins
        return None
    begin = float(steps[0])
    statement = (
        f"In the first row, at step {begin:g}, margins of pairs are {np.sqrt(first):.2g} in size, which loss and mean margin tell; "
        f"from 0 its updates make {np.sqrt(max(made, 0.0)):.1g} of them."
    )
    evidence = Evidence(
        statement, "established", float(np.sqrt(first)), unit="nats", n=1, series=loss.tag, range=(begin, begin),
        method="sqrt(8 (loss - log 2 + margin / 2)) against rows 2 to 5, scaled by the summed learning rate",
    )  # fmt: skip
    return Sight("established", (evidence,), Onset(begin, begin, begin), float(np.sqrt(first)))


def _proportional(rewards: Sequence[Series], logps: Sequence[Series | None]) -> bool:
    """Whether reward over log-probability is one number for chosen and rejected in all rows: then no reference is taken off."""
    ratios = []
    for reward, logp in zip(rewards, logps, strict=True):
        if logp is None:
            return False
        _, r, p = together(reward, logp)
        ratios.append(r[p != 0] / p[p != 0])
    ratio = np.concatenate(ratios)
    return bool(len(ratio) > 1 and ratio.mean() > 0 and np.ptp(ratio) < 0.01 * ratio.mean())
