"""CRC32C as TFRecord uses it: masked, of one piece of bytes or of thousands of short ones at once.

A CRC is affine: that of n bytes is that of n zero bytes, XOR what each byte that is not zero adds. What a byte adds
depends on its value and on how many bytes follow it, so one table for each place counted from the end holds them all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Checksums = npt.NDArray[np.uint32]

HEADER, FOOTER = 12, 4
"""Bytes of a record before its payload, the length and the checksum of that; and behind it, its checksum."""

SHORT = 255
"""Longest piece that `of_pieces` takes."""

MASK = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78

crc: Callable[[bytes], int] = google_crc32c.value
"""CRC32C of a piece of bytes."""


def masked(checksum: int) -> int:
    """The mask that TFRecord puts on its checksums (tensorflow/core/lib/hash/crc32c.h)."""
    return ((checksum >> 15 | checksum << 17) + MASK) & 0xFFFFFFFF


def numbers(data: bytes, kind: str) -> npt.NDArray[Any]:
    """The number of a kind (`<u4`) that begins at each offset, aligned or not."""
    return np.ndarray((max(0, len(data) - np.dtype(kind).itemsize + 1),), kind, data, strides=(1,))


def of_pieces(data: Bytes, stops: Ints, lengths: Ints) -> Checksums:
    """The masked checksum of many pieces of `data`.

    Parameters
    ----------
    stops : offset behind the last byte of each piece; at least `SHORT`, as bytes before a short piece are touched
    lengths : bytes of each piece, 0 to `SHORT`
    """
    tables, zeros = _tables()
    count = len(stops)
    # longest first: the pieces that have a byte at some distance from their end are the first ones
    order = np.argsort((SHORT - lengths).astype(np.uint8), kind="stable")
    reaching = count - np.cumsum(np.bincount(lengths, minlength=1))
    longest = len(reaching) - 1
    ends = np.lib.stride_tricks.sliding_window_view(data, longest)[stops[order] - longest]
    found = zeros[lengths[order]]
    for distance, some in enumerate(reaching[:-1].tolist()):
        found[:some] ^= tables[distance].take(ends[:some, longest - 1 - distance])
    checksums = np.empty(count, np.uint32)
    checksums[order] = _masked_all(found)
    return checksums


def of_lengths(lengths: npt.NDArray[np.uint32]) -> Checksums:
    """The masked checksum of each length as a header holds it: in eight bytes, of which the upper four are zero."""
    tables, zeros = _tables()
    found = np.full(len(lengths), zeros[8])
    for byte in range(4):
        found ^= tables[7 - byte][lengths >> np.uint32(8 * byte) & np.uint32(0xFF)]
    return _masked_all(found)


def _masked_all(checksums: Checksums) -> Checksums:
    return (checksums >> np.uint32(15) | checksums << np.uint32(17)) + np.uint32(MASK)


@cache
def _tables() -> tuple[Checksums, Checksums]:
    """What a byte adds, by bytes that follow it and by value; and the CRC of zero bytes, by their number."""
    row = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        row = row >> np.uint32(1) ^ np.where(row & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    rows = [row]
    for _ in range(SHORT - 1):  # one more zero byte follows
        rows.append(rows[-1] >> np.uint32(8) ^ row[rows[-1] & 0xFF])
    zeros = [crc(bytes(length)) for length in range(SHORT + 1)]
    return np.array(rows), np.array(zeros, np.uint32)
