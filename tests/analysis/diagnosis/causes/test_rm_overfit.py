"""rm_overfit. An expert would look for: a noisy or restarted curve taken for a rise, a rise without training going on, a log
without evaluations, an onset at the end instead of at the minimum, labels without signal called overfitting.
"""

from __future__ import annotations

import numpy as np

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import World, diagnosed, serious, unchecked


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
