"""Records found in bulk are those that a plain loop finds, whatever the bytes are."""

from __future__ import annotations

import math
import random
import struct
from dataclasses import asdict
from typing import Any

import google_crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.eventfile import ahead, framing
from analysis.eventfile.checksums import SHORT, masked


def check(piece: bytes) -> int:
    return masked(google_crc32c.value(piece))


def record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", check(length)) + payload + struct.pack("<I", check(payload))


def header(data: bytes, at: int) -> int | None:
    """Length told by a sound header."""
    length, told = struct.unpack_from("<QI", data, at)
    return length if check(data[at : at + 8]) == told and length <= framing.LONGEST else None


def plain(data: bytes, written: float, lost: bool, growing: bool) -> dict[str, Any]:
    """The answer of `frames`, one record after the other."""
    starts, lengths, bad, gaps = [], [], [], []
    found: dict[str, Any] = {"starts": starts, "lengths": lengths, "bad": bad, "gaps": gaps}
    found |= {"end": 0, "need": 0, "lost": None, "waits": False}
    at = 0
    while True:
        found["end"] = at
        if not lost:
            if at + 12 > len(data):
                return found
            length = header(data, at)
        if lost or length is None:
            if not lost and at + 12 >= written:
                return found | {"waits": True}
            following = next((i for i in range(at, len(data) - 11) if any(data[i : i + 8]) and header(data, i)), None)
            if growing and not lost and (following is None or bytes(64) in data[at:following]):
                return found | {"waits": True}
            if following is None:
                return found | {"lost": at, "end": max(at, len(data) - 11)}
            gaps.append((at, following))
            at, lost = following, False
            continue
        behind = at + 12 + length + 4
        if behind > len(data):
            return found | {"need": behind - at}
        payload, told = data[at + 12 : behind - 4], struct.unpack_from("<I", data, behind - 4)[0]
        if check(payload) == told:
            starts.append(at + 12)
            lengths.append(length)
        elif behind > written or (growing and told == 0):
            return found | {"waits": True}
        else:
            bad.append((len(starts) + len(bad), at))
        at = behind


def told(data: bytes, written: float = math.inf, lost: bool = False, growing: bool = False) -> dict[str, Any]:
    found = asdict(framing.frames(data, written=written, lost=lost, growing=growing))
    return found | {"starts": found["starts"].tolist(), "lengths": found["lengths"].tolist()}


