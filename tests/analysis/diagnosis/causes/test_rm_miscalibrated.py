"""rm_miscalibrated. An expert would look for: the scale of a hinge loss called over-confidence, twenty pairs."""

from __future__ import annotations

from tests.analysis.diagnosis.made import World, diagnosed, serious, unchecked
from tests.analysis.diagnosis.worlds import left_open


def test_fires_where_the_loss_makes_margins_log_odds(tmp_path):
    world = World()
    world.write(tmp_path, 12 * world.healthy(), texts=False)
    assert serious(diagnosed(tmp_path, loss="bradley_terry")) == [("rm_miscalibrated", "warning")]


def test_fires_as_a_note_on_a_little_over_confidence(tmp_path):
    world = World()
    world.write(tmp_path, 2.2 * world.healthy(), texts=False)
    found = diagnosed(tmp_path, loss="bradley_terry")
    assert [(f.cause, f.severity) for f in found.findings] == [("rm_miscalibrated", "info")]
    assert found.verdict == "healthy"


def test_look_alike_the_same_margins_under_a_hinge_loss(tmp_path):
    world = World()
    world.write(tmp_path, 12 * world.healthy(), texts=False)
    found = diagnosed(tmp_path, loss="hinge")
    assert found.findings == ()
    assert "scale is free" in unchecked(found)["whether margins are as sure as they are right"]


def test_not_established_by_twenty_pairs(tmp_path):
    world = World(20, prompts=1000, seed=5)
    world.write(tmp_path, 1.5 * world.healthy(), texts=False)
    found = diagnosed(tmp_path, loss="bradley_terry")
    assert "rm_miscalibrated" not in [f.cause for f in found.findings]
    assert "whether they are too sure is open" in left_open(found, "as sure as they are right")
