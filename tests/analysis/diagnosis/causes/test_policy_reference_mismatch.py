"""policy_reference_mismatch. An expert would look for: single negative estimates, a first row that already holds updates, rounding in
half precision, losses without a reference whose "rewards" never start at 0.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_where_kl_does_not_start_at_zero(real):
    shifted = changed(real("grpo-b2f0"), kl__to_reference=lambda s, v: v + 0.05)
    assert "policy_reference_mismatch" in causes(diagnose(shifted))


def test_look_alike_single_negative_estimates(real):
    noisy = changed(
        real("rloo-4a50"), kl__to_reference=lambda s, v: v + np.where(s > 1, 0.02 * noise(RNG, len(v), 0), 0)
    )
    assert "policy_reference_mismatch" not in causes(diagnose(noisy))


def test_not_established_without_kl(real):
    run = real("grpo-b2f0")
    late = changed(run, without=("kl.",))
    assert "KL" in left_open(diagnose(late), "before the first update")


def dpo(rows, *, first=1, **more):
    """Implicit rewards from given first values on: chosen rises, rejected falls, with log-probabilities of 300 nats."""
    chosen, rejected = rows
    n = 80
    t = np.arange(n) / n
    steps = first + 10 * np.arange(n)
    columns = {
        "dpo.reward_chosen": chosen + 2 * t + 0.02 * noise(RNG, n, 0) * (t > 0), "dpo.reward_rejected": rejected - 3 * t + 0.02 * noise(RNG, n, 0) * (t > 0),
        "dpo.logp_chosen": -300 + 20 * t, "dpo.logp_rejected": -310 - 30 * t, "dpo.accuracy": 0.5 + 0.4 * t,
    }  # fmt: skip
    return signals(trainer="DPO", config={"beta": 0.1}, **{k: (steps, v) for k, v in (columns | more).items()})


def test_fires_where_implicit_rewards_of_the_first_step_are_not_zero():
    said = diagnose(dpo((-1.8, -2.1)))
    (found,) = [f for f in said.findings if f.cause == "policy_reference_mismatch"]
    assert (found.severity, found.onset.value) == ("warning", 1)
    assert "-1.8" in found.summary


def test_look_alike_rounding_of_half_precision():
    """Log-probabilities of 300 nats are rounded to a nat in bfloat16: a tenth of that is no mismatch."""
    said = diagnose(dpo((0.06, -0.08)))
    assert "policy_reference_mismatch" not in causes(said)
    assert "whether implicit rewards start at 0" in said.checked


def test_look_alike_rewards_without_a_reference():
    """ORPO and SimPO call beta log p a reward."""
    logp = np.linspace(-1.4, -0.9, 80)
    run = dpo((0, 0), **{"dpo.reward_chosen": 0.1 * logp, "dpo.logp_chosen": logp, "dpo.reward_rejected": 0.1 * (logp - 0.2), "dpo.logp_rejected": logp - 0.2})  # fmt: skip
    said = diagnose(run)
    assert "policy_reference_mismatch" not in causes(said)
    assert "without a reference" in left_open(said, "implicit rewards start")


def test_not_established_where_the_first_row_already_holds_updates():
    said = diagnose(dpo((-1.8, -2.1), first=10))
    assert "policy_reference_mismatch" not in causes(said)
    assert "step 10, already holds updates" in left_open(said, "implicit rewards start")
