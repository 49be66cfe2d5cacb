"""Runs of direct preference optimisation, drawn: what an expert would read off chosen, rejected, accuracy and log-probabilities.

Ways to be wrong: batches of other lengths move log-probabilities by half without any fault; chosen may fall a little in a
good run; at the first row margins are exactly 0 and the accuracy with them; beta may not be known.
"""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, noise, signals

N = 120
T = np.arange(N) / N


def dpo(chosen, rejected, *, accuracy=None, beta=0.1, seed=5, n=N, without=(), **more):
    """Implicit rewards around given curves; log-probabilities of responses whose lengths differ from batch to batch."""
    r = np.random.default_rng(seed)
    c, d = chosen + 0.1 * noise(r, N, 0.2), rejected + 0.1 * noise(r, N, 0.2)
    reference = -120 * np.exp(0.3 * r.standard_normal(N))
    columns = {
        "dpo.reward_chosen": c, "dpo.reward_rejected": d, "dpo.margin_mean": c - d, "dpo.logp_chosen": reference + c / 0.1,
        "dpo.accuracy": np.clip((0.5 + 0.4 * np.minimum(1, 4 * T) if accuracy is None else accuracy) + 0.04 * r.standard_normal(N), 0, 1),
        "loss.total": np.log1p(np.exp(d - c)),
    }  # fmt: skip
    kept = {k: v[:n] for k, v in (columns | more).items() if k not in without}
    return signals(trainer="DPO", config={} if beta is None else {"beta": beta}, **kept)


def noted(said):
    return {f.cause: f.severity for f in said.findings}


# chosen and rejected fall together


def test_chosen_that_falls_with_rejected_is_noted_as_displacement():
    said = diagnose(dpo(-2 * T, -5 * T))
    assert noted(said) == {"likelihood_displacement": "info"}
    assert said.findings[0].evidence[0].value == pytest.approx(-1.9, abs=0.2)


def test_chosen_that_rises_while_rejected_falls_is_none():
    assert noted(diagnose(dpo(2 * T, -3 * T))) == {}


def test_chosen_that_wavers_around_its_start_is_not_established():
    assert noted(diagnose(dpo(-0.02 * T, -3 * T))) == {}


# collapse of the chosen responses


def test_chosen_whose_log_probability_doubles_is_a_collapse_from_where_it_does():
    said = diagnose(dpo(-40 * T, -60 * T))
    assert noted(said)["chosen_collapse"] == "warning"
    found = next(f for f in said.findings if f.cause == "chosen_collapse")
    assert N * 0.2 < found.onset.value < N * 0.6  # 120 nats in the middle, of responses of 60 to 240


def test_longer_responses_of_later_batches_are_no_collapse_where_beta_is_known():
    longer = -120 - 400 * T + 0 * T
    run = dpo(0.5 * T, -3 * T, **{"dpo.logp_chosen": longer})
    assert "chosen_collapse" not in noted(diagnose(run))


def test_batches_of_other_lengths_without_beta_establish_nothing():
    assert "chosen_collapse" not in noted(diagnose(dpo(-3 * T, -6 * T, beta=None)))


def test_a_collapse_shows_without_beta_too():
    assert "chosen_collapse" in noted(diagnose(dpo(-60 * T, -90 * T, beta=None)))


# nothing is learned


def test_accuracy_at_chance_is_no_learning():
    said = diagnose(dpo(0 * T, 0 * T, accuracy=0.5))
    assert causes(said) == {"no_learning"}
    assert "% of the training pairs" in said.findings[0].summary


def test_accuracy_that_rises_slowly_is_learning():
    assert "no_learning" not in causes(diagnose(dpo(T, -T, accuracy=0.5 + 0.25 * T)))


def test_thirty_rows_or_an_accuracy_near_the_bound_do_not_tell():
    assert "no_learning" not in causes(diagnose(dpo(0 * T, 0 * T, accuracy=0.5, n=30)))
    assert "no_learning" not in causes(diagnose(dpo(0 * T, 0 * T, accuracy=0.58)))


# identities


def test_a_margin_that_is_not_the_difference_is_a_logging_fault():
    assert "logging_fault" in causes(diagnose(dpo(2 * T, -3 * T, **{"dpo.margin_mean": 4 * T})))


def test_without_rewards_of_chosen_displacement_is_not_checked():
    said = diagnose(dpo(-2 * T, -5 * T, without=("dpo.reward_chosen", "dpo.margin_mean")))
    assert any("cost of the chosen" in n.check for n in said.not_checked)


# from which policy it starts, read off a first row that holds updates


