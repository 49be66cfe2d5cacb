"""From tags to meaning: on the tags of real logs, and on whatever strings come in.

An expert would look for: KL per token taken for KL per sequence, GRPO taken for RLOO, a prefix that belongs to the
framework's own tag stripped, an estimator invented where the version decides, a scale slip not said, an unknown
tag dropped, an implicit reward of DPO taken for a reward model's score.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import vocabulary
from analysis.vocabulary import comparable, guess_framework, primary, resolve

PPO = ["eps", "objective/kl", "objective/entropy", "objective/rlhf_reward", "objective/scores", "loss/policy_avg",
       "loss/value_avg", "val/ratio", "policy/entropy_avg", "policy/clipfrac_avg", "lr", "episode", "epoch"]  # fmt: skip
GRPO = ["loss", "grad_norm", "learning_rate", "num_tokens", "completions/mean_length", "completions/clipped_ratio",
        "rewards/check/mean", "rewards/check/std", "reward", "reward_std", "frac_reward_zero_std", "kl", "entropy",
        "clip_ratio/region_mean", "step_time", "epoch"]  # fmt: skip
GRPO_CONFIG = ["num_generations", "epsilon", "loss_type", "scale_rewards", "beta"]
RLOO_CONFIG = ["num_generations", "epsilon", "normalize_advantages", "reward_clip_range", "beta"]


def test_every_concept_has_what_a_page_needs():
    concepts = vocabulary.load().concepts
    assert len(concepts) >= 98
    assert sum(len(c.names) for c in concepts.values()) >= 692
    for concept in concepts.values():
        assert concept.label
        assert concept.meaning
        assert concept.direction in ("higher", "lower", "none")
        assert concept.aggregation


def test_a_column_named_like_a_concept_is_that_concept():
    found = resolve(["kl.to_reference", "eval/rm.accuracy", "my_own"])
    assert found["kl.to_reference"].concept == "kl.to_reference"
    assert (found["eval/rm.accuracy"].concept, found["eval/rm.accuracy"].split) == ("rm.accuracy", "eval")
    assert found["my_own"].concept is None


def test_every_name_of_every_framework_resolves_to_its_own_concept():
    wrong = []
    for concept in vocabulary.load().concepts.values():
        for name in concept.names:
            tag = name.tag.replace("{all|effective}", "all").replace("{acc|reward}", "acc")
            while "{" in tag:
                tag = tag[: tag.index("{")] + "x" + tag[tag.index("}") + 1 :]
            hints = {"framework": name.framework, "trainer": name.trainer, "version": name.versions}
            found = resolve([tag], hints=hints)[tag]
            if found.concept != concept.id and not found.ambiguous:
                wrong.append((name.framework, name.tag, concept.id, found.concept))
    assert wrong == []


def test_kl_of_ppo_is_per_sequence_and_of_grpo_per_token():
    ppo, grpo = resolve(PPO)["objective/kl"], resolve(GRPO)["kl"]
    assert (ppo.concept, ppo.unit) == ("kl.to_reference", "nats per sequence")
    assert (grpo.concept, grpo.unit) == ("kl.to_reference", "nats per token")
    assert "unit" in (comparable(ppo, grpo) or "")
    assert comparable(grpo, grpo) is None


def test_grpo_and_rloo_share_their_tags_and_only_the_arguments_tell_them_apart():
    open_ = guess_framework(GRPO)
    assert open_ is not None
    assert open_.trainer == "GRPO|RLOO"
    found = resolve(GRPO, guess=open_)["kl"]
    assert found.estimator is None
    assert any("k1 or k3" in note for note in found.notes)
    grpo, rloo = (guess_framework(GRPO, config=config) for config in (GRPO_CONFIG, RLOO_CONFIG))
    assert resolve(GRPO, guess=grpo)["kl"].estimator == "k3"
    assert resolve(GRPO, guess=rloo)["kl"].estimator == "k1"


def test_an_estimator_that_the_version_decides_is_not_invented():
    assert resolve(PPO)["objective/kl"].estimator is None
    told = resolve(PPO, hints={"framework": "trl", "version": "0.14.0", "trainer": "PPO"})["objective/kl"]
    assert told.estimator == "k1"


def test_known_slips_are_said():
    notes = " ".join(resolve(PPO)["objective/entropy"].notes)
    assert "padding" in notes
    value = resolve(PPO)["loss/value_avg"]
    assert value.scale == 0.5
    assert any("0.5" in note for note in value.notes)
    rate = resolve(["actor/pg_loss", "actor/lr(1e-4)"])["actor/lr(1e-4)"]
    assert rate.scale == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("tag", "key", "split"),
    [
        ("train/objective/kl", "objective/kl", "train"),
        ("objective/kl", "objective/kl", "train"),
        ("eval/objective/kl", "objective/kl", "eval"),
        ("eval_objective/kl", "objective/kl", "eval"),
    ],
)
def test_prefixes_of_sinks_are_taken_off(tag, key, split):
    found = resolve([*PPO, tag])[tag]
    assert (found.key, found.split, found.concept) == (key, split, "kl.to_reference")


def test_a_prefix_that_is_part_of_the_tag_stays():
    tags = ["train/acc_mean", "train/reject_reward", "train/chosen_reward", "train/preference_loss", "train/loss_mean"]
    found = resolve(tags)
    assert guess_framework(tags).framework == "openrlhf"
    assert found["train/acc_mean"].key == "train/acc_mean"
    assert found["train/acc_mean"].concept == "rm.accuracy"


def test_named_evaluation_sets_are_splits_of_their_own():
    tags = ["loss", "accuracy", "margin", "mean_reward", "min_reward", "eval_helpful_accuracy", "eval_accuracy"]
    found = resolve(tags)
    assert (found["eval_helpful_accuracy"].split, found["eval_helpful_accuracy"].concept) == (
        "eval:helpful",
        "rm.accuracy",
    )
    assert found["eval_accuracy"].split == "eval"


def test_reward_functions_keep_their_names():
    found = resolve(GRPO)["rewards/check/mean"]
    assert (found.concept, found.component) == ("reward.component_mean", "check")


def test_implicit_rewards_of_dpo_are_no_scores_of_a_reward_model():
    tags = [
        "loss",
        "rewards/chosen",
        "rewards/rejected",
        "rewards/margins",
        "rewards/accuracies",
        "logps/chosen",
        "logits/chosen",
    ]
    assert resolve(tags)["rewards/chosen"].concept == "dpo.reward_chosen"


def test_hand_written_names_have_a_concept_and_no_invented_unit():
    found = resolve(["reward_mean", "kl", "gold_acc", "column_1", "my_thing"])
    assert found["reward_mean"].concept == "reward.rm_score_mean"
    assert found["kl"].concept == "kl.to_reference"
    assert "not known" in found["kl"].unit
    assert found["gold_acc"].concept == "eval.gold_score_mean"
    assert found["column_1"].concept is None
    assert found["my_thing"].key == "my_thing"


def test_of_several_estimators_one_is_the_main_curve():
    tags = ["objective/kl", "objective/kl2", "objective/kl3", "objective/rlhf_reward", "objective/scores"]
    found = resolve(tags)
    assert primary(found)["kl.to_reference"] == "objective/kl"


@given(st.lists(st.text(max_size=300), max_size=20))
def test_whatever_comes_in_comes_out(tags):
    assert set(resolve(tags)) == set(tags)


@pytest.mark.parametrize("tag", ["", "{}", "(((", "a" * 10_000, "rewards//mean", "\\", "train/", "eval_", "💥", "\x00"])
def test_hostile_tags_are_kept_under_their_own_name(tag):
    assert resolve([tag, *GRPO])[tag].tag == tag
