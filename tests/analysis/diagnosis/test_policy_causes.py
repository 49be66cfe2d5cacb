"""Every cause of policy runs: it fires, a look-alike does not make it fire, and where data are short it says so.

Faults that no labelled run shows are put into real healthy logs, so that everything around them is real.
"""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, first, needs_labelled, noise, rollouts, serious, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def state(said, name):
    """What was said of a check that could not be decided or made."""
    return " ".join(n.because for n in said.not_checked if name in n.check)


# reward hacking


def test_reward_hacking_fires_on_a_real_run_and_says_what_would_settle_it(real):
    found = diagnose(real("ppo-0176")).findings[0]
    assert (found.cause, found.severity) == ("reward_hacking", "critical")
    assert any("judged" in n.action for n in found.next)


def test_gold_that_falls_while_the_score_rises_is_reward_hacking_at_small_kl():
    n = 120
    t = np.arange(n) / n
    said = diagnose(
        signals(
            config={"batch_size": 64}, reward__rm_score_mean=2 * t + 0.1 * noise(RNG, n, 0.2), reward__rm_score_std=np.ones(n),
            kl__to_reference=4 * t, eval__gold_score_mean=np.where(t < 0.4, t, 0.8 - t) + 0.02 * noise(RNG, n, 0),
        )
    )  # fmt: skip
    assert first(said) == "reward_hacking"
    assert serious(said)[0][0] == "critical"


def test_gold_that_rises_with_the_score_refutes_reward_hacking(real):
    run = real("grpo-19c9")
    steps = run.series["reward.rm_score_mean"].steps
    gold = 2 + 2 * (1 - np.exp(-steps / 80)) + 0.02 * noise(RNG, len(steps), 0)
    said = diagnose(changed(run, eval__gold_score_mean=gold))
    against = [e.statement for f in said.findings if f.cause == "reward_hacking" for e in f.against]
    assert first(said) != "reward_hacking" or any("Gold has risen" in s for s in against)


def test_without_the_entropy_of_the_reference_the_waste_of_kl_is_not_established(real):
    run = changed(real("grpo-19c9"), without=("entropy",))
    assert "critical" not in [s for s, c in serious(diagnose(run)) if c == "reward_hacking"]


# length hacking


def test_length_hacking_fires_on_real_runs(real):
    for name in ("ppo-ad21", "grpo-dd4a"):
        found = diagnose(real(name)).findings[0]
        assert (found.cause, found.severity) == ("length_hacking", "critical")


def test_growing_responses_are_no_fault_where_the_score_does_not_pay_for_length(real):
    run = real("grpo-b2f0")
    longer = changed(run, rollouts=None, response__length_mean=lambda s, v: v * (1 + s / 100))
    assert "length_hacking" not in causes(diagnose(longer))


def test_a_price_of_length_that_is_not_earned_is_not_length_hacking():
    n = 100
    paid = rollouts(
        {0: {"score": 0, "length": 50, "kl": 0, "sd": 0.3}, 80: {"score": 1, "length": 50, "kl": 2, "sd": 0.3}},
        price=0.2,
    )
    said = diagnose(
        signals(
            rollouts=paid,
            reward__rm_score_mean=np.linspace(0, 1, n) + 0.02 * noise(RNG, n, 0),
            reward__rm_score_std=np.full(n, 1.0),
        )
    )
    assert "length_hacking" not in causes(said)


def test_length_hacking_is_not_told_without_lengths(real):
    run = changed(real("ppo-ad21"), rollouts=None)
    said = diagnose(run)
    assert "length_hacking" not in causes(said)
    assert "length" in state(said, "gain in length")


# learning rate


def test_a_learning_rate_that_is_too_high_fires_on_real_runs(real):
    for name in ("ppo-3d53", "grpo-cec4"):
        found = diagnose(real(name)).findings[0]
        assert (found.cause, found.severity) == ("lr_too_high", "critical")
        assert found.detected.value <= 6


def test_clipping_that_a_usual_start_shows_is_no_learning_rate_fault(real):
    strong = changed(real("ppo-8e81"), policy__clip_fraction=lambda s, v: v * 1.5, kl__policy_update=lambda s, v: v * 2)
    assert not serious(diagnose(strong))


