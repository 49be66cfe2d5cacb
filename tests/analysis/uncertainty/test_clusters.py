"""Clusters: which items share a prompt. An expert would look for missing ids that are lumped together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.uncertainty import cluster_codes, totals


def test_items_without_an_id_are_alone():
    codes, count = cluster_codes(["a", None, "b", "a", "", float("nan"), None])
    assert count == 6
    assert codes[0] == codes[3]
    assert len(set(codes.tolist())) == 6


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_any_kind_of_column(kind):
    codes, count = cluster_codes(kind([3, 1, 3, 2]))
    assert codes[0] == codes[2]
    assert (len({*codes.tolist()}), max(codes), count) == (3, 2, 3)


def test_nothing_is_no_cluster():
    codes, count = cluster_codes([])
    assert (len(codes), count) == (0, 0)


def test_totals_keep_empty_clusters():
    assert totals(np.array([0, 2, 0]), 4, [1.0, 5.0, 2.0]).tolist() == [3.0, 0.0, 5.0, 0.0]


@pytest.mark.parametrize("ids", [[7, 1, 7, 3, 1], [7_000_000, -1, 7_000_000, 5, -1]])
def test_whole_numbers_are_ids_too_however_far_apart_they_are(ids):
    codes, count = cluster_codes(np.array(ids))
    assert (codes.tolist(), count) == ([2, 0, 2, 1, 0], 3)


def test_no_number_at_all():
    codes, count = cluster_codes(np.zeros(0, np.int64))
    assert (len(codes), count) == (0, 0)
