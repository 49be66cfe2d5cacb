"""An event file as a stream of blocks of whole records, from a known place to its present end."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from analysis.eventfile.framing import Frames, frames

BLOCK_BYTES = 1 << 23
"""Bytes decoded at once: some 200,000 scalars, so that memory stays flat and a batch is large enough."""

PIECE_BYTES = 1 << 20
"""Bytes read at once: what a gzip stream that is cut off loses at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading goes on.

    byte : offset in the (unpacked) file
    records : records before it, those with a wrong checksum included
    told : None, or `byte` lies in a gap without records, which was told up to this offset
    """

    byte: int = 0
    records: int = 0
    told: int | None = None

    @classmethod
    def of(cls, position: Mapping[str, Any] | None) -> Place:
        """From a position in the ledger."""
        said = position or {}
        return cls(int(said.get("byte", 0)), int(said.get("records", 0)), said.get("told"))

    def position(self) -> dict[str, Any]:
        """As plain JSON for the ledger."""
        return {"byte": self.byte, "records": self.records} | ({} if self.told is None else {"told": self.told})


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of one piece of the file.

    offset : of `data` in the file
    before : records of the file before this block
    gaps : (first byte, behind the last) in the file where no record was recognised
    place : where to go on behind this block
    ends : whether nothing more can be read for now
    cut : whether a gzip stream broke off here
    """

    data: bytes
    offset: int
    before: int
    frames: Frames
    gaps: tuple[tuple[int, int], ...]
    place: Place
    ends: bool
    cut: bool


def blocks(file: IO[bytes], place: Place, *, growing: bool) -> Iterator[Block]:
    """Yield blocks from `place` on; at least one, which may be empty.

    A gap that reaches the end of the file is told and passed over. Zeros at the end are no gap, but space that is
    reserved and not written: the place stays before them, as before any incomplete record.
    """
    written = _written(file, place.byte)
    file.seek(place.byte)
    rest, need, gap = b"", 0, place.told
    while True:
        want = max(BLOCK_BYTES, need) - len(rest)
        more, cut = _read(file, want)
        data, offset, before = rest + more, place.byte, place.records
        found = frames(data, written=written - offset, lost=gap is not None, growing=growing)
        count = before + len(found.starts) + len(found.bad)
        gaps = [(offset + first, offset + behind) for first, behind in found.gaps]
        if gap is not None and gaps:  # it began in an earlier block and ends in this one
            gaps[0] = (gap, gaps[0][1])
        if found.lost is None:
            gap = None
        elif gap is None or gaps:
            gap = offset + found.lost
        ends = len(more) < want or found.waits
        size = offset + len(data)
        if ends and gap is not None:
            gaps.append((gap, size))
            gap = size
        place = Place(offset + found.end, count, gap)
        told = tuple((first, behind) for first, behind in gaps if first < behind)
        yield Block(data, offset, before, found, told, place, ends, cut)
        if ends:
            return
        rest, need = data[found.end :], found.need


def _written(file: IO[bytes], floor: int) -> float:
    """Offset behind the last byte that is not zero; infinity for gzip, which is packed when it is written."""
    if isinstance(file, gzip.GzipFile):
        return math.inf
    end = file.seek(0, os.SEEK_END)
    while end > floor:
        begin = max(floor, end - PIECE_BYTES)
        file.seek(begin)
        piece = file.read(end - begin).rstrip(b"\0")
        if piece:
            return begin + len(piece)
        end = begin
    return end


def _read(file: IO[bytes], size: int) -> tuple[bytes, bool]:
    """Up to `size` bytes, and whether a gzip stream broke off; fewer bytes mean the end."""
    pieces: list[bytes] = []
    while size:
        try:
            piece = file.read(min(size, PIECE_BYTES))
        except (EOFError, zlib.error):  # and gzip.BadGzipFile, which is an OSError like a broken disk
            return b"".join(pieces), True
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces), False
