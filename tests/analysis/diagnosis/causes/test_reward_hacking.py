"""reward_hacking. An expert would look for: gold that rises all the same, KL that long responses gather by themselves, a waste that
needs a number which is not logged, a verifier's score taken for a learned one.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, first, left_open, needs_labelled, noise, serious, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_on_a_real_run_and_says_what_would_settle_it(real):
    found = diagnose(real("ppo-0176")).findings[0]
    assert (found.cause, found.severity) == ("reward_hacking", "critical")
    assert any("judged" in n.action for n in found.next)


def test_fires_at_small_kl_where_gold_falls_while_the_score_rises():
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


def test_look_alike_gold_that_rises_with_the_score(real):
    run = real("grpo-19c9")
    steps = run.series["reward.rm_score_mean"].steps
    gold = 2 + 2 * (1 - np.exp(-steps / 80)) + 0.02 * noise(RNG, len(steps), 0)
    said = diagnose(changed(run, eval__gold_score_mean=gold))
    against = [e.statement for f in said.findings if f.cause == "reward_hacking" for e in f.against]
    assert first(said) != "reward_hacking" or any("Gold has risen" in s for s in against)


def test_not_established_without_the_entropy_of_the_reference(real):
    """KL per response needs a reference to be wasteful beside: long responses gather it at every token."""
    said = diagnose(changed(real("grpo-19c9"), without=("entropy",)))
    assert "critical" not in [s for s, c in serious(said) if c == "reward_hacking"]
    assert "without the entropy of the reference's answers" in left_open(said, "worth its KL")


def test_not_established_by_a_trusted_score_that_wavers(real):
    """Gold rises and then loses less than its own noise: how many rows would tell is said."""
    run = real("ppo-8e81")
    gold = 0.5 + 0.1 * np.sin(np.linspace(0, 2.4, 40)) + 0.05 * noise(RNG, 40, 0)
    said = diagnose(changed(run, eval__gold_score_mean=gold))
    assert "reward_hacking" not in causes(said)
    told = left_open(said, "follows the reward model's")
    assert "noise alone makes falls" in told
    assert "rows in all would tell" in told


def test_look_alike_an_estimate_of_kl_with_a_heavy_tail(real):
    """Single responses make the mean of k3 in a batch; most batches say that the policy is near."""
    run = real("ppo-8e81")
    rng = np.random.default_rng(4)

    def spiked(steps, kl):
        return kl + np.where(rng.random(len(kl)) < 0.2, 40 * np.exp(rng.normal(size=len(kl))), 0.0)

    spiky = changed(run, rollouts=None, kl__to_reference=spiked, without=("reward.total", "reward.kl"))
    assert "reward_hacking" not in causes(diagnose(spiky))
