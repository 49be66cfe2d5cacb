"""length_hacking. An expert would look for: reasoning that grows without being paid, a price of length that nobody earns, a log
without lengths.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise, rollouts, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_on_real_runs(real):
    for name in ("ppo-ad21", "grpo-dd4a"):
        found = diagnose(real(name)).findings[0]
        assert (found.cause, found.severity) == ("length_hacking", "critical")


def test_look_alike_growth_that_the_score_does_not_pay_for(real):
    run = real("grpo-b2f0")
    longer = changed(run, rollouts=None, response__length_mean=lambda s, v: v * (1 + s / 100))
    assert "length_hacking" not in causes(diagnose(longer))


def test_look_alike_a_price_of_length_that_is_not_earned():
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


def test_not_established_without_lengths(real):
    run = changed(real("ppo-ad21"), rollouts=None)
    said = diagnose(run)
    assert "length_hacking" not in causes(said)
    assert "length" in left_open(said, "gain in length")
