"""A score that is one number for all responses since some row: an error that is caught, a cache, a model that is not loaded.

Ways to be wrong: a task that is solved in every answer; a score that is logged anew at every tenth row and repeated between
(forward fill); one that is printed in one digit; rows that agree by chance; a constant since the first row; a policy whose
answers are all the same, which is another fault.
"""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.finding import Diagnosis
from tests.analysis.diagnosis.worlds import causes, noise, serious, signals

N, AT = 120, 70


def curve(seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 1.5 * (1 - np.exp(-np.arange(N) / 30)) + 0.2 * noise(rng, N, 0.2)


def run(score: np.ndarray, spread: np.ndarray | None = None, **more: np.ndarray) -> Diagnosis:
    rng = np.random.default_rng(4)
    return diagnose(
        signals(
            reward__rm_score_mean=score,
            reward__rm_score_std=1 + 0.1 * noise(rng, N, 0) if spread is None else spread,
            kl__to_reference=0.5 + np.arange(N) / N + 0.05 * noise(rng, N, 0.2),
            grad_norm=1 + 0.1 * noise(rng, N, 0),
            learning_rate=np.full(N, 1e-5),
            **more,
        )
    )  # fmt: skip


def frozen(value: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    after = np.arange(N) >= AT
    return np.where(after, value, curve()), np.where(after, 0.0, 1.0 + 0.1 * np.sin(np.arange(N)))


def test_fires_with_the_row_from_which_the_score_says_nothing():
    said = run(*frozen())
    found = said.findings[0]
    assert (found.cause, found.severity) == ("mid_run_fault.reward_constant", "critical")
    assert found.onset.value == AT + 1
    assert found.detected.value <= AT + 10
    assert "exactly 0.5" in found.evidence[0].statement


def test_fires_without_a_logged_spread():
    score, _ = frozen()
    said = diagnose(
        signals(reward__rm_score_mean=score, kl__to_reference=0.5 + np.arange(N) / N, learning_rate=np.full(N, 1e-5))
    )
    assert said.findings[0].cause == "mid_run_fault.reward_constant"


def test_look_alike_a_task_that_is_solved_in_every_answer():
    solved = np.minimum(np.round(curve() * 0.9, 3), 1.0)
    solved[AT:] = 1.0
    assert "mid_run_fault.reward_constant" not in causes(run(solved, np.where(solved < 1, 0.4, 0.0)))


def test_look_alike_a_score_that_is_told_anew_at_every_tenth_row():
    held = np.repeat(curve()[::10], 10)
    assert not [c for c, _ in serious(run(held)) if c.startswith("mid_run_fault.reward_constant")]


def test_look_alike_a_score_in_one_digit():
    assert "mid_run_fault.reward_constant" not in causes(run(np.round(curve(), 0)))


def test_look_alike_a_mean_that_stands_still_while_responses_differ():
    score, _ = frozen()
    assert "mid_run_fault.reward_constant" not in causes(run(score))


def test_a_constant_since_the_first_row_is_no_change_in_the_middle():
    said = run(np.full(N, 0.3), np.zeros(N))
    assert not [c for c in causes(said) if c.startswith("mid_run_fault")]


def test_it_is_cleared_when_scores_differ_again():
    score, spread = frozen()
    score[100:], spread[100:] = curve()[100:], 1.0
    said = run(score, spread)
    (found,) = [f for f in said.findings if f.cause.startswith("mid_run_fault")]
    assert ("cleared", 101.0) in [(e.change, e.at) for e in found.events]


def test_look_alike_a_policy_whose_answers_are_all_the_same():
    """One answer to everything gets one score: it is the policy that has collapsed, not the reward."""
    score, spread = frozen()
    gone = np.where(np.arange(N) >= AT, 1e-3, 1.5)
    assert not [c for c in causes(run(score, spread, entropy__token_mean=gone)) if c.startswith("mid_run_fault")]
