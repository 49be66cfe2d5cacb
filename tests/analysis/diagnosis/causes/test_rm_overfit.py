"""rm_overfit. An expert would look for: a noisy or restarted curve taken for a rise, a rise without training going on, a log
without evaluations, an onset at the end instead of at the minimum, labels without signal called overfitting.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.diagnosis.memorised import rises_again
from analysis.diagnosis.signals import Series
from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import World, diagnosed, serious, unchecked
from tests.analysis.diagnosis.worlds import noise


def test_fires_at_the_minimum_of_the_held_out_loss_and_is_critical_below_the_start(tmp_path):
    world = World()
    made.by_heart(tmp_path)
    world.write(tmp_path, 9 * (0.12 * world.quality + world.noise))
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_overfit", "critical")]
    (finding,) = [f for f in found.findings if f.rank == 1]
    assert finding.onset.value == 5 * 80 * 0.2
    assert {"eval_loss_rises", "little_carries_over"} <= set(finding.symptoms)
    assert any("checkpoint of step 80" in n.action for n in finding.next)


def test_fires_from_the_log_alone(tmp_path):
    made.by_heart(tmp_path)
    assert [cause for cause, _ in serious(diagnosed(tmp_path))] == ["rm_overfit"]


def test_look_alike_a_rise_while_training_stands_still_is_not_overfitting(tmp_path):
    """Evaluations creep up though the training loss does not fall: labels that say nothing, or another data set."""
    made.log(tmp_path, lambda t: 0.6, lambda t: 0.6 + 0.2 * t, lambda t: 0.68, lambda t: 0.66)
    assert serious(diagnosed(tmp_path)) == []


def test_look_alike_a_healthy_run_whose_held_out_loss_wobbles_and_ends_a_little_higher(tmp_path):
    made.log(
        tmp_path, lambda t: 0.69 - 0.25 * t, lambda t: 0.69 - 0.12 * min(t, 0.5) * 2 + 0.02 * max(t - 0.5, 0) + 0.008 * np.sin(50 * t),
        lambda t: 0.5 + 0.3 * t, lambda t: 0.5 + 0.22 * min(2 * t, 1),
    )  # fmt: skip
    assert serious(diagnosed(tmp_path)) == []


def test_not_established_by_two_evaluations(tmp_path):
    made.by_heart(tmp_path, evaluations=2)
    found = diagnosed(tmp_path)
    assert "rm_overfit" not in [f.cause for f in found.findings]
    assert "2 evaluations" in unchecked(found)["whether it learns the training pairs by heart"]


def test_not_established_without_evaluations(tmp_path):
    made.by_heart(tmp_path, evaluations=0)
    assert "held-out pairs" in unchecked(diagnosed(tmp_path))["whether it learns the training pairs by heart"]


def curves(seed: int, rise: float, n: int, phi: float) -> tuple[Series, Series]:
    """A training loss that falls, and n evaluations of the same pairs: their noise is that of the weights, and correlated."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    held = 0.67 - 0.035 * np.minimum(t, 4) + rise * np.maximum(t - 4, 0) / (n - 5) + 0.02 * noise(rng, n, phi)
    steps = np.arange(1, 10 * n + 1.0)
    train = 0.66 * np.exp(-steps / 60) + 0.03 * rng.standard_normal(len(steps))
    return Series.of("rm.loss", steps, train, tag="loss"), Series.of(
        "eval/rm.loss", 10.0 * (t + 1), held, tag="eval_loss"
    )


def found_in(draws: int, rise: float, n: int, phi: float) -> int:
    return sum(rises_again(*curves(seed, rise, n, phi)).state == "established" for seed in range(draws))


def test_sixteen_evaluations_show_a_rise_of_a_quarter_nat():
    assert found_in(50, rise=0.25, n=16, phi=0.3) >= 45


@pytest.mark.parametrize("n", [12, 16, 24, 40])
def test_evaluations_that_wander_around_their_level_are_no_rise(n):
    """1 % is stated: 7 of 300 draws would be beyond its upper bound."""
    assert found_in(300, rise=0.0, n=n, phi=0.7) <= 7