def test_the_size_of_updates_is_not_told_without_any_kl(real):
    run = changed(real("grpo-b2f0"), without=("kl.",))
    assert "KL" in state(diagnose(run), "clip range")


# entropy


def test_entropy_collapse_fires_on_a_real_run(real):
    run = changed(real("grpo-6c4e"), rollouts=None)
    found = diagnose(run).findings[0]
    assert (found.cause, found.severity) == ("entropy_collapse", "critical")


def test_entropy_alone_is_a_note(real):
    lost = changed(real("grpo-b2f0"), entropy__token_mean=lambda s, v: v * np.exp(-s / 40))
    said = diagnose(lost)
    assert not serious(said)
    assert [f.severity for f in said.findings if f.cause == "entropy_collapse"] == ["info"]


def test_entropy_collapse_is_not_told_without_entropy(real):
    assert "entropy" in state(diagnose(changed(real("grpo-b2f0"), without=("entropy",))), "keeps its variety")


# value model


def test_a_value_model_that_is_worse_than_a_constant_fires_on_real_runs(real):
    harmed, unharmed = (diagnose(real(name)).findings[0] for name in ("ppo-d7a0", "ppo-aee4"))
    assert (harmed.cause, harmed.severity) == ("value_failure", "critical")
    assert (unharmed.cause, unharmed.severity) == ("value_failure", "warning")  # whitened advantages saved the policy


def test_explained_variance_below_zero_says_the_same(real):
    run = changed(real("ppo-8e81"), without=("value.loss",), value__explained_variance=np.full(160, -0.4))
    assert first(diagnose(run)) == "value_failure"


def test_a_value_model_that_only_starts_badly_is_no_failure(real):
    assert not serious(diagnose(real("ppo-7693")))


def test_value_failure_is_not_told_without_a_spread_of_scores(real):
    run = changed(real("ppo-8e81"), without=("value.",))
    assert "value loss" in state(diagnose(run), "value model is better")


# reward scale


def test_scores_fifteen_times_too_large_fire_on_a_real_run(real):
    found = diagnose(real("ppo-4452")).findings[0]
    assert (found.cause, found.severity) == ("reward_scale_mismatch", "warning")
    assert next(n.size for n in found.next).new == pytest.approx(1 / 10.3, rel=0.2)


def test_scores_that_are_rescaled_with_everything_else_are_no_mismatch(real):
    run = real("ppo-8e81")
    rows = run.rollouts.assign(score=run.rollouts["score"] * 15)
    scaled = changed(
        run, rollouts=rows, config={"kl_coef": 1.5, "cliprange_value": 3.0}, value__loss=lambda s, v: v * 225,
        **{f"reward__{m}": (lambda s, v: v * 15) for m in ("rm_score_mean", "total_mean", "kl_penalty_mean")},
    )  # fmt: skip
    assert not serious(diagnose(scaled))
    alone = changed(
        run, rollouts=rows, reward__rm_score_mean=lambda s, v: v * 15, without=("reward.total", "reward.kl")
    )
    assert "reward_scale_mismatch" in causes(diagnose(alone))


def test_the_scale_is_not_told_without_a_kl_coefficient(real):
    run = changed(real("ppo-8e81"), without=("reward.kl_penalty_mean",), config={"kl_coef": None})
    assert "KL coefficient" in state(diagnose(run), "in proportion")


# KL


def test_kl_that_runs_away_in_a_real_log_is_found(real):
    def grow(s, v):
        return v * np.where(s > 100, 1.06 ** (s - 100), 1.0)

    events = [
        e for f in diagnose(changed(real("grpo-b2f0"), rollouts=None, kl__to_reference=grow)).findings for e in f.events
    ]
    raised = next(e for e in events if e.cause == "kl_runaway")
    assert raised.severity == "warning"  # KL alone
    assert 100 < raised.at <= 125


def test_kl_that_the_score_pays_for_is_no_runaway(real):
    assert not serious(diagnose(real("rloo-4a50")))


def test_one_spike_of_kl_is_no_runaway(real):
    spiked = changed(real("grpo-b2f0"), kl__to_reference=lambda s, v: np.where(s == 120, 20 * v, v))
    assert not serious(diagnose(spiked))


