"""The vocabulary as data: complete, short enough for an axis, and of one mind with itself."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from analysis.vocabulary import load
from analysis.vocabulary.axes import _FIELDS
from analysis.vocabulary.concepts import pattern
from analysis.vocabulary.trainers import named
from analysis.vocabulary.versions import window

CONCEPTS = load().concepts
NAMES = [name for concept in CONCEPTS.values() for name in concept.names]


@pytest.mark.parametrize("concept", CONCEPTS.values(), ids=CONCEPTS.keys())
def test_a_concept_fits_an_axis(concept):
    assert 0 < len(concept.label) <= 34
    assert len(concept.unit) <= 30
    assert concept.direction in {"higher", "lower", "none"}
    assert concept.meaning.endswith(".")
    assert set(concept.must_agree) <= {*_FIELDS, "split"}


def test_labels_tell_concepts_apart():
    labels = [c.label for c in CONCEPTS.values()]
    assert len(labels) == len(set(labels))


def test_kl_is_per_token_or_per_sequence_by_its_name_and_entropy_by_its_concept():
    assert CONCEPTS["kl.to_reference"].per is None
    assert CONCEPTS["entropy.token_mean"].per == "token"
    assert CONCEPTS["entropy.sequence_nll"].per == "sequence"
    assert CONCEPTS["rm.accuracy"].per == "pair"
    known = {"token", "sequence", "pair", "prompt", "group", "update", "batch", None}
    assert {c.per for c in CONCEPTS.values()} <= known


def test_the_facts_of_the_reference_are_there():
    assert len(CONCEPTS) >= 97
    assert len(NAMES) >= 692
    assert len({n.framework for n in NAMES}) >= 19
    vocabulary = load()
    assert (len(vocabulary.collisions), len(vocabulary.level_shifts), len(vocabulary.not_logged)) == (22, 24, 12)
    assert len(vocabulary.fingerprints) >= 39
    assert "openrlhf" in vocabulary.sink_prefixes
    assert sum(n.variant is not None for n in NAMES) >= 59


def test_every_name_is_found_by_its_own_pattern():
    for name in NAMES:
        filled = re.sub(r"\{([^}|]*)\|[^}]*\}", r"\1", name.tag)
        filled = re.sub(r"\{([^}]*)\}", r"\1", filled)
        assert pattern(name.tag).fullmatch(filled), name.tag


def test_every_version_window_can_be_read():
    for name in NAMES:
        if name.versions not in ("all", "any") and not name.versions.startswith("transformers"):
            low, high = window(name.versions)
            assert low <= high, name


def test_every_fingerprint_names_a_framework_and_a_trainer_that_exist():
    frameworks = {n.framework for n in NAMES}
    for mark in load().fingerprints:
        assert mark.framework in frameworks
        assert mark.trainer is None or named(mark.trainer), mark
        assert mark.versions is None or window(mark.versions), mark
        assert {rival[0] for rival in mark.rivals} <= frameworks


def test_generic_names_lead_to_concepts():
    assert set(load().generic.values()) <= set(CONCEPTS)


def test_loading_pulls_in_nothing_heavy():
    program = (
        "import sys; from analysis import vocabulary; vocabulary.load();"
        "print(*{'numpy', 'pandas', 'duckdb', 'torch', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
