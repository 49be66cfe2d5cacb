"""TFRecord framing: length, its checksum, payload, its checksum.

    uint64 length | uint32 masked crc32c of length | payload | uint32 masked crc32c of payload      (little endian)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import google_crc32c

HEADER, FOOTER = 12, 4

LONGEST = 1 << 30
"""A record of more than 1 GiB is not a record: the length is broken."""

_length_of = struct.Struct("<QI").unpack_from
_checksum_of = struct.Struct("<I").unpack_from
_crc = google_crc32c.value


def masked(crc: int) -> int:
    """The mask that TFRecord puts on its checksums (tensorflow/core/lib/hash/crc32c.h)."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@dataclass
class Frames:
    """Records of one block.

    starts, lengths : where the payloads of whole, sound records lie
    end : bytes consumed; what follows is not complete yet
    broken : (offset, bytes passed over, why) of what could not be read
    """

    starts: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    end: int = 0
    broken: list[tuple[int, int, str]] = field(default_factory=list)


def frames(block: bytes | memoryview, *, last: bool) -> Frames:
    """Find the records of a block that begins at a record.

    A record whose payload fails its checksum is passed over; where a length fails, the next sound header is
    searched for. An incomplete record at the end is left, whether or not this is the `last` block of the file.
    """
    found = Frames()
    data = bytes(block)
    size, at = len(data), 0
    starts, lengths = found.starts, found.lengths
    sound: dict[int, int] = {}
    while at + HEADER <= size:
        length, check = _length_of(data, at)
        expected = sound.get(length)
        if expected is None:
            expected = sound[length] = masked(_crc(data[at : at + 8]))
        if expected != check:
            skipped = _resynchronise(data, at)
            if skipped is None:
                if last and any(data[at:]):
                    found.broken.append((at, size - at, "the length of a record does not match its checksum"))
                    at = size
                break
            found.broken.append((at, skipped - at, "the length of a record does not match its checksum"))
            at = skipped
            continue
        stop = at + HEADER + length
        if stop + FOOTER > size:
            break
        if masked(_crc(data[at + HEADER : stop])) == _checksum_of(data, stop)[0]:
            starts.append(at + HEADER)
            lengths.append(length)
        else:
            found.broken.append((at, length + HEADER + FOOTER, "the checksum does not match"))
        at = stop + FOOTER
    found.end = at
    return found


def _resynchronise(data: bytes, at: int) -> int | None:
    """Offset of the next sound header after `at`, None if there is none in this block."""
    # the upper half of a length below 4 GiB is four zero bytes, eight bytes before the end of its checksum
    place = data.find(b"\0\0\0\0", at + 5)
    while place != -1:
        for start in (place - 4, place - 3, place - 2, place - 1):
            if start > at and start + HEADER <= len(data):
                length, check = _length_of(data, start)
                if 0 < length <= LONGEST and masked(_crc(data[start : start + 8])) == check:
                    return start
        place = data.find(b"\0\0\0\0", place + 1)
    return None
