"""rm_length_bias. An expert would look for: a taste for length that the labels share, a bias that is established and does not matter, a
handful of pairs.
"""

from __future__ import annotations

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import World, diagnosed, serious, unchecked


def test_fires_where_margins_follow_length_and_labels_do_not(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, 0.5 * world.quality + 0.25 * world.length)
    found = diagnosed(tmp_path)
    assert [cause for cause, _ in serious(found)] == ["rm_length_bias"]
    assert found.findings[0].onset.value == 1


def test_look_alike_length_that_the_labels_follow_as_well(tmp_path):
    world = World(long_is_good=0.5)
    made.learning(tmp_path)
    world.write(tmp_path, 1.5 * (world.quality + 0.5 * (world.length - 18) / 7) + 0.5 * world.noise)
    assert serious(diagnosed(tmp_path)) == []


def test_look_alike_a_bias_too_small_to_matter(tmp_path):
    """In 30,000 pairs the least liking for length is established; it costs next to nothing."""
    world = World(30_000, prompts=30_000)
    made.learning(tmp_path)
    world.write(tmp_path, 2 * world.quality + 0.4 * world.noise + 0.022 * world.length, texts=False)
    assert serious(diagnosed(tmp_path)) == []


def test_not_established_by_twenty_pairs_and_the_mend_is_named(tmp_path):
    world = World(20)
    world.write(tmp_path, world.quality + 0.25 * world.length, texts=False)
    found = diagnosed(tmp_path)
    assert "rm_length_bias" not in [f.cause for f in found.findings]
    assert "30 or more" in unchecked(found)["whether margins follow length beyond what the labels justify"]


def test_fires_on_a_liking_for_short_answers_that_labels_do_not_share(tmp_path):
    """It ranks below chance, but not because labels are inverted: its margin is length."""
    world = World(long_is_good=0.6)
    made.learning(tmp_path)
    world.write(tmp_path, -0.5 * world.length + 0.3 * world.noise)
    found = diagnosed(tmp_path)
    assert serious(found)[0] == ("rm_length_bias", "critical")
    assert "shorter" in found.findings[0].summary


def test_look_alike_inverted_labels_of_a_model_that_reads(tmp_path):
    world = World(long_is_good=0.6)
    made.learning(tmp_path)
    world.write(tmp_path, -1.2 * (world.quality + 0.6 * (world.length - 18) / 7) + 0.4 * world.noise)
    assert serious(diagnosed(tmp_path))[0] == ("rm_inverted_labels", "critical")


def test_fires_on_a_ruler_even_where_the_labels_like_length_a_little(tmp_path):
    """Nothing of its margin is beyond the labels, which are as right about length as it is; it can't read all the same."""
    world = World(long_is_good=0.15)
    made.learning(tmp_path)
    world.write(tmp_path, 0.4 * world.length + 0.3 * world.noise)
    found = diagnosed(tmp_path)
    assert serious(found)[0][0] == "rm_length_bias"
    assert "longer" in found.findings[0].summary


def test_look_alike_a_model_of_length_that_reads_as_well(tmp_path):
    """Three quarters of its margin are length; it ranks much better than length alone."""
    world = World(long_is_good=0.5)
    made.learning(tmp_path)
    world.write(tmp_path, world.quality + 1.8 * (world.length - 18) / 7 + 0.1 * world.noise)
    assert "rm_length_bias" not in [cause for cause, severity in serious(diagnosed(tmp_path)) if severity == "critical"]


def test_not_established_in_forty_pairs_whether_there_is_more_than_length(tmp_path):
    world = World(40, prompts=40, long_is_good=0.5)
    world.write(tmp_path, 0.14 * world.length + 0.3 * world.quality + 0.5 * world.noise, texts=False)
    assert "whether margins are more than length" in [u.check for u in diagnosed(tmp_path).undecided]
