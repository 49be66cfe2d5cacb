"""RewardBench score files and summaries, in the shape that its scripts write."""

from __future__ import annotations

import gzip
import json
import math

import pytest

from analysis.records import InputError, PairScores, RankedScores, RunInfo
from analysis.sources.base import Head
from tests.analysis.sources.score_files import chosen_source, read, source, survives_any_cut, write_jsonl

ONE = {
    "chat_template": "tulu",
    "id": [30, 31, 32],
    "model": "org/rm",
    "model_type": "Seq. Classifier",
    "results": [1, 0, 0],
    "scores_chosen": [2.31, -0.4, 1.0],
    "scores_rejected": [1.02, 0.2, 1.0],
    "subset": ["alpacaeval-easy", "hep-python", "hep-python"],
    "text_chosen": ["abcd", [{"role": "assistant", "content": "xyz"}], None],
    "text_rejected": ["ab", [{"role": "assistant", "content": "x"}], None],
}
TWO = {
    "model": "org/rm",
    "id": ["1", "ref:2", "tied:2"],
    "results": [1, 0.5, 1],
    "scores": [[3.0, 1.0, 0.0, -1.0], [2.0, 2.0], [5.0, 5.5, 4.0, 1.0, 0.0]],
    "num_correct": [1, 1, 3],
    "subset": ["Factuality", "Ties", "Ties"],
    "text": ["x", "y", "z"],
}


def write(path, document):
    path.write_text(json.dumps(document))
    return path


def test_scores_of_version_one(tmp_path):
    path = write(tmp_path / "rm.json", ONE)
    assert chosen_source(path) == ("rewardbench", "scores")
    result = read(path)
    rows = result.rows_of(PairScores)
    assert [(r["pair_id"], r["category"]) for r in rows][:2] == [("30", "alpacaeval-easy"), ("31", "hep-python")]
    assert [(r["chosen_score"], r["rejected_score"]) for r in rows] == [(2.31, 1.02), (-0.4, 0.2), (1.0, 1.0)]
    assert [r["chosen_length"] for r in rows] == [4.0, 3.0, None]
    assert {(r["scorer"], r["dataset"], r["length_unit"]) for r in rows} == {("org/rm", "RewardBench", "characters")}
    info = result.infos(RunInfo)[0]
    assert info.config == {"chat_template": "tulu", "model": "org/rm", "model_type": "Seq. Classifier"}
    assert info.run == "org/rm"
    assert result.notes == []
    assert result.rows == 3


def test_lists_of_one_score_are_flattened(tmp_path):
    path = write(tmp_path / "rm.json", ONE | {"scores_chosen": [[2.3], [[1.0]], [0]]})
    assert [r["chosen_score"] for r in read(path).rows_of(PairScores)] == [2.3, 1.0, 0.0]


def test_generative_judges_have_no_scores(tmp_path):
    result = read(write(tmp_path / "rm.json", ONE | {"scores_chosen": [None] * 3, "scores_rejected": [None] * 3}))
    assert result.rows_of(PairScores) == []
    assert [(s.where, s.count) for s in result.skipped] == [("scores_chosen", 3)]
    assert "judge" in result.skipped[0].why


def test_missing_scores_ids_and_uneven_lists(tmp_path):
    odd = {"scores_chosen": [2.0, None, math.inf], "subset": ["a"], "id": [1, None, 3]}
    result = read(write(tmp_path / "rm.json", ONE | odd))
    assert [(r["pair_id"], r["row"], r["category"]) for r in result.rows_of(PairScores)] == [("1", 0, ""), ("3", 2, "")]
    assert {s.where for s in result.skipped} == {"key subset", "row 1"}
    with pytest.raises(InputError, match="differ in length"):
        read(write(tmp_path / "rm.json", ONE | {"scores_chosen": [1.0]}))


