"""Distributions over steps, as they come out of the store.

An expert would look for: bins of one step laid over those of another although their edges differ, counts that do not
add up to what was logged, a restart that counts a step twice, two logs of one run added up, runs of one file mixed,
NaN scores in a bin, a pair that was scored twice counted twice, scores without a step drawn at step 0, steps that are
merged without being told.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch.utils.tensorboard import SummaryWriter

from analysis.board import Board

AT = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture
def board():
    with Board.open() as opened:
        yield opened


def tensorboard(folder: Path, values: dict[int, np.ndarray], tag: str = "rewards", **writer) -> None:
    with SummaryWriter(str(folder), **writer) as log:
        for step, found in values.items():
            log.add_histogram(tag, found, step)
            log.add_scalar("loss", float(step), step)


def wandb(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def logged(values: np.ndarray, bins: int) -> dict:
    counts, edges = np.histogram(values, bins=bins)
    return {"_type": "histogram", "bins": edges.tolist(), "values": counts.tolist()}


def table(path: Path, **columns) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False)


def test_event_histograms_keep_their_values_at_every_step(tmp_path, board):
    rng = np.random.default_rng(0)
    values = {step: rng.normal(step / 10, 1, 1000) for step in range(0, 50, 10)}
    tensorboard(tmp_path / "run", values)
    board.ingest(tmp_path)
    found = board.distribution("run", "rewards")
    assert found.first.tolist() == found.last.tolist() == list(values)
    assert found.counts.shape == (5, 80)
    assert found.n == pytest.approx([1000] * 5)
    # torch's bins grow by 10 %, so a value within one is known to 10 % of its size
    for got, step in zip(found.quantiles, values, strict=True):
        theirs = np.quantile(values[step], AT)
        assert np.abs(got - theirs) == pytest.approx(np.zeros(5), abs=0.11 * np.abs(theirs).max())
    means = (found.shares * (found.edges[1:] + found.edges[:-1]) / 2).sum(axis=1)
    assert means == pytest.approx([values[s].mean() for s in values], abs=0.1)


def test_edges_that_differ_from_step_to_step_come_to_lie_on_common_ones(tmp_path, board):
    """Step 1 has a bin of 10 on [0, 2], step 2 bins of 4 and 6 on [0, 1] and [1, 4]: on two bins of 2 by hand."""
    one = {"_type": "histogram", "bins": [0, 2], "values": [10]}
    two = {"_type": "histogram", "bins": [0, 1, 4], "values": [4, 6]}
    wandb(tmp_path / "run" / "log.jsonl", [{"_step": 1, "r": one, "a": 1}, {"_step": 2, "r": two, "a": 1}])
    board.ingest(tmp_path)
    found = board.distribution("run", "r", bins=2)
    assert found.edges.tolist() == [0, 2, 4]
    assert found.counts.tolist() == [[10, 0], [6, 4]]


def test_fine_bins_give_the_quantiles_of_the_values(tmp_path, board):
    rng = np.random.default_rng(1)
    values = {step: rng.gamma(2, step, 2000) for step in (1, 2, 5)}
    wandb(tmp_path / "run" / "log.jsonl", [{"_step": s, "r": logged(v, 400), "a": 1} for s, v in values.items()])
    board.ingest(tmp_path)
    found = board.distribution("run", "r", bins=4)
    for got, (step, drawn) in zip(found.quantiles, values.items(), strict=True):
        assert got == pytest.approx(np.quantile(drawn, AT), abs=drawn.max() / 400), step


def test_infinite_edges_and_empty_bins_of_a_json_log(tmp_path, board):
    open_ends = {"_type": "histogram", "bins": [-np.inf, 0, 1, 2, np.inf], "values": [5, 10, 0, 5]}
    none = {"_type": "histogram", "bins": [0, 1], "values": [0]}
    wandb(tmp_path / "run" / "log.jsonl", [{"_step": 1, "r": open_ends, "a": 1}, {"_step": 2, "r": none, "a": 1}])
    board.ingest(tmp_path)
    found = board.distribution("run", "r", bins=2)
    assert found.edges.tolist() == [0, 1, 2]
    assert found.counts.tolist() == [[10, 0], [0, 0]]
    assert (found.below.tolist(), found.above.tolist()) == ([5, 0], [5, 0])
    assert np.isnan(found.quantiles[1]).all()


def test_a_restart_counts_a_step_once(tmp_path, board):
    first = {step: np.zeros(10) for step in (10, 20, 30, 40)}
    again = {step: np.ones(7) for step in (25, 30, 35)}
    tensorboard(tmp_path / "run", first, filename_suffix=".a")
    tensorboard(tmp_path / "run", again, filename_suffix=".b")
    board.ingest(tmp_path)
    found = board.distribution("run", "rewards")
    assert dict(zip(found.first, found.n, strict=True)) == {10: 10, 20: 10, 25: 7, 30: 7, 35: 7, 40: 10}
    (listed,) = board.distributions(["run"]).to_dict("records")
    assert (listed["n_steps"], listed["first"], listed["last"]) == (6, 10, 40)


def test_two_logs_of_one_run_are_not_added_up(tmp_path, board):
    values = {step: np.arange(10.0) for step in (1, 2, 3)}
    tensorboard(tmp_path / "run" / "tb", values)
    rows = [{"_step": s, "loss": float(s), "rewards": logged(v, 5)} for s, v in values.items()]
    wandb(tmp_path / "run" / "log.jsonl", rows)
    board.ingest(tmp_path)
    assert board.distribution("run", "rewards").n.tolist() == pytest.approx([10, 10, 10])


def test_runs_of_one_file_keep_their_own_histograms(tmp_path, board):
    rows = [
        {"_step": s, "run": run, "loss": 1.0, "r": logged(np.full(n, 2.0), 3)}
        for run, n in (("x", 4), ("y", 6))
        for s in (1, 2)
    ]
    wandb(tmp_path / "both" / "log.jsonl", rows)
    board.ingest(tmp_path)
    assert board.distribution("both/x", "r").n.tolist() == [4, 4]
    assert board.distribution("both/y", "r").n.tolist() == [6, 6]


def test_rollouts_are_counted_by_step_and_nan_apart(tmp_path, board):
    rng = np.random.default_rng(2)
    step = np.repeat([0, 100, 200], 50)
    score = rng.normal(size=150)
    score[[3, 60]] = np.nan, np.inf
    table(
        tmp_path / "run" / "rollouts.csv",
        step=step,
        prompt_id=[f"p{i}" for i in range(150)],
        score=[repr(float(v)) for v in score],
        length=rng.integers(1, 90, 150),
    )
    board.ingest(tmp_path)
    listed = board.distributions(["run"])
    assert listed["tag"].tolist() == ["length", "score"]
    assert set(listed["n_steps"]) == {3}
    found = board.distribution("run", "score", bins=20)
    assert found.missing.tolist() == [1, 1, 0]
    for i, s in enumerate((0, 100, 200)):
        drawn = score[(step == s) & np.isfinite(score)]
        assert found.counts[i].tolist() == np.histogram(drawn, bins=found.edges)[0].tolist()
        assert found.quantiles[i].tolist() == np.quantile(drawn, AT, method="inverted_cdf").tolist()


def test_pairs_of_checkpoints_count_once_and_margins_are_chosen_minus_rejected(tmp_path, board):
    table(
        tmp_path / "rm" / "scores.csv",
        step=[1, 1, 1, 2, 2],
        pair_id=["a", "b", "a", "a", "b"],
        chosen_score=[1.0, 2.0, 9.0, 3.0, 4.0],
        rejected_score=[0.0, 0.0, 0.0, 1.0, 5.0],
    )
    board.ingest(tmp_path)
    assert board.distributions(["rm"])["tag"].tolist() == ["chosen_score", "margin", "rejected_score"]
    found = board.distribution("rm", "margin")
    assert found.n.tolist() == [2, 2]
    assert found.quantiles[:, [0, -1]].tolist() == [[1, 2], [-1, 2]]


def test_scores_without_a_step_have_no_place_on_the_axis(tmp_path, board):
    table(tmp_path / "rm" / "scores.csv", pair_id=["a", "b"], chosen_score=[1.0, 2.0], rejected_score=[0.0, 0.5])
    board.ingest(tmp_path)
    assert board.distributions(["rm"]).empty
    assert len(board.distribution("rm", "margin")) == 0


def test_more_steps_than_rows_are_summed_and_say_which(tmp_path, board):
    rng = np.random.default_rng(4)
    values = {step: rng.normal(size=5) for step in range(1000)}
    wandb(tmp_path / "run" / "log.jsonl", [{"_step": s, "r": logged(v, 3), "a": 1} for s, v in values.items()])
    board.ingest(tmp_path)
    found = board.distribution("run", "r", steps=200, bins=10)
    assert len(found) == 200
    assert found.n.sum() == pytest.approx(5000)
    assert (found.first[1:] == found.last[:-1] + 1).all()
    assert (found.first[0], found.last[-1]) == (0, 999)


def test_a_chosen_range_tells_what_lies_outside(tmp_path, board):
    wandb(tmp_path / "run" / "log.jsonl", [{"_step": s, "r": logged(np.arange(10.0), 9), "a": 1} for s in (1, 2)])
    board.ingest(tmp_path)
    found = board.distribution("run", "r", values=(3, 6), bins=3)
    assert found.counts.tolist() == [[1, 1, 1]] * 2
    assert (found.below.tolist(), found.above.tolist()) == ([3, 3], [4, 4])


@pytest.mark.parametrize("wrong", [{"values": (2, 2)}, {"steps": 0}, {"bins": 0}])
def test_a_range_or_size_of_nothing_is_refused(board, wrong):
    with pytest.raises(ValueError, match="at least 1"):
        board.distribution("run", "r", **wrong)


def test_one_name_in_two_sources_is_told_apart(tmp_path, board):
    wandb(tmp_path / "run" / "log.jsonl", [{"_step": s, "score": logged(np.zeros(9), 3), "a": 1} for s in (1, 2)])
    table(tmp_path / "run" / "rollouts.csv", step=[1, 1, 2, 2], prompt_id=list("abab"), score=[1, 2, 3, 4])
    board.ingest(tmp_path)
    assert board.distributions(["run"])["source"].tolist() == ["histograms", "rollouts"]
    assert board.distribution("run", "score").n.tolist() == [2, 2]
    assert board.distribution("run", "score", source="histograms").n.tolist() == [9, 9]
