"""Scores of preference pairs in tables of every kind."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.records import PairScores, PairTexts
from analysis.sources.base import Head
from analysis.sources.pair_scores import winner
from tests.analysis.sources.score_files import (
    chosen_source,
    read,
    reads_or_says_why,
    source,
    survives_any_cut,
    two_reads,
    write_csv,
    write_jsonl,
)

ROWS = [
    {"pair_id": "p1", "category": "chat", "chosen_score": 1.5, "rejected_score": 0.5},
    {"pair_id": "p2", "category": "code", "chosen_score": -1.0, "rejected_score": 2.0},
    {"pair_id": "p3", "category": "chat", "chosen_score": 0.0, "rejected_score": 0.0},
]


def scores(result):
    return [(r["pair_id"], r["chosen_score"], r["rejected_score"]) for r in result.rows_of(PairScores)]


def accuracy(rows):
    return np.mean([r["chosen_score"] > r["rejected_score"] for r in rows])


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [
        ("chosen_score", "rejected_score"),
        ("score_chosen", "score_rejected"),
        ("scores_chosen", "scores_rejected"),
        ("chosen_reward", "rejected_reward"),
        ("chosen_reward", "reject_reward"),
        ("reward_chosen", "reward_rejected"),
        ("chosen", "rejected"),
        ("Chosen_Score", "Rejected_Score"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_synonyms_in_every_format(tmp_path, chosen, rejected, form):
    rows = [{"pair_id": r["pair_id"], chosen: r["chosen_score"], rejected: r["rejected_score"]} for r in ROWS]
    path = tmp_path / f"scores.{form}"
    if form == "csv":
        write_csv(path, rows)
    elif form == "jsonl":
        write_jsonl(path, rows)
    elif form == "json":
        path.write_text(json.dumps(rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    assert chosen_source(path) == ("pair_scores", "scores")
    result = read(path)
    assert scores(result) == [("p1", 1.5, 0.5), ("p2", -1.0, 2.0), ("p3", 0.0, 0.0)]
    assert result.rows == 3
    assert result.table(PairScores)["row"].to_pylist() == [0, 1, 2]


def test_one_element_lists_are_flattened(tmp_path):
    rows = [{"id": i, "scores_chosen": [[2.3]], "scores_rejected": [1]} for i in range(3)]
    assert scores(read(write_jsonl(tmp_path / "a.jsonl", rows)))[0] == ("0", 2.3, 1.0)
    pq.write_table(
        pa.table({"scores_chosen": [[2.5], [3.5]], "scores_rejected": [[1.0], [2.0]]}), tmp_path / "a.parquet"
    )
    assert scores(read(tmp_path / "a.parquet")) == [("0", 2.5, 1.0), ("1", 3.5, 2.0)]


def test_all_that_is_told_beside_the_scores(tmp_path):
    rows = [
        {
            "uid": f"u{i}",
            "prompt_id": "q7",
            "subset": "hep-python",
            "dataset": "rb",
            "reward_model": f"rm-{i % 2}",
            "checkpoint": "checkpoint-500",
            "chosen_score": 1,
            "rejected_score": 0,
            "tokens_chosen": 10,
            "tokens_rejected": 20,
            "words_chosen": 7,
            "words_rejected": 9,
            "strength": 0.9,
            "annotator": "a3",
            "essay": "x y " * 100,
            "temperature": math.nan,
        }
        for i in range(4)
    ]
    rows_read = read(write_jsonl(tmp_path / "a.jsonl", rows)).rows_of(PairScores)
    row = rows_read[1]
    assert [r["scorer"] for r in rows_read] == ["rm-0", "rm-1", "rm-0", "rm-1"]
    assert (row["pair_id"], row["prompt_id"], row["category"], row["dataset"]) == ("u1", "q7", "hep-python", "rb")
    assert (row["step"], row["strength"]) == (500.0, 0.9)
    assert (row["chosen_length"], row["rejected_length"], row["length_unit"]) == (10.0, 20.0, "tokens")
    assert row["label_source"] == ""
    told = json.loads(row["features"], parse_constant=pytest.fail)
    assert told == {
        "chosen_words": 7,
        "rejected_words": 9,
        "annotator": "a3",
        "essay_chars": 400,
        "essay_words": 200,
        "temperature": "NaN",
    }


def test_without_ids_the_row_number_is_the_id_and_it_is_said(tmp_path):
    rows = [{"prompt": f"what {i // 2} ?", "chosen_score": i, "rejected_score": 0.5} for i in range(4)]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    table = result.table(PairScores)
    assert table["pair_id"].to_pylist() == ["0", "1", "2", "3"]
    prompts = table["prompt_id"].to_pylist()
    assert prompts[0] == prompts[1] != prompts[2]
    assert "what" not in prompts[0]
    assert any("row number" in note for note in result.notes)


@pytest.mark.parametrize(
    ("labels", "swapped"),
    [
        (["A>B", "B>A", "A>B"], [False, True, False]),
        (["A", "B", "A"], [False, True, False]),
        (["a", "b", "b"], [False, True, True]),
        (["model_a", "model_b", "model_a"], [False, True, False]),
        (["[[A]]", "[[B]]", "[[A]]"], [False, True, False]),
        ([0, 1, 0], [False, True, False]),
        ([1, 2, 1], [False, True, False]),
        ([2, 2, 2], [True, True, True]),
    ],
)
@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_two_sides_are_turned_by_their_label(tmp_path, labels, swapped, write):
    rows = [
        {"pair_id": i, "label": label, "score_A": 1, "score_B": 2, "decision": "A>B", "chars_A": 10, "chars_B": 20,
         "words_A": 3, "words_B": 4, "model_A": "m", "model_B": "n"}
        for i, label in enumerate(labels)
    ]  # fmt: skip
    path = write(tmp_path / "a.data", rows)
    result = read(path)
    for row, swap in zip(result.rows_of(PairScores), swapped, strict=True):
        one, two = (2, 1) if swap else (1, 2)
        assert (row["chosen_score"], row["rejected_score"]) == (one, two)
        assert (row["chosen_length"], row["rejected_length"]) == (10 * one, 10 * two)
        told = json.loads(row["features"])
        assert (told["chosen_words"], told["chosen_model"]) == ((4, "n") if swap else (3, "m"))
        assert row["length_unit"] == "characters"
        assert row["label_source"] == "label"
    if all(isinstance(label, int) for label in labels):
        assert any("is read as score_A" in note for note in result.notes)


def test_sides_one_and_two_count_from_one(tmp_path):
    rows = [{"pair_id": i, "preferred": 1, "score_1": 5, "score_2": 3} for i in range(3)]
    assert scores(read(write_csv(tmp_path / "a.csv", rows)))[0] == ("0", 5.0, 3.0)


def test_a_later_part_does_not_change_what_a_label_means(tmp_path):
    lines = [b"pair_id,winner,score_a,score_b\n"] + [b"%d,%d,5,3\n" % (i, 1 + (i > 3)) for i in range(8)]
    path = tmp_path / "a.csv"
    whole = path.with_name("whole.csv")
    whole.write_bytes(b"".join(lines))
    assert scores(read(whole))[0] == ("0", 5.0, 3.0)
    assert scores(read(whole))[7] == ("7", 3.0, 5.0)


def test_ties_and_unknown_labels_are_left_out_and_said(tmp_path):
    rows = [{"pair_id": i, "winner": w, "score_a": 1, "score_b": 2} for i, w in enumerate(["a", "tie", "b", None, "?"])]
    result = read(write_csv(tmp_path / "a.csv", rows))
    assert [r["pair_id"] for r in result.rows_of(PairScores)] == ["0", "2"]
    assert [(s.where, s.why) for s in result.skipped] == [(f"row {i}", "winner names neither side") for i in (1, 3, 4)]
    assert result.rows == 5


def test_without_a_label_sides_stand_as_they_are(tmp_path):
    rows = [{"pair_id": i, "variant_a_score": 1, "variant_b_score": 2, "preferred_variant": "b"} for i in range(3)]
    result = read(write_csv(tmp_path / "a.csv", rows))
    row = result.rows_of(PairScores)[0]
    assert (row["chosen_score"], row["rejected_score"], row["label_source"]) == (1.0, 2.0, "unlabelled")
    assert any("accuracy has no meaning" in note for note in result.notes)


@pytest.mark.parametrize(("word", "side"), [("A>B", 0), ("B > A", 1), (True, 0), (False, 1), ("tie", None), (None, None),
                                            (0.5, None), (math.nan, None), ("[[B]]", 1), ("B>>A", 1), ([], None), ({}, None)])  # fmt: skip
def test_words_for_a_winner(word, side):
    assert winner(word) == side


def test_bad_missing_and_odd_cells(tmp_path):
    text = (
        "pair_id,chosen_score,rejected_score\n"
        "a,1.0,0.5\nb,oops,0.5\nc,,0.5\nd,NaN,0.5\ne,inf,-Infinity\nf,1e308,-1e308\ng,1\nh,2,1\n"
    )
    path = tmp_path / "a.csv"
    path.write_text(text)
    result = read(path)
    rows = {r["pair_id"]: (r["chosen_score"], r["rejected_score"]) for r in result.rows_of(PairScores)}
    assert list(rows) == ["a", "d", "e", "f", "h"]
    assert math.isnan(rows["d"][0])
    assert rows["e"] == (math.inf, -math.inf)
    assert rows["f"] == (1e308, -1e308)
    why = {s.where: s.why for s in result.skipped}
    assert "no number" in why["row 1, column chosen_score"]
    assert why["row 2"] == "a score is missing"
    assert any("cells" in s.why for s in result.skipped)
    assert result.skipped_count == 3
    assert result.rows == 8


@pytest.mark.parametrize(("end", "bom"), [("\r\n", False), ("\n", True), ("\r\n", True)])
def test_line_ends_and_byte_order_marks(tmp_path, end, bom):
    rows = [r | {"category": "é中\u2028文"} for r in ROWS]
    result = read(write_csv(tmp_path / "a.csv", rows, end=end, bom=bom))
    assert scores(result)[0] == ("p1", 1.5, 0.5)
    assert result.rows_of(PairScores)[0]["category"] == "é中\u2028文"


def test_columns_named_by_the_user(tmp_path):
    path = write_csv(tmp_path / "a.csv", [{"key": "x", "good": 2, "bad": 1}] * 2)
    mapping = {"key": "pair_id", "good": "chosen_score", "bad": "rejected_score"}
    assert scores(read(path, "pair_scores", columns=mapping))[0] == ("x", 2.0, 1.0)


def test_texts_beside_scores_are_counted_and_never_kept(tmp_path):
    rows = [
        {"prompt": "tell me", "chosen": "a long tale", "rejected": "no", "score_chosen": 1.0, "score_rejected": 0.5}
        for _ in range(3)
    ]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    assert chosen_source(path)[0] == "pair_scores"
    result = read(path)
    row = result.rows_of(PairScores)[0]
    assert (row["chosen_length"], row["rejected_length"], row["length_unit"]) == (11.0, 2.0, "characters")
    assert json.loads(row["features"]) == {"chosen_words": 3.0, "rejected_words": 1.0}
    assert "tale" not in str(row)
    texts = read(path, "pair_texts").rows_of(PairTexts)[0]
    assert texts["prompt_id"] == row["prompt_id"]


def test_duplicates_are_kept_with_their_rows(tmp_path):
    result = read(write_csv(tmp_path / "a.csv", ROWS + ROWS))
    assert result.table(PairScores)["row"].to_pylist() == list(range(6))


# -- the long form


def long_rows(n, start=0):
    return [
        {"type": side, "rewards": 10 * i + (side == "chosen"), "lengths": i + 5, "policy_logps": -float(i)}
        for i in range(start, start + n)
        for side in ("chosen", "rejected")
    ]


def test_alternating_rows_become_pairs(tmp_path):
    path = write_csv(tmp_path / "a.csv", long_rows(4))
    assert chosen_source(path) == ("pair_scores", "scores")
    result = read(path)
    rows = result.rows_of(PairScores)
    assert [(r["chosen_score"], r["rejected_score"]) for r in rows] == [(1, 0), (11, 10), (21, 20), (31, 30)]
    assert [r["row"] for r in rows] == [0, 2, 4, 6]
    assert rows[1]["chosen_length"] == 6.0
    assert json.loads(rows[1]["features"]) == {"chosen_policy_logps": -1.0, "rejected_policy_logps": -1.0}
    assert any("alternate" in note for note in result.notes)
    assert result.rows == 8


def test_rejected_may_come_first(tmp_path):
    rows = [row for i in range(0, 8, 2) for row in reversed(long_rows(4)[i : i + 2])]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    assert [(r["chosen_score"], r["rejected_score"]) for r in result.rows_of(PairScores)][:2] == [(1, 0), (11, 10)]


def test_a_row_without_its_partner_is_named(tmp_path):
    rows = long_rows(5)
    del rows[3]  # rejected of the second pair
    result = read(write_csv(tmp_path / "a.csv", rows))
    assert [r["chosen_score"] for r in result.rows_of(PairScores)] == [1, 21, 31, 41]
    assert [(s.where, s.why) for s in result.skipped] == [("row 2", "the other half of the pair is missing")]
    odd = read(write_csv(tmp_path / "b.csv", long_rows(3)[:5]))
    assert [s.where for s in odd.skipped] == ["row 4"]
    assert odd.chunks[-1].position["open"] is True
    assert odd.rows == 5


@pytest.mark.parametrize("at", range(3, 9))
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_long_form_that_grows(tmp_path, at, form):
    rows = long_rows(4)
    path = tmp_path / f"a.{form}"
    (write_csv if form == "csv" else write_jsonl)(path, rows)
    whole = read(path).rows_of(PairScores)
    lines = path.read_bytes().splitlines(keepends=True)
    assert two_reads(path, lines, "pair_scores", PairScores, at) == whole


def test_parts_that_end_within_a_pair(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.sources.base.CHUNK_VALUES", 12)  # three rows a part
    result = read(write_jsonl(tmp_path / "a.jsonl", long_rows(20)))
    assert len(result.chunks) > 5
    assert len(result.rows_of(PairScores)) == 20
    assert [r["row"] for r in result.rows_of(PairScores)] == list(range(0, 40, 2))
    assert result.skipped == []
    assert result.rows == 40


@pytest.mark.parametrize(
    "row",
    [
        {"loss": 0.6, "acc": 0.7, "chosen_reward": 1.0, "reject_reward": 0.5},
        {"train/loss": 0.6, "chosen_reward": 1.0, "rejected_reward": 0.5},
        {"step": None, "chosen_reward": 1.0, "rejected_reward": 0.5},
        {"step": None, "reward_1": 1.0, "reward_2": 0.5},
    ],
)
@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_means_of_a_training_log_are_no_pairs(tmp_path, row, write):
    rows = [{k: i if v is None else v for k, v in row.items()} for i in range(6)]
    assert chosen_source(write(tmp_path / "a.data", rows))[1] == "log"


def test_pairs_scored_at_several_checkpoints(tmp_path):
    rows = [{"step": s, "chosen_score": i, "rejected_score": 0.5} for s in (10, 20) for i in range(3)]
    path = write_csv(tmp_path / "a.csv", rows)
    assert chosen_source(path)[0] == "pair_scores"
    assert read(path).table(PairScores)["step"].to_pylist() == [10] * 3 + [20] * 3


def test_chat_roles_are_not_sides(tmp_path):
    rows = [{"role": r, "content": "x", "score": 1.0} for r in ("user", "assistant") * 3]
    assert chosen_source(write_jsonl(tmp_path / "a.jsonl", rows))[0] != "pair_scores"


# -- anything at all


def test_any_cut(tmp_path):
    survives_any_cut(write_csv(tmp_path / "a.csv", ROWS), "pair_scores", tmp_path)
    survives_any_cut(write_jsonl(tmp_path / "a.jsonl", ROWS), "pair_scores", tmp_path)
    survives_any_cut(write_csv(tmp_path / "b.csv", long_rows(2)), "pair_scores", tmp_path)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("at", [2, 3])
def test_a_file_that_grows(tmp_path, form, at):
    path = tmp_path / f"a.{form}"
    (write_csv if form == "csv" else write_jsonl)(path, ROWS * 2)
    whole = read(path).rows_of(PairScores)
    lines = path.read_bytes().splitlines(keepends=True)
    assert two_reads(path, lines, "pair_scores", PairScores, at) == whole


def test_rows_of_another_kind_in_between(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.sources.base.CHUNK_VALUES", 4)
    rows = [*ROWS, *({"event": "pause"} for _ in range(9)), *ROWS]
    result = read(write_jsonl(tmp_path / "a.jsonl", rows))
    assert len(result.rows_of(PairScores)) == 6
    assert result.skipped_count == 9


cells = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.lists(st.floats(), max_size=2),
                  st.dictionaries(st.sampled_from(["scores", "judgment", "content"]), st.floats(), max_size=2))  # fmt: skip
columns = st.sampled_from(
    ["pair_id", "label", "judgments", "chosen", "rejected", "chosen_score", "rejected_score", "score_a", "score_b", "type",
     "rewards", "score", "scores", "prompt", "prompt_id", "candidate", "step", "timestamp", "problem", "solution_reference",
     "completion", "advantage", "results", "correct_index", "labels", "kl", "truncated", "model"]
)  # fmt: skip
SOURCES = ["pair_scores", "ranked_scores", "rollouts", "stream", "pair_texts", "judgebench", "rewardmath", "rewardbench",
           "score_array"]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(columns, cells, max_size=8), min_size=1, max_size=6))
def test_any_json_rows(tmp_path, rows):
    for form, text in (("jsonl", "".join(json.dumps(r) + "\n" for r in rows)), ("json", json.dumps(rows))):
        path = tmp_path / f"any.{form}"
        path.write_text(text)
        for name in SOURCES:
            if source(name).sniff(Head(path)) is not None:
                reads_or_says_why(path, name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["results", "scores_chosen", "scores_rejected", "scores", "num_correct", "id", "model",
                                        "subset", "text_chosen"]), st.one_of(cells, st.lists(cells, max_size=3))))  # fmt: skip
def test_any_json_object(tmp_path, document):
    path = tmp_path / "any.json"
    path.write_text(json.dumps(document))
    if source("rewardbench").sniff(Head(path)) is not None:
        reads_or_says_why(path, "rewardbench")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([b"", b"PAR1", b"{", b"[{", b"chosen_score,rejected_score\n1,2\n",
                                                b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"timestamp,score\n"]))  # fmt: skip
def test_any_bytes(tmp_path, data, start):
    for ending in ("csv", "npz", "jsonl"):
        path = tmp_path / f"any.{ending}"
        path.write_bytes(start + data)
        head = Head(path)
        for name in SOURCES:
            source(name).sniff(head)


# -- real files


def test_length_experiments_of_dpo(real_runs):
    folder = real_runs / "dpo_length_implicit_rewards"
    facts = {"pythia2.8b_hh_base_dpo_rewards.csv": (0.690, -0.08), "pythia2.8b_hh_alpha01_rewards.csv": (0.636, -0.37)}
    for name, (right, correlation) in facts.items():
        assert chosen_source(folder / name)[0] == "pair_scores"
        result = read(folder / name)
        rows = result.rows_of(PairScores)
        assert len(rows) == 1000
        assert result.rows == 2000
        assert accuracy(rows) == pytest.approx(right, abs=5e-4)
        margin = np.array([r["chosen_score"] - r["rejected_score"] for r in rows])
        longer = np.array([r["chosen_length"] - r["rejected_length"] for r in rows])
        assert np.corrcoef(margin, longer)[0, 1] == pytest.approx(correlation, abs=5e-3)
        if "base" in name:
            assert margin.mean() == pytest.approx(0.865, abs=5e-4)
            assert np.mean([r["chosen_score"] for r in rows]) == pytest.approx(-3.33, abs=5e-3)
            assert np.mean([r["rejected_score"] for r in rows]) == pytest.approx(-4.20, abs=5e-3)


def test_published_accuracies_of_judgebench(rm_eval):
    folder = rm_eval / "judgebench"
    published = json.loads((folder / "published.json").read_text())
    result = read(folder / "judgebench_rm_scores.csv")
    rows = result.rows_of(PairScores)
    assert len(rows) == 2100
    names = [c.partition("(")[0] for c in published["columns"]]
    for scorer, percents in published["results"].items():
        mine = [r for r in rows if r["scorer"] == scorer]
        once = {r["pair_id"]: r for r in mine}
        assert len(mine) == 2 * len(once) == 700
        assert all(r["chosen_score"] == once[r["pair_id"]]["chosen_score"] for r in mine)
        for name, percent in zip(names, percents, strict=True):
            part = [r for r in once.values() if name in ("Overall", r["category"])]
            assert 100 * accuracy(part) == pytest.approx(percent, abs=5e-3), (scorer, name)
    assert json.loads(rows[0]["features"])["source"] == "mmlu-pro-law"
    assert rows[0]["length_unit"] == "characters"


def test_accuracies_of_the_maths_pairs(rm_eval):
    facts = {"ArmoRM": 92.84, "Eurus": 60.85, "beaver": 51.45, "GRM-gemma": 93.06, "GRM-llama3": 91.50,
             "internlm2-20b": 95.08, "internlm2-7b": 92.84, "oasst": 60.40, "Skywork": 96.87}  # fmt: skip
    rows = read(rm_eval / "rewardmath" / "rewardbench_math_scores.csv").rows_of(PairScores)
    assert len(rows) == 9 * 447
    for name, percent in facts.items():
        mine = [r for r in rows if r["scorer"].startswith(name)]
        assert 100 * accuracy(mine) == pytest.approx(percent, abs=5e-3), name
        shorter = [r["chosen_length"] < r["rejected_length"] for r in mine]
        assert 100 * np.mean(shorter) == pytest.approx(91.05, abs=5e-3)
        assert {r["length_unit"] for r in mine} == {"characters"}


def test_bias_probes_have_no_label(real_runs):
    rows = read(real_runs / "rm_bias_audit" / "scores.csv").rows_of(PairScores)
    assert len(rows) == 40
    assert {r["label_source"] for r in rows} == {"unlabelled"}
    deberta = [r for r in rows if "deberta" in r["scorer"] and r["category"] == "length"]
    delta = np.mean([r["rejected_score"] - r["chosen_score"] for r in deberta])
    assert delta == pytest.approx(-2.65, abs=5e-3)
    assert len({r["scorer"] for r in rows}) == 2


def test_accuracies_of_the_labelled_reward_models(labelled_runs):
    facts = {"rm-00f6": 0.754, "rm-0f7d": 0.742, "rm-13dc": 0.744, "rm-6f39": 0.709, "rm-8742": 0.687, "rm-f66b": 0.682,
             "rm-cfa6": 0.547, "rm-f481": 0.633, "rm-a580": 0.598, "rm-7957": 0.71, "rm-1e17": 0.694}  # fmt: skip
    texts = {r["pair_id"] for r in read(labelled_runs / "pairs.csv").rows_of(PairTexts)}
    for name, right in facts.items():
        rows = read(labelled_runs / name / "eval_scores.csv").rows_of(PairScores)
        assert len(rows) == 1000
        assert accuracy(rows) == pytest.approx(right, abs=5e-4), name
        assert {r["pair_id"] for r in rows} == texts
