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