def pairs(start, rate, *, n=60, size=64, seed=3, every=2, logp=-20.0):
    """Loss, margin, accuracy and rewards of batches of real pairs: each margin is its start plus what training adds to it.

    start : SD of the margins before any update; rate : (n,) learning rate of each row
    """
    r = np.random.default_rng(seed)
    walked = np.cumsum(rate) / np.sum(rate)
    rows = []
    for w in walked:
        margin = start * r.standard_normal(size) + w * (0.6 + 0.6 * r.standard_normal(size))
        chosen = 0.5 * start * r.standard_normal(size) + 0.3 * w
        rows.append((np.log1p(np.exp(-margin)).mean().round(4), margin.mean(), (margin > 0).mean(), chosen.mean()))
    loss, margin, accuracy, chosen = np.array(rows).T
    likely = np.full(n, logp)
    columns = {
        "loss.total": loss, "dpo.margin_mean": margin, "dpo.accuracy": accuracy, "learning_rate": rate, "dpo.reward_chosen": chosen,
        "dpo.reward_rejected": chosen - margin, "dpo.logp_chosen": likely, "dpo.logp_rejected": likely,
    }  # fmt: skip
    at = every * np.arange(1, n + 1)
    return signals(trainer="DPO", config={"beta": 0.1}, **{name: (at, values) for name, values in columns.items()})


WARMED = np.minimum(1, np.arange(1, 61) / 10) * 1e-4


def test_margins_that_differ_before_the_warm_up_has_moved_anything_are_a_mismatch():
    said = diagnose(pairs(0.3, WARMED))
    assert ("policy_reference_mismatch", "warning") in [(f.cause, f.severity) for f in said.findings]
    assert said.findings[0].evidence[0].value == pytest.approx(0.3, rel=0.3)


def test_margins_that_rounding_makes_of_long_responses_are_none():
    """In bfloat16 a log-probability of -600 is known to 2 nats."""
    assert "policy_reference_mismatch" not in causes(diagnose(pairs(0.3, WARMED, logp=-600.0)))


def test_margins_that_grow_from_nothing_are_none():
    assert "policy_reference_mismatch" not in causes(diagnose(pairs(0.0, WARMED)))


def test_a_first_row_of_many_full_updates_shows_neither():
    """Without a warm-up the first row of fifty updates has learned as much as any: its margins differ for that."""
    assert "policy_reference_mismatch" not in causes(diagnose(pairs(0.0, np.full(60, 1e-4), every=50)))


# updates that overshoot


def test_a_training_loss_above_that_of_knowing_nothing_is_too_high_a_rate():
    overshot = np.log(2) + np.where(T < 0.3, 0.6 * np.minimum(1, 20 * T), 0.6 * np.exp(-6 * (T - 0.3)) - 0.1)
    loss = overshot + 0.03 * noise(np.random.default_rng(2), N, 0)
    said = diagnose(dpo(-2 * T, -4 * T, **{"loss.total": loss}))
    assert "lr_too_high" in causes(said)


def test_a_training_loss_that_wavers_around_its_start_is_none():
    loss = np.log(2) + 0.05 * noise(np.random.default_rng(2), N, 0.3) - 0.1 * T
    assert "lr_too_high" not in causes(diagnose(dpo(0.5 * T, -1 * T, **{"loss.total": loss})))


# margins that are next to nothing


def rounding(size: float, seed: int = 9, accuracy: float = 0.76):
    """Margins of a given size: their signs are those of numbers that hardly differ."""
    r = np.random.default_rng(seed)
    c, d = size * (0.5 + 0.1 * r.standard_normal(N)), -size * (0.5 + 0.1 * r.standard_normal(N))
    return {
        "dpo.reward_chosen": c, "dpo.reward_rejected": d, "dpo.margin_mean": c - d, "loss.total": np.log1p(np.exp(d - c)),
        "dpo.logp_chosen": np.full(N, -120.0), "dpo.accuracy": np.clip(accuracy + 0.1 * r.standard_normal(N), 0, 1),
    }  # fmt: skip


def test_signs_of_margins_that_are_next_to_nothing_are_no_learning():
    said = diagnose(signals(trainer="DPO", config={"beta": 0.1}, **rounding(1e-5)))
    assert noted(said) == {"no_learning": "warning"}
    assert "a small effect takes 0.013" in said.findings[0].summary


def test_look_alike_a_slow_start_that_will_have_learned_ten_times_later():
    """Margins of 0.01 after 120 rows of warm-up: with the square of the steps, 1.0 after 1,200."""
    growing = {k: (v * T**2 if k != "loss.total" and k.startswith("dpo.") and k not in ("dpo.accuracy", "dpo.logp_chosen") else v)
               for k, v in rounding(0.02).items()}  # fmt: skip
    assert "no_learning" not in causes(diagnose(signals(trainer="DPO", config={"beta": 0.1}, **growing)))


def test_not_established_in_the_first_rows():
    few = {k: v[:30] for k, v in rounding(1e-5).items()}
    assert "no_learning" not in causes(diagnose(signals(trainer="DPO", config={"beta": 0.1}, **few)))
