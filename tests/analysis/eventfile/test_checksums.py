"""Checksums of many pieces at once are those of google_crc32c."""

from __future__ import annotations

import random

import google_crc32c
import numpy as np
import pytest

from analysis.eventfile import checksums

FILL = {
    "random": random.Random(1).randbytes(4000),
    "zeros": bytes(4000),
    "ones": b"\xff" * 4000,
    "every value": bytes(range(256)) * 16,
}


def of_pieces(data: bytes, stops: list[int], lengths: list[int]) -> list[int]:
    found = checksums.of_pieces(np.frombuffer(data, np.uint8), np.array(stops, np.int64), np.array(lengths, np.int64))
    assert found.dtype == np.uint32
    return found.tolist()


def expected(data: bytes, stops: list[int], lengths: list[int]) -> list[int]:
    pieces = [data[stop - length : stop] for stop, length in zip(stops, lengths, strict=True)]
    return [checksums.masked(google_crc32c.value(piece)) for piece in pieces]


@pytest.mark.parametrize("data", FILL.values(), ids=FILL)
def test_pieces_of_every_length(data):
    lengths = list(range(checksums.SHORT + 1))
    stops = [len(data) - length for length in lengths]
    assert of_pieces(data, stops, lengths) == expected(data, stops, lengths)


@pytest.mark.parametrize("lengths", [[], [0], [0, 0], [1], [255], [37] * 50, [5, 0, 255, 5, 1]], ids=str)
def test_pieces_keep_their_order(lengths):
    data = FILL["random"]
    stops = [checksums.SHORT + 3 * i for i in range(len(lengths))]
    assert of_pieces(data, stops, lengths) == expected(data, stops, lengths)


def test_every_byte_at_every_distance_from_the_end():
    for distance in range(checksums.SHORT):
        data = b"".join(bytes([value]) + bytes(distance) for value in range(256))
        data = bytes(checksums.SHORT) + data
        stops = [checksums.SHORT + (distance + 1) * (value + 1) for value in range(256)]
        lengths = [distance + 1] * 256
        assert of_pieces(data, stops, lengths) == expected(data, stops, lengths)


def test_headers():
    lengths = [0, 1, 37, 255, 256, 65_535, 65_536, 1 << 24, 0xDEADBEEF, (1 << 32) - 1]
    found = checksums.of_lengths(np.array(lengths, np.uint32)).tolist()
    assert found == [checksums.masked(google_crc32c.value(n.to_bytes(8, "little"))) for n in lengths]


def test_numbers_at_each_offset():
    data = bytes(range(11))
    assert checksums.numbers(data, "<u4").tolist() == [int.from_bytes(data[i : i + 4], "little") for i in range(8)]
    assert [len(checksums.numbers(data[:n], "<i8")) for n in (0, 7, 8, 9)] == [0, 0, 1, 2]
