"""Numbers for tags: few or many, whether or not their hashes tell them apart."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.eventfile import scalars

TAGS = [b"train/loss", b"train/ppos", b"train/rewa", b"train/los\0", bytes(10), "l\u00f6ss/losss".encode()[:10]]


@pytest.fixture(params=["sorted", "by hash", "all of one hash"])
def way(request, monkeypatch) -> str:
    if request.param != "sorted":
        monkeypatch.setattr(scalars, "_MANY", 1)
    if request.param == "all of one hash":
        monkeypatch.setattr(scalars, "_MULTIPLIERS", np.zeros(64, np.uint64))
    return request.param


@pytest.mark.parametrize("width", [0, 1, 7, 8, 9, 10])
def test_tags_keep_their_numbers(way, width):
    names = [TAGS[i * i % len(TAGS)][:width] for i in range(100)]
    rows = np.frombuffer(b"".join(names), np.uint8).reshape(100, width)
    tags = {b"from another length": 0}
    codes = scalars._codes(rows, tags)
    assert codes.dtype == np.int32
    assert [list(tags)[code] for code in codes] == names
    assert sorted(tags.values()) == list(range(len(set(names)) + 1))
    assert scalars._codes(rows[::-1], tags).tolist() == codes[::-1].tolist()


def test_many_tags():
    names = [f"layer_{i % 700:03d}/weight_norm_of_something_long".encode() for i in range(2 * scalars._MANY)]
    rows = np.frombuffer(b"".join(names), np.uint8).reshape(len(names), -1)
    tags: dict[bytes, int] = {}
    codes = scalars._codes(rows, tags)
    assert [list(tags)[code] for code in codes] == names


def test_the_longest_tag_has_its_hash(way):
    rows = np.full((2, scalars.LONGEST), ord("x"), np.uint8)
    rows[1, -1] = ord("y")
    assert scalars._codes(rows, {}).tolist() in ([0, 1], [1, 0])
