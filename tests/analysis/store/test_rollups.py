"""Attempts, order and block summaries of points, against a plain loop over the rows.

An expert would look for: a restart that is split over two batches, equal steps taken for a restart, NaN in an
extreme, an infinity in a mean, a block that is cut by a batch, a series that has one point, steps that are
missing, interleaved series that borrow each other's last step.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.store import rollups
from analysis.store.rollups import LEVELS, Tails, place

NAN = float("nan")


def by_hand(rows: list[tuple[int, float, float]]) -> list[tuple[int, int, int, float, float]]:
    """(series, attempt, seq, step, value) in reading order, by the definition, one row at a time."""
    last: dict[int, float] = {}
    attempt: dict[int, int] = {}
    count: dict[int, int] = {}
    out = []
    for series, step, value in rows:
        if series in last and step < last[series]:
            attempt[series] += 1
            count[series] = 0
        attempt.setdefault(series, 0)
        number = count.get(series, 0)
        count[series] = number + 1
        last[series] = step
        step = number if np.isnan(step) else step
        out.append((series, attempt[series], number, step, value))
    return out


def placed(batches: list[list[tuple[int, float, float]]]) -> tuple[list[tuple], list[dict]]:
    tails = Tails()
    points, blocks = [], []
    for batch in batches:
        series, step, value = (np.array(column) for column in zip(*batch, strict=True))
        tails.grow(int(series.max()) + 1)
        p, b = place(series.astype(np.int32), step.astype(float), np.full(len(batch), NAN), value.astype(float), tails)
        points += [tuple(r[k] for k in ("series_id", "attempt", "seq", "step", "value")) for r in p.to_pylist()]
        blocks += b.to_pylist()
    return points, blocks


def same(a: list[tuple], b: list[tuple]) -> bool:
    return np.array_equal(
        np.array(sorted(a, key=lambda r: r[:3])), np.array(sorted(b, key=lambda r: r[:3])), equal_nan=True
    )


rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(st.integers(0, 12).map(float), st.just(NAN)),
        st.one_of(st.floats(-5, 5), st.sampled_from([NAN, np.inf, -np.inf, 1e308])),
    ),
    min_size=1,
    max_size=80,
)


@given(rows, st.integers(0, 80))
@settings(max_examples=150, deadline=None)
def test_points_are_those_of_a_plain_loop_wherever_the_batch_is_cut(data, cut):
    batches = [part for part in (data[:cut], data[cut:]) if part]
    points, _ = placed(batches)
    assert same(points, by_hand(data))


@given(rows, st.integers(0, 80))
@settings(max_examples=150, deadline=None)
def test_blocks_merge_to_the_extremes_counts_and_last_value_of_their_points(data, cut):
    points, blocks = placed([part for part in (data[:cut], data[cut:]) if part])
    for level in LEVELS:
        for series, attempt in {(p[0], p[1]) for p in points}:
            mine = [p for p in points if p[:2] == (series, attempt)]
            theirs = [b for b in blocks if (b["series_id"], b["attempt"], b["level"]) == (series, attempt, level)]
            finite = [p[4] for p in mine if np.isfinite(p[4])]
            assert sum(b["n"] for b in theirs) == len(mine)
            assert sum(b["nonfinite"] for b in theirs) == len(mine) - len(finite)
            lows = [b["low"] for b in theirs if b["low"] is not None]
            assert (min(lows) if lows else None) == (min(finite) if finite else None)
            last = max(theirs, key=lambda b: b["last_seq"])["last"]
            assert last == mine[-1][4] or (np.isnan(last) and np.isnan(mine[-1][4]))


def test_a_step_that_falls_back_begins_a_new_attempt_and_an_equal_step_does_not():
    points, _ = placed([[(0, 10.0, 1.0), (0, 20.0, 2.0), (0, 20.0, 3.0), (0, 10.0, 4.0)]])
    assert [p[1] for p in points] == [0, 0, 0, 1]


def test_interleaved_series_keep_their_own_steps():
    points, _ = placed([[(0, 100.0, 1.0), (1, 1.0, 1.0), (0, 200.0, 1.0), (1, 2.0, 1.0)]])
    assert {p[1] for p in points} == {0}


def test_a_million_points_are_placed_in_a_second_or_so():
    n = 1_000_000
    series = (np.arange(n) % 20).astype(np.int32)
    tails = Tails()
    tails.grow(20)
    points, blocks = place(series, np.arange(n) // 20.0, np.full(n, NAN), np.sin(np.arange(n)), tails)
    assert points.num_rows == n
    assert blocks.num_rows == sum(20 * int(np.ceil(50_000 / level)) for level in LEVELS)


def test_one_series_may_be_forgotten():
    tails = Tails()
    tails.grow(2)
    place(np.array([0, 1], np.int32), np.array([5.0, 7.0]), np.full(2, NAN), np.ones(2), tails)
    tails.forget([0])
    assert np.isnan(tails.step[0])
    assert tails.step[1] == 7.0


@pytest.mark.parametrize("level", rollups.LEVELS)
def test_levels_are_nested(level):
    assert level % rollups.LEVELS[0] == 0