def payload(length: int, rng: random.Random) -> bytes:
    """Random bytes, zeros, a few numbers among zeros, or whole records within a record."""
    kind = rng.random()
    if kind < 0.6:
        return rng.randbytes(length)
    if kind < 0.7:
        return bytes(length)
    if kind < 0.9:
        return bytes(rng.choice((0, 0, 0, 1, 37, 255)) for _ in range(length))
    return (record(rng.randbytes(rng.randrange(1, 9))) * (length // 17 + 1))[:length]


short = st.integers(0, 60)
lengths = st.one_of(short, short, short, st.integers(0, SHORT + 10), st.integers(0, 2000))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    rng = random.Random(draw(st.integers(0, 2**32)))
    step = draw(st.lists(lengths, min_size=1, max_size=12))
    sizes = step * draw(st.integers(1, 20))
    if draw(st.booleans()):  # the step takes one more byte from here on
        at = draw(st.integers(0, len(sizes)))
        sizes = sizes[:at] + [n + 1 for n in sizes[at:]]
    sizes += draw(st.lists(lengths, max_size=40))
    data = bytearray(b"".join(record(payload(n, rng)) for n in sizes))
    places = st.integers(0, len(data) - 1)
    for at, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        data[at] = byte
    if draw(st.booleans()):
        at, hole = draw(places), draw(st.sampled_from([1, 8, 63, 64, 200]))
        data[at : at + hole] = bytes(len(data[at : at + hole]))
    if draw(st.booleans()):
        at, behind = draw(places), draw(places)
        data[at:behind] = b""
    if draw(st.booleans()):
        data = data[: draw(st.integers(0, len(data)))]
    return bytes(data) + bytes(draw(st.sampled_from([0, 0, 1, 12, 100, 3000])))


@settings(max_examples=400, deadline=None)
@given(st.data(), st.booleans(), st.booleans())
def test_any_bytes_are_read_as_one_by_one(data, lost, growing):
    file = data.draw(files())
    written = data.draw(st.sampled_from([math.inf, len(file.rstrip(b"\0")), data.draw(st.integers(0, len(file)))]))
    with pytest.MonkeyPatch.context() as patch:  # many looks in a file of a few kilobytes
        walk = data.draw(st.sampled_from([SHORT, 600]))
        patch.setattr(ahead, "WALK", walk)
        patch.setattr(framing, "WALK", walk)
        patch.setattr(ahead, "WINDOW", data.draw(st.sampled_from([20, 300, 2000, 1 << 19])))
        patch.setattr(ahead, "_FEW", 2)
        assert told(file, written, lost, growing) == plain(file, written, lost, growing)


def many(sizes: list[int]) -> list[bytes]:
    rng = random.Random(7)
    return [record(rng.randbytes(n)) for n in sizes]


@pytest.fixture
def walked(monkeypatch) -> list[int]:
    """Offsets of the headers that the loop reads itself."""
    seen: list[int] = []
    unpack = framing._length_of
    monkeypatch.setattr(framing, "_length_of", lambda data, at: seen.append(at) or unpack(data, at))
    return seen


STEPS = {
    "one length": [40] * 3000,
    "a period": [37, 38, 40, 37, 51] * 600,
    "no period": random.Random(3).choices(range(30, 200), k=3000),
    "a histogram at each step": ([40] * 30 + [900]) * 100,
}


@pytest.mark.parametrize("sizes", STEPS.values(), ids=STEPS)
def test_short_records_are_hardly_walked(sizes, walked):
    data = b"".join(many(sizes))
    found = told(data)
    assert found == plain(data, math.inf, False, False)
    assert len(walked) < 0.1 * len(sizes)


def test_long_records_are_not_looked_at(monkeypatch):
    looks = []
    monkeypatch.setattr(ahead, "_records", lambda *_: looks.append(1))
    data = b"".join(many([5000] * 100))
    assert len(told(data)["starts"]) == 100
    assert not looks


@pytest.mark.parametrize("offset", [0, 8, 12, 30, 52, 55])
def test_damage_in_a_stretch_stays_local(offset, walked):
    whole = many([40] * 3000)
    data = bytearray(b"".join(whole))
    data[1500 * 56 + offset] ^= 0x10
    found = told(bytes(data))
    assert found == plain(bytes(data), math.inf, False, False)
    assert len(found["starts"]) == 2999
    assert len(walked) < 200


@pytest.mark.parametrize("tail", [b"", bytes(1), bytes(30)], ids=["cut", "one zero", "zeros"])
@pytest.mark.parametrize("growing", [False, True])
def test_a_file_that_breaks_off_anywhere_in_a_record(tail, growing):
    whole = b"".join(many([40] * 200))
    for size in range(len(whole) - 2 * 56, len(whole) + 1):
        data = whole[:size] + tail
        written = len(data.rstrip(b"\0"))
        assert told(data, written, growing=growing) == plain(data, written, False, growing)


def test_a_stretch_of_no_use_is_asked_ever_less(monkeypatch):
    # each short record stands alone, so taking them in bulk saves nothing
    data, asked = b"".join(many([40, 260] * 4000)), []
    take = ahead.Ahead.take
    monkeypatch.setattr(ahead.Ahead, "take", lambda self, at: asked.append(at) or take(self, at))
    assert len(told(data)["starts"]) == 8000
    assert len(asked) < 10
