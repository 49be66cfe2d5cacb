"""logging_fault. An expert would look for: rounded numbers, parts that are not logged."""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise, serious, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_where_a_reward_does_not_add_up(real):
    wrong = changed(real("ppo-8e81"), reward__total_mean=lambda s, v: v + 0.3)
    assert "logging_fault" in causes(diagnose(wrong))


def test_look_alike_rounded_numbers(real):
    rounded = {
        f"reward__{m}": (lambda s, v: np.round(v, 3)) for m in ("rm_score_mean", "total_mean", "kl_penalty_mean")
    }
    assert not serious(diagnose(changed(real("ppo-8e81"), **rounded)))


def test_not_established_where_the_parts_are_not_logged():
    said = diagnose(signals(reward__rm_score_mean=np.linspace(0, 1, 60) + 0.02 * noise(RNG, 60, 0)))
    assert "contradict" in left_open(said, "agrees with itself")
