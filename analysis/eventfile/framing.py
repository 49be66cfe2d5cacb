"""TFRecord framing: length, its checksum, payload, its checksum; and how to go on behind damage.

uint64 length | uint32 masked crc32c of length | payload | uint32 masked crc32c of payload      (little endian)
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field

import numpy as np

from analysis.eventfile.ahead import WALK, Ahead
from analysis.eventfile.checksums import FOOTER, HEADER, MASK, Ints, crc, masked, numbers, of_lengths

LONGEST = 1 << 30
"""A header that tells more than 1 GiB is not searched for: chance is likelier than such a record."""

HOLE = 64
"""So many zero bytes in a damaged place of a growing file are taken for a page that is not written yet: files of
network and delayed writes have such holes for a moment. Scalars never hold so many."""

_SEARCHED = 1 << 20
"""Bytes searched at once for a header; numpy needs some 20 bytes of memory for each."""

_length_of = struct.Struct("<QI").unpack_from
_checksum_of = struct.Struct("<I").unpack_from


def sound(data: bytes, at: int = 0) -> int | None:
    """Length of the payload whose header lies at `at`, None if the header is cut off or damaged."""
    if at + HEADER > len(data):
        return None
    length, check = _length_of(data, at)
    return int(length) if masked(crc(data[at : at + 8])) == check else None


@dataclass
class Frames:
    """Records of one block; offsets count from the block's first byte.

    starts, lengths : where the payloads of whole, sound records lie
    bad : (records before it, offset) of records whose payload fails its checksum
    gaps : (first, behind the last) bytes in which no record was recognised
    end : bytes dealt with; what follows is not complete yet
    need : length of the whole incomplete record at `end`, 0 if that is not known
    lost : offset where a gap begins that reaches the end of the block, None if there is none
    waits : whether `end` lies before something that may still be written
    """

    starts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    bad: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    need: int = 0
    lost: int | None = None
    waits: bool = False


def frames(data: bytes, *, written: float, lost: bool = False, growing: bool = False) -> Frames:
    """Find the records of a block.

    Parameters
    ----------
    written : from here on there are only zeros up to the end of the file (infinity if that is not known). What
        does not match its checksum and reaches up to here is not damaged but not wholly written yet.
    lost : the block does not begin at a record, the first one must be searched for
    growing : somebody may be writing the file just now, so what looks like a hole is waited for
    """
    found = Frames()
    at = _after_gap(data, 0, found, growing=False) if lost else 0
    size = len(data)
    starts = array("q")
    ahead, ask = Ahead(data, starts), WALK
    known: dict[int, int] = {}
    while at is not None:
        if at >= ask:
            at, ask = ahead.take(at)
        found.end = at
        if at + HEADER > size:
            break
        length, check = _length_of(data, at)
        expected = known.get(length)  # few lengths occur, so most headers cost no checksum
        if expected is None:
            expected = known[length] = masked(crc(data[at : at + 8]))
        if expected != check or length > LONGEST:
            if at + HEADER >= written:
                found.waits = True
                break
            at = _after_gap(data, at, found, growing=growing)
            continue
        begin = at + HEADER
        stop = begin + length
        if stop + FOOTER > size:
            found.need = HEADER + length + FOOTER
            break
        check = _checksum_of(data, stop)[0]
        plain = crc(data[begin:stop])
        if (plain >> 15 | plain << 17) + MASK & 0xFFFFFFFF == check:  # `masked`, without the cost of a call
            starts.append(begin)
        elif stop + FOOTER > written or (growing and check == 0):
            found.waits = True  # the checksum is written last
            break
        else:
            found.bad.append((len(starts) + len(found.bad), at))
        at = stop + FOOTER
    found.starts = np.array(starts)
    found.lengths = numbers(data, "<i8")[found.starts - HEADER]
    return found


def _after_gap(data: bytes, at: int, found: Frames, *, growing: bool) -> int | None:
    """Offset of the next sound header, with the gap noted; None if there is none or the gap is to be waited for."""
    following = search(data, at)
    if growing and (following is None or bytes(HOLE) in data[at:following]):
        found.waits = True
        return None
    if following is None:
        found.lost = at
        found.end = max(at, len(data) - HEADER + 1)  # a header may begin in the last bytes
    else:
        found.gaps.append((at, following))
    return following


def search(data: bytes, at: int) -> int | None:
    """Offset of the first sound header at or behind `at`, None if there is none in these bytes."""
    for begin in range(at, len(data) - HEADER + 1, _SEARCHED):
        part = np.frombuffer(data, np.uint8, min(_SEARCHED + HEADER - 1, len(data) - begin), begin)
        # the upper half of a length below 4 GiB is four zero bytes
        zero = part == 0
        high = zero[4:-7] & zero[5:-6] & zero[6:-5] & zero[7:-4]
        place = np.flatnonzero(high & ~(zero[0:-11] & zero[1:-10] & zero[2:-9] & zero[3:-8]))
        columns = part[place[:, None] + np.arange(HEADER)]
        length, check = columns[:, :4].copy().view("<u4")[:, 0], columns[:, 8:].copy().view("<u4")[:, 0]
        hits = place[(of_lengths(length) == check) & (length <= LONGEST)]
        if len(hits):
            return begin + int(hits[0])
    return None
