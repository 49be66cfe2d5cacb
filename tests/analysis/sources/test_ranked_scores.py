"""Scores of one-to-many sets in tables."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.records import RankedScores
from analysis.sources.ranked_scores import score_of
from tests.analysis.sources.score_files import (
    chosen_source,
    read,
    survives_any_cut,
    two_reads,
    write_csv,
    write_jsonl,
)

LONG = [
    {"rm": "m", "problem_id": p, "candidate": c, "is_correct": int(c == 0), "score": p - c / 2, "generator": f"g{c}"}
    for p in range(2)
    for c in range(3)
]


def lists_of(rows):
    """Scores of each (scorer, prompt), the correct candidate (label 1) first."""
    sets = defaultdict(list)
    for r in rows:
        sets[r["scorer"], r["prompt_id"]].append((r["label"] != 1, r["score"]))
    return {key: [s for _, s in sorted(v, key=lambda pair: pair[0])] for key, v in sets.items()}


def top_one(rows):
    """Share of lists whose correct candidate is strictly above all others, by scorer, in percent."""
    wins = defaultdict(list)
    for (scorer, _), (right, *wrong) in lists_of(rows).items():
        wins[scorer].append(right > max(wrong))
    return {scorer: 100 * sum(v) / len(v) for scorer, v in wins.items()}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_one_row_a_candidate(tmp_path, form):
    path = tmp_path / f"a.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(LONG), path)
    else:
        (write_csv if form == "csv" else write_jsonl)(path, LONG)
    assert chosen_source(path) == ("ranked_scores", "scores")
    result = read(path)
    row = result.rows_of(RankedScores)[4]
    assert (row["scorer"], row["prompt_id"], row["candidate_id"]) == ("m", "1", "1")
    assert (row["score"], row["label"], row["row"]) == (0.5, 0.0, 4)
    assert json.loads(row["features"]) == {"generator": "g1"}
    assert result.rows == 6


def test_ranks_and_graded_labels(tmp_path):
    rows = [{"prompt_id": "q", "response_id": i, "reward": -i, "rank": i + 1, "relevance": 3 - i} for i in range(3)]
    rows_read = read(write_csv(tmp_path / "a.csv", rows)).rows_of(RankedScores)
    assert [(r["rank"], r["label"]) for r in rows_read] == [(1, 3), (2, 2), (3, 1)]


def test_samples_of_a_policy_in_training_are_no_lists(tmp_path):
    rows = [{"step": s, "prompt_id": "q", "completion_id": i, "reward": 0.5} for s in (1, 2) for i in range(3)]
    assert chosen_source(write_csv(tmp_path / "a.csv", rows))[0] == "rollouts"


def test_missing_prompt_ids_come_from_the_row_and_it_is_said(tmp_path):
    rows = [{"judge": "j", "row": r, "problem_id": p, "candidate": c, "rating": c}
            for r, p in ((0, 10), (1, "")) for c in range(2)]  # fmt: skip
    result = read(write_csv(tmp_path / "a.csv", rows))
    assert result.table(RankedScores)["prompt_id"].to_pylist() == ["10", "10", "row-1", "row-1"]
    assert any("without a prompt id" in note for note in result.notes)


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        ({"correct_index": 1}, [0, 1, 0]),
        ({"num_correct": 2}, [1, 1, 0]),
        ({"labels": [0, 0, 1]}, [0, 0, 1]),
        ({"is_correct": [True, False, False]}, [1, 0, 0]),
        ({"labels": [1]}, [None, None, None]),
        ({}, [None, None, None]),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_one_row_a_prompt(tmp_path, told, labels, form):
    rows = [
        {"prompt": f"p{i}", "subset": "Math", "scores": [3.0, 1.0, 2.0], "ranks": [1, 3, 2]} | told for i in range(3)
    ]
    path = tmp_path / f"a.{form}"
    if form == "jsonl":
        write_jsonl(path, rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    assert chosen_source(path) == ("ranked_scores", "scores")
    result = read(path)
    rows_read = result.rows_of(RankedScores)
    assert len(rows_read) == 9
    assert result.rows == 3
    assert [r["label"] for r in rows_read[:3]] == labels
    assert [r["rank"] for r in rows_read[:3]] == [1, 3, 2]
    assert [r["row"] for r in rows_read] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [r["candidate_id"] for r in rows_read[:3]] == ["0", "1", "2"]
    assert {r["category"] for r in rows_read} == {"Math"}


def test_lists_without_a_prompt(tmp_path):
    result = read(write_jsonl(tmp_path / "a.jsonl", [{"scores": [1, 2], "correct_index": 0}] * 2))
    assert result.table(RankedScores)["prompt_id"].to_pylist() == ["0", "0", "1", "1"]
    assert any("without a prompt id" in note for note in result.notes)


def test_a_generator_that_answers_twice(tmp_path):
    rows = [{"prompt": "p", "scores": [1, 2, 3], "generators": ["x", "y", "x"]}] * 2
    assert read(write_jsonl(tmp_path / "a.jsonl", rows)).table(RankedScores)["candidate_id"].to_pylist()[:3] == [
        "x", "y", "x#2",
    ]  # fmt: skip


def test_bad_lists_are_named_and_the_others_kept(tmp_path):
    rows = [
        {"prompt_id": i, "scores": s}
        for i, s in enumerate([[1, 2], [3, 4], [5, 6], [7, 8], [9, 0], "x", None, [1, "y"], []])
    ]
    rows += [{"prompt_id": 20 + i, "scores": [1, 2]} for i in range(20)]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows), "ranked_scores")
    assert len(result.rows_of(RankedScores)) == 50
    assert [s.where for s in result.skipped] == ["row 5", "row 6", "row 7", "row 8"]


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (1, 1.0),
        ("2.5", 2.5),
        ([0.5, 0.5], 0.25),
        ([], None),
        ([0.5, None], None),
        (None, None),
        ("x", None),
        ([1e308, 10], math.inf),
    ],
)
def test_one_score_of_a_candidate(value, score):
    assert score_of(value) == score


def test_special_values(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("prompt_id,candidate,score\nq,0,NaN\nq,1,inf\nq,2,\nq,3,bad\nq,4,1e308\nq,5,1\nq,6,1\nq,7,1\n")
    result = read(path)
    rows = {r["candidate_id"]: r["score"] for r in result.rows_of(RankedScores)}
    assert list(rows) == ["0", "1", "4", "5", "6", "7"]
    assert math.isnan(rows["0"])
    assert rows["1"] == math.inf
    assert {s.where for s in result.skipped} == {"row 2", "row 3, column score"}


def test_any_cut(tmp_path):
    survives_any_cut(write_csv(tmp_path / "a.csv", LONG[:3]), "ranked_scores", tmp_path)
    rows = [{"prompt_id": i, "scores": [1, [0.5, 2]], "correct_index": 0} for i in range(3)]
    survives_any_cut(write_jsonl(tmp_path / "a.jsonl", rows), "ranked_scores", tmp_path)


@pytest.mark.parametrize("at", [2, 4])
def test_a_file_that_grows(tmp_path, at):
    path = write_jsonl(tmp_path / "a.jsonl", LONG)
    whole = read(path).rows_of(RankedScores)
    assert two_reads(path, path.read_bytes().splitlines(keepends=True), "ranked_scores", RankedScores, at) == whole


# -- real files


def test_published_accuracies_of_rewardmath(rm_eval):
    folder = rm_eval / "rewardmath"
    published = json.loads((folder / "published.json").read_text())
    result = read(folder / "rewardmath_scores.csv")
    found = top_one(result.rows_of(RankedScores))
    assert result.rows == 9 * 483 * 10
    assert found == pytest.approx(published["classifier"], abs=5.1e-3)  # ArmoRM and Skywork are rounded half up


def test_process_reward_models_by_their_product(rm_eval):
    folder = rm_eval / "rewardmath"
    published = json.loads((folder / "published.json").read_text())
    result = read(folder / "rewardmath_prm_steps.jsonl")
    found = top_one(result.rows_of(RankedScores))
    assert found == pytest.approx(published["prm_product"], abs=0.0151)  # SOURCE.md: two of eight differ by 0.01
    assert sum(round(found[k], 2) == v for k, v in published["prm_product"].items()) >= 3
    assert len(result.rows_of(RankedScores)) == 4 * 483 * 10
    assert any("product" in note for note in result.notes)


def test_ratings_of_judges(rm_eval):
    result = read(rm_eval / "rewardmath" / "rewardmath_judge_ratings.csv")
    rows = result.rows_of(RankedScores)
    assert len(rows) == result.rows == 43_530
    times = Counter((r["scorer"], r["prompt_id"], r["candidate_id"]) for r in rows)
    assert len(times) == 9 * 483 * 10
    # three judges rated two problems twice: all rows are kept, the store finds the repeated ids
    assert sum(n - 1 for n in times.values()) == 3 * 2 * 10
    assert len({scorer for (scorer, _, _), n in times.items() if n > 1}) == 3
