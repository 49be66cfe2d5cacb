"""Short records ahead, thousands at once: what a loop over single records finds, where nothing is out of order.

The header of a short payload is one byte of length and seven zeros. numpy finds all such places of a window, those
whose two checksums match are records, and where each begins right behind the one before, a loop would have walked
from one to the next. Anything else is left to the loop.
"""

from __future__ import annotations

from array import array
from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.eventfile.checksums import FOOTER, HEADER, SHORT, Ints, numbers, of_lengths, of_pieces

WINDOW = 1 << 19
"""Bytes looked at together: enough records to pay for the calls, few enough for the processor's cache."""

WALK = 1 << 12
"""Bytes left to the loop before the first look, and after one that yielded little: then four times as many each time."""

_LONGEST_WALK = 1 << 22

_DENSE = 256
"""Bytes a record above which a look costs more than it saves."""

_FEW = 8
"""Records taken together that cost no less than one by one."""


class Ahead:
    """Takes records of a block many at a time, into the array that a loop fills one by one.

    data : the block
    starts : of int64, for the offsets of the payloads of whole, sound records
    """

    def __init__(self, data: bytes, starts: array[int]) -> None:
        self._data, self._starts, self._walk = data, starts, WALK
        self._looked = self._behind = self._records = 0
        self._begin = self._length = self._last = np.zeros(0, np.int64)

    def take(self, at: int) -> tuple[int, int]:
        """Take the sound short records that follow each other from offset `at` on, which is `WALK` at least.

        Returns
        -------
        The offset behind them, and the one from which on it is worth asking again.
        """
        if at >= self._behind:
            self._look(at)
        first = int(self._begin.searchsorted(at))
        stop = first
        if first < len(self._begin) and self._begin[first] == at:
            stop = int(self._last[self._last.searchsorted(first)]) + 1
            self._starts.frombytes((self._begin[first:stop] + HEADER).tobytes())
            at = int(self._begin[stop - 1] + self._length[stop - 1]) + HEADER + FOOTER
        if stop - first > _FEW:
            self._walk = WALK
            return at, at
        walk, self._walk = self._walk, min(4 * self._walk, _LONGEST_WALK)
        return at, at + walk

    def _look(self, at: int) -> None:
        """Find the records of the window at `at`, if those before it were dense enough."""
        records, span = len(self._starts) - self._records, at - self._looked
        self._records, self._looked, self._behind = len(self._starts), at, at
        self._begin = self._last = self._begin[:0]
        if records * _DENSE < span:
            return
        self._behind = at + WINDOW
        self._begin, self._length = _records(self._data, at)
        apart = self._begin[:-1] + self._length[:-1] + (HEADER + FOOTER) != self._begin[1:]
        self._last = np.append(np.flatnonzero(apart), len(self._begin) - 1)


def _records(data: bytes, at: int) -> tuple[Ints, Ints]:
    """Offset, and length of payload, of each whole, sound record of 1 to `SHORT` bytes that begins in a window."""
    every, words = np.frombuffer(data, np.uint8), numbers(data, "<u4")
    part = every[at : at + WINDOW + 7]
    zero = part == 0
    two = zero[:-1] & zero[1:]
    begin = np.flatnonzero(two[1:-5] & two[3:-3] & two[5:-1] & zero[7:] & ~zero[:-7]) + at
    length = every[begin].astype(np.int64)
    whole = begin + length <= len(data) - HEADER - FOOTER
    begin, length = begin[whole], length[whole]
    sound = words[begin + 8] == _checks()[length]
    begin, length = begin[sound], length[sound]
    stop = begin + HEADER + length
    sound = words[stop] == of_pieces(every, stop, length)
    return begin[sound], length[sound]


@cache
def _checks() -> npt.NDArray[np.uint32]:
    """The checksum in a header, for each length of payload up to `SHORT`."""
    return of_lengths(np.arange(SHORT + 1, dtype=np.uint32))
