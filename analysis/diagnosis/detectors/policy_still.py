"""The policy has not left the place where it began."""

from __future__ import annotations

from math import inf

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, TENFOLD, gain, present
from analysis.diagnosis.rounding import rounded
from analysis.diagnosis.signals import Series, Signals

LEAST = 8 * FEW
"""Rows before it is said: five presents after warm-up, as for a score that does not move."""

EXACT = FEW
"""Rows of a KL of exactly 0 since the learning rate was at its largest: no noise makes it, but a log that is rounded does while
the rate still climbs. Where no rate is logged, as many rows more."""

BOUND = SMALL**2 / 2
"""Nats per response that a small gain takes at the least: a shift of g standard deviations costs g^2 / 2."""


@registry.detector
class PolicyStill(Detector):
    """Established where no update can have changed anything: the rate, the gradient or KL is exactly 0, or KL is too small for any gain, for long.

    A KL under a penalty that is 0 in every row says that the policy that samples is its reference to the last bit: weights
    that are trained are not those that sample. Where the score rises all the same, it is the reference that moves along.

    KL grows at most as the square of the steps made. Where a run ten times as long would still stay below what the smallest
    gain takes, it is no slow learning.
    """

    name = "policy_still"
    kinds = ("policy",)
    about = "whether updates move the policy at all"
    needs = ()
    uses = (
        "learning_rate", "kl.per_sequence", "kl.to_reference", "grad_norm", "length", "score", "score.sd", "rollouts/*",
    )  # fmt: skip

    def look(self, view: Signals) -> Sight | str:
        rate, kl = view.get("learning_rate"), view.get("kl.per_sequence")
        if rate is not None and len(rate) >= LEAST and not rate.values.any():
            return self._still(view, f"The learning rate is 0 in all of {len(rate)} rows.", 0.0, rate.tag)
        if rate is not None and len(rate) and not rate.values.any():
            return "too few rows at a learning rate of 0"
        gradient = view.get("grad_norm")
        if gradient is not None and len(gradient) >= LEAST and not gradient.values.any():
            return self._still(view, f"The gradient is exactly 0 in all of {len(gradient)} rows.", 0.0, gradient.tag)
        logged = view.get("kl.to_reference")  # 0 is 0 in every unit
        if logged is not None and len(logged) >= EXACT and not logged.values.any():
            after = len(logged) - EXACT
            if rate is not None and rate.values.any():
                full = rate.steps[np.argmax(rate.values)]
                after = int((logged.steps > full).sum())
            if after < EXACT:
                return "too few rows of KL at the full learning rate"
            below = rounded(view)
            if _of_a_response(below, logged, view) >= BOUND / TENFOLD**2:
                return f"the log is rounded: a KL below {below:g} is 0 in it"
            return self._nothing(view, logged)
        if kl is None or kl.errors is not None:
            return "KL to the reference is not logged, or not per response"
        if len(kl) < LEAST:
            return "too few rows of KL to the reference"
        now = present(kl)
        assert now is not None
        size, bound = max(abs(now.low), abs(now.high)), BOUND / TENFOLD**2
        statement = (
            f"After {len(kl)} rows KL to the reference is {now.value:.2g} nats a response; even a small gain "
            f"takes {BOUND:.2g} at the least."
        )
        if size >= bound:
            return Sight(
                "refuted", (Evidence(statement, "refuted", now.value, n=now.n, series=kl.tag),), value=now.value
            )
        return self._still(view, statement, now.value, kl.tag)

    def _nothing(self, view: Signals, kl: Series) -> Sight | str:
        if not view.setting("kl_coef", "beta"):
            return "KL to the reference is exactly 0, as trainers write it that do not compute it"
        found = gain(view)
        statement = f"KL to the reference is exactly 0 in all of {len(kl)} rows"
        if found is not None and found.low > 0:
            told = f"{statement}, and yet the score has risen: the policy moves."
            return Sight("refuted", (Evidence(told, "refuted", 0.0, n=len(kl), series=kl.tag),), value=0.0)
        return self._still(view, f"{statement}: the policy that samples is its reference.", 0.0, kl.tag)

    def _still(self, view: Signals, statement: str, value: float, tag: str) -> Sight:
        at = float(view.steps[0])
        evidence = Evidence(
            statement, "established", value, unit="nats per response", n=len(view.steps), series=tag,
            range=(at, float(view.steps[-1])), method="against the KL that a gain of 0.2 SD takes, over the square of 10",
        )  # fmt: skip
        return Sight("established", (evidence,), Onset(at, at, at), value)


def _of_a_response(kl: float, logged: Series, view: Signals) -> float:
    """Nats per response of a KL in the unit that was logged; infinite where the length of a response is not known."""
    if kl == 0 or logged.unit.endswith("sequence"):
        return kl
    length = view.get("length")
    return kl * float(length.values.max()) if length is not None and len(length) else inf
