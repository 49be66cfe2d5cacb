"""One tag, several meanings: prefixes, evaluation sets, versions, trainers, and what must not be claimed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.vocabulary import comparable, guess_framework, load, primary, resolve
from analysis.vocabulary.versions import overlap, window

LEGACY = ["ppo/policy/approxkl", "objective/kl", "ppo/mean_scores", "env/reward_mean", "ppo/mean_non_score_reward",
          "ppo/val/var_explained", "objective/entropy", "ppo/loss/value", "tokens/responses_len_mean"]  # fmt: skip
VERL = [
    "actor/pg_loss",
    "actor/kl_loss",
    "actor/entropy",
    "critic/vf_loss",
    "critic/score/mean",
    "training/global_step",
]
REWARD = ["loss", "accuracy", "margin", "mean_reward", "min_reward", "epoch"]
OPENRLHF = ["train/policy_loss", "train/actor_lr", "train/kl", "train/reward", "train/return"]
PPO = ["objective/rlhf_reward", "loss/value_avg", "objective/kl", "objective/scores"]


class TestVersions:
    @pytest.mark.parametrize(
        ("a", "b", "meet"),
        [
            ("0.9.3..1.12.0", "1.12.0", True),
            ("0.9.3..0.11.4", "0.12.0..0.25.1", False),
            ("0.6", "0.6.5", True),
            ("0.10..1.16.0", "0.9.6", False),
            ("0.1..0.3.0.post1", "0.3.0", True),
            ("..2025-11", "2025-12", False),
            ("2025-05..", "2026-01", True),
            ("HEAD 559b44772", "0.3.0..0.4.0", False),
            ("HEAD", "0.6.0..", True),
            ("all", "0.1", True),
            ("skyrl_train 0.1.0..0.3.0", "0.2.0", True),
            ("0.7.0..0.7.1 (FSDP dp_actor)", "0.8.0", False),
        ],
    )
    def test_windows(self, a, b, meet):
        assert overlap(a, b) is meet
        assert overlap(b, a) is meet

    def test_what_names_no_version_is_no_window(self):
        assert window("transformers 4.40.2 and later (absent in 4.37.2)") is None
        assert window("any") is None

    def test_a_version_newer_than_the_vocabulary_is_taken_for_its_newest_and_told(self):
        guess = guess_framework(PPO, {"framework": "verl", "version": "2.0.0"})
        assert guess.versions == "0.9.1"
        assert "newer" in guess.caveat


class TestFrameworks:
    @pytest.mark.parametrize("spelt", ["TRL", "trl", "huggingface/trl", "unsloth"])
    def test_spellings_of_a_framework(self, spelt):
        assert guess_framework(["x"], {"framework": spelt}).framework == "trl"

    def test_a_trainer_alone_tells_trl(self):
        guess = guess_framework(["accuracy"], {"trainer": "RewardTrainer"})
        assert (guess.framework, guess.confidence) == ("trl", "said")

    def test_what_is_said_wins_over_the_tags(self):
        guess = guess_framework(PPO, {"framework": "open-instruct"})
        assert guess.framework == "open_instruct"

    def test_an_accuracy_alone_is_no_reward_trainer(self):
        assert guess_framework(["loss", "accuracy", "epoch"]) is None
        assert guess_framework(["loss", "eval_loss", "eval_accuracy", "epoch", "learning_rate"]).trainer == "Reward"

    def test_a_completion_length_alone_is_no_grpo(self):
        assert guess_framework(["reward", "reward_std", "completion_length", "loss"]) is None

    def test_rivals_are_named(self):
        tags = ["completion_length", "reward_std", "reward", "rewards/accuracy_reward", "kl"]
        guess = guess_framework(tags)
        assert [g.framework for g in guess.alternatives] == ["ms_swift"]
        assert guess.confidence == "open"
        assert guess_framework(tags, {"framework": "trl"}).alternatives == ()

    def test_sinks_may_rewrite_tags(self):
        assert guess_framework([f"train/{tag}" for tag in PPO]).trainer == "PPOv2|PPO"

    def test_kto_is_not_dpo(self):
        tags = ["rewards/margins", "rewards/chosen", "logits/chosen", "logps/chosen", "kl", "loss"]
        assert guess_framework(tags).trainer == "KTO"
        assert resolve(tags)["kl"].concept == "kl.kto_baseline"


class TestUnits:
    def test_legacy_ppo(self):
        found = resolve(LEGACY)
        assert found["objective/kl"].unit == "nats per sequence"
        assert found["objective/kl"].estimator is None
        assert resolve(LEGACY, hints={"kl_penalty": "mse"})["objective/kl"].estimator == "k2"
        assert resolve(LEGACY, hints={"kl_penalty": "k3"})["objective/kl"].estimator is None, "not on offer there"
        penalty = found["ppo/mean_non_score_reward"]
        assert (penalty.concept, penalty.unit) == ("reward.kl_penalty_mean", "reward units per token")
        assert not found["objective/entropy"].biased
        assert found["ppo/val/var_explained"].variant == "formula: 1 - MSE/Var"
        assert found["ppo/loss/value"].scale == 0.5

    def test_an_aggregation_that_a_setting_chooses_leaves_the_unit_open(self):
        entropy = resolve(VERL)["actor/entropy"]
        assert entropy.unit == "nats, per token or sequence not known"

    def test_kl_update_of_sequences_is_not_per_token(self):
        tags = ["objective/rlhf_reward", "policy/approxkl_avg"]
        found = resolve(tags)["policy/approxkl_avg"]
        assert (found.unit, found.estimator, found.aggregation) == ("nats per sequence", "k2", "seq_level_mean")

    def test_scale_of_a_learning_rate(self):
        found = resolve(["actor/pg_loss", "actor/lr(1e-4)"])["actor/lr(1e-4)"]
        assert (found.concept, found.scale) == ("learning_rate", 1e-4)

    @pytest.mark.parametrize(
        ("version", "words"),
        [("0.6.1", "1/n_micro_per_mini"), ("0.7.0", "n_mini_batches x ppo_epochs"), ("0.9.1", None)],
    )
    def test_scale_slips_of_verl_by_version(self, version, words):
        found = resolve(VERL, hints={"framework": "verl", "version": version})
        said = " ".join(found["actor/pg_loss"].notes)
        assert (words in said) if words else ("scale" not in said.lower())
        assert found["actor/pg_loss"].ambiguous == ()

    def test_a_complement_says_so(self):
        tags = ["rewards/margins", "val/contain_eos_token"]
        found = resolve(tags)["val/contain_eos_token"]
        assert found.sign == -1
        assert any("1 - x" in note for note in found.notes)

    def test_a_constant_zero_says_so(self):
        hints = {"framework": "trl", "trainer": "RLOOTrainer (old)", "version": "0.11.0"}
        notes = " ".join(resolve(PPO, hints=hints)["loss/value_avg"].notes)
        assert "constant zero" in notes.lower()

    def test_a_reward_with_kl_under_a_setting_is_told(self):
        tags = ["frac_reward_zero_std", "entropy/mean", "reward", "kl"]
        kl = resolve(tags)["kl"]
        assert kl.unit == "nats per token"
        assert any("kl_in_reward" in note for note in kl.notes)
        assert kl.ambiguous


class TestPrefixes:
    def test_unknown_tags_of_a_framework_with_own_prefixes_stay_whole(self):
        found = resolve([*OPENRLHF, "train/my_metric"])["train/my_metric"]
        assert (found.key, found.split, found.concept) == ("train/my_metric", "train", None)
        assert found.ambiguous

    def test_unknown_tags_of_hugging_face_sinks_lose_their_prefix(self):
        found = resolve([f"train/{tag}" for tag in PPO] + ["train/my_metric"])["train/my_metric"]
        assert (found.key, found.split, found.concept) == ("my_metric", "train", None)

    @pytest.mark.parametrize(
        ("tag", "split"), [("val_loss", "eval"), ("valid/acc", "eval"), ("loss/val", "eval"), ("loss/train", "train")]
    )
    def test_hand_written_evaluations(self, tag, split):
        found = resolve([tag])[tag]
        assert found.split == split
        assert found.concept in ("loss.total", "rm.accuracy")

    def test_val_is_the_value_function_in_ppo(self):
        assert resolve([*PPO, "val/ratio"])["val/ratio"].split == "train"
        assert resolve(["val/ratio"])["val/ratio"].split == "train"


class TestEvaluationSets:
    def test_a_total_proves_a_set(self):
        tags = [*REWARD, "eval_hard_loss", "eval_hard_runtime", "eval_hard_my_thing", "eval_easy_chat_accuracy",
                "eval_easy_chat_runtime"]  # fmt: skip
        found = resolve(tags)
        assert (found["eval_hard_loss"].split, found["eval_hard_loss"].concept) == ("eval:hard", "rm.loss")
        assert (found["eval_hard_my_thing"].split, found["eval_hard_my_thing"].key) == ("eval:hard", "my_thing")
        assert found["eval_easy_chat_accuracy"].split == "eval:easy_chat"

    def test_a_metric_that_ends_in_loss_is_no_set(self):
        found = resolve([*REWARD, "eval_loss", "eval_contrastive_loss"])["eval_contrastive_loss"]
        assert (found.split, found.key, found.concept) == ("eval", "contrastive_loss", None)

    def test_known_keys_are_not_taken_apart(self):
        found = resolve([*REWARD, "reward", "eval_mean_reward"])["eval_mean_reward"]
        assert (found.split, found.key) == ("eval", "mean_reward")


class TestAmbiguity:
    def test_metrics_of_different_families_stay_open(self):
        tags = ["train/acc_mean", "train/reject_reward", "train/chosen_reward", "train/loss"]
        assert guess_framework(tags).trainer == "RM|DPO"
        found = resolve(tags)["train/chosen_reward"]
        assert found.concept is None
        assert {"rm.chosen_score_mean", "dpo.reward_chosen"} <= {t.split(": ")[1] for t in found.ambiguous}
        assert resolve(tags, hints={"trainer": "RM"})["train/chosen_reward"].concept == "rm.chosen_score_mean"
        evaluated = resolve([*tags, "eval/reward_mean"])["train/chosen_reward"]
        assert evaluated.concept == "rm.chosen_score_mean"

    def test_every_family_of_names_that_disagree_says_so(self):
        found = resolve(["loss", "kl"], hints={"framework": "trl"})["kl"]
        assert found.estimator is None
        assert len(found.ambiguous) > 2

    def test_indices_of_open_instruct_shifted(self):
        old = resolve(["objective/kl4_avg", "objective/kl2_avg"])["objective/kl2_avg"]
        new = resolve(["objective/kl0_avg", "objective/kl2_avg"])["objective/kl2_avg"]
        assert (old.estimator, new.estimator) == ("k2", "k3")
        assert "estimator" in (comparable(old, new) or "")


class TestAxes:
    def test_unknown_units_share_no_axis(self):
        one, two = resolve(["kl"])["kl"], resolve(["kl_mean"])["kl_mean"]
        assert "not known" in (comparable(one, two) or "")

    def test_runs_that_leave_the_same_open_may_share_an_axis(self):
        tags = ["frac_reward_zero_std", "step_time", "entropy", "reward", "kl"]
        one, two = (resolve(tags)["kl"] for _ in range(2))
        assert comparable(one, two) is None
        grpo = resolve(tags, hints={"trainer": "GRPOTrainer", "version": "1.16.0"})["kl"]
        assert comparable(one, grpo) is not None

    def test_splits_and_ties_are_told_apart(self):
        found = resolve([*REWARD, "eval_accuracy"])
        assert "split" in (comparable(found["accuracy"], found["eval_accuracy"]) or "")
        old = resolve(["eval_accuracy"], hints={"framework": "trl", "trainer": "RewardTrainer", "version": "0.12.0"})
        assert "ties" in (comparable(old["eval_accuracy"], found["eval_accuracy"]) or "")

    def test_different_metrics(self):
        found = resolve(["loss", "kl", "nonsense"])
        assert comparable(found["loss"], found["kl"]) == "they are different metrics"
        assert comparable(found["nonsense"], found["nonsense"]) is not None

    def test_the_main_series_does_not_depend_on_the_order_of_tags(self):
        tags = ["eval_loss", "objective/kl3_avg", "objective/kl_avg", "objective/kl2_avg", "objective/kl4_avg", "loss"]
        expected = primary(resolve(tags))
        assert expected["kl.to_reference"] == "objective/kl_avg"
        assert expected["loss.total"] == "loss"
        assert primary(resolve(tags[::-1])) == expected


_FRAGMENTS = sorted({part for concept in load().concepts.values() for name in concept.names for part in (name.tag,)})
_TAGS = st.one_of(st.text(max_size=60), st.sampled_from(_FRAGMENTS), st.sampled_from(_FRAGMENTS).map("train/{}".format),
                  st.sampled_from(_FRAGMENTS).map("eval_x_{}".format))  # fmt: skip
_HINTS = st.dictionaries(st.sampled_from(["framework", "trainer", "version", "kl_estimator"]), st.one_of(st.text(max_size=12),
                         st.sampled_from(["trl", "verl", "RLOOTrainer", "1.16.0", "..", "HEAD", "k1"])), max_size=4)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_TAGS, max_size=30), _HINTS)
def test_resolving_never_fails_and_returns_the_very_tags(tags, hints):
    found = resolve(tags, hints=hints)
    assert list(found) == list(dict.fromkeys(tags))
    for tag, r in found.items():
        assert r.tag == tag
        assert r.concept is None or r.concept in load().concepts
        assert r.key or not tag
        assert comparable(r, r) is None or r.concept is None
    for concept, main in primary(found).items():
        assert found[main].concept == concept


@pytest.mark.parametrize("tag", ["rewards/" * 1250, "_" * 10_000, "train/agg/" + "/" * 10_000, "eval_" + "a_" * 5_000])
def test_endless_tags_cost_nothing(tag):
    assert resolve([tag, "objective/kl", *REWARD])[tag].concept is None
