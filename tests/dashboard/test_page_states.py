"""What stands on a page that has nothing to show: on every page its cause, and one thing to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis import host
from analysis.board import Board
from analysis.ingest.ingestor import Progress
from tests.dashboard.conftest import policy_log, scored_pairs, words

PAGES = ("overview", "run", "reward_models", "drift", "data")


@pytest.fixture
def empty():
    with Board.open() as board:
        yield board


@pytest.fixture
def policies(tmp_path):
    """Runs, but no reward model and no stream."""
    policy_log(tmp_path / "ppo-a", steps=20)
    with Board.open() as board:
        board.ingest(tmp_path)
        yield board


# -- nothing ingested


@pytest.mark.parametrize("view", PAGES)
def test_without_a_folder_the_command_is_there_to_be_copied(draw, empty, view):
    page = draw(view, empty)
    assert "No folder is followed" in words(page)
    assert [block.value for block in page.code] == ["rewardboard path/to/runs"]


@pytest.mark.parametrize("view", PAGES)
def test_a_folder_without_logs_is_named_and_what_was_found_is_one_click_away(draw, empty, view):
    page = draw(view, empty)
    host.host().paths = [Path("/data/runs")]
    page.run()
    assert "Nothing that is known was found in `/data/runs`" in words(page)
    if view == "data":
        assert "Known are" in words(page)
        assert page.code
    else:
        assert "page Data" in words(page)


@pytest.mark.parametrize("view", PAGES)
def test_while_reading_a_page_says_how_far(draw, empty, view):
    page = draw(view, empty)
    host.host().reading = True
    host.host().progress = Progress(3, 12, 10, 100, 4000, "x")
    page.run()
    assert "Still reading: 3 of 12 files so far" in words(page)
    assert not page.exception


@pytest.mark.parametrize(
    ("view", "what", "needs"),
    [("reward_models", "reward models", "`chosen_score`"), ("drift", "score streams", "a score and a timestamp")],
)
def test_a_page_whose_kind_is_missing_says_what_it_needs(draw, policies, view, what, needs):
    said = words(draw(view, policies))
    assert f"1 run is read, but no {what}" in said
    assert needs in said


# -- nothing matches


def test_run_without_a_matching_metric_offers_to_clear(draw, board):
    page = draw("run", board, run="ppo-a", metrics="no such metric")
    assert "No metrics match the filter" in words(page)
    page.button[0].click().run()
    assert "No metrics match" not in words(page)


@pytest.mark.parametrize("gone", [["gone"], ["gone", "lost", "away", "past"]])
def test_run_names_what_the_address_asks_for_and_where_to_choose(draw, board, gone):
    said = words(draw("run", board, run=gone))
    assert "No run is chosen" in said
    assert "`gone`" in said
    assert "page Overview" in said
    assert said.count("was read") == 1


def test_run_draws_the_others_of_an_address(draw, board):
    page = draw("run", board, run=["ppo-a", "gone"])
    assert "No run `gone` was read. The others are drawn." in words(page)
    assert "ppo-a" in words(page)


@pytest.mark.parametrize(("view", "key"), [("reward_models", "scorer"), ("drift", "stream")])
def test_an_unknown_name_in_the_address_is_cleared_with_one_click(draw, board, view, key):
    page = draw(view, board, **{key: "gone"})
    assert "match the filter" in words(page)
    page.button[0].click().run()
    assert not page.exception
    assert "match the filter" not in words(page)


def test_data_without_a_fault_offers_all_files(draw, policies):
    page = draw("data", policies, troubled="true")
    assert "No files match the filter" in words(page)
    page.button[0].click().run()
    assert len(page.dataframe[0].value) == 1


def test_a_query_without_rows_says_so(draw, board):
    page = draw("data", board)
    page.text_area(key="sql").set_value("SELECT * FROM runs WHERE run_id = 'nobody'")
    page.button[0].click().run()
    assert "No row matches the query" in words(page)


# -- not computable


def test_drift_on_one_day_says_how_many_more(draw, tmp_path):
    (tmp_path / "s").mkdir()
    times = pd.date_range("2026-03-01", periods=50, freq="min", tz="UTC")
    pd.DataFrame({"timestamp": times, "score": range(50), "prompt_id": range(50)}).to_parquet(
        tmp_path / "s" / "stream.parquet"
    )
    with Board.open() as board:
        board.ingest(tmp_path)
        said = words(draw("drift", board))
    assert "all 50 rows lie on one day" in said
    assert "one more day would do" in said


def test_accuracy_without_finite_scores_is_no_number(draw, tmp_path):
    scored_pairs(tmp_path / "rm", n=30)
    table = pd.read_csv(tmp_path / "rm" / "pairs.csv").assign(chosen_score=float("nan"))
    table.to_csv(tmp_path / "rm" / "pairs.csv", index=False, na_rep="nan")
    with Board.open() as board:
        board.ingest(tmp_path)
        said = words(draw("reward_models", board))
    assert "none of 30 pairs has two finite scores" in said
    assert "nan %" not in said


def test_run_without_curves_says_what_would_draw_one(draw, board):
    said = words(draw("run", board, run="rm-a"))
    assert "Curves can't be computed" in said
    assert "A log with one row would do" in said


def test_run_without_distributions_says_what_would_draw_one(draw, board):
    said = words(draw("run", board, run="ppo-a", details="Distributions"))
    assert "can't be computed" in said
    assert "would do" in said


# -- failed


@pytest.mark.parametrize(
    ("view", "call"),
    [("run", "metrics"), ("reward_models", "evaluation"), ("drift", "quantiles"), ("data", "_unread")],
)
def test_what_fails_says_what_and_how_to_go_on(draw, board, monkeypatch, view, call):
    from dashboard import data
    from dashboard.views import data as data_page

    def broken(*_):
        raise KeyError("column")

    if call == "_unread":
        monkeypatch.setattr(data_page, "_unmapped", broken)
    else:
        monkeypatch.setattr(data, call, broken)
    page = draw(view, board)
    assert not page.exception
    assert page.error
    assert all("Mend: try again" in box.value for box in page.error)
    again = [button for button in page.button if button.label == "Try again"]
    assert len(again) == len(page.error)
    monkeypatch.undo()
    again[0].click().run()
    assert not page.error, words(page)


def test_the_overview_says_what_failed_in_its_place(board, monkeypatch):
    """The table is fetched; the answer to the browser carries what went wrong (tests/ui shows it on the page)."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from starlette.requests import Request

    from dashboard import runtable, service

    def broken(*_):
        raise OSError("the disk is full")

    async def body() -> dict:
        return {"type": "http.request", "body": json.dumps({"runs": ["ppo-a"]}).encode()}

    monkeypatch.setattr(runtable, "document", broken)
    shared = host.Host(board, [], None)
    shared.page = "token"
    scope = {"type": "http", "headers": [(b"x-rewardboard-page", b"token")], "path_params": {"what": "overview"}}
    with ThreadPoolExecutor(1) as pool:  # a browser test before this one may have left a loop in this thread
        answer = pool.submit(lambda: asyncio.run(service._answer(shared, Request(scope, body)))).result()
    assert answer.status_code == 500
    assert "the disk is full" in json.loads(answer.body)["what"]
