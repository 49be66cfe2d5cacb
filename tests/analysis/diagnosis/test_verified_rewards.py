"""Runs whose reward counts solved tasks, drawn here: parts with small weights, trusted scores, answers that are cut off, clipping.

What an expert would catch: a spread that is logged with noise and so passes 0; a format that is learned beside an answer
that is not; a held-out score at 0 that has no noise until it leaves it; a share that is high from the start on purpose.
"""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, noise, serious, signals

N = 240
T = np.arange(N) / N


def rng(seed=3):
    return np.random.default_rng(seed)


def learned(low, high):
    return low + (high - low) / (1 + np.exp(-10 * (T - 0.4)))


def verified(answer, *, gold=None, shape=None, seed=3, **more):
    """A GRPO run on tasks that a verifier checks, with a format as a second part, and held-out tasks every ten steps."""
    r = rng(seed)
    shape = learned(0.35, 0.97) if shape is None else shape
    p = np.clip(answer + 0.015 * noise(r, N, 0.2), 0, 1)
    f = np.clip(shape + 0.01 * noise(r, N, 0.2), 0, 1)
    columns = {
        "reward.rm_score_mean": p + 0.1 * f, "reward.rm_score_std": np.sqrt(p * (1 - p) + 0.01),
        "reward.component_mean/answer": p, "reward.component_mean/format": f,
        "kl.to_reference": 0.3 * T, "entropy.token_mean": 0.6 * np.exp(-T), "response.length_mean": 380 + 60 * T + 5 * noise(r, N, 0.2),
    }  # fmt: skip
    if gold is not None:
        at = np.arange(0, N, 10)
        columns["eval.score_mean"] = (at + 1, np.clip(gold[at] + 0.012 * r.standard_normal(len(at)), 0, 1))
    return signals(trainer="GRPO", kl_unit="nats per token", config={"num_generations": 8}, **(columns | more))


def notes(said):
    return {f.cause: f.severity for f in said.findings}


# parts of the reward


def test_a_part_with_a_small_weight_that_is_learned_is_learning():
    r = rng()
    answer = 0.02 + 0.002 * r.standard_normal(N)
    run = verified(answer, **{"reward.rm_score_std": np.full(N, 1.0)})
    assert "no_learning" not in causes(diagnose(run))


def test_parts_that_stand_still_with_the_score_are_no_learning():
    run = verified(np.full(N, 0.3), shape=np.full(N, 0.6))
    assert "no_learning" in causes(diagnose(run))


# trusted scores of the same kind


def test_a_gain_that_held_out_tasks_do_not_show_is_reward_hacking():
    said = diagnose(verified(learned(0.2, 0.88), gold=learned(0.2, 0.23)))
    assert serious(said)[0] == ("warning", "reward_hacking")
    assert "trusted score" in said.findings[0].summary


def test_a_gain_that_held_out_tasks_show_with_a_usual_gap_is_none():
    assert not serious(diagnose(verified(learned(0.2, 0.88), gold=learned(0.2, 0.75))))


def test_a_format_that_is_learned_before_the_answer_is_no_hacking():
    flat = np.full(N, 0.05)
    run = verified(flat, gold=flat, **{"reward.rm_score_std": np.full(N, 0.05)})
    assert "reward_hacking" not in causes(diagnose(run))


def test_five_held_out_scores_do_not_tell_yet():
    said = diagnose(verified(learned(0.2, 0.88), gold=learned(0.2, 0.23)).until(40.0))
    assert "reward_hacking" not in causes(said)


@pytest.mark.parametrize("seed", range(6))
def test_held_out_scores_that_stay_near_zero_fall_from_no_best(seed):
    r = rng(seed)
    low = np.full(N, 0.03) + 0.008 * r.standard_normal(N)
    run = verified(low, gold=low - 0.04, seed=seed)
    assert "reward_hacking" not in causes(diagnose(run))


# bounds that noise passes


def test_a_spread_that_noise_takes_below_zero_is_a_note():
    spread = np.maximum(0.3 * (1 - 1.2 * T), 0.01) + 0.02 * noise(rng(), N, 0)
    said = diagnose(verified(learned(0.2, 0.98), **{"reward.rm_score_std": spread}))
    assert notes(said)["logging_fault"] == "info"


@pytest.mark.parametrize(
    "spread", [-0.3 + 0.1 * noise(rng(), N, 0), np.where(np.arange(N) == 100, -3.0, 0.3 + 0.02 * noise(rng(), N, 0))]
)
def test_a_spread_that_stays_below_zero_or_jumps_there_is_a_fault(spread):
    said = diagnose(verified(learned(0.2, 0.8), **{"reward.rm_score_std": spread}))
    assert notes(said)["logging_fault"] == "warning"


# answers that are cut off


def test_a_share_of_cut_off_answers_that_rises_to_two_fifths_is_truncation():
    cut = 0.005 + 0.42 * T**2 + 0.004 * np.abs(noise(rng(), N, 0))
    said = diagnose(verified(learned(0.2, 0.6), **{"response.truncated_fraction": cut}))
    found = next(f for f in said.findings if f.cause == "truncation")
    assert found.severity == "warning"
    assert found.onset.value == pytest.approx(N * np.sqrt(0.29 / 0.42), abs=15)


def test_a_share_that_was_as_high_from_the_start_has_not_risen():
    cut = 0.4 + 0.03 * noise(rng(), N, 0.3)
    said = diagnose(verified(learned(0.2, 0.6), **{"response.truncated_fraction": cut}))
    assert "truncation" not in causes(said)


def test_a_rise_whose_end_is_in_doubt_is_not_established():
    cut = np.clip(0.29 * np.minimum(1, 3 * T) + 0.08 * noise(rng(), N, 0.6), 0, 1)
    said = diagnose(verified(learned(0.2, 0.6), **{"response.truncated_fraction": cut}))
    assert "truncation" not in causes(said)


# clipping


def test_more_than_half_of_the_tokens_clipped_is_told_by_its_own_name():
    clipped = 0.15 + 0.5 * T + 0.01 * noise(rng(), N, 0)
    said = diagnose(verified(learned(0.2, 0.6), **{"policy.clip_fraction": clipped}))
    found = next(f for f in said.findings if f.cause == "clip_saturation")
    assert found.severity == "warning"
    assert found.onset.value == pytest.approx(0.7 * N, abs=10)


def test_a_third_clipped_is_none_and_a_share_in_per_cent_is_not_read():
    for clipped in (0.33 + 0.02 * noise(rng(), N, 0), 33 + 2 * noise(rng(), N, 0)):
        assert "clip_saturation" not in causes(
            diagnose(verified(learned(0.2, 0.6), **{"policy.clip_fraction": clipped}))
        )


def test_half_clipped_in_doubt_is_not_established():
    clipped = 0.5 + 0.05 * noise(rng(), N, 0.5)
    assert "clip_saturation" not in causes(diagnose(verified(learned(0.2, 0.6), **{"policy.clip_fraction": clipped})))