def test_kl_is_not_told_where_there_is_too_little_of_it(real):
    run = real("grpo-b2f0")
    assert "too few rows" in state(diagnose(changed(run).until(10.0)), "runs away")


def test_a_penalty_that_leaves_no_room_fires(real):
    run = real("grpo-b2f0")
    flat = changed(
        run, rollouts=None, config={"beta": 50.0}, reward__rm_score_mean=lambda s, v: 0.5 + 0.05 * noise(RNG, len(v), 0)
    )
    found = diagnose(flat).findings[0]
    assert found.cause == "kl_too_strong"
    assert next(n.size for n in found.next).new < 50


def test_a_strong_penalty_under_which_the_score_rises_is_none(real):
    assert "kl_too_strong" not in causes(diagnose(changed(real("ppo-8e81"), config={"kl_coef": 0.3})))


def test_a_penalty_is_not_judged_without_its_coefficient(real):
    said = diagnose(changed(real("grpo-b2f0"), config={"beta": None}))
    assert "KL coefficient" in state(said, "room for a gain")


# no learning


def test_a_score_that_does_not_move_is_no_learning(real):
    run = real("ppo-8e81")
    flat = changed(
        run, rollouts=None, without=("reward.total", "reward.kl"), reward__rm_score_mean=lambda s, v: 0.5 + 0.08 * noise(RNG, len(v), 0.2),
        kl__to_reference=lambda s, v: 0.01 * s / 160,
    )  # fmt: skip
    assert first(diagnose(flat)) == "no_learning"


def test_a_slow_rise_is_learning(real):
    run = real("ppo-8e81")
    slow = changed(run, rollouts=None, without=("reward.total", "reward.kl"), reward__rm_score_mean=lambda s, v: 0.5 + s / 300 + 0.08 * noise(RNG, len(v), 0.2))  # fmt: skip
    assert "no_learning" not in causes(diagnose(slow))


def test_noise_that_hides_a_gain_is_not_established(real):
    run = real("grpo-b2f0").until(30.0)
    assert "no_learning" not in causes(diagnose(changed(run)))


# mid-run


def test_a_change_in_the_middle_of_real_runs_is_named(real):
    named = {name: diagnose(real(name)).findings[0].cause for name in ("ppo-ea7b", "grpo-03cf", "grpo-59d9")}
    assert named == {
        "ppo-ea7b": "mid_run_fault.learning_rate_jump",
        "grpo-03cf": "mid_run_fault.learning_rate_jump",
        "grpo-59d9": "mid_run_fault.reward_changed",
    }


@pytest.mark.parametrize("shift", [-1.5, 1.5])
def test_a_reward_that_jumps_while_the_policy_goes_on_has_changed(real, shift):
    run = changed(real("grpo-b2f0"), rollouts=None, reward__rm_score_mean=lambda s, v: v + shift * (s > 90))
    found = diagnose(run).findings[0]
    assert found.cause == "mid_run_fault.reward_changed"
    assert 91 <= found.detected.value <= 96
    assert found.onset.low <= 91 <= found.onset.high


def test_a_learning_rate_that_warms_up_and_restarts_is_a_schedule(real):
    def schedule(s, v):
        return np.maximum(1e-6, 3e-4 * np.where(s < 20, s / 20, 0.5 * (1 + np.cos(np.pi * ((s - 20) % 60) / 60))))

    assert not serious(diagnose(changed(real("grpo-b2f0"), learning_rate=schedule)))


def test_a_spike_of_one_batch_is_no_change(real):
    assert not serious(diagnose(changed(real("grpo-b2f0"), reward__rm_score_mean=lambda s, v: v - 2.5 * (s == 100))))


def test_a_jump_is_not_told_in_the_first_rows(real):
    assert "too few rows" in state(diagnose(changed(real("grpo-59d9")).until(12.0)), "score jumps")


# groups and truncation


def test_groups_without_signal_fire_where_nothing_is_solved(real):
    lost = changed(real("grpo-b2f0"), reward__zero_std_fraction=lambda s, v: np.clip(s / 100, 0, 0.9))
    assert "zero_signal_groups" in causes(diagnose(lost))


