"""no_learning. An expert would look for: a slow rise, noise in which a gain would not be seen, thirty rows."""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, first, left_open, needs_labelled, noise, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_where_the_score_does_not_move(real):
    run = real("ppo-8e81")
    flat = changed(
        run, rollouts=None, without=("reward.total", "reward.kl", "value."), reward__rm_score_std=np.ones(160), reward__rm_score_mean=lambda s, v: 0.5 + 0.08 * noise(RNG, len(v), 0.2),
        kl__to_reference=lambda s, v: 0.01 * s / 160,
    )  # fmt: skip
    assert first(diagnose(flat)) == "no_learning"


def test_look_alike_a_slow_rise(real):
    run = real("ppo-8e81")
    slow = changed(run, rollouts=None, without=("reward.total", "reward.kl"), reward__rm_score_mean=lambda s, v: 0.5 + s / 300 + 0.08 * noise(RNG, len(v), 0.2))  # fmt: skip
    assert "no_learning" not in causes(diagnose(slow))


def test_not_established_after_thirty_rows(real):
    said = diagnose(changed(real("grpo-b2f0").until(30.0)))
    assert "no_learning" not in causes(said)
    assert "fewer than 40 rows" in left_open(said, "moves the score at all")


def test_not_established_where_noise_would_hide_a_small_effect(real):
    """As many rows as the run has leave 0.2 SD open; how many would not is told."""
    run = real("ppo-8e81")
    hidden = changed(
        run, rollouts=None, without=("reward.total", "reward.kl"), reward__rm_score_std=np.ones(160),
        reward__rm_score_mean=lambda s, v: 0.5 + 0.5 * noise(RNG, len(v), 0.3),
    )  # fmt: skip
    said = diagnose(hidden)
    assert "no_learning" not in causes(said)
    told = next(u for u in said.undecided if "moves the score at all" in u.check)
    assert told.needed > 160
    assert "rows in all would tell" in told.told


def frozen(real, score):
    """A run whose KL is 0 to the last bit, under a penalty, while gradients flow and the rate is what it was."""
    return changed(
        real("rloo-4a50"), rollouts=None, kl__to_reference=lambda s, v: np.zeros(len(v)), reward__rm_score_mean=score,
        reward__rm_score_std=np.ones(len(score)), without=("reward.", "entropy", "response"),
    )  # fmt: skip


def test_fires_where_the_policy_that_samples_never_changes(real):
    still = 0.5 + 0.15 * noise(RNG, 200, 0.1)
    assert first(diagnose(frozen(real, still))) == "no_learning"


def test_fires_where_few_rows_are_logged_since_a_kl_of_exactly_0_has_no_noise():
    """Nine rows, one at every twentieth step, all but one after the first update."""
    rows = np.arange(20, 200, 20)

    def seldom(values):
        return rows, np.asarray(values)[: len(rows)]

    said = diagnose(
        signals(
            config={"beta": 0.05}, kl_unit="nats per token", kl__to_reference=seldom(np.zeros(9)),
            reward__rm_score_mean=seldom(0.4 + 0.1 * noise(RNG, 9, 0)), reward__rm_score_std=seldom(np.ones(9)),
            learning_rate=seldom(np.full(9, 3e-4)), grad_norm=seldom(np.full(9, 0.6)),
        )
    )  # fmt: skip
    assert first(said) == "no_learning"


def test_look_alike_a_reference_that_moves_along(real):
    """The score rises: the policy learns, and it is the KL that says nothing."""
    said = diagnose(frozen(real, 0.5 + 2 * (1 - np.exp(-np.arange(200) / 40)) + 0.1 * noise(RNG, 200, 0.1)))
    assert first(said) == "policy_reference_mismatch"
    assert "no_learning" not in causes(said)


def slow(n, warm, digits, unit="nats per token"):
    """A run whose KL stays below 0.0005 nats per token while the rate climbs, logged to so many digits."""
    rate = 3e-4 * np.minimum(1, np.arange(1, n + 1) / warm)
    learned = np.cumsum(rate / 3e-4) ** 2 / 1e6
    return signals(
        config={"beta": 0.05}, kl_unit=unit, kl__to_reference=np.round(learned, digits), learning_rate=rate,
        grad_norm=np.round(0.6 + 0.1 * RNG.random(n), digits), reward__rm_score_mean=np.round(0.4 + 0.1 * noise(RNG, n, 0), digits),
        reward__rm_score_std=np.round(0.9 + 0.1 * RNG.random(n), digits),
    )  # fmt: skip


def test_not_established_by_zeros_of_a_console_that_prints_three_digits():
    """What is 0 in it is below 0.0005, and no more is known."""
    said = diagnose(slow(22, 5, digits=3))
    assert not causes(said) & {"no_learning", "policy_reference_mismatch"}
    assert "the log is rounded: a KL below 0.0005 is 0 in it" in left_open(said, "move the policy")


def test_not_established_by_zeros_while_the_learning_rate_still_climbs():
    """Five digits, and a warm-up that begins as slowly."""
    run = slow(30, 1000, digits=12)
    said = diagnose(changed(run, kl__to_reference=np.zeros(30)))
    assert "no_learning" not in causes(said)
    assert "too few rows of KL at the full learning rate" in left_open(said, "move the policy")


def test_fires_on_zeros_of_a_log_whose_digits_are_enough():
    """Four digits of a KL per response: below 0.00005 there is no gain."""
    still = changed(slow(150, 5, digits=4, unit="nats per sequence"), kl__to_reference=np.zeros(150))
    assert "no_learning" in causes(diagnose(still))
    assert "no_learning" not in causes(diagnose(slow(22, 5, digits=2, unit="nats per sequence")))


def test_fires_where_shares_of_small_batches_have_few_digits_by_themselves():
    """A reward of 0 or 1 over batches of 32 ends at five digits; nothing is rounded."""
    n = 60
    said = signals(
        config={"beta": 0.05}, kl_unit="nats per token", kl__to_reference=np.zeros(n), learning_rate=np.full(n, 3e-4),
        reward__rm_score_mean=RNG.binomial(32, 0.4, n) / 32, reward__rm_score_std=np.ones(n),
    )  # fmt: skip
    assert "no_learning" in causes(diagnose(said))
