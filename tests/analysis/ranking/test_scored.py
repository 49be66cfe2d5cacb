"""Scores as arrays: what of a table is taken, and what makes two rows the same pair.

An expert would look for: pairs nobody labelled that are counted, equal ids of two data sets merged, rows without an
id taken for one pair, a list that lost a candidate and is scored as if whole.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.ranking.accuracy import accuracy
from analysis.ranking.audit import audit
from analysis.ranking.scored import RankedLists, ScoredPairs

NAN = float("nan")


def frame(**columns) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    base = {"pair_id": [f"p{i}" for i in range(n)], "chosen_score": [1.0] * n, "rejected_score": [0.0] * n}
    return pd.DataFrame(base | columns)


def test_what_nobody_labelled_is_left_out():
    pairs = ScoredPairs.from_frame(frame(label_source=["", "unlabelled", "objective"]), "rm")
    assert pairs.keys.tolist() == ["p0", "p2"]


def test_equal_ids_of_two_data_sets_are_two_pairs():
    pairs = ScoredPairs.from_frame(frame(pair_id=["a", "a"], dataset=["d", "e"]), "rm")
    assert len(pairs.once()) == 2


def test_the_first_of_repeated_rows_counts():
    pairs = ScoredPairs.from_frame(frame(pair_id=["a", "b", "a"], chosen_score=[1.0, 2.0, 3.0]), "rm")
    assert pairs.once().chosen.tolist() == [1.0, 2.0]


def test_rows_without_an_id_are_nobodys_doubles():
    assert len(ScoredPairs.from_frame(frame(pair_id=[None, None, "a"]), "rm").once()) == 3


def test_margins_of_scores_that_are_not_finite_are_missing():
    pairs = ScoredPairs.from_frame(frame(chosen_score=[2.0, np.inf, NAN], rejected_score=[0.5, np.inf, 1.0]), "rm")
    assert pairs.margin[0] == 1.5
    assert np.isnan(pairs.margin[1:]).all()
    assert len(pairs.ranked()) == 1


def test_columns_that_are_not_there_are_not_known():
    pairs = ScoredPairs.from_frame(frame(chosen_score=[1.0]), "rm")
    assert (pairs.prompts[0], pairs.categories[0]) == (None, "")


def test_columns_of_unequal_length_are_refused():
    two = np.zeros(2)
    with pytest.raises(ValueError, match="differ in length"):
        ScoredPairs("rm", two.astype(object), two.astype(object), two.astype(object), two, np.zeros(3))


def test_a_list_that_lacks_a_score_is_another_list():
    table = pd.DataFrame({"prompt_id": list("aabb"), "score": [1.0, 2.0, NAN, 0.0], "label": [1, 0, 1, 0.0]})
    lists = RankedLists.from_frame(table, "rm")
    assert lists.whole().prompts.tolist() == ["a", "a"]
    assert lists.codes()[1] == 2


def test_a_sample_is_of_whole_prompts_and_of_about_the_size_asked_for():
    prompts = [f"q{i // 4}" for i in range(400)]
    pairs = ScoredPairs.from_frame(frame(prompt_id=prompts, chosen_score=[1.0] * 400), "rm")
    rows = pairs.some(100, np.random.default_rng(0))
    assert len(rows) == 100
    assert (np.unique(rows // 4, return_counts=True)[1] == 4).all()
    assert rows.tolist() != list(range(100))


def test_few_pairs_are_all_taken():
    pairs = ScoredPairs.from_frame(frame(pair_id=["a", "b"]), "rm")
    assert pairs.some(2, np.random.default_rng(0)).tolist() == [0, 1]


def test_numbers_in_place_of_ids_change_nothing_that_is_counted():
    ids, prompts = ["a", None, "b", "a", None], ["q", "q", None, "q", None]
    pairs = ScoredPairs.from_frame(frame(pair_id=ids, prompt_id=prompts, chosen_score=[1.0, -1, 2, 1, -3]), "rm")
    numbered = pairs.numbered()
    assert numbered.first().tolist() == pairs.first().tolist() == [True, True, True, False, True]
    assert audit(numbered) == audit(pairs)
    assert accuracy(numbered.chosen, numbered.rejected, numbered.prompts) == accuracy(
        pairs.chosen, pairs.rejected, pairs.prompts
    )
