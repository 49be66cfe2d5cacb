"""What a browser asks for by itself: the same numbers as the page, nothing when nothing changed, no crash on nonsense."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from analysis import host
from analysis.board import Board
from analysis.records import InputError
from dashboard import figures, requests, runlist
from tests.analysis.test_comparison import trl_ppo
from tests.dashboard.conftest import policy_log


@pytest.fixture
def shared(board):
    return host.Host(board, [], None)


def view(*runs: str, **more) -> dict:
    return figures.Curves(runs=runs, slots=tuple(range(len(runs))), **more).asked()


def test_a_view_goes_to_the_browser_and_comes_back_the_same():
    asked = figures.Curves(runs=("a", "b"), slots=(0, 5), behind=("c",), groups=(("a", "g"),), log=("y",), span=5)
    assert figures.Curves.of(json.loads(json.dumps(asked.asked()))) == asked


@pytest.mark.parametrize(
    "bad", [{}, {"runs": 3, "slots": []}, {"runs": ["a"], "slots": ["x"]}, {"runs": [], "span": "x"}]
)
def test_what_is_no_view_is_said(bad):
    with pytest.raises(InputError, match="no request"):
        figures.Curves.of(bad)


def test_curves_come_once_and_then_only_when_they_changed(shared):
    body, kind, version = requests.curves(shared, view("ppo-a"))
    answer = json.loads(body)
    assert kind == "application/json"
    assert "NaN or infinite" in answer["caption"]
    assert answer["missing"] == ""
    assert requests.curves(shared, view("ppo-a") | {"have": version}) == (None, "", version)


def test_a_new_row_makes_a_new_version(tmp_path):
    policy_log(tmp_path / "ppo", steps=20)
    with Board.open() as board:
        board.ingest(tmp_path)
        shared = host.Host(board, [], None)
        _, _, version = requests.curves(shared, view("ppo"))
        policy_log(tmp_path / "ppo", steps=25)
        board.ingest(tmp_path)
        body, _, newer = requests.curves(shared, view("ppo") | {"have": version})
        assert body is not None
        assert newer != version


@pytest.mark.parametrize("window", [[20, 40], [40, 20]])
def test_a_window_brings_its_own_points(shared, window):
    table = pd.read_csv(io.BytesIO(requests.numbers(shared, view("ppo-b") | {"window": window})[0]))
    reward = table[table["metric"] == "reward.rm_score_mean"]
    assert reward["x"].tolist() == list(range(20, 41))
    assert reward["mean"].tolist() == pytest.approx([1 - 1 / i for i in range(20, 41)])


def test_the_numbers_are_the_same_in_both_formats(shared):
    csv = pd.read_csv(io.BytesIO(requests.numbers(shared, view("ppo-a") | {"format": "csv"})[0]))
    parquet = pd.read_parquet(io.BytesIO(requests.numbers(shared, view("ppo-a") | {"format": "parquet"})[0]))
    assert len(csv) == len(parquet) > 100
    assert csv["mean"].fillna(-1).tolist() == pytest.approx(parquet["mean"].fillna(-1).tolist())


@pytest.mark.parametrize("window", [["a", "b"], [1], 7])
def test_a_window_that_is_none_is_said(shared, window):
    with pytest.raises(InputError, match="no window"):
        requests.curves(shared, view("ppo-a") | {"window": window})


def test_curves_that_can_not_be_drawn_say_why(shared):
    answer = json.loads(requests.curves(shared, view("ppo-a", x="time"))[0])
    assert answer["figure"] is None
    assert "no wall-clock time" in answer["missing"]
    assert "no logged metrics" in json.loads(requests.curves(shared, view("gone"))[0])["missing"]


def test_the_list_of_runs_is_whole(shared, board):
    listed = json.loads(requests.runs(shared, {})[0])
    assert {run["id"] for run in listed} == set(board.runs()["run"])
    assert {run["state"] for run in listed} <= {"writing", "stalled", "crashed", "ended"}


def table(**columns) -> pd.DataFrame:
    n = len(columns["run"])
    base = {"name": "", "group": "", "tags": [[]] * n, "project": "", "framework": "", "trainer": "", "loss": ""}
    return pd.DataFrame({**{k: v if isinstance(v, list) else [v] * n for k, v in base.items()}, **columns})


def test_seeds_are_groups_by_what_is_said_or_by_their_names():
    runs = table(run=["ppo-seed1", "ppo-seed2", "rm_s3", "other", "x", "y"], group=["", "", "", "", "mine", "mine"])
    assert runlist.groups_of(runs) == {"ppo-seed1": "ppo", "ppo-seed2": "ppo", "x": "mine", "y": "mine"}


@pytest.mark.parametrize(
    ("text", "found"), [("^a", ["a1"]), ("keep", ["b2"]), ("dpo", ["c("]), ("c(", ["c("]), ("", None)]
)
def test_runs_are_found_by_name_tag_and_trainer(text, found):
    runs = table(run=["a1", "b2", "c("], tags=[[], ["keep"], []], trainer=["", "", "dpo"])
    assert runlist.matching(runs, text)["run"].tolist() == (found or ["a1", "b2", "c("])


def test_along_kl_both_axes_are_smoothed_and_kl_itself_is_not_drawn(tmp_path):
    trl_ppo(tmp_path / "ppo-a", 1.0, 1.0)
    trl_ppo(tmp_path / "ppo-b", 3.0, 0.8, seed=1)
    with Board.open() as board:
        board.ingest(tmp_path)
        shared = host.Host(board, [], None)
        asked = view("ppo-a", "ppo-b", x="kl", span=10)
        figure = json.loads(requests.curves(shared, asked)[0])["figure"]
        table = pd.read_csv(io.BytesIO(requests.numbers(shared, asked)[0]))
    assert "kl.to_reference" not in set(table["metric"])
    reward = table[(table["metric"] == "reward.rm_score_mean") & (table["run"] == "ppo-a")].sort_values("step")
    keep = (1 - 2 / 11) ** np.arange(len(reward))[::-1]
    assert reward["smooth_x"].iloc[-1] == pytest.approx((reward["x"] * keep).sum() / keep.sum())
    assert "trailing mean of 10 points, of KL as well" in figure["layout"]["xaxis"]["title"]["text"]
    (line,) = [s for s in figure["layout"]["shapes"] if "all reach" in s["label"]["text"]]
    assert line["x0"] == pytest.approx(11.6, abs=0.1)


def test_a_run_without_kl_is_named_below_the_chart(tmp_path):
    trl_ppo(tmp_path / "ppo", 1.0, 1.0)
    policy_log(tmp_path / "mine", kl="something")
    with Board.open() as board:
        board.ingest(tmp_path)
        caption = json.loads(requests.curves(host.Host(board, [], None), view("ppo", "mine", x="kl"))[0])["caption"]
    assert "Not drawn: mine, without a logged KL" in caption
