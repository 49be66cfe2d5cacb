"""What all score sources share."""

from __future__ import annotations

import gzip
import json
import random

import pyarrow as pa
import pytest

from analysis.records import InputError
from analysis.sources import score_columns as names
from analysis.sources.base import Head
from analysis.sources.tabular import Part, Sample
from tests.analysis.sources.score_files import chosen_source, read, source, write_jsonl


def part(rows):
    return Part(rows, 10, {})


def test_columns_are_found_by_the_order_of_names_whatever_their_case():
    assert names.first(("Rejected", "CHOSEN"), ("x", "chosen")) == "CHOSEN"
    assert names.first((), ("chosen",)) is None


def test_the_same_prompt_has_one_id_as_text_and_as_messages():
    rows = [{"prompt": "hi"}, {"prompt": [{"role": "user", "content": "hi"}]}, {"prompt": None}, {"prompt": "\ud800"}]
    found = names.prompt_ids(part(rows)).to_pylist()
    assert found[0] == found[1] == names.hashed("hi")
    assert found[2] is None
    assert len(found[3]) == 16


def test_told_prompt_ids_come_before_made_ones():
    assert names.prompt_ids(part([{"prompt": "hi", "prompt_id": 7}])).to_pylist() == ["7"]
    assert names.prompt_ids(part([{"x": 1}])) is None


def test_features_are_strict_json():
    rows = [
        {"a": float("nan"), "b": float("-inf"), "c": "x" * 201, "d": [1], "e": True, "f": None, "g": "", "h": "é\ud800"}
    ]
    told = json.loads(names.features(part(rows), []).to_pylist()[0], parse_constant=pytest.fail)
    assert told == {"a": "NaN", "b": "-Infinity", "c_chars": 201, "c_words": 1, "e": True, "h": "é\ud800"}
    assert names.features(part(rows), list("abcdefgh")) is None
    assert names.features(part([{"d": [1]}]), []).to_pylist() == [None]


def test_features_of_dates():
    import datetime

    rows = pa.table({"when": [datetime.date(2026, 3, 5)], "n": [1]})
    assert json.loads(names.features(Part(rows, 0, {}), []).to_pylist()[0]) == {"when": "2026-03-05", "n": 1}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (("chosen_length", "rejected_length"), ("chosen_length", "rejected_length", "")),
        (("length_chosen", "length_rejected"), ("length_chosen", "length_rejected", "")),
        (("chars_chosen", "chars_rejected"), ("chars_chosen", "chars_rejected", "characters")),
        (("words_chosen", "words_rejected"), ("words_chosen", "words_rejected", "words")),
        (("chosen_tokens", "rejected_tokens"), ("chosen_tokens", "rejected_tokens", "tokens")),
        (("chosen_len", "rejected_length"), None),
        (("chosen_length",), None),
    ],
)
def test_lengths_and_their_units(columns, found):
    assert names.lengths(part([dict.fromkeys(columns, 5)]), ("chosen", "rejected")) == found


def test_steps_are_numbers_or_names_of_checkpoints():
    assert names.step_column(part([{"label": 1}, {"label": 0}])) is None  # a class, not a checkpoint
    assert names.step_column(part([{"label": "base"}, {"label": "step-200"}])) == "label"
    assert names.step_column(part([{"checkpoint": "best"}, {"checkpoint": "step-200"}])) is None
    assert names.step_column(part([{"checkpoint": "checkpoint-500"}])) == "checkpoint"
    assert names.steps(part([{"s": "step-200"}, {"s": None}]), "s").to_pylist() == [200.0, None]


def test_one_bad_cell_in_many_does_not_hide_a_score():
    rows = [{"s": 1.0}] * 9 + [{"s": "oops"}]
    assert names.scores_in(Sample("csv", ("s",), tuple(rows)), "s")
    assert not names.scores_in(Sample("csv", ("s",), ({"s": "a"}, {"s": 1.0})), "s")
    assert not names.scores_in(Sample("csv", ("s",), ()), "s")


def test_many_rows_of_a_kind_are_counted():
    found = names.skipped_rows(list(range(8)), "why")
    assert [(s.where, s.count) for s in found] == [*((f"row {i}", 1) for i in range(5)), ("rows after 4", 3)]
    assert names.skipped_rows([], "why") == []


BROKEN = "half \ud800 pair"
ROWS = {
    "pair_scores": {"pair_id": BROKEN, "category": BROKEN, "chosen_score": 1, "rejected_score": 0, BROKEN: BROKEN},
    "rollouts": {"prompt": BROKEN, "completion": BROKEN, "score": 1, "category": BROKEN},
    "ranked_scores": {"prompt_id": BROKEN, "scores": [1, 2], "candidates": [BROKEN, "x"]},
    "pair_texts": {"prompt": BROKEN, "chosen": BROKEN, "rejected": "x", "pair_id": BROKEN},
    "stream": {"timestamp": 1.7e9, "score": 1, "category": BROKEN, "prompt_id": BROKEN},
    "rewardmath": {"problem": BROKEN, "solution_reference": [BROKEN] * 3, "score": [1, 2, 3]},
    "judgebench": {
        "pair_id": BROKEN,
        "source": BROKEN,
        "original_id": BROKEN,
        "label": "A>B",
        "judgments": [{"judgment": {"judge_model": BROKEN, "scores": [1, 2]}}],
    },
}


@pytest.mark.parametrize("name", ROWS)
def test_texts_that_are_no_unicode(tmp_path, name):
    path = write_jsonl(tmp_path / "a.jsonl", [ROWS[name]] * 3)
    assert chosen_source(path)[0] == name
    result = read(path)
    assert result.rows == 3
    assert result.batches
    assert result.skipped == []


@pytest.mark.parametrize("name", ROWS)
def test_a_gzip_stream_that_is_cut_off(tmp_path, name):
    lines = "".join(json.dumps(ROWS[name] | {"n": random.random()}) + "\n" for _ in range(3000))
    packed = gzip.compress(lines.encode())
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[: len(packed) - 2000])
    with pytest.raises(InputError, match="gzip stream"):
        read(path, name)


@pytest.mark.parametrize("name", ROWS)
def test_a_gzipped_list_that_is_cut_off_within_its_first_rows(tmp_path, name):
    rows = [ROWS[name] | {"n": [random.random() for _ in range(500)]} for _ in range(40)]
    packed = gzip.compress(json.dumps(rows).encode())
    path = tmp_path / "a.json.gz"
    path.write_bytes(packed[: len(packed) // 2])
    assert source(name).sniff(Head(path)) is None
    with pytest.raises(InputError):
        read(path, name)