def test_groups_without_signal_are_a_note_where_the_task_is_solved():
    n = 100
    score = np.clip(0.3 + 0.68 * (1 - np.exp(-np.arange(n) / 15)) + 0.005 * noise(RNG, n, 0), 0, 1)
    said = diagnose(
        signals(
            trainer="GRPO",
            reward__rm_score_mean=score,
            reward__rm_score_std=np.sqrt(score * (1 - score)),
            reward__zero_std_fraction=score**8,
        )
    )
    assert not serious(said)
    assert [f.cause for f in said.findings] == ["zero_signal_groups"]


def test_groups_are_not_judged_where_half_of_them_is_in_doubt(real):
    doubt = changed(real("grpo-b2f0"), reward__zero_std_fraction=lambda s, v: 0.5 + 0.05 * noise(RNG, len(v), 0.5))
    assert "zero_signal_groups" not in causes(diagnose(doubt))


def test_truncation_fires(real):
    cut = changed(real("grpo-b2f0"), response__truncated_fraction=lambda s, v: np.clip(s / 120, 0, 0.95))
    found = next(f for f in diagnose(cut).findings if f.cause == "truncation")
    assert found.severity == "warning"
    # of two responses one is cut off more often than not beyond 29 %
    assert found.onset.value == pytest.approx(0.29 * 120, abs=3)


def test_a_tenth_that_is_cut_off_is_no_truncation(real):
    assert not serious(
        diagnose(
            changed(real("grpo-b2f0"), response__truncated_fraction=lambda s, v: 0.1 + 0.02 * noise(RNG, len(v), 0))
        )
    )


def test_truncation_is_not_told_without_its_share(real):
    assert "truncated" in state(
        diagnose(changed(real("grpo-b2f0"), without=("response.truncated_fraction",))), "cut off"
    )


# numbers


def test_nan_fires_at_the_row_where_it_begins(real):
    found = diagnose(real("ppo-97ed")).findings[0]
    assert (found.cause, found.severity, found.detected.value) == ("numeric_divergence", "critical", 81)
    assert "reward model" in found.summary


def test_one_skipped_step_is_no_divergence(real):
    assert not serious(diagnose(changed(real("grpo-b2f0"), grad_norm=lambda s, v: np.where(s == 50, np.inf, v))))


def test_missing_evaluations_are_no_divergence(real):
    gaps = np.where(np.arange(200) % 10, np.nan, 1.0)
    assert "numeric_divergence" not in causes(diagnose(changed(real("grpo-b2f0"), eval__score_mean=gaps)))


# log and reference


def test_a_kl_that_does_not_start_at_zero_is_a_mismatch(real):
    shifted = changed(real("grpo-b2f0"), kl__to_reference=lambda s, v: v + 0.05)
    assert "policy_reference_mismatch" in causes(diagnose(shifted))


def test_single_negative_estimates_are_no_mismatch(real):
    noisy = changed(
        real("rloo-4a50"), kl__to_reference=lambda s, v: v + np.where(s > 1, 0.02 * noise(RNG, len(v), 0), 0)
    )
    assert "policy_reference_mismatch" not in causes(diagnose(noisy))


def test_a_mismatch_is_not_told_where_the_first_rows_are_missing(real):
    run = real("grpo-b2f0")
    late = changed(run, without=("kl.",))
    assert "KL" in state(diagnose(late), "before the first update")


def test_a_reward_that_does_not_add_up_is_a_logging_fault(real):
    wrong = changed(real("ppo-8e81"), reward__total_mean=lambda s, v: v + 0.3)
    assert "logging_fault" in causes(diagnose(wrong))


def test_rounded_numbers_add_up(real):
    rounded = {
        f"reward__{m}": (lambda s, v: np.round(v, 3)) for m in ("rm_score_mean", "total_mean", "kl_penalty_mean")
    }
    assert not serious(diagnose(changed(real("ppo-8e81"), **rounded)))


def test_identities_are_not_checked_where_their_parts_are_not_logged():
    said = diagnose(signals(reward__rm_score_mean=np.linspace(0, 1, 60) + 0.02 * noise(RNG, 60, 0)))
    assert "contradict" in state(said, "agrees with itself")
