"""Trivial rules: what beats them, what does not, and a benchmark that one of them wins.

An expert would look for: a rule whose ties count as wrong and so is easy to beat, a model that is one of the rules, a
benchmark on which the shorter answer is nearly always right, rules picked after the fact without paying for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.ranking.baselines import panel
from analysis.ranking.features import column_features, length_feature, text_features, together
from tests.analysis.ranking.conftest import run_of
from tests.analysis.ranking.made import pairs


def against(scored, *features):
    return panel(scored, together(*features), np.random.default_rng(0))


def lengths(difference):
    difference = np.asarray(difference, float)
    return length_feature(difference, np.zeros(len(difference)), "tokens")


def test_a_model_that_knows_more_than_length():
    rng = np.random.default_rng(0)
    found = against(pairs("rm", rng.normal(0.8, 1, 500)), lengths(rng.normal(0.2, 1, 500)))
    assert found.beats_all
    assert {b.rule for b in found.rules} == {"longer", "shorter", "constant"}
    assert found.rules[0].rule == "longer"
    assert "strongest trivial rule, 'longer'" in found.statement


def test_a_model_that_is_the_rule():
    rng = np.random.default_rng(1)
    difference = rng.normal(0.4, 1, 500)
    found = against(pairs("rm", difference + rng.normal(0, 0.02, 500)), lengths(difference))
    first = found.rules[0]
    assert (first.rule, first.verdict) == ("longer", "not established")
    assert first.agreement > 0.97
    assert not found.beats_all
    assert "is not established" in found.statement


def test_a_rule_that_beats_the_model():
    rng = np.random.default_rng(2)
    found = against(pairs("rm", rng.normal(0, 1, 400)), lengths(rng.normal(-1.5, 1, 400)))
    assert (found.rules[0].rule, found.rules[0].verdict) == ("shorter", "rule")
    assert "the rule 'shorter' ranks better" in found.statement


def test_ties_of_a_rule_count_half():
    found = against(pairs("rm", np.tile([1.0, -1.0], 30)), lengths(np.r_[np.ones(10), np.zeros(50)]))
    share = {b.rule: b.share for b in found.rules}
    assert share["constant"] == 0.5
    assert share["longer"] == pytest.approx((10 + 25) / 60)
    assert share["longer"] + share["shorter"] == pytest.approx(1)


def test_a_model_at_chance_beats_nothing():
    found = against(pairs("rm", np.random.default_rng(3).normal(0, 1, 300)), lengths(np.zeros(300)))
    assert [(b.rule, b.verdict) for b in found.rules] == [("constant", "not established")]
    assert np.isnan(found.rules[0].agreement)


def test_formatting_is_a_rule_where_it_differs_often_enough():
    texts = ["**bold** point"] * 40 + ["plain"] * 40
    found = against(pairs("rm", np.tile([1.0, 1.0, -1.0, 1.0], 20)), text_features(texts, ["plain"] * 80))
    rules = {b.rule for b in found.rules}
    assert "more bold" in rules
    assert "more headings" not in rules
    assert not any("'bold'" in rule for rule in rules)


@pytest.mark.parametrize(("margin", "why"), [([], "no scored pairs"), ([1.0, -1.0, 2.0], "6 prompts or more")])
def test_bad_data_give_a_sentence(margin, why):
    found = against(pairs("rm", margin), lengths(np.ones(len(margin))))
    assert why in found.statement
    assert not found.beats_all


def test_rewardbench_mathematics_is_won_by_the_shorter_answer(published_board):
    """Chosen are human solutions, rejected are GPT-4's: a rule without any reading is right in 91 %."""
    run = run_of("rewardmath", "GRM-gemma-2B-sftreg")
    frame = published_board.pairs(run, limit=1000)
    scored = published_board.scored_pairs(run)
    frame = frame.set_index("pair_id").loc[[str(k) for k in scored.keys]]
    features = length_feature(
        frame["chosen_length"].to_numpy(float), frame["rejected_length"].to_numpy(float), "characters"
    )
    found = against(scored, features)
    assert found.rules[0].rule == "shorter"
    # 407 of 447 strictly (91.05 %), and two equal lengths at half
    assert found.rules[0].share == pytest.approx((407 + 1) / 447)
    assert found.scorer.value == pytest.approx(0.9306, abs=1e-4)
    assert not found.beats_all


def test_labelled_runs_that_learned_nothing_beyond_length(labelled_board, labelled_runs):
    texts = pd.read_csv(labelled_runs / "pairs.csv").set_index("pair_id")
    found = {}
    for run, scored in labelled_board.items():
        mine = texts.loc[list(scored.keys)]
        found[run] = against(scored, text_features(list(mine["chosen"]), list(mine["rejected"]))).beats_all
    assert sorted(run for run, beats in found.items() if not beats) == ["rm-a580", "rm-cfa6"]


def test_columns_of_score_files_are_rules_too():
    rows = ['{"chosen_steps": 3, "rejected_steps": 1}'] * 40
    found = against(pairs("rm", np.linspace(-1, 2, 40)), column_features(rows))
    assert "more steps" in {b.rule for b in found.rules}


def test_the_strongest_rule_is_told_by_category_with_ties_at_half():
    length = np.array([1.0] * 40 + [1.0] * 20 + [-1.0] * 10 + [0.0] * 10)
    scored = pairs("rm", np.ones(80), categories=["a"] * 40 + ["b"] * 40)
    found = against(scored, length_feature(length, np.zeros(80), "tokens"))
    assert found.rules[0].rule == "longer"
    assert found.by_category == {"a": 1.0, "b": pytest.approx((20 + 5) / 40)}
