"""Accuracy by checkpoint and the pairs that turn over; every number here was counted by hand.

An expert would look for: a tie that counts as right, a pair that only one checkpoint scored counted as a flip, NaN
taken for wrong, a pair id that stands twice, equal ids in two data sets mixed up, an interval of n = 3 that claims
certainty, steps sorted as text, a net change of zero that hides equal losses and wins.
"""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.board import Board
from analysis.ranking.checkpoints import checkpoints, flips

NAN = float("nan")


def pairs(*rows: tuple[float, str, float, float], dataset: str = "d") -> pd.DataFrame:
    """Rows (step, pair, chosen, rejected)."""
    made = pd.DataFrame(rows, columns=["step", "pair_id", "chosen_score", "rejected_score"])
    return made.assign(dataset=dataset, prompt_id=made["pair_id"], category="c")


def told(table: pd.DataFrame, *columns: str) -> list[tuple]:
    return list(table[list(columns)].itertuples(index=False, name=None))


def test_flips_both_ways_are_counted_although_accuracy_stands_still():
    table = checkpoints(pairs((1, "a", 1, 0), (1, "b", 0, 1), (2, "a", 0, 1), (2, "b", 1, 0)))
    assert table["accuracy"].tolist() == [0.5, 0.5]
    assert told(table, "common", "lost", "won") == [(0, 0, 0), (2, 1, 1)]


def test_a_tie_is_not_right():
    table = checkpoints(pairs((1, "a", 1, 0), (2, "a", 1, 1), (3, "a", 2, 1)))
    assert table["accuracy"].tolist() == [1, 0, 1]
    assert told(table, "ties", "lost", "won") == [(0, 0, 0), (1, 1, 0), (0, 0, 1)]


def test_from_wrong_to_tied_is_no_flip():
    assert told(checkpoints(pairs((1, "a", 0, 1), (2, "a", 1, 1))), "lost", "won")[1] == (0, 0)


def test_only_pairs_that_both_checkpoints_ranked_can_flip():
    table = checkpoints(
        pairs((1, "a", 1, 0), (1, "b", 1, 0), (1, "n", 1, 0), (2, "a", 0, 1), (2, "c", 0, 1), (2, "n", NAN, 0))
    )
    assert told(table, "n", "missing", "common", "lost", "won") == [(3, 0, 0, 0, 0), (2, 1, 1, 1, 0)]


def test_an_infinite_score_ranks_nothing():
    table = checkpoints(pairs((1, "a", math.inf, 0), (1, "b", math.inf, math.inf), (2, "a", 0, 1)))
    assert told(table, "n", "missing", "common") == [(0, 2, 0), (1, 0, 0)]
    assert math.isnan(table["accuracy"][0])
    assert (table["low"][0], table["high"][0]) == (0, 1)


def test_the_first_of_repeated_rows_counts():
    table = checkpoints(pairs((1, "a", 1, 0), (1, "a", 0, 1), (2, "a", 1, 0)))
    assert told(table, "n", "accuracy", "lost", "won") == [(1, 1, 0, 0), (1, 1, 0, 0)]


def test_equal_ids_of_two_data_sets_are_two_pairs():
    both = pd.concat([pairs((1, "a", 1, 0), (2, "a", 1, 0)), pairs((1, "a", 0, 1), (2, "a", 1, 0), dataset="e")])
    assert told(checkpoints(both), "n", "common", "lost", "won") == [(2, 0, 0, 0), (2, 2, 0, 1)]


def test_the_interval_of_three_pairs_is_as_wide_as_wilsons():
    """Three of three: the lower end is n / (n + z^2) = 3 / 6.8415."""
    table = checkpoints(pairs((1, "a", 1, 0), (1, "b", 1, 0), (1, "c", 1, 0)))
    assert table["low"][0] == pytest.approx(0.43850, abs=1e-5)
    assert table["high"][0] == 1


def test_steps_are_in_the_order_of_training():
    table = checkpoints(pairs((1000, "a", 1, 0), (200, "a", 0, 1), (30, "a", 1, 0)))
    assert table["step"].tolist() == [30, 200, 1000]
    assert told(table, "lost", "won") == [(0, 0), (1, 0), (0, 1)]


def test_no_pairs_no_checkpoints():
    assert checkpoints(pairs()).empty
    assert flips(pairs(), 1, 2).empty


FLIPPED = pairs(
    (1, "little", 1, 0), (1, "far", 5, 0), (1, "tied", 2, 0), (1, "up", 0, 1), (1, "rose", 0, 4), (1, "same", 1, 0),
    (2, "little", 0, 1), (2, "far", 0, 5), (2, "tied", 1, 1), (2, "up", 1, 0), (2, "rose", 4, 0), (2, "same", 9, 0),
    (2, "new", 0, 1),
)  # fmt: skip


def test_lost_pairs_come_first_and_the_farthest_fall_on_top():
    table = flips(FLIPPED, 1, 2)
    assert told(table, "pair_id", "direction", "change") == [
        ("far", "lost", -10),
        ("little", "lost", -2),
        ("tied", "lost", -2),
        ("rose", "won", 8),
        ("up", "won", 2),
    ]
    assert told(table, "margin_before", "margin_after")[0] == (5, -5)


def test_flips_turn_round_with_the_checkpoints():
    there, back = flips(FLIPPED, 1, 2), flips(FLIPPED, 2, 1)
    assert set(there.loc[there["direction"] == "lost", "pair_id"]) == set(
        back.loc[back["direction"] == "won", "pair_id"]
    )


def test_a_checkpoint_that_is_not_there_has_no_flips():
    assert flips(FLIPPED, 1, 3).empty


def test_the_list_has_as_many_rows_as_the_counts_say():
    counted = checkpoints(FLIPPED).iloc[1]
    listed = flips(FLIPPED, 1, 2)["direction"].value_counts()
    assert (counted["lost"], counted["won"]) == (listed["lost"], listed["won"]) == (3, 2)


@pytest.mark.parametrize("steps", [(100, 200), ("step-100", "step-200")])
def test_checkpoints_of_a_score_file(tmp_path, steps):
    first, second = steps
    rows = FLIPPED.assign(step=FLIPPED["step"].map({1: first, 2: second})).drop(columns="dataset")
    (tmp_path / "rm").mkdir()
    rows.to_csv(tmp_path / "rm" / "scores.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        table = board.checkpoints("rm")
        assert told(table, "step", "n", "common", "lost", "won") == [(100, 6, 0, 0, 0), (200, 7, 6, 3, 2)]
        assert board.flips("rm", 100, 200)["pair_id"].tolist() == ["far", "little", "tied", "rose", "up"]
        assert board.checkpoints("rm", dataset="another").empty


def test_unlabelled_pairs_have_no_right_side(tmp_path):
    (tmp_path / "rm").mkdir()
    columns = {"step": [1, 2], "pair_id": ["a", "a"], "score_a": [1.0, 0.0], "score_b": [0.0, 1.0]}
    pd.DataFrame(columns).to_csv(tmp_path / "rm" / "scores.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert board.checkpoints("rm").empty
