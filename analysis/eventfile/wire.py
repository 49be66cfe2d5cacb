"""The protobuf wire format: where the fields of a message lie."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (number, wire type, first byte, behind the last byte of the content) of each field.

    Raises
    ------
    ValueError, IndexError
        If the bytes are no message.
    """
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == BYTES:
            size, at = _varint(data, at)
            behind = at + size
        elif kind == VARINT:
            behind = _varint(data, at)[1]
        elif kind in (FIXED64, FIXED32):
            behind = at + (8 if kind == FIXED64 else 4)
        else:
            raise ValueError(f"wire type {kind}")
        if behind > end:
            raise ValueError("a field ends outside its message")
        yield key >> 3, kind, at, behind
        at = behind


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:  # ten bytes hold 64 bits
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number of more than ten bytes")
