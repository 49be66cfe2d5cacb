"""Numbers of charts that stand still: those of the log, of the chart that was asked for, and of no other.

Wrong would be: another run's or category's rows, days as unix seconds, bins and steps exchanged, a browser that names
functions or arguments of its own.
"""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from analysis import host
from analysis.board import Board
from analysis.records import InputError
from dashboard import chart_tables, requests


def answered(board: Board, name: str, **arguments) -> pd.DataFrame:
    """As the browser gets it."""
    asked = json.loads(json.dumps(chart_tables.asked(name, **arguments)))
    body, kind, _ = requests.numbers(host.Host(board, [], None), asked | {"format": "csv", "window": None})
    assert kind == "text/csv"
    return pd.read_csv(io.BytesIO(body))


def test_accuracy_is_that_of_the_files(board, logs):
    told = answered(board, "rm_categories", runs=["rm-a", "rm-b"], dataset=None).set_index(["run", "category"])
    for run in ("rm-a", "rm-b"):
        pairs = pd.read_csv(logs / run / "pairs.csv")
        right = (pairs["chosen_score"] > pairs["rejected_score"]).groupby(pairs["category"])
        assert told.loc[run, "accuracy"].to_dict() == pytest.approx(right.mean().to_dict())
        assert told.loc[run, "n"].to_dict() == right.size().to_dict()


def test_counts_of_scores_add_up_to_the_pairs(board):
    told = answered(board, "scores", run="rm-a", dataset=None)
    assert told.groupby("side")["count"].sum().to_dict() == {"chosen": 400, "rejected": 400, "margin": 400}


@pytest.mark.parametrize("by", [None, "category"])
def test_a_stream_is_told_by_day_and_category(board, logs, by):
    told = answered(board, "stream", run="deployed", field="length", by=by, baseline=None, axis="day")
    rows = pd.read_parquet(logs / "deployed" / "stream.parquet")
    rows["day_utc"] = rows["timestamp"].dt.strftime("%Y-%m-%d")
    keys = ["day_utc", *([by] if by else [])]
    n = rows.groupby(keys).size()
    assert told.set_index(keys)["n"].to_dict() == n.to_dict()


def test_a_distribution_is_a_bin_a_row(board, tmp_path):
    values = np.repeat([1.0, 2.0, 5.0], [2, 3, 5])
    (tmp_path / "ppo").mkdir()
    rows = pd.DataFrame(
        {"step": np.repeat([0, 10], 10), "prompt_id": np.tile(np.arange(10), 2), "score": np.r_[values, values + 10]}
    )
    rows.to_csv(tmp_path / "ppo" / "rollouts.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        (found,) = [row for row in board.distributions(["ppo"]).itertuples() if row.tag == "score"]
        told = answered(board, "distribution", run="ppo", tag="score", source=found.source, dataset=found.dataset)
    shares = told.groupby("first_step")["share"].sum()
    assert shares.to_dict() == pytest.approx({0: 1, 10: 1})
    for step, shift in ((0, 0), (10, 10)):
        mine = told[told["first_step"] == step]
        held = mine[mine["share"] > 0]
        assert held["share"].max() == pytest.approx(0.5)
        top = held.loc[held["share"].idxmax()]
        assert top["bin_low"] <= 5 + shift <= top["bin_high"]
        assert mine["q50"].unique().tolist() == pytest.approx([2 + shift])
        assert mine["n"].unique().tolist() == [10]


@pytest.mark.parametrize(("most", "kind"), [(3000, "row"), (0, "cell")])
def test_a_picture_of_rollouts_is_told_by_row_or_by_cell(tmp_path, most, kind):
    (tmp_path / "ppo").mkdir()
    rows = pd.DataFrame(
        {"step": np.repeat([0, 10], 50), "prompt_id": np.tile(np.arange(50), 2), "score": np.arange(100.0)}
    )
    rows.to_csv(tmp_path / "ppo" / "rollouts.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        told = answered(board, "spread", runs=["ppo"], ask=["score:0..79"], along=["step"], y="score", most=most)
    drawn = told[told["kind"] == kind]
    assert set(told["kind"]) == {kind, "quartiles"}
    assert (drawn["n"].sum() if kind == "cell" else len(drawn)) == 80
    medians = told[told["kind"] == "quartiles"].set_index("x")["q50"]
    assert medians.to_dict() == pytest.approx({0: 24, 10: 64}, abs=1)


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "table"},
        {"kind": "table", "name": "table", "arguments": {}},
        {"kind": "table", "name": "rm_categories", "arguments": {"runs": ["rm-a"]}},
        {"kind": "table", "name": "scores", "arguments": {"run": "rm-a", "dataset": None, "more": 1}},
        {"kind": "table", "name": "scores", "arguments": 3},
    ],
)
def test_what_is_no_request_is_said(board, said):
    with pytest.raises(InputError, match="no numbers"):
        requests.numbers(host.Host(board, [], None), said)
