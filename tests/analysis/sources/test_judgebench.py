"""JudgeBench outputs."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest

from analysis.records import PairScores
from analysis.sources.score_columns import hashed
from tests.analysis.sources.score_files import chosen_source, read, survives_any_cut, two_reads, write_jsonl


def entry(scores, model="org/rm"):
    return {"judgment": {"judge_model": model, "prompt": "", "response": "", "scores": scores}, "decision": "A>B"}


def row(pair, label="A>B", first=(2.0, 1.0), second=(1.0, 2.0), **more):
    judgments = [entry(list(first)) if first else None, entry(list(second)) if second else {"judgment": None}]
    base = {"pair_id": pair, "original_id": 7, "source": "mmlu-pro-law", "label": label, "judge_name": "reward_model"}
    return base | {"judgments": judgments, "len_A": 100, "len_B": 50} | more


def test_each_pair_once_and_turned_by_its_label(tmp_path):
    path = write_jsonl(
        tmp_path / "a.jsonl", [row("x"), row("y", "B>A"), row("z", source="livebench-math", original_id=None)]
    )
    assert chosen_source(path) == ("judgebench", "scores")
    result = read(path)
    rows = result.rows_of(PairScores)
    assert [(r["chosen_score"], r["rejected_score"]) for r in rows] == [(2, 1), (1, 2), (2, 1)]
    assert [(r["chosen_length"], r["rejected_length"]) for r in rows] == [(100, 50), (50, 100), (100, 50)]
    assert [r["category"] for r in rows] == ["mmlu-pro", "mmlu-pro", "livebench-math"]
    assert [r["prompt_id"] for r in rows] == ["mmlu-pro-law/7", "mmlu-pro-law/7", None]
    assert json.loads(rows[0]["features"]) == {"source": "mmlu-pro-law"}
    assert {r["scorer"] for r in rows} == {"org/rm"}
    assert result.rows == 3


def test_files_as_they_ship_hold_the_texts(tmp_path):
    more = {"question": "why ?", "response_A": "abc", "response_B": "de", "len_A": None}
    found = read(write_jsonl(tmp_path / "a.jsonl", [row("x", **more)] * 2)).rows_of(PairScores)[0]
    assert (found["chosen_length"], found["rejected_length"]) == (3.0, 2.0)
    assert found["prompt_id"] == hashed("why ?")


def test_an_order_that_is_missing_or_disagrees(tmp_path):
    rows = [
        row("only second", first=None, second=(1.0, 5.0)),
        row("other", second=(9.0, 1.0)),
        row("nan", first=(math.nan, 1.0), second=(1.0, math.nan)),
    ]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    found = result.rows_of(PairScores)
    assert (found[0]["chosen_score"], found[0]["rejected_score"]) == (5.0, 1.0)
    assert "in 1 pairs the second order gave other scores" in result.notes


def test_rows_that_say_nothing_are_named(tmp_path):
    rows = [
        row("a"),
        row("b", label="tie"),
        row("c", first=None, second=None),
        row("d", judgments="none"),
        row(None),
        row("e", first=(1.0,), second=("x", 2)),
    ]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    assert [r["pair_id"] for r in result.rows_of(PairScores)] == ["a"]
    assert [s.where for s in result.skipped] == [f"row {i}" for i in range(1, 6)]


def test_any_cut_and_growth(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [row("x"), row("y", "B>A")])
    survives_any_cut(path, "judgebench", tmp_path, every=3)
    whole = read(path).rows_of(PairScores)
    assert two_reads(path, path.read_bytes().splitlines(keepends=True), "judgebench", PairScores, 1) == whole


@pytest.mark.parametrize(
    ("name", "overall", "by_source", "mean", "sd", "places"),
    [
        ("Skywork_Skywork-Reward-Llama-3.1-8B", 0.623, (0.69, 0.59, 0.50), 3.9, 10.7, 1),
        ("internlm_internlm2-7b-reward", 0.594, (0.65, 0.57, 0.50), 0.37, 1.07, 2),
    ],
)
def test_real_scores(real_runs, name, overall, by_source, mean, sd, places):
    path = real_runs / "judgebench_rm_scores" / f"{name}.jsonl"
    assert chosen_source(path)[0] == "judgebench"
    result = read(path)
    rows = result.rows_of(PairScores)
    assert len({r["pair_id"] for r in rows}) == len(rows) == result.rows == 350
    wins = [r["chosen_score"] > r["rejected_score"] for r in rows]
    assert np.mean(wins) == pytest.approx(overall, abs=5e-4)
    for prefix, right in zip(("livebench", "mmlu-pro", "livecodebench"), by_source, strict=True):
        part = [w for w, r in zip(wins, rows, strict=True) if r["category"].startswith(prefix)]
        assert np.mean(part) == pytest.approx(right, abs=6e-3)  # 87 / 154 = 0.565 is told as 0.57
    margins = np.array([r["chosen_score"] - r["rejected_score"] for r in rows])
    assert round(margins.mean(), places) == mean
    assert round(margins.std(), places) == sd
    assert Counter(r["category"] for r in rows)["mmlu-pro"] == 154
    assert not any("other scores" in note for note in result.notes)
