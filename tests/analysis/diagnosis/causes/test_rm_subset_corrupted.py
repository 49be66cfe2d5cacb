"""rm_subset_corrupted. An expert would look for: a hard category called corrupted, the weakest of several called at chance,
style findings that come from the category alone, a category of a dozen pairs.
"""

from __future__ import annotations

import numpy as np

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import World, diagnosed, serious, unchecked
from tests.analysis.diagnosis.worlds import left_open


def harmed(world: World) -> np.ndarray:
    return np.where((world.category == "safety")[:, None], world.noise, 1.6 * world.healthy())


def test_fires_alone_as_a_warning_that_leaves_open_whether_the_category_is_hard(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, harmed(world))
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_subset_corrupted", "warning")]
    assert "or the category hard" in found.findings[0].summary
    assert "no other reward model" in unchecked(found)["whether another reward model succeeds where it fails"]


def test_fires_as_critical_beside_another_model_that_succeeds_there(tmp_path):
    world = World()
    world.write(tmp_path, harmed(world))
    world.write(tmp_path, 1.6 * world.healthy(), name="other")
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_subset_corrupted", "critical")]
    assert "another model ranks the same pairs right" in found.findings[0].summary


def test_not_established_where_the_category_is_hard_for_both(tmp_path):
    world = World()
    world.write(tmp_path, harmed(world))
    world.write(tmp_path, harmed(world), name="other")
    found = diagnosed(tmp_path)
    assert serious(found) == [("rm_subset_corrupted", "warning")]
    assert any(e.state == "not_established" for e in found.findings[0].against)


def test_look_alike_categories_that_differ_by_chance_are_no_finding(tmp_path):
    world = World()
    world.write(tmp_path, 1.6 * world.healthy())
    assert serious(diagnosed(tmp_path)) == []


def test_not_established_by_a_dozen_pairs(tmp_path):
    world = World()
    world.category = np.where(np.arange(world.n) < 12, "safety", "chat")
    world.write(tmp_path, harmed(world))
    found = diagnosed(tmp_path)
    assert serious(found) == []
    told = left_open(found, "fails in one category")
    assert "12 pairs of safety" in told
    assert "neither chance nor better is shown" in told


def test_look_alike_words_of_the_harmed_category_are_not_told_as_a_style_as_well(tmp_path):
    """Flattery stands in the harmed category only, where every word looks over-used."""
    world = World(1500)
    world.flattery &= (world.category == "safety")[:, None]
    scores = harmed(world) + 1.5 * world.flattery
    world.write(tmp_path, scores)
    assert serious(diagnosed(tmp_path)) == [("rm_subset_corrupted", "warning")]
