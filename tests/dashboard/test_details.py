"""What stands below the curves: each part alone, and what a person says about a run outlives the page."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analysis.board import Board
from tests.dashboard.conftest import words


@pytest.fixture
def rolled(tmp_path):
    """A policy run with rollouts at four steps."""
    run = tmp_path / "ppo"
    run.mkdir()
    rng = np.random.default_rng(0)
    log = [{"step": i, "reward": 0.1 * i, "kl": 0.01 * i} for i in range(40)]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    rows = [
        {"step": step, "prompt_id": f"p{i}", "score": float(rng.normal(step / 10)), "length": int(rng.integers(5, 50))}
        for step in (0, 10, 20, 30)
        for i in range(50)
    ]
    (run / "rollouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Board.open() as board:
        board.ingest(tmp_path)
        yield board


@pytest.mark.parametrize("form", ["heat map", "ridges"])
def test_distributions_are_offered_with_their_steps(draw, rolled, form):
    page = draw("run", rolled, run="ppo", details="Distributions", form=form)
    assert not page.exception
    assert not page.error
    assert any("score (4 steps, rollouts)" in option for option in page.selectbox(key="distribution").options)


def test_a_run_without_distributions_says_what_would_make_one(draw, board):
    page = draw("run", board, run="ppo-a", details="Distributions")
    assert "log no histograms" in words(page)


@pytest.mark.parametrize("part", ["Configuration", "Metrics", "Files", "Notes"])
def test_every_part_is_drawn(draw, board, part):
    page = draw("run", board, run=["ppo-a", "ppo-b"], details=part)
    assert not page.exception
    assert not page.error


def test_notes_and_tags_are_kept(draw, rolled):
    page = draw("run", rolled, run="ppo", details="Notes")
    page.text_input(key="tags-ppo").set_value("baseline, keep")
    page.text_input(key="note-ppo").set_value("too short to tell").run()
    assert rolled.run("ppo")["tags"] == ["baseline", "keep"]
    assert rolled.run("ppo")["note"] == "too short to tell"
