"""Pages on a real board, without a browser: what they say, and what stands there when there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dashboard
from analysis import host
from analysis.board import Board
from dashboard import views
from tests.analysis.test_comparison import trl_grpo, trl_ppo
from tests.dashboard.conftest import scored_pairs, words

OF_LOGS = ("overview", "run", "reward_models", "compare", "drift", "data")
"""Pages that show what was read."""

PAGES = (*OF_LOGS, "losses")


def test_pages_are_found_and_ordered():
    found = [page for page, _ in views.find()]
    assert [page.name for page in found] == ["Overview", "Run", "Reward models", "Compare", "Drift", "Losses", "Data"]
    assert all(page.title.endswith("?") and page.icon.startswith(":material/") for page in found)
    assert len({page.url for page in found}) == len(found)


def test_the_script_itself_draws_the_first_page(board):
    from streamlit.testing.v1 import AppTest

    host.use(host.Host(board, [], None))
    page = AppTest.from_file(Path(dashboard.__file__).parent / "app.py", default_timeout=30).run()
    host.use(None)
    assert not page.exception
    assert page.title[0].value == "Which runs need me now?"


@pytest.mark.parametrize("view", PAGES)
def test_every_page_draws(draw, board, view):
    page = draw(view, board)
    assert not page.exception
    assert not page.error, words(page)


@pytest.mark.parametrize("view", OF_LOGS)
def test_nothing_read_yet_names_the_command(draw, view):
    with Board.open() as empty:
        page = draw(view, empty)
        assert not page.exception
        assert any("rewardboard" in block.value for block in page.code), words(page)


@pytest.mark.parametrize("view", OF_LOGS)
def test_while_reading_a_page_says_so(draw, view):
    with Board.open() as empty:
        page = draw(view, empty)
        host.host().reading = True
        page.run()
        assert not page.exception
        assert "Still reading" in words(page)


def table_of(page) -> dict:
    """What the table of the Overview is told."""
    (found,) = [e.proto for e in page.main if "overview" in getattr(e.proto, "component_name", "")]
    return json.loads(found.json)


def test_overview_lists_every_run_and_says_how_far_their_diagnosis_is(draw, board):
    told = table_of(draw("overview", board))
    assert {row["id"] for row in told["said"]["rows"]} == set(board.runs()["run"])
    assert "5 runs" in told["said"]["verdict"]
    assert told["note"].startswith("0 runs diagnosed, ")
    assert not any("diagnosed" in json.dumps(row) for row in told["said"]["rows"])


def test_overview_takes_its_view_from_the_address(draw, board):
    told = table_of(draw("overview", board, find="^ppo", kind=["policy"], sort="name", all="true"))
    usual = {"state": "", "project": "", "trained": "", "tags": ""}
    assert told["view"] == usual | {"find": "^ppo", "kind": ["policy"], "sort": "name", "all": True}


def test_the_first_runs_of_the_overview_are_told_apart_by_their_marks(draw, board):
    slots = table_of(draw("overview", board))["slots"]
    assert len(set(slots.values())) == len(slots) == 5


def test_run_tells_what_is_not_finite_and_draws_it(draw, board):
    page = draw("run", board, run="ppo-a")
    assert "1 value NaN or infinite" in words(page)


def test_run_of_an_address_that_is_not_read(draw, board):
    page = draw("run", board, run=["ppo-a", "gone"])
    assert not page.exception
    assert "No run `gone`" in words(page)
    page = draw("run", board, run="gone")
    assert "No run is chosen" in words(page)


def test_run_keeps_the_address_state(draw, board):
    page = draw("run", board, run=["ppo-a", "ppo-b"], smooth="20", x="KL")
    assert page.session_state["choice"]["runs"] == ["ppo-a", "ppo-b"]
    assert page.selectbox(key="smooth").value == 20
    assert not page.error


def test_runs_are_chosen_without_our_server_too(draw, board):
    page = draw("run", board, run="ppo-a")
    page.multiselect(key="picked").set_value(["ppo-b"]).run()
    assert not page.exception
    assert page.session_state["choice"]["runs"] == ["ppo-b"]
    assert "ppo-b" in words(page)


def test_run_without_times_says_what_is_missing(draw, board):
    page = draw("run", board, run="ppo-a", x="time")
    assert "no wall-clock time" in words(page)


def test_runs_that_log_kl_in_different_units_share_no_kl_axis(draw, tmp_path):
    trl_ppo(tmp_path / "ppo", 1.0, 1.0)
    trl_grpo(tmp_path / "grpo")
    with Board.open() as board:
        board.ingest(tmp_path)
        page = draw("run", board, run=["ppo", "grpo"], x="KL")
    assert not page.exception
    why = "**ppo** logs KL in nats per sequence and **grpo** logs KL in nats per token"
    assert f"Not comparable at equal KL, because {why}." in words(page)
    assert f"can't share an axis of KL: {why.replace('**', '')}" in words(page)


def test_runs_are_compared_at_equal_kl(draw, tmp_path):
    trl_ppo(tmp_path / "ppo-a", 1.0, 1.0)
    trl_ppo(tmp_path / "ppo-b", 3.0, 0.8, seed=1)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert "At KL 11.6 nats per sequence, the largest that all reach, reward: **ppo-a** 3.39" in words(
            draw("run", board, run=["ppo-a", "ppo-b"], x="KL")
        )
        assert "equal KL" not in words(draw("run", board, run="ppo-a", x="KL"))
        assert "equal KL" not in words(draw("run", board, run=["ppo-a", "ppo-b"]))


def test_losses_of_different_kind_get_their_own_panels():
    from dashboard import panels
    from dashboard.cohorts import named

    metrics = pd.DataFrame(
        {
            "run": ["a", "b", "c", "a"],
            "metric": ["rm.loss"] * 3 + ["rm.accuracy"],
            "unit": ["loss units"] * 3 + ["fraction"],
        }
    ).assign(label="x", n=1)
    losses = {"a": "bradley_terry", "b": "hinge", "c": ""}
    found = panels.panels(named(metrics, losses), ["rm.loss", "rm.accuracy"])
    assert [p.unit for p in found] == ["loss units, bradley_terry", "loss units, hinge", "loss units", "fraction"]


def test_the_accuracy_sentence_is_the_boards_number(draw, board):
    row = board.accuracy("rm-a").iloc[0]
    said = words(draw("reward_models", board, scorer="rm-a"))
    assert f"ranks {100 * row['accuracy']:.1f} % of {row['n']:,} pairs right" in said
    assert f"({100 * row['low']:.1f} to {100 * row['high']:.1f}, Wilson 95 %)" in said


def test_texts_are_hidden_until_asked_for(draw, board):
    page = draw("reward_models", board, scorer="rm-a")
    assert not page.text
    assert not page.toggle


def test_unlabelled_pairs_have_no_accuracy(draw, tmp_path):
    (tmp_path / "rm").mkdir()
    table = pd.DataFrame({"prompt_id": ["a", "b"], "response_a_score": [1.0, 2.0], "response_b_score": [0.5, 2.5]})
    table.to_csv(tmp_path / "rm" / "pairs.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        scored = board.scorers()
        if scored.empty or scored["n_unlabelled"].sum() == 0:
            pytest.skip("this file is not read as unlabelled pairs")
        assert "accuracy has no meaning" in words(draw("reward_models", board))


def test_repeated_pairs_are_told(draw, tmp_path):
    scored_pairs(tmp_path / "rm", n=50)
    table = pd.read_csv(tmp_path / "rm" / "pairs.csv")
    pd.concat([table, table.iloc[:3]]).to_csv(tmp_path / "rm" / "pairs.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert "3 rows repeat an id" in words(draw("reward_models", board))


def test_drift_says_that_nothing_is_tested(draw, board):
    said = words(draw("drift", board))
    assert "Not tested yet: a shift here is a look, not a verdict" in said
    assert "30 days" in said


def test_drift_takes_another_baseline(draw, board):
    page = draw("drift", board)
    slider = page.select_slider[0]
    low, high = slider.value
    assert (low, high) == ("2026-03-01", "2026-03-10")
    before = words(page)
    slider.set_value(("2026-03-20", "2026-03-29")).run()
    assert not page.exception
    assert words(page) != before


def test_data_names_what_was_not_read(draw, board):
    page = draw("data", board)
    assert "broken.json" in page.dataframe[0].value["path"].str.cat()
    row = page.dataframe[0].value.iloc[0]
    assert row["state"] == "failed"
    assert row["what was left out"]


def ask(page, query: str):
    page.text_area(key="sql").set_value(query)
    return page.button[0].click().run()


def test_sql_answers_and_refuses_to_write(draw, board):
    page = ask(draw("data", board), "SELECT count(DISTINCT run_id) AS n FROM pair_scores")
    assert page.dataframe[-1].value["n"].tolist() == [2]
    for query in ("DELETE FROM runs", "DROP TABLE points", "SELECT 1; SELECT 2", "SELEC", "COPY runs TO '/tmp/x'"):
        page = ask(page, query)
        assert not page.exception
        assert len(page.error) == 1
        assert "Mend" in page.error[0].value
    assert len(board.runs()) == 5


def test_examples_of_sql_all_run(board):
    from dashboard.views.data import EXAMPLES

    for query in EXAMPLES.values():
        board.sql(query)


def test_a_part_that_fails_leaves_the_rest(draw, board, monkeypatch):
    from dashboard import data

    def broken(*_):
        raise KeyError("column")

    monkeypatch.setattr(data, "histogram", broken)
    page = draw("reward_models", board, scorer="rm-a")
    assert not page.exception
    assert len(page.error) == 1
    assert "ranks" in words(page)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A thousand runs of 100 steps in one table."""
    folder = tmp_path_factory.mktemp("many")
    runs, steps = 1000, 100
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "run": np.repeat([f"run-{i:04d}" for i in range(runs)], steps),
            "step": np.tile(np.arange(steps), runs),
            "reward": rng.normal(size=runs * steps),
            "kl": rng.random(runs * steps),
        }
    )
    table.to_csv(folder / "sweep.csv", index=False)
    with Board.open() as board:
        board.ingest(folder)
        assert len(board.runs()) >= runs
        yield board


def test_a_thousand_runs_are_all_listed(draw, many):
    said = table_of(draw("overview", many))["said"]
    assert len(said["rows"]) == 1000
    assert all(row["reward"]["points"] and row["kl"]["points"] for row in said["rows"])
    assert "1,000 runs" in said["verdict"]