def test_results_that_do_not_follow_from_the_scores_are_said(tmp_path):
    result = read(write(tmp_path / "rm.json", ONE | {"results": [0, 0, 1]}))
    assert "in 2 rows `results` is not chosen > rejected" in result.notes


def test_scores_of_version_two(tmp_path):
    path = write(tmp_path / "rm.json", TWO)
    assert chosen_source(path) == ("rewardbench", "scores")
    result = read(path)
    rows = result.rows_of(RankedScores)
    assert [len([r for r in rows if r["row"] == i]) for i in range(3)] == [4, 2, 5]
    assert [r["label"] for r in rows] == [1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0]
    assert rows[-1]["prompt_id"] == "tied:2"
    assert rows[-1]["category"] == "Ties"
    assert result.rows == 3


def test_lists_that_are_none(tmp_path):
    result = read(write(tmp_path / "rm.json", TWO | {"scores": [[1, 2], None, ["x"]], "num_correct": [0, 1, 1]}))
    assert [r["label"] for r in result.rows_of(RankedScores)] == [0, 0]
    assert [s.where for s in result.skipped] == ["row 1", "row 2"]


@pytest.mark.parametrize(
    "document",
    [
        {
            "model": "org/rm",
            "model_type": "x",
            "alpacaeval-easy": 0.97,
            "hep-cpp": 0.8,
            "math-prm": 0.7,
            "donotanswer": 0.5,
        },
        {
            "model": "org/rm",
            "Factuality": 0.7,
            "Precise IF": 0.4,
            "Math": 0.6,
            "Safety": 0.9,
            "Focus": 0.8,
            "Ties": 1.02,
        },
        {"accuracy": 0.9, "model": "org/rm", "extra_results": {"hep-go": 1.0, "hep-js": 1.0, "hep-rust": 0.9}},
    ],
)
def test_summaries_are_configuration(tmp_path, document):
    path = write(tmp_path / "rm.json", document)
    assert chosen_source(path) == ("rewardbench", "config")
    assert read(path).infos(RunInfo)[0].config == {"RewardBench": document}


@pytest.mark.parametrize(
    "document", [{"Math": 0.5, "model": "x"}, {"results": []}, {"results": {}, "scores": []}, {"log_history": []}]
)
def test_other_objects_are_not_taken(tmp_path, document):
    assert chosen_source(write(tmp_path / "a.json", document))[0] != "rewardbench"


def test_rows_of_the_pip_command_are_pairs(tmp_path):
    rows = [{"prompt": "p", "results": 1, "scores_chosen": [2.0], "scores_rejected": [1.0], "text_chosen": "abcd",
             "text_rejected": "ab"}] * 3  # fmt: skip
    path = write_jsonl(tmp_path / "rm_outputs.jsonl", rows)
    assert chosen_source(path)[0] == "pair_scores"
    row = read(path).rows_of(PairScores)[0]
    assert (row["chosen_score"], row["chosen_length"], row["length_unit"]) == (2.0, 4.0, "characters")
    path = write_jsonl(tmp_path / "rm_all.jsonl", [{"chosen": 1.5, "rejected": 0.5}] * 3)
    assert read(path).rows_of(PairScores)[0]["chosen_score"] == 1.5


def test_json_lines_are_not_read_whole_to_be_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"results": [1], "scores": [[1, 2]]}\n' * 3)
    head = Head(path)
    assert source("rewardbench").sniff(head) is None
    assert "document" not in vars(head)


def test_any_cut(tmp_path):
    survives_any_cut(write(tmp_path / "a.json", ONE), "rewardbench", tmp_path)
    survives_any_cut(write(tmp_path / "b.json", TWO), "rewardbench", tmp_path)


def test_a_gzip_stream_that_is_cut_off(tmp_path):
    path = tmp_path / "rm.json.gz"
    path.write_bytes(gzip.compress(json.dumps(ONE).encode()))
    assert chosen_source(path)[0] == "rewardbench"
    assert len(read(path).rows_of(PairScores)) == 3
