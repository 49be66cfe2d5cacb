"""Scored responses of policies."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.records import Rollouts
from analysis.sources.score_columns import hashed, step_of
from tests.analysis.sources.score_files import (
    chosen_source,
    read,
    survives_any_cut,
    two_reads,
    write_csv,
    write_jsonl,
)

ROWS = [
    {"step": s, "prompt_id": p, "category": "qa", "proxy_score": s + p / 10, "length": 10 + p, "kl_to_ref": 0.1 * s}
    for s in (0, 5)
    for p in range(3)
]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_rollouts_at_steps(tmp_path, form):
    path = tmp_path / f"a.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        (write_csv if form == "csv" else write_jsonl)(path, ROWS)
    assert chosen_source(path) == ("rollouts", "rollouts")
    result = read(path)
    row = result.rows_of(Rollouts)[4]
    assert (row["step"], row["prompt_id"], row["category"], row["score"]) == (5.0, "1", "qa", 5.1)
    assert (row["length"], row["kl"], row["gold_score"], row["truncated"], row["row"]) == (11.0, 0.5, None, None, 4)
    assert result.rows == 6


@pytest.mark.parametrize("name", ["score", "reward", "proxy_score", "rm_score", "rm_logit", "reward_model_score"])
def test_names_of_a_score(tmp_path, name):
    path = write_jsonl(tmp_path / "a.jsonl", [{"prompt": "p", "completion": "c", name: -1.5}] * 3)
    assert chosen_source(path)[0] == "rollouts"
    assert read(path).table(Rollouts)["score"].to_pylist() == [-1.5] * 3


def test_gold_scores_alone(tmp_path):
    path = write_csv(tmp_path / "a.csv", [{"step": 5, "prompt_id": i, "gold_score": i / 2} for i in range(4)])
    assert chosen_source(path)[0] == "rollouts"
    table = read(path).table(Rollouts)
    assert table["gold_score"].to_pylist() == [0.0, 0.5, 1.0, 1.5]
    assert table["score"].null_count == 4


@pytest.mark.parametrize(
    ("word", "step"),
    [("base", 0.0), ("step-200", 200.0), ("checkpoint-500", 500.0), ("global_step_40", 40.0), ("7", 7.0), (8, 8.0),
     ("runs/ppo/checkpoint-9", 9.0), ("final", None), (None, None), ("chosen", None), ([], None)],
)  # fmt: skip
def test_words_for_a_step(word, step):
    assert step_of(word) == step


def test_the_right_answer_is_no_gold_score(tmp_path):
    rows = [{"label": "step-200", "question_id": i, "gold": "18", "rm_logit": 0.5, "completion": "x"} for i in range(3)]
    table = read(write_jsonl(tmp_path / "a.jsonl", rows)).table(Rollouts)
    assert table["gold_score"].null_count == 3
    assert table["step"].to_pylist() == [200.0] * 3


def test_texts_are_counted_and_never_kept(tmp_path):
    rows = [{"prompt": "secret question", "completion": "short secret", "score": 1.0, "judge_note": "secret " * 40}] * 2
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    row = result.rows_of(Rollouts)[0]
    assert json.loads(row["features"]) == {
        "prompt_chars": 15, "prompt_words": 2, "completion_chars": 12, "completion_words": 2,
        "judge_note_chars": 280, "judge_note_words": 40,
    }  # fmt: skip
    assert row["prompt_id"] == hashed("secret question")
    assert "secret" not in str(row)


@pytest.mark.parametrize(
    ("column", "values", "cut"),
    [
        ("truncated", [1, 0, None], [True, False, None]),
        ("clipped", [True, False, True], [True, False, True]),
        ("finished", [True, False, None], [False, True, None]),
        ("finish_reason", ["stop", "length", "eos"], [False, True, False]),
    ],
)
def test_truncation(tmp_path, column, values, cut):
    rows = [{"step": 1, "prompt_id": i, "score": 0.5, column: v} for i, v in enumerate(values)]
    assert read(write_jsonl(tmp_path / "a.jsonl", rows)).table(Rollouts)["truncated"].to_pylist() == cut


def test_completions_of_trl_sum_their_reward_functions(tmp_path):
    table = {
        "step": [10, 10, 10],
        "prompt": [[{"role": "user", "content": "hi"}]] * 3,
        "completion": ["a", "b", "c"],
        "accuracy_reward": [1.0, 0.0, math.nan],
        "format_reward": [0.5, math.nan, math.nan],
        "advantage": [0.1, 0.2, 0.3],
    }
    path = tmp_path / "completions_00010.parquet"
    pq.write_table(pa.table(table), path)
    assert chosen_source(path)[0] == "rollouts"
    result = read(path)
    values = result.table(Rollouts)["score"].to_pylist()
    assert values[:2] == [1.5, 0.0]
    assert math.isnan(values[2])
    assert "score is the sum of accuracy_reward, format_reward" in result.notes
    first = result.rows_of(Rollouts)[0]
    assert json.loads(first["features"])["format_reward"] == 0.5
    assert first["prompt_id"] == hashed("hi")


def test_a_single_reward_function_is_the_score(tmp_path):
    rows = [{"step": 1, "prompt": "p", "completion": "c", "length_reward": i, "advantage": 0} for i in range(3)]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    assert result.table(Rollouts)["score"].to_pylist() == [0.0, 1.0, 2.0]
    assert "score is length_reward" in result.notes


def test_samples_of_verl(tmp_path):
    rows = [{"input": "q", "output": "a", "gts": "7", "score": 1.0, "step": 3} for _ in range(3)]
    path = write_jsonl(tmp_path / "3.jsonl", rows)
    assert chosen_source(path)[0] == "rollouts"
    row = read(path).rows_of(Rollouts)[0]
    assert (row["score"], row["step"], row["prompt_id"], row["gold_score"]) == (1.0, 3.0, hashed("q"), None)


def test_lengths_are_enough_where_steps_repeat(tmp_path):
    rows = [{"step": s, "reward": 1.0, "length": 7} for s in (1, 1, 1, 2, 2, 2)]
    path = write_csv(tmp_path / "a.csv", rows)
    assert chosen_source(path)[0] == "rollouts"
    assert any("no prompt id" in note for note in read(path).notes)


@pytest.mark.parametrize(
    "row",
    [
        {"reward": 0.5, "kl": 0.1, "length": 20},
        {"reward": 0.5, "loss": 0.1, "prompt": "x", "completion": "y"},
        {"score": 0.5, "learning_rate": 1e-6, "response_length": 10.0},
    ],
)
def test_logs_are_no_rollouts(tmp_path, row):
    path = write_csv(tmp_path / "a.csv", [{"step": s} | row for s in range(6)])
    assert chosen_source(path)[1] == "log"


def test_the_step_may_stand_in_the_name(tmp_path):
    rows = [{"prompt_id": i, "score": 0.5} for i in range(3)]
    result = read(write_jsonl(tmp_path / "samples_step-40.jsonl", rows))
    assert result.table(Rollouts)["step"].to_pylist() == [40.0] * 3
    assert any("file's name" in note for note in result.notes)
    assert read(write_jsonl(tmp_path / "footstep.jsonl", rows)).table(Rollouts)["step"].null_count == 3


def test_several_runs_and_versions(tmp_path):
    rows = [
        {"run": f"r{i % 2}", "step": i, "prompt_id": i, "score": 1.0, "model_version": "rm-1", "policy_version": "p-2"}
        for i in range(4)
    ]
    table = read(write_csv(tmp_path / "a.csv", rows)).table(Rollouts)
    assert table["run"].to_pylist() == ["r0", "r1", "r0", "r1"]
    assert set(table["model_version"].to_pylist()) == {"rm-1"}
    assert set(table["policy_version"].to_pylist()) == {"p-2"}


def test_bad_cells_and_special_values(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("step,prompt_id,score,length\n1,a,NaN,3\n1,b,inf,4\n1,c,bad,5\n1,d,,6\n1,e,1e308,7\n1,f,2,8\n")
    result = read(path)
    values = result.table(Rollouts)["score"].to_pylist()
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, None, None, 1e308, 2.0]
    assert [s.where for s in result.skipped] == ["row 2, column score"]


def test_any_cut(tmp_path):
    survives_any_cut(write_csv(tmp_path / "a.csv", ROWS), "rollouts", tmp_path)
    survives_any_cut(write_jsonl(tmp_path / "a.jsonl", ROWS[:3]), "rollouts", tmp_path)


@pytest.mark.parametrize("at", [2, 4])
def test_a_file_that_grows_and_falls_back(tmp_path, at):
    path = write_jsonl(tmp_path / "a.jsonl", ROWS + ROWS[3:])
    whole = read(path).rows_of(Rollouts)
    assert [r["step"] for r in whole] == [0, 0, 0, 5, 5, 5, 5, 5, 5]
    assert two_reads(path, path.read_bytes().splitlines(keepends=True), "rollouts", Rollouts, at) == whole


# -- real files


def test_probes_of_a_proxy_reward(real_runs):
    facts = {"base": (0, 0.318, -3.02), "step-200": (200, 0.379, 0.70), "step-500": (500, 0.350, 2.06)}
    for name, (step, gold, logit) in facts.items():
        path = real_runs / "proxy_rl_gsm8k_05b" / f"probe_{name}.jsonl"
        assert chosen_source(path) == ("rollouts", "rollouts")
        table = read(path).table(Rollouts)
        assert table.num_rows == 800
        assert set(table["step"].to_pylist()) == {float(step)}
        assert len(set(table["prompt_id"].to_pylist())) == 200
        # 0.379 and 0.350 stand in the notes beside 303 / 800 and 280 / 800
        assert np.mean(table["gold_score"].to_pylist()) == pytest.approx(gold, abs=1e-3)
        assert np.mean(table["score"].to_pylist()) == pytest.approx(logit, abs=5e-3)
    lengths = read(real_runs / "proxy_rl_gsm8k_05b" / "probe_base.jsonl").table(Rollouts)["length"].to_pylist()
    assert np.mean(lengths) == pytest.approx(333, abs=0.5)


def test_the_metrics_beside_them_are_a_log(real_runs):
    assert chosen_source(real_runs / "proxy_rl_gsm8k_05b" / "train_metrics.jsonl")[1] == "log"


def test_labelled_rollouts_and_their_gold(labelled_runs):
    seen = 0
    for path in sorted(labelled_runs.glob("*/rollouts.csv")):
        assert chosen_source(path)[0] == "rollouts"
        mine, gold = read(path), read(path.with_name("rollouts_gold.csv"))
        a, b = mine.table(Rollouts), gold.table(Rollouts)
        assert a.num_rows == b.num_rows == mine.rows == len(path.read_text().splitlines()) - 1
        assert a["score"].null_count < a.num_rows
        assert b["score"].null_count == b.num_rows
        assert a["kl"].null_count < a.num_rows
        key = ["step", "prompt_id"]
        assert a.select(key).to_pylist() == b.select(key).to_pylist()
        seen += 1
    assert seen > 20
