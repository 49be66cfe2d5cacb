"""Signals that seem to contradict each other. An expert would catch: a reward model that nobody linked, one that ranks at chance, a healthy
run that is told a conflict, and a fall of the AUROC that noise makes.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.board import Board
from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.signals import Judge
from tests.analysis.diagnosis.made import World
from tests.analysis.diagnosis.worlds import needs_labelled

GOOD = Judge("rm-good", 0.74, 0.71, 0.77, 1000)


def sentences(said):
    return [
        e.statement
        for f in said.findings
        for e in f.evidence
        if "reward model" in e.statement and "held-out pairs" in e.statement
    ]


@needs_labelled
def test_a_sound_reward_model_and_a_policy_that_left_its_pairs_behind(real):
    told = sentences(diagnose(replace(real("ppo-0176"), judge=GOOD)))
    assert "74 % of 1,000 held-out pairs" in told[0]
    assert "left them behind" in told[0]


@needs_labelled
def test_a_reward_model_at_chance_is_told_as_what_misleads(real):
    told = sentences(diagnose(replace(real("ppo-0176"), judge=Judge("rm-poor", 0.52, 0.49, 0.55, 1000))))
    assert "can't lead a policy" in told[0]


@needs_labelled
def test_a_healthy_run_hears_nothing_of_it(real):
    assert sentences(diagnose(replace(real("ppo-8e81"), judge=GOOD))) == []


def test_the_link_of_a_file_beside_the_run_leads_to_the_scores_of_its_reward_model(tmp_path):
    world = World()
    world.write(tmp_path, world.healthy())
    (tmp_path / "ppo").mkdir()
    rows = ({"step": i, "objective/kl": 0.1 * i, "objective/scores": 0.01 * i} for i in range(1, 60))
    (tmp_path / "ppo" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "ppo" / "rewardboard.toml").write_text('kind = "policy"\n[links]\nreward_model = "rm"\n')
    with Board.open() as board:
        board.ingest(tmp_path)
        judge = board.signals("ppo").judge
    right = (world.healthy()[:, 0] > world.healthy()[:, 1]).mean()
    assert (judge.name, judge.n) == ("rm", 1000)
    assert judge.accuracy == pytest.approx(right, abs=0.05)


def answers(knows_first, knows_last, *, prompts=150, each=4, seed=0):
    """Several answers to each prompt at two steps; the score follows gold as well as is told."""
    rng = np.random.default_rng(seed)
    parts = []
    for step, knows, level in ((0.0, knows_first, 0.0), (160.0, knows_last, 3.0)):
        gold = rng.normal(size=prompts * each)
        score = level + knows * gold + rng.normal(size=prompts * each)
        ids = np.repeat(np.arange(prompts), each).astype(str)
        parts.append(pd.DataFrame({
            "step": step, "prompt_id": ids, "category": "all", "score": score, "length": 20.0, "kl": 0.0, "truncated": False, "gold_score": gold - 0.5 * level,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@needs_labelled
@pytest.mark.parametrize(("last", "there"), [(0.1, True), (1.5, False)])
def test_a_score_that_rises_while_its_judge_loses_the_policys_own_answers(real, last, there):
    from analysis.diagnosis.canonical import canonical

    run = real("ppo-0176")
    series = {name: s for name, s in run.series.items() if not name.startswith("rollouts/")}
    said = diagnose(canonical(replace(run, series=series, rollouts=answers(1.5, last))))
    told = [e.statement for f in said.findings for e in f.evidence if "the policy's own answers" in e.statement]
    assert bool(told) is there
