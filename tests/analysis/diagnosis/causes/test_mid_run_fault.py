"""mid_run_fault. An expert would look for: warm-ups and restarts of a schedule, a spike of one batch, the first rows."""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import changed, left_open, needs_labelled, serious

pytestmark = needs_labelled


def test_fires_on_real_runs_and_names_what_changed(real):
    named = {name: diagnose(real(name)).findings[0].cause for name in ("ppo-ea7b", "grpo-03cf", "grpo-59d9")}
    assert named == {
        "ppo-ea7b": "mid_run_fault.learning_rate_jump",
        "grpo-03cf": "mid_run_fault.learning_rate_jump",
        "grpo-59d9": "mid_run_fault.reward_changed",
    }


@pytest.mark.parametrize("shift", [-1.5, 1.5])
def test_fires_on_a_reward_that_jumps_while_the_policy_goes_on(real, shift):
    run = changed(real("grpo-b2f0"), rollouts=None, reward__rm_score_mean=lambda s, v: v + shift * (s > 90))
    found = diagnose(run).findings[0]
    assert found.cause == "mid_run_fault.reward_changed"
    assert 91 <= found.detected.value <= 96
    assert found.onset.low <= 91 <= found.onset.high


def test_look_alike_a_schedule_that_warms_up_and_restarts(real):
    def schedule(s, v):
        return np.maximum(1e-6, 3e-4 * np.where(s < 20, s / 20, 0.5 * (1 + np.cos(np.pi * ((s - 20) % 60) / 60))))

    assert not serious(diagnose(changed(real("grpo-b2f0"), learning_rate=schedule)))


def test_look_alike_a_spike_of_one_batch(real):
    assert not serious(diagnose(changed(real("grpo-b2f0"), reward__rm_score_mean=lambda s, v: v - 2.5 * (s == 100))))


def test_not_established_in_the_first_rows(real):
    assert "too few rows" in left_open(diagnose(changed(real("grpo-59d9")).until(12.0)), "score jumps")


def test_fires_where_another_reward_is_learned_after_the_jump(real):
    """The score jumps and goes on rising, as the policy climbs what it is paid for now."""
    run = real("grpo-b2f0")
    sd = float(run.get("score.sd").values[0])

    def replaced(steps, score):
        since = np.maximum(steps - 90, 0)
        return np.where(steps > 90, score + 3 * sd + 0.15 * sd * since, score)

    said = diagnose(changed(run, reward__rm_score_mean=replaced))
    found = next(f for f in said.findings if f.cause.startswith("mid_run_fault"))
    assert found.onset.value == 91
    assert not [e for e in found.events if e.change == "cleared"]
