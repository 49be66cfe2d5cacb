"""rm_label_noise. An expert would look for: a weak model called noise, pairs that any rule ranks, a dozen pairs that decide,
a run that has only begun, a model that never moved.
"""

from __future__ import annotations

import numpy as np

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import World, diagnosed, serious, unchecked
from tests.analysis.diagnosis.worlds import left_open

CHECK = "whether it ranks pairs better than chance and trivial rules"


def test_fires_where_training_and_held_out_pairs_agree(tmp_path):
    world = World()
    made.of_noise(tmp_path)
    world.write(tmp_path, 0.2 * world.noise + 0.01 * world.quality)
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_label_noise", "critical")]
    assert {"pairs_near_chance", "training_near_chance"} <= set(found.findings[0].symptoms)


def test_fires_on_scores_alone_as_a_warning(tmp_path):
    world = World()
    world.write(tmp_path, world.noise)
    assert serious(diagnosed(tmp_path)) == [("rm_label_noise", "warning")]


def test_look_alike_a_weak_model_that_reads_is_none(tmp_path):
    world = World(2000)
    made.learning(tmp_path)
    world.write(tmp_path, 0.3 * (0.45 * world.quality + world.noise))
    assert serious(diagnosed(tmp_path)) == []


def test_not_established_by_pairs_that_a_rule_ranks_without_reading(tmp_path):
    """Longer answers are right in nine of ten pairs: to rank as well as that rule proves no fault of the model."""
    world = World(long_is_good=4.0)
    world.write(tmp_path, 1.2 * (world.quality + 4 * (world.length - 18) / 7) / 2, texts=False)
    found = diagnosed(tmp_path)
    assert "rm_label_noise" not in [f.cause for f in found.findings]
    assert "without reading" in unchecked(found)[CHECK]


def test_not_established_by_forty_pairs(tmp_path):
    world = World(40)
    world.write(tmp_path, world.noise)
    found = diagnosed(tmp_path)
    assert "rm_label_noise" not in [f.cause for f in found.findings]
    assert "not shown to be better than" in left_open(found, CHECK)


def test_not_established_by_three_pairs(tmp_path):
    world = World(3, prompts=1000)
    world.write(tmp_path, world.noise)
    found = diagnosed(tmp_path)
    assert serious(found) == []
    assert "6 or more are needed" in unchecked(found)[CHECK]


def test_not_established_in_a_run_that_has_only_begun(tmp_path):
    made.log(tmp_path, lambda t: 0.69, lambda t: 0.69 - 0.01 * t, lambda t: 0.5, lambda t: 0.5, rows=20, evaluations=4)
    found = diagnosed(tmp_path)
    assert "rm_label_noise" not in [f.cause for f in found.findings]
    assert "20 rows; 40 or more" in left_open(found, "training pairs can be learned")


def test_look_alike_a_model_that_never_moved_has_another_fault(tmp_path):
    world = World()
    made.log(tmp_path, lambda t: 0.7, lambda t: 0.7, lambda t: 0.5, lambda t: 0.5)
    world.write(tmp_path, world.noise)
    assert [cause for cause, _ in serious(diagnosed(tmp_path))] == ["rm_no_learning"]


def test_look_alike_equal_scores_of_all_pairs_are_no_learning(tmp_path):
    world = World(200)
    world.write(tmp_path, np.zeros((200, 2)))
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_no_learning", "critical")]
    assert "same score" in found.findings[0].summary


def test_fires_where_what_was_learned_of_noise_happens_to_point_the_wrong_way(tmp_path):
    """Training pairs can't be learned: held-out ranks below chance are a direction drawn at random, no inversion."""
    world = World()
    made.log(tmp_path, lambda t: 0.693, lambda t: 0.69 + 0.01 * np.sin(20 * t), lambda t: 0.5, lambda t: 0.5)
    world.write(tmp_path, 0.05 * (-0.4 * world.quality + world.noise))
    assert serious(diagnosed(tmp_path))[0] == ("rm_label_noise", "critical")
