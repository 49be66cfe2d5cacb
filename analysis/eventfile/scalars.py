"""Decode scalar events by columns: thousands of records at once.

A writer repeats one layout, so records of equal length differ only in the bytes of a few numbers and of the tag.
The layout is taken from one record, and every other byte of the others is compared with it: equal bytes there mean
that a parser would find the same fields at the same places. A record that deviates is left to the general decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.eventfile.wire import BYTES, FIXED32, FIXED64, VARINT, fields

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

LONGEST = 512
"""Payloads above this are left to the general decoder: a scalar with a tag of more than 450 characters is rare."""

LAYOUTS = 16
"""Layouts tried for each length of record: the step's bytes make up to 11, two writers in one file double a few."""

_STRIDE = 7919
"""A prime: steps over any number of records without meeting a period of the log."""

_MULTIPLIERS = np.cumprod(np.full(LONGEST // 8, 0x9E3779B97F4A7C15, np.uint64))
"""Odd numbers, one for every eight bytes of a tag; the upper bits of the sum of products are its hash."""

_MANY = 1 << 14
"""Names from which on hashing, which has to fill a table first, is quicker than sorting."""


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


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the changing bytes of a scalar event lie: (offset, bytes). A step of 0 has no bytes (proto3)."""

    time: int
    step: tuple[int, int]
    tag: tuple[int, int]
    value: tuple[int, int]


_Part = tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.float64], Ints, npt.NDArray[np.float64]]


def decode(block: bytes, start: Ints, length: Ints) -> Decoded:
    """Decode all records of a common layout; the others are returned by their index."""
    data = np.frombuffer(block, np.uint8)
    tags: dict[bytes, int] = {}
    count = len(start)
    tag, step = np.zeros(count, np.int32), np.zeros(count, np.int64)
    wall_time, value = np.zeros(count), np.zeros(count)
    rest = np.ones(count, bool)
    by_length = np.argsort(np.minimum(length, LONGEST + 1).astype(np.uint16), kind="stable")
    bounds = np.flatnonzero(np.diff(np.minimum(length, LONGEST + 1)[by_length])) + 1
    for rows in np.split(by_length, bounds):
        if len(rows) and 0 < (size := int(length[rows[0]])) <= LONGEST:
            records = np.lib.stride_tricks.sliding_window_view(data, size)[start[rows]]
            for part, codes, times, steps, numbers in _same_length(records, tags):
                where = rows[part]
                tag[where], wall_time[where], step[where], value[where] = codes, times, steps, numbers
                rest[where] = False
    index = np.flatnonzero(~rest)
    names = [name.decode("utf-8", errors="replace") for name in tags]
    return Decoded(index, tag[index], names, wall_time[index], step[index], value[index], np.flatnonzero(rest))


def _same_length(records: Bytes, tags: dict[bytes, int]) -> Iterator[_Part]:
    """Scalars among records of one length, layout by layout."""
    left = np.arange(len(records))
    for attempt in range(LAYOUTS):
        if not len(left):
            return
        # anywhere among them: many texts may come before the first scalar of this length
        pick = attempt * _STRIDE % len(left)
        example = records[left[pick]]
        layout = layout_of(example.tobytes())
        if layout is None:
            left = np.delete(left, pick)
            continue
        mine = records if len(left) == len(records) else records[left]
        fits = _fits(mine, example, layout)
        if not fits.all():
            mine = mine[fits]
        yield left[fits], *_columns(mine, layout, tags)
        left = left[~fits]


def _fits(records: Bytes, example: Bytes, layout: Layout) -> npt.NDArray[np.bool_]:
    """Which records have the structure of the example, byte by byte."""
    fixed = np.ones(len(example), bool)
    for at, width in ((layout.time, 8), layout.step, layout.tag, layout.value):
        fixed[at : at + width] = False
    fits = np.ones(len(records), bool)
    for place in np.flatnonzero(fixed):
        fits &= records[:, place] == example[place]
    first, width = layout.step
    for i in range(first, first + width):  # the same number of bytes: the same ones say that more follow
        fits &= (records[:, i] ^ example[i]) < 0x80
    return fits


def _columns(
    records: Bytes, layout: Layout, tags: dict[bytes, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], Ints, npt.NDArray[np.float64]]:
    wall_time = _numbers(records, layout.time, 8)
    at, width = layout.step
    step = np.zeros(len(records), np.uint64)
    for i in range(width):
        step |= (records[:, at + i].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * i)
    value = _numbers(records, *layout.value)
    at, width = layout.tag
    return _codes(records[:, at : at + width], tags), wall_time, step.astype(np.int64), value


def _numbers(records: Bytes, at: int, width: int) -> npt.NDArray[np.float64]:
    raw = np.ascontiguousarray(records[:, at : at + width]).view(f"<f{width}").ravel()
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return raw.astype(np.float64)


def _codes(names: Bytes, tags: dict[bytes, int]) -> npt.NDArray[np.int32]:
    """A number for each name; `tags` grows by new ones."""
    if not names.shape[1]:
        return np.full(len(names), tags.setdefault(b"", len(tags)), np.int32)
    examples, group = (_hashed(names) if len(names) >= _MANY else None) or _sorted(names)
    codes = [tags.setdefault(names[i].tobytes(), len(tags)) for i in examples]
    return np.array(codes, np.int32)[group]


def _sorted(names: Bytes) -> tuple[Ints, Ints]:
    """Where an example of each distinct name lies, and of which one each name is."""
    whole = np.ascontiguousarray(names).view(f"V{names.shape[1]}").ravel()
    _, examples, group = np.unique(whole, return_index=True, return_inverse=True)
    return examples, group


def _hashed(names: Bytes) -> tuple[Ints, Ints] | None:
    """The same without sorting, in a third of the time; None if two distinct names have one hash."""
    count, width = names.shape
    words = np.zeros((count, -(-width // 8)), np.uint64)
    words.view(np.uint8)[:, :width] = names
    hashes = (words @ _MULTIPLIERS[: words.shape[1]] >> np.uint64(48)).astype(np.int64)
    example = np.full(1 << 16, -1)
    example[hashes] = np.arange(count)
    if (words != words[example[hashes]]).any():
        return None
    used = example >= 0
    return example[used], (np.cumsum(used) - 1)[hashes]


def layout_of(record: bytes) -> Layout | None:
    """The layout of one scalar event; None if it is anything else, or has anything twice."""
    event = _once(record, 0, len(record))
    if event is None or event.keys() - {1, 2, 5} or not event.keys() >= {1, 5}:
        return None
    time, step, summary = event[1], event.get(2, (VARINT, 0, 0)), event[5]
    if (time[0], step[0], summary[0]) != (FIXED64, VARINT, BYTES):
        return None
    values = _once(record, *summary[1:])
    if values is None or list(values) != [1] or values[1][0] != BYTES:
        return None
    value = _once(record, *values[1][1:])
    if value is None or 1 not in value or value[1][0] != BYTES:
        return None
    number = _number(record, value)
    if number is None:
        return None
    return Layout(time[1], (step[1], step[2] - step[1]), (value[1][1], value[1][2] - value[1][1]), number)


def _number(record: bytes, value: dict[int, tuple[int, int, int]]) -> tuple[int, int] | None:
    """Where the number of a value lies: `simple_value`, or the tensor of plugin `scalars` in float or double."""
    if value.keys() <= {1, 2, 9} and 2 in value:
        return (value[2][1], 4) if value[2][0] == FIXED32 else None
    if value.keys() != {1, 8, 9} or (value[8][0], value[9][0]) != (BYTES, BYTES):
        return None
    if b"\x0a\x07scalars" not in record[value[9][1] : value[9][2]]:  # PluginData.plugin_name
        return None
    tensor = _once(record, *value[8][1:])
    if tensor is None or tensor.keys() - {1, 2, 4, 5, 6} or len(tensor.keys() & {4, 5, 6}) != 1 or 1 not in tensor:
        return None
    width = {b"\x01": 4, b"\x02": 8}.get(record[tensor[1][1] : tensor[1][2]])  # DT_FLOAT, DT_DOUBLE
    field = next(iter(tensor.keys() & {4, 5, 6}))
    kind, at, end = tensor[field]
    if width is None or end - at != width or field == (6 if width == 4 else 5):
        return None
    if 2 in tensor and tensor[2][1] != tensor[2][2]:  # TensorShape with dimensions
        return None
    return (at, width) if kind in (BYTES, FIXED32, FIXED64) else None


def _once(record: bytes, at: int, end: int) -> dict[int, tuple[int, int, int]] | None:
    """Field number -> (wire type, first byte, behind the last), None if broken or a field comes twice."""
    found: dict[int, tuple[int, int, int]] = {}
    try:
        for number, kind, first, behind in fields(record, at, end):
            if number in found:
                return None
            found[number] = (kind, first, behind)
    except (ValueError, IndexError):
        return None
    return found
