"""Which curves come first: by concept and kind, never two units in one panel."""

from __future__ import annotations

import pandas as pd

from dashboard import panels


def logged(*rows: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(
        [(r[0], r[1], r[2] if len(r) > 2 else "", 100 - i) for i, r in enumerate(rows)],
        columns=["run", "metric", "unit", "n"],
    )
    return table.assign(label=table["metric"].str.title(), counter=table["metric"].isin(["epoch"]), split="train")


def test_policy_panels_keep_their_order_whatever_the_log_does():
    table = logged(
        ("a", "grad_norm"), ("a", "kl.to_reference"), ("a", "epoch"), ("a", "learning_rate"), ("a", "entropy.token_mean"),
        ("a", "reward.rm_score_mean"), ("a", "response.length_mean"), ("a", "policy.clip_fraction"), ("a", "loss.total"),
    )  # fmt: skip
    first = ["reward.rm_score_mean", "kl.to_reference", "entropy.token_mean", "loss.total", "response.length_mean",
             "policy.clip_fraction"]  # fmt: skip
    assert panels.first(table, "policy") == first
    assert panels.first(table.iloc[::-1], "policy") == first


def test_reward_model_panels():
    table = logged(("r", "learning_rate"), ("r", "rm.accuracy"), ("r", "rm.loss"), ("r", "rm.margin_mean"))
    assert panels.first(table, "reward_model") == ["rm.loss", "rm.accuracy", "rm.margin_mean", "learning_rate"]


def test_alternatives_stand_in_and_are_not_shown_twice():
    table = logged(("a", "reward.total_mean"), ("a", "kl.policy_update"), ("a", "value.loss"), ("a", "loss.value"))
    first = panels.first(table, "policy")
    assert first[:2] == ["reward.total_mean", "kl.policy_update"]
    assert len(set(first)) == len(first)


def test_a_log_of_unknown_names_is_drawn_all_the_same():
    table = logged(*[("x", f"column_{i}") for i in range(9)])
    assert panels.first(table, None) == [f"column_{i}" for i in range(6)]


def test_units_part_panels():
    table = logged(("a", "kl.to_reference", "nats per token"), ("b", "kl.to_reference", "nats per sequence"))
    found = panels.panels(table, ["kl.to_reference"])
    assert [(p.unit, p.runs) for p in found] == [("nats per token", ("a",)), ("nats per sequence", ("b",))]


def test_train_and_eval_share_a_panel():
    table = logged(("a", "rm.loss", "nats"), ("a", "rm.loss", "nats"))
    assert [p.runs for p in panels.panels(table, ["rm.loss"])] == [("a",)]


def test_two_tags_of_one_concept_are_told_apart():
    metrics = pd.DataFrame(
        {
            "run": "a",
            "metric": ["reward.rm_score_mean", "eval_reward"],
            "label": "Reward (score)",
            "unit": "reward units",
        }
    )
    found = panels.panels(metrics, ["reward.rm_score_mean", "eval_reward"])
    assert [p.label for p in found] == ["Reward (score)", "Reward (score): eval_reward"]
