"""Decode the common shape of a scalar event for thousands of records at once.

Writers repeat one layout: wall time, step, one summary value with tag and simple_value. Records of equal length
and equal structure differ only in numbers, so whole columns of bytes are read with numpy. Every structural byte is
verified; a record that deviates in any of them is left to the general decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_WALL_TIME, _STEP, _SUMMARY = 0x09, 0x10, 0x2A  # Event.wall_time (1, fixed64), .step (2, varint), .summary (5)
_VALUE, _TAG, _SIMPLE = 0x0A, 0x0A, 0x15  # Summary.value (1), Value.tag (1), Value.simple_value (2, fixed32)

SMALL = 127
"""Lengths up to here take one byte: an event with a tag of up to 118 characters."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Scalars of a block. `index` is the record's place among the block's frames; `rest` are the other records."""

    index: Ints
    tag: npt.NDArray[np.int32]
    tags: list[str]
    wall_time: npt.NDArray[np.float64]
    step: Ints
    value: npt.NDArray[np.float64]
    rest: Ints


def decode(block: bytes, starts: list[int], lengths: list[int]) -> Decoded:
    """Decode all records of the common shape; the others are returned by their index."""
    data = np.frombuffer(block, np.uint8)
    start, length = np.array(starts, np.int64), np.array(lengths, np.int64)
    parts: list[tuple[Ints, ...]] = []
    tags: dict[bytes, int] = {}
    done = np.zeros(len(start), bool)
    for size in np.unique(length):
        rows = np.flatnonzero(length == size)
        if size < 22:
            continue
        matrix = data[start[rows, None] + np.arange(size)]
        for taken, part in _same_length(matrix, int(size), tags):
            parts.append((rows[taken], *part))
            done[rows[taken]] = True
    index, tag, wall_time, step, value = (
        np.concatenate([p[i] for p in parts]) if parts else np.zeros(0) for i in range(5)
    )
    order = np.argsort(index, kind="stable")
    return Decoded(
        index[order].astype(np.int64),
        tag[order].astype(np.int32),
        [t.decode("utf-8", errors="replace") for t in tags],
        wall_time[order].astype(np.float64),
        step[order].astype(np.int64),
        value[order].astype(np.float64),
        np.flatnonzero(~done),
    )


def _same_length(matrix: Bytes, size: int, tags: dict[bytes, int]) -> list[tuple[Any, Any]]:
    """Records of one length, by where their summary begins (that depends on the step's bytes)."""
    found = []
    head = (matrix[:, 0] == _WALL_TIME) & (matrix[:, 9] == _STEP)
    more = np.ones(len(matrix), bool)
    for width in range(1, 11):  # bytes of the step's varint
        at = 10 + width
        if at + 8 > size:
            break
        ends = matrix[:, 9 + width] < 0x80
        ok = head & more & ends
        more &= ~ends
        _check(matrix, ok, at, size)
        if ok.any():
            rows = np.flatnonzero(ok)
            found.append((rows, _columns(matrix[rows], at, size, width, tags)))
    # a step of 0 is not written by proto3 writers: the summary follows the wall time
    ok = (matrix[:, 0] == _WALL_TIME) & (matrix[:, 9] == _SUMMARY)
    _check(matrix, ok, 9, size)
    if ok.any():
        rows = np.flatnonzero(ok)
        found.append((rows, _columns(matrix[rows], 9, size, 0, tags)))
    return found


def _check(matrix: Bytes, ok: npt.NDArray[np.bool_], at: int, size: int) -> None:
    """Verify in place: summary, value, tag and simple_value stand where their lengths say, and end the record."""
    rest = size - at - 2
    tag_length = rest - 2 - 2 - 5
    if not 0 < rest <= SMALL or tag_length < 1:
        ok[:] = False
        return
    ok &= (matrix[:, at] == _SUMMARY) & (matrix[:, at + 1] == rest)
    ok &= (matrix[:, at + 2] == _VALUE) & (matrix[:, at + 3] == rest - 2)
    ok &= (matrix[:, at + 4] == _TAG) & (matrix[:, at + 5] == tag_length)
    ok &= matrix[:, at + 6 + tag_length] == _SIMPLE


def _columns(matrix: Bytes, at: int, size: int, width: int, tags: dict[bytes, int]) -> tuple[Any, ...]:
    wall_time = np.ascontiguousarray(matrix[:, 1:9]).view("<f8").ravel()
    step = np.zeros(len(matrix), np.uint64)
    for i in range(width):
        step |= (matrix[:, 10 + i].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * i)
    value = np.ascontiguousarray(matrix[:, size - 4 : size]).view("<f4").ravel().astype(np.float64)
    names = np.ascontiguousarray(matrix[:, at + 6 : size - 5])
    whole = names.view(f"V{names.shape[1]}").ravel()
    unique, inverse = np.unique(whole, return_inverse=True)
    codes = np.array([tags.setdefault(name.tobytes(), len(tags)) for name in unique], np.int32)
    return codes[inverse], wall_time, step.astype(np.int64), value
