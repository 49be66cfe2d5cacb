"""mid_run_fault. An expert would look for: warm-ups and restarts of a schedule, a spike of one batch, the first rows."""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import changed, healthy, left_open, needs_labelled, noise, serious

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


def lost(at: float, rows: int = 1000):
    """Value losses of a value model that begins anew at a step, and learns again within some rows."""

    def losses(steps, values):
        since = np.maximum(steps - at, 0)
        return np.where((steps >= at) & (since < rows), values + 40 * values[0] * 0.5**since, values)

    return losses


@pytest.mark.parametrize("seed", range(4))
def test_fires_on_a_value_model_that_is_lost_while_the_policy_goes_on(seed):
    said = diagnose(changed(healthy(seed), value__loss=lost(150)))
    found = said.findings[0]
    assert (found.cause, found.severity) == ("mid_run_fault.values_lost", "warning")
    assert found.onset.value == 150
    assert found.detected.value <= 155
    assert any("weights" in step.action for step in found.next)


def test_look_alike_one_batch_that_the_value_model_did_not_foresee():
    assert not serious(diagnose(changed(healthy(0), value__loss=lost(150, rows=1))))


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_look_alike_a_value_loss_that_is_all_noise(phi):
    """A factor of three up or down in every second row, for long: two high rows in a row come by chance."""
    rng = np.random.default_rng(5)
    for seed in range(20):
        loud = np.exp(1.2 * noise(rng, 400, phi))
        run = changed(healthy(seed, 400), value__loss=lambda s, v, loud=loud: 0.2 * v[0] * loud)
        assert "mid_run_fault.values_lost" not in [f.cause for f in diagnose(run).findings]


def test_look_alike_a_value_model_that_has_not_learned_yet():
    """Its first rows are as bad, and nothing was lost: it is bad from the start."""
    causes = [cause for _, cause in serious(diagnose(changed(healthy(0), value__loss=lost(4))))]
    assert causes == ["value_failure"]


def test_a_reward_that_changes_is_no_value_model_that_is_lost():
    shift = 6 * float(healthy(0).get("score.sd").values[0])
    edits = {"reward__rm_score_mean": lambda s, v: v + shift * (s >= 150), "value__loss": lost(150)}
    assert diagnose(changed(healthy(0), **edits)).findings[0].cause == "mid_run_fault.reward_changed"


def test_look_alike_kl_that_runs_away_within_a_dozen_rows():
    """Twice as much with every row is fast, and no jump: nothing outside of the policy has changed."""

    def runs_away(steps, kl):
        return kl * np.where(steps > 150, 2.0 ** np.minimum(steps - 150, 8), 1)

    causes = [f.cause for f in diagnose(changed(healthy(3), kl__to_reference=runs_away)).findings]
    assert causes
    assert "mid_run_fault" not in causes


def test_fires_on_kl_that_jumps_from_one_row_to_the_next():
    said = diagnose(changed(healthy(3), kl__to_reference=lambda s, v: v * np.where(s > 150, 20.0, 1)))
    found = next(f for f in said.findings if f.cause == "mid_run_fault")
    assert found.onset.value == 151


@pytest.mark.parametrize("rows", [3, 4, 5, 6, 9])
def test_whether_the_policy_went_on_as_before_is_open_until_it_is_known(rows):
    """KL and score jump together: in no row since is it told that the reward alone changed."""
    shift = 4 * float(healthy(3).get("score.sd").values[0])
    edits = {
        "kl__to_reference": lambda s, v: v * np.where(s > 150, 20.0, 1),
        "reward__rm_score_mean": lambda s, v: v - shift * (s > 150),
    }
    found = [f.cause for f in diagnose(changed(healthy(3), **edits).until(150.0 + rows)).findings]
    assert "mid_run_fault.reward_changed" not in found
    assert "mid_run_fault" in found


@pytest.mark.parametrize("digits", [2, 12])
def test_look_alike_a_value_loss_that_is_0_or_too_small_for_the_digits_of_the_log(digits):
    """A value model that is not trained before step 150; a log in which 0.0045 is 0.00 and 0.0055 is 0.01."""
    small = np.where(np.arange(1, 301) >= 150, 0.012 if digits == 12 else 0.0055, 0.0 if digits == 12 else 0.0045)
    rounded = {
        "reward__rm_score_mean": lambda s, v: np.round(0.05 * v / np.abs(v).max(), digits),
        "reward__rm_score_std": lambda s, v: np.round(0.05 + 0 * v, digits),
    }
    said = diagnose(changed(healthy(1), value__loss=np.round(small, digits), **rounded))
    assert "mid_run_fault.values_lost" not in [f.cause for f in said.findings]
