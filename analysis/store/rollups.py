"""Attempts, order and rollups of new points: pure array work, no SQL.

A chart of a million points reads a few hundred block summaries instead; extremes are kept, and what is not
finite is counted beside them, since DuckDB's `max` returns NaN if one is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LEVELS = (16, 256, 4096)
"""Points a block, in steps of 16, so that some level has between 3 and 50 blocks for each of 1,200 drawn buckets:
256 for a million points. 16 gives the sparkline of a thousand points its 62 values; all levels together add
7 % to the rows."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

POINTS = pa.schema(
    [
        ("series_id", pa.int32()),
        ("attempt", pa.int32()),
        ("seq", pa.int64()),
        ("step", pa.float64()),
        ("wall_time", pa.float64()),
        ("value", pa.float64()),
    ]
)

ROLLUPS = pa.schema(
    [
        ("series_id", pa.int32()),
        ("attempt", pa.int32()),
        ("level", pa.int32()),
        ("block", pa.int64()),
        ("last_seq", pa.int64()),
        *[(name, pa.float64()) for name in ("first_step", "last_step", "first_time", "last_time")],
        *[(name, pa.float64()) for name in ("low", "high", "total", "last")],
        ("n", pa.int64()),
        ("nonfinite", pa.int64()),
    ]
)


@dataclass
class Tails:
    """Where each series ends: attempt, points in that attempt, last step, last wall time, total points."""

    attempt: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    length: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    step: Floats = field(default_factory=lambda: np.zeros(0))
    time: Floats = field(default_factory=lambda: np.zeros(0))

    def grow(self, size: int) -> None:
        """Make room for series ids below `size`; new series have no points and no last step (NaN)."""
        missing = size - len(self.attempt)
        if missing > 0:
            self.attempt = np.concatenate([self.attempt, np.zeros(missing, np.int64)])
            self.length = np.concatenate([self.length, np.zeros(missing, np.int64)])
            self.step = np.concatenate([self.step, np.full(missing, np.nan)])
            self.time = np.concatenate([self.time, np.full(missing, np.nan)])

    def copy(self) -> Tails:
        return Tails(self.attempt.copy(), self.length.copy(), self.step.copy(), self.time.copy())

    def forget(self, series: list[int]) -> None:
        """The points of these series are gone."""
        self.attempt[series], self.length[series] = 0, 0
        self.step[series], self.time[series] = np.nan, np.nan


def place(
    series: npt.NDArray[np.int32], step: Floats, wall_time: Floats, value: Floats, tails: Tails
) -> tuple[pa.Table, pa.Table]:
    """Sort new points by series, give them attempt and order, and sum them up in blocks.

    Parameters
    ----------
    series, step, wall_time, value : arrays of one length, in the order of the log; a NaN step (none logged)
        becomes the point's number in its attempt, and says nothing about restarts
    tails : ends of the series before these points; moved on in place

    Returns
    -------
    Tables with the columns of `POINTS` and `ROLLUPS`. A new attempt begins where the step falls below the
    one before it; equal steps stay in one attempt.
    """
    order = np.argsort(series, kind="stable")
    sid, step, wall_time, value = series[order], step[order], wall_time[order], value[order]
    n = len(sid)
    starts = np.flatnonzero(np.r_[True, sid[1:] != sid[:-1]])
    heads = sid[starts]
    before = np.empty(n)
    before[1:] = step[:-1]
    before[starts] = tails.step[heads]
    fell = step < before
    attempt: Ints = np.cumsum(fell)
    group = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, n]))
    attempt += (tails.attempt[heads] - attempt[starts] + fell[starts])[group]

    # a stretch is a run of points of one series in one attempt
    stretch_starts = np.flatnonzero(np.r_[True, (sid[1:] != sid[:-1]) | fell[1:]])
    stretch_lengths = np.diff(np.r_[stretch_starts, n])
    seq = np.arange(n) - np.repeat(stretch_starts, stretch_lengths)
    carried = np.zeros(len(stretch_starts), np.int64)
    first = np.searchsorted(stretch_starts, starts)
    carried[first] = np.where(fell[starts], 0, tails.length[heads])
    seq = seq + np.repeat(carried, stretch_lengths)
    logged = step
    step = np.where(np.isnan(step), seq, step)

    ends = np.r_[starts[1:], n] - 1
    tails.attempt[heads], tails.length[heads] = attempt[ends], seq[ends] + 1
    tails.step[heads] = logged[ends]
    tails.time[heads] = np.where(np.isnan(wall_time[ends]), tails.time[heads], wall_time[ends])

    columns = [sid, attempt.astype(np.int32), seq, step, _nullable(wall_time), value]
    points = pa.Table.from_arrays([pa.array(c) for c in columns], schema=POINTS)
    blocks = [_blocks(level, sid, attempt, seq, step, wall_time, value) for level in LEVELS]
    return points, pa.concat_tables(blocks)


def _blocks(
    level: int,
    sid: npt.NDArray[np.int32],
    attempt: Ints,
    seq: Ints,
    step: Floats,
    time: Floats,
    value: Floats,
) -> pa.Table:
    block = seq // level
    changed = (sid[1:] != sid[:-1]) | (attempt[1:] != attempt[:-1]) | (block[1:] != block[:-1])
    starts = np.flatnonzero(np.r_[True, changed])
    ends = np.r_[starts[1:], len(sid)] - 1
    finite = np.isfinite(value)
    low = np.minimum.reduceat(np.where(finite, value, np.inf), starts)
    high = np.maximum.reduceat(np.where(finite, value, -np.inf), starts)
    with np.errstate(over="ignore"):  # values near 1e308 sum to an infinity, which is then their mean
        total = np.add.reduceat(np.where(finite, value, 0.0), starts)
    n = np.diff(np.r_[starts, len(sid)])
    bad = n - np.add.reduceat(finite.astype(np.int64), starts)
    none = bad == n
    columns = [
        sid[starts],
        attempt[starts].astype(np.int32),
        np.full(len(starts), level, np.int32),
        block[starts],
        seq[ends],
        step[starts],
        step[ends],
        _nullable(time[starts]),
        _nullable(time[ends]),
        pa.array(low, mask=none),
        pa.array(high, mask=none),
        pa.array(total, mask=none),
        value[ends],
        n,
        bad,
    ]
    return pa.Table.from_arrays([c if isinstance(c, pa.Array) else pa.array(c) for c in columns], schema=ROLLUPS)


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
