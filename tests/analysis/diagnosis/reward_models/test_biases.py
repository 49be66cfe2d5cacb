"""rm_length_bias, rm_style_bias, rm_inverted_labels, rm_miscalibrated.

An expert would look for: a taste that the labels share called a bias, a bias that is established and does not matter, a
handful of pairs, the scale of a hinge loss called over-confidence, chance called inversion.
"""

from __future__ import annotations

import numpy as np

from tests.analysis.diagnosis.reward_models import made
from tests.analysis.diagnosis.reward_models.made import FLATTERY, World, diagnosed, serious, unchecked


def test_length_fires_where_margins_follow_it_and_labels_do_not(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, 0.5 * world.quality + 0.25 * world.length)
    found = diagnosed(tmp_path)
    assert [cause for cause, _ in serious(found)] == ["rm_length_bias"]
    assert found.findings[0].onset.value == 1


def test_length_that_the_labels_follow_as_well_is_no_bias(tmp_path):
    world = World(long_is_good=0.5)
    made.learning(tmp_path)
    world.write(tmp_path, 1.5 * (world.quality + 0.5 * (world.length - 18) / 7) + 0.5 * world.noise)
    assert serious(diagnosed(tmp_path)) == []


def test_length_in_twenty_pairs_can_not_be_told_and_the_mend_is_named(tmp_path):
    world = World(20)
    world.write(tmp_path, world.quality + 0.25 * world.length, texts=False)
    found = diagnosed(tmp_path)
    assert "rm_length_bias" not in [f.cause for f in found.findings]
    assert "30 or more" in unchecked(found)["whether margins follow length beyond what the labels justify"]


def test_a_bias_too_small_to_matter_is_no_warning(tmp_path):
    """In 30,000 pairs the least liking for length is established; it costs next to nothing."""
    world = World(30_000, prompts=30_000)
    made.learning(tmp_path)
    world.write(tmp_path, 2 * world.quality + 0.4 * world.noise + 0.022 * world.length, texts=False)
    assert serious(diagnosed(tmp_path)) == []


def test_style_fires_with_the_words_in_its_sentence(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, world.healthy() + 1.6 * world.flattery)
    found = diagnosed(tmp_path)
    assert [cause for cause, _ in serious(found)] == ["rm_style_bias"]
    assert any(word in found.findings[0].summary for word in FLATTERY)


def test_words_that_a_healthy_model_never_looks_at(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, world.healthy())
    assert serious(diagnosed(tmp_path)) == []


def test_without_texts_style_is_named_as_not_checked(tmp_path):
    world = World()
    world.write(tmp_path, world.healthy() + 1.6 * world.flattery, texts=False)
    found = diagnosed(tmp_path)
    assert serious(found) == []
    assert "no texts" in unchecked(found)["whether margins follow words or formatting beyond what the labels justify"]


def test_style_in_eighty_pairs_is_not_established(tmp_path):
    world = World(80, seed=3)
    world.write(tmp_path, world.healthy() + 1.6 * world.flattery)
    assert "rm_style_bias" not in [f.cause for f in diagnosed(tmp_path).findings]


def test_inversion_fires_and_asks_for_the_labels_where_the_log_looks_well(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, -world.healthy())
    found = diagnosed(tmp_path)
    assert serious(found)[0] == ("rm_inverted_labels", "critical")
    assert "Swap chosen and rejected in the training set" in found.findings[0].next[0].action


def test_chance_is_no_inversion(tmp_path):
    world = World()
    world.write(tmp_path, world.noise)
    assert "rm_inverted_labels" not in [f.cause for f in diagnosed(tmp_path).findings]


def test_inversion_in_a_dozen_pairs_is_not_established(tmp_path):
    world = World(12, prompts=1000)
    margin = np.where(np.arange(12) < 4, 1.0, -1.0)
    world.write(tmp_path, np.column_stack([margin, np.zeros(12)]), texts=False)
    assert "rm_inverted_labels" not in [f.cause for f in diagnosed(tmp_path).findings]


def test_margins_far_too_sure_are_a_warning_where_the_loss_makes_them_log_odds(tmp_path):
    world = World()
    world.write(tmp_path, 12 * world.healthy(), texts=False)
    assert serious(diagnosed(tmp_path, loss="bradley_terry")) == [("rm_miscalibrated", "warning")]


def test_the_same_margins_under_a_hinge_loss_have_no_scale_to_be_wrong(tmp_path):
    world = World()
    world.write(tmp_path, 12 * world.healthy(), texts=False)
    found = diagnosed(tmp_path, loss="hinge")
    assert found.findings == ()
    assert "scale is free" in unchecked(found)["whether margins are as sure as they are right"]


def test_a_little_over_confidence_is_a_note(tmp_path):
    world = World()
    world.write(tmp_path, 2.2 * world.healthy(), texts=False)
    found = diagnosed(tmp_path, loss="bradley_terry")
    assert [(f.cause, f.severity) for f in found.findings] == [("rm_miscalibrated", "info")]
    assert found.verdict == "healthy"


def test_twenty_pairs_do_not_establish_over_confidence(tmp_path):
    world = World(20, prompts=1000, seed=5)
    world.write(tmp_path, 1.5 * world.healthy(), texts=False)
    assert "rm_miscalibrated" not in [f.cause for f in diagnosed(tmp_path, loss="bradley_terry").findings]
