"""rm_inverted_labels. An expert would look for: chance called inversion, a dozen pairs."""

from __future__ import annotations

import numpy as np

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import World, diagnosed, serious
from tests.analysis.diagnosis.worlds import left_open


def test_fires_and_asks_for_the_labels_where_the_log_looks_well(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, -world.healthy())
    found = diagnosed(tmp_path)
    assert serious(found)[0] == ("rm_inverted_labels", "critical")
    assert "Swap chosen and rejected in the training set" in found.findings[0].next[0].action


def test_look_alike_chance(tmp_path):
    world = World()
    world.write(tmp_path, world.noise)
    assert "rm_inverted_labels" not in [f.cause for f in diagnosed(tmp_path).findings]


def test_not_established_by_a_dozen_pairs(tmp_path):
    world = World(12, prompts=1000)
    margin = np.where(np.arange(12) < 4, 1.0, -1.0)
    world.write(tmp_path, np.column_stack([margin, np.zeros(12)]), texts=False)
    found = diagnosed(tmp_path)
    assert "rm_inverted_labels" not in [f.cause for f in found.findings]
    assert "neither side is shown to score higher" in left_open(found, "prefers the rejected side")
