"""rm_style_bias. An expert would look for: words that labels follow as well, pairs without texts, eighty pairs."""

from __future__ import annotations

from tests.analysis.diagnosis import made
from tests.analysis.diagnosis.made import FLATTERY, World, diagnosed, serious, unchecked
from tests.analysis.diagnosis.worlds import left_open


def test_fires_with_the_words_in_its_sentence(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, world.healthy() + 1.6 * world.flattery)
    found = diagnosed(tmp_path)
    assert [cause for cause, _ in serious(found)] == ["rm_style_bias"]
    assert any(word in found.findings[0].summary for word in FLATTERY)


def test_look_alike_words_that_a_healthy_model_never_looks_at(tmp_path):
    world = World()
    made.learning(tmp_path)
    world.write(tmp_path, world.healthy())
    assert serious(diagnosed(tmp_path)) == []


def test_not_established_without_texts(tmp_path):
    world = World()
    world.write(tmp_path, world.healthy() + 1.6 * world.flattery, texts=False)
    found = diagnosed(tmp_path)
    assert serious(found) == []
    assert "no texts" in unchecked(found)["whether margins follow words or formatting beyond what the labels justify"]


def test_not_established_by_eighty_pairs(tmp_path):
    world = World(80, seed=3)
    world.write(tmp_path, world.healthy() + 1.6 * world.flattery)
    found = diagnosed(tmp_path)
    assert "rm_style_bias" not in [f.cause for f in found.findings]
    told = left_open(found, "words or formatting")
    assert "80 pairs" in told
    assert "pairs in all would tell" in told
