"""The KL coefficient of a run, and what it can hold: read from the log where it is told, from the configuration otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.diagnosis.canonical import together
from analysis.diagnosis.levels import FEW, Spread, score_spread
from analysis.diagnosis.signals import Signals
from analysis.policy.invariants import implied_coefficient

NEEDS = ("score",)
USES = ("score.sd", "rollouts/*", "kl.coefficient", "kl.per_sequence", "reward.kl_penalty_mean", "entropy.sequence")


@dataclass(frozen=True, slots=True)
class Penalty:
    """How the KL term weighs: beta in reward units per nat; sd : of the rewards it competes with; how : where beta is from."""

    beta: float
    sd: Spread
    how: str
    normalised: bool

    @property
    def optimum(self) -> float:
        """KL of the policy that would be best under this penalty, nats: (s / beta)^2 / 2.

        For scores that are normal under the reference (`analysis.policy.optimum`); for others its order of magnitude.
        """
        return float(np.inf) if self.beta <= 0 else (self.sd.value / self.beta) ** 2 / 2


def penalty(view: Signals) -> Penalty | None:
    """The penalty, None where neither log nor configuration tells it or no spread of scores is known."""
    told = coefficient(view)
    if told is None:
        return None
    beta, how = told
    if normalised(view):
        return Penalty(beta, Spread(1.0, 0.0, "rewards are divided by their SD within groups"), how, True)
    sd = score_spread(view)
    return None if sd is None else Penalty(beta, sd, how, False)


def coefficient(view: Signals) -> tuple[float, str] | None:
    """Beta and where it is from: logged, read off the penalty, or configured."""
    logged = view.get("kl.coefficient")
    if logged is not None:
        return float(logged.values[-1]), f"logged as {logged.tag}"
    cost, kl = view.get("reward.kl_penalty_mean"), view.get("kl.per_sequence")
    if cost is not None and kl is not None and kl.errors is None:
        at, c, k = together(cost, kl)
        if len(at) >= FEW:
            implied = implied_coefficient(c, k)
            if np.isfinite(implied):
                return max(implied, 0.0), "read off penalty and KL"
    configured = view.setting("kl_coef", "init_kl_coef", "beta", "kl_loss_coef")
    return None if configured is None else (configured, "from the configuration")


def normalised(view: Signals) -> bool:
    """Whether rewards are divided by their spread within a group before the KL term is weighed against them."""
    scale = view.config.get("scale_rewards")
    if "GRPO" in view.trainer or scale is not None:
        return str(scale).lower() not in ("none", "false")
    return bool(view.config.get("normalize_advantages", False)) and "RLOO" in view.trainer


def reference_entropy(view: Signals) -> float | None:
    """Entropy of a response at the start, nats: how far the reference's own answers are spread."""
    found = view.get("entropy.sequence")
    return None if found is None or len(found) < 2 else float(np.median(found.values[:FEW]))
