"""Long tables as requests: the address means what it says, nonsense is said and harms nothing, files hold every row."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import host
from analysis.board import Board
from analysis.records import InputError
from analysis.rows import Ask, Column, Range
from dashboard import requests, tables
from tests.dashboard.conftest import rollouts, scored_pairs, words

words_of_people = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
ends = st.none() | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
asks = st.builds(
    Ask,
    sort=st.sampled_from(["", "score", "number:a:b"]),
    find=words_of_people,
    text=words_of_people,
    categories=st.lists(words_of_people, max_size=2).map(tuple),
    ranges=st.lists(st.builds(Range, st.sampled_from(["score", "step"]), ends, ends), max_size=2, unique_by=lambda r: r.column)
    .map(lambda rs: tuple(r for r in rs if r.low is not None or r.high is not None)),
    only=st.sampled_from([(), ("truncated",)]),
)  # fmt: skip


@given(asks)
def test_what_is_asked_goes_into_the_address_and_comes_back(ask):
    assert tables.ask_of(tables.said(ask)) == ask


def test_an_address_is_read_as_a_person_would():
    ask = tables.ask_of(["sort:-score", "find:^a:b", "score:0..1.5", "length:..80", "category:chat", "only:truncated"])
    assert ask == Ask(
        sort="score", descending=True, find="^a:b", categories=("chat",), only=("truncated",),
        ranges=(Range("score", 0, 1.5), Range("length", None, 80)),
    )  # fmt: skip


@given(st.lists(st.text(max_size=20)))
def test_any_address_is_taken(entries):
    tables.ask_of(entries)


def test_what_a_log_does_not_have_is_not_asked_of_it():
    ask = Ask(
        sort="kl",
        descending=True,
        find="a",
        categories=("x",),
        ranges=(Range("kl", 0), Range("score", 1)),
        only=("truncated",),
    )
    kept = tables.known(ask, [Column("score", "score", "number")])
    assert kept == Ask(find="a", ranges=(Range("score", 1),))


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    root = tmp_path_factory.mktemp("rolled")
    table = rollouts(root / "ppo")
    scored_pairs(root / "rm")
    with Board.open() as board:
        board.ingest(root)
        yield table, host.Host(board, [], None)


VIEW = {"name": "rollouts", "runs": ["ppo"], "columns": ["score", "prompt_id"]}


def test_a_page_of_rows_is_strict_json(logged):
    table, shared = logged
    body, kind, version = requests.rows(shared, VIEW | {"ask": ["sort:-score"], "offset": 598, "limit": 5})
    told = json.loads(body, parse_constant=lambda word: pytest.fail(word))
    assert (kind, told["total"], told["offset"]) == ("application/json", 600, 598)
    (key, score, prompt), (last_key, last, _) = told["rows"]
    worst = int(table["score"].idxmin())
    assert (key, prompt) == (f"{key.split(':')[0]}:{worst}", table["prompt_id"][worst])
    assert score == pytest.approx(table["score"].min())
    assert (last, last_key.split(":")[1]) == ("NaN", "0")
    assert requests.rows(shared, VIEW | {"have": version}) == (None, "", version)


def test_one_answer_is_never_the_whole_table(logged):
    assert len(json.loads(requests.rows(logged[1], VIEW | {"limit": 10**9})[0])["rows"]) == tables.MOST_ROWS


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "points"}, {"runs": []}, {"runs": "ppo"}, {"columns": 3}, {"columns": ["nothing"]}, {"offset": "x"},
        {"ask": ["sort:nothing"]}, {"name": "pairs", "runs": ["rm", "ppo"]},
    ],
)  # fmt: skip
def test_nonsense_is_said(logged, bad):
    with pytest.raises(InputError):
        requests.rows(logged[1], VIEW | {"limit": 5} | bad)


@pytest.mark.parametrize("key", ["", "x", "1", "1:x", "-1:3", "1:3; DROP"])
def test_a_key_that_is_none_is_said(logged, key):
    with pytest.raises(InputError):
        requests.row_texts(logged[1], VIEW | {"key": key})


def test_texts_come_for_one_row(logged):
    _, shared = logged
    (row,) = json.loads(requests.rows(shared, VIEW | {"ask": ["sort:-score"], "limit": 1})[0])["rows"]
    told = json.loads(requests.row_texts(shared, VIEW | {"key": row[0]})[0])
    assert told["response"].startswith(f"Answer number {row[0].split(':')[1]} ")


def test_files_hold_what_matches_in_its_order(logged, monkeypatch):
    monkeypatch.setattr("analysis.table.BATCH", 100)
    table, shared = logged
    asked = VIEW | {
        "ask": ["sort:-score", "only:truncated"],
        "columns": ["step", "score", "truncated", "number:completion_words"],
    }
    csv = pd.read_csv(io.BytesIO(b"".join(requests.rows_file(shared, asked | {"format": "csv"})[0])))
    parquet = pd.read_parquet(io.BytesIO(b"".join(requests.rows_file(shared, asked | {"format": "parquet"})[0])))
    right = table[table["truncated"]].sort_values("score", ascending=False, kind="stable")
    for found in (csv, parquet):
        assert found.columns.tolist() == ["row", "step", "score", "truncated", "completion_words"]
        assert found["row"].tolist() == right.index.tolist()
        assert found["score"].tolist() == pytest.approx(right["score"].tolist())
    assert parquet["completion_words"].dtype == np.float64


def test_a_file_of_nothing_still_has_its_head(logged):
    body, kind, _ = requests.rows_file(logged[1], VIEW | {"ask": ["find:nothing at all"]})
    assert (b"".join(body).decode().strip(), kind) == ('"row","score","prompt_id"', "text/csv")


# -- on pages, without a browser


def test_the_run_page_shows_its_rollouts_when_asked(draw, logged):
    board = logged[1].board
    page = draw("run", board, run="ppo", details="Rollouts")
    assert not page.exception
    assert not page.error, words(page)
    shown = page.dataframe[0].value
    assert shown["step"].iloc[0] == 50  # the newest first
    assert "600 of 600 rollouts" in words(page)
    assert "completion" not in shown.columns
    assert "Answer number" not in shown.to_string()


def test_the_address_sorts_and_filters(draw, logged):
    table, shared = logged
    page = draw("run", shared.board, run="ppo", details="Rollouts", rollouts=["sort:score", "only:truncated"])
    assert page.dataframe[0].value["row"].iloc[0] == table[table["truncated"]]["score"].idxmin()
    assert f"{table['truncated'].sum()} of 600 rollouts" in words(page)


def test_a_run_without_rollouts_says_what_is_missing(draw, board):
    page = draw("run", board, run="ppo-a", details="Rollouts")
    assert "Rollouts can't be computed" in words(page)
    assert not page.exception


def test_reward_models_show_the_worst_pairs_first(draw, board):
    page = draw("reward_models", board, scorer="rm-a")
    shown = page.dataframe[-1].value
    assert shown["margin"].is_monotonic_increasing
    assert shown["margin"].iloc[0] < 0
    assert "of 400 pairs" in words(page)
    chat = draw("reward_models", board, scorer="rm-a", pairs=["sort:-margin", "category:chat"]).dataframe[-1].value
    assert set(chat["category"]) == {"chat"}
    assert chat["margin"].is_monotonic_decreasing
