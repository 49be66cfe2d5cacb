"""A reward that is the same for every response: nothing moves, and that is all that is wrong.

Ways to be wrong: calling the still policy another model than its reference, because its KL stays 0; calling the spread of
scores collapsed that was never there, because rollouts were scored by something else; telling the consequence (nothing is
learned) instead of the reason; staying silent about a reference that really is wrong.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.finding import Diagnosis
from tests.analysis.diagnosis.worlds import causes, first, rollouts, signals

N = 120
ROLLOUTS = rollouts({step: {"length": 20, "score": 0.4, "kl": 0.0, "sd": 1.5} for step in (0, 60, 120)})
"""Scored by the reward model, which differs from the reward that the policy was given."""


def still(gradient: float, *, sampled: bool = False) -> Diagnosis:
    """A run of GRPO whose reward is 0 for every response."""
    rng = np.random.default_rng(3)
    return diagnose(
        signals(
            trainer="GRPO",
            kl_unit="nats per token",
            rollouts=ROLLOUTS if sampled else None,
            config={"beta": 0.1, "num_generations": 8},
            reward__rm_score_mean=np.zeros(N),
            reward__rm_score_std=np.zeros(N),
            reward__zero_std_fraction=np.ones(N),
            kl__to_reference=np.zeros(N),
            grad_norm=np.full(N, gradient),
            learning_rate=np.full(N, 1e-4),
            response__length_mean=20 + rng.normal(0, 0.5, N),
            entropy__token_mean=1.4 + rng.normal(0, 0.02, N),
        )
    )


@pytest.mark.parametrize("sampled", [False, True])
def test_groups_without_signal_are_the_cause(sampled: bool) -> None:
    said = still(0.0, sampled=sampled)
    assert first(said) == "zero_signal_groups"
    assert "policy_reference_mismatch" not in causes(said)
    assert "entropy_collapse" not in causes(said)


def test_a_policy_that_gets_gradients_and_stays_at_its_reference_has_the_wrong_reference() -> None:
    assert "policy_reference_mismatch" in causes(still(0.7))


def test_gradients_that_are_all_zero_are_told_where_nothing_is_logged_of_groups() -> None:
    """As verl logs it: no share of groups without signal and no spread of scores."""
    rng = np.random.default_rng(4)
    said = diagnose(
        signals(
            reward__rm_score_mean=np.zeros(N),
            kl__to_reference=np.zeros(N),
            grad_norm=np.zeros(N),
            learning_rate=np.full(N, 1e-4),
            entropy__token_mean=1.4 + rng.normal(0, 0.02, N),
        )
    )
    assert first(said) == "no_learning"
    assert "gradient is exactly 0" in said.findings[0].summary
