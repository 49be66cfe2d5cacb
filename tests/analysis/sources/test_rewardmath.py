"""Result files of RewardMATH."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analysis.records import PairScores, RankedScores
from tests.analysis.sources.score_files import chosen_source, read, survives_any_cut


def write(path, rows):
    path.write_text(json.dumps(rows, indent=4))
    return path


def problem(i, scores, named=None):
    return {"problem": f"p{i}", "solution_reference": named or [f"s{k}" for k in range(len(scores))], "score": scores}


def test_lists_and_step_scores(tmp_path):
    path = write(tmp_path / "a.json", [problem(0, [1, 2, 3], ["x", "y", "x"]), problem(1, [[0.5, 0.5], [1.0], [0.1]])])
    assert chosen_source(path) == ("rewardmath", "scores")
    result = read(path)
    rows = result.rows_of(RankedScores)
    assert [r["label"] for r in rows] == [1, 0, 0, 1, 0, 0]
    assert [r["candidate_id"] for r in rows] == ["x", "y", "x#2", "s0", "s1", "s2"]
    assert [r["score"] for r in rows] == [1, 2, 3, 0.25, 1.0, 0.1]
    assert any("product" in note for note in result.notes)
    assert result.rows == 2


def test_pairs_are_known_by_their_problem_whatever_the_order(tmp_path):
    rows = [problem(i, [i, 1.5]) for i in range(4)]
    one = read(write(tmp_path / "a.json", rows)).rows_of(PairScores)
    two = read(write(tmp_path / "b.json", rows[::-1])).rows_of(PairScores)
    assert {r["pair_id"]: r["chosen_score"] for r in one} == {r["pair_id"]: r["chosen_score"] for r in two}
    assert len({r["pair_id"] for r in one}) == 4


def test_bad_rows_are_named(tmp_path):
    rows = [problem(0, [1, 2]), problem(1, [1]), problem(2, [1, "x"]), {"problem": None, "score": [1, 2]}, problem(4, [3, 4, 5]),
            {"problem": "q", "solution_reference": None, "score": None}]  # fmt: skip
    result = read(write(tmp_path / "a.json", rows), "rewardmath")
    assert [s.where for s in result.skipped] == ["row 1", "row 2", "row 3", "row 5"]
    assert len(result.rows_of(PairScores)) == 1
    assert len(result.rows_of(RankedScores)) == 3


def test_any_cut(tmp_path):
    survives_any_cut(
        write(tmp_path / "a.json", [problem(0, [1, [0.5, 2]]), problem(1, [1, 2, 3])]), "rewardmath", tmp_path
    )


@pytest.mark.parametrize(
    ("name", "top", "pairwise"),
    [
        ("internlm2", 0.373, 0.760),
        ("skywork_llama3", 0.222, 0.715),
        ("ArmoRM", 0.205, 0.673),
        ("oasst-rm", 0.070, 0.499),
    ],
)
def test_real_lists(real_runs, name, top, pairwise):
    result = read(real_runs / "rewardmath_scores" / f"{name}_reward.json")
    rows = result.rows_of(RankedScores)
    scores = np.array([r["score"] for r in rows]).reshape(483, 10)
    assert [r["label"] for r in rows[:10]] == [1] + [0] * 9
    assert np.mean(scores[:, 0] > scores[:, 1:].max(axis=1)) == pytest.approx(top, abs=6e-4)
    assert np.mean(scores[:, :1] > scores[:, 1:]) == pytest.approx(pairwise, abs=6e-4)
    assert len({(r["prompt_id"], r["candidate_id"]) for r in rows}) == 4830


def test_the_product_gives_the_published_value(real_runs, rm_eval):
    published = json.loads((rm_eval / "rewardmath" / "published.json").read_text())["prm_product"]
    rows = read(real_runs / "rewardmath_scores" / "Math_Shepherd_reward.json").rows_of(RankedScores)
    scores = np.array([r["score"] for r in rows]).reshape(483, 10)
    top = 100 * np.mean(scores[:, 0] > scores[:, 1:].max(axis=1))
    assert round(top, 2) == published["math-shepherd-mistral-7b-prm"]


def test_real_pairs_of_two_scorers_match(real_runs):
    facts = {"ArmoRM": 92.84, "oasst-rm": 60.40}
    pairs = {}
    for name, percent in facts.items():
        rows = read(real_runs / "rewardmath_scores" / f"rewardbench_{name}.json").rows_of(PairScores)
        assert len(rows) == 447
        assert 100 * np.mean([r["chosen_score"] > r["rejected_score"] for r in rows]) == pytest.approx(
            percent, abs=5e-3
        )
        pairs[name] = [r["pair_id"] for r in rows]
    assert set(pairs["ArmoRM"]) == set(pairs["oasst-rm"])
    assert pairs["ArmoRM"] != pairs["oasst-rm"]  # the files hold the same problems in another order
