"""The tags of real logs get the meaning that their frameworks gave them."""

from __future__ import annotations

import pytest
import yaml

from analysis.vocabulary import guess_framework, primary, resolve
from analysis.vocabulary.versions import overlap

ROLLOUT = {"kl", "objective/kl"}
TOO_WEAK = {("completion_length", "reward_std"), ("frac_reward_zero_std",), ("eval_accuracy",)}
"""Marks of the reference that a hand-written loop would bear too: more is asked for here."""


@pytest.mark.parametrize("log", ["labelled_runs/ppo-97ed/trainer_state.json", "labelled_runs/ppo-97ed/tb"])
def test_trl_ppo(logged_tags, log):
    tags = logged_tags(log)
    guess = guess_framework(tags)
    assert (guess.framework, guess.trainer, guess.versions) == ("trl", "PPOv2|PPO", "0.9.3..1.12.0")
    found = {r.key: r for r in resolve(tags).values()}
    kl = found["objective/kl"]
    assert (kl.concept, kl.unit, kl.aggregation) == ("kl.to_reference", "nats per sequence", "seq_sum_mean")
    assert kl.estimator is None
    assert any("k1" in note and "not known" in note for note in kl.notes)
    assert len(kl.ambiguous) >= 2
    entropy = found["objective/entropy"]
    assert entropy.unit == "nats per sequence"
    assert any("padding" in note and "0.9.3..0.11.4" in note for note in entropy.notes)
    assert found["eps"].unit == "episodes/s"
    assert found["policy/entropy_avg"].aggregation == "mean_incl_pad"
    assert found["val/ratio"].split == "train"
    assert [r.tag for r in found.values() if r.concept is None] == []


def test_trl_ppo_of_known_version_and_arguments(logged_tags):
    tags = logged_tags("labelled_runs/ppo-97ed/trainer_state.json")
    hints = {"framework": "trl", "version": "1.12.0", "trainer": "PPOTrainer", "kl_estimator": "k1"}
    found = resolve(tags, hints=hints)
    assert found["objective/kl"].estimator == "k1"
    assert found["objective/kl"].ambiguous == ()
    assert not found["objective/entropy"].biased
    assert any("masked" in note for note in found["objective/entropy"].notes)
    older = resolve(tags, hints={**hints, "version": "1.9.2"})
    assert older["objective/entropy"].biased


@pytest.mark.parametrize("log", ["labelled_runs/grpo-19c9/trainer_state.json", "labelled_runs/grpo-19c9/tb"])
def test_grpo_and_rloo_are_told_apart_by_arguments_only(logged_tags, log):
    tags = logged_tags(log)
    assert guess_framework(tags).trainer == "GRPO|RLOO"
    assert guess_framework(tags).confidence == "open"

    def kl(hints=None):
        return next(r for r in resolve(tags, hints=hints).values() if r.key == "kl")

    assert (kl().estimator, kl().unit) == (None, "nats per token")
    assert {"GRPOTrainer" in text or "RLOOTrainer" in text for text in kl().ambiguous} == {True}
    assert kl({"trainer": "GRPOTrainer"}).estimator == "k3"
    assert kl({"trainer": "RLOOTrainer"}).estimator == "k1"
    assert kl({"trainer": "RLOOTrainer"}).ambiguous == ()
    assert kl({"trainer": "UnslothGRPOTrainer"}).estimator == "k3"


def test_all_tags_of_grpo_and_rloo_are_known(logged_tags):
    for run in ("grpo-19c9", "rloo-4a50"):
        found = resolve(logged_tags(f"labelled_runs/{run}/trainer_state.json"))
        assert [tag for tag, r in found.items() if r.concept is None] == []
        assert found["rewards/proxy_rm/mean"].component == "proxy_rm"
        assert found["completions/clipped_ratio"].concept == "response.truncated_fraction"
        assert found["clip_ratio/region_mean"].concept == "policy.clip_fraction"


def test_reward_spread_changed_its_meaning_with_a_version(logged_tags):
    tags = logged_tags("labelled_runs/grpo-19c9/trainer_state.json")
    unknown = resolve(tags)["reward_std"]
    assert len({text.split(": ")[1].split()[0] for text in unknown.ambiguous}) == 2
    for version, concept in (("0.21.0", "reward.group_std_mean"), ("1.16.0", "reward.rm_score_std")):
        told = resolve(tags, hints={"framework": "trl", "trainer": "GRPOTrainer", "version": version})["reward_std"]
        assert (told.concept, told.ambiguous) == (concept, ())


@pytest.mark.parametrize("log", ["labelled_runs/rm-00f6/trainer_state.json", "labelled_runs/rm-00f6/tb"])
def test_trl_reward_model(logged_tags, log):
    found = resolve(logged_tags(log))
    by_key = {(r.key, r.split): r for r in found.values()}
    for split in ("train", "eval"):
        assert by_key["loss", split].concept == "rm.loss"
        assert by_key["accuracy", split].concept == "rm.accuracy"
        assert by_key["accuracy", split].variant == "ties: wrong"
        assert by_key["margin", split].concept == "rm.margin_mean"
        assert by_key["mean_reward", split].concept == "rm.score_mean"
        assert by_key["min_reward", split].concept == "rm.score_min"
    assert by_key["runtime", "eval"].step_metric
    assert {r.split for r in found.values()} == {"train", "eval"}
    assert primary(found)["rm.loss"] in ("loss", "train/loss")


def test_state_and_event_file_of_a_run_have_the_same_keys(logged_tags):
    for run in ("ppo-97ed", "grpo-19c9", "rm-00f6"):
        state = resolve(logged_tags(f"labelled_runs/{run}/trainer_state.json"))
        events = resolve(logged_tags(f"labelled_runs/{run}/tb"))
        one = {(r.key, r.split): r.concept for r in state.values() if r.key != "step"}
        two = {(r.key, r.split): r.concept for r in events.values()}
        assert one == two


def test_trl_dpo_csv_of_wandb(logged_tags):
    tags = logged_tags("real_runs/trl_dpo_gams_wandb/run-20250612_161901-vu2vv7vi.history.csv")
    guess = guess_framework(tags)
    assert {guess.framework, *(g.framework for g in guess.alternatives)} == {"trl", "llamafactory", "axolotl"}
    found = resolve(tags)
    assert found["train/rewards/chosen"].concept == "dpo.reward_chosen"
    assert found["eval/rewards/margins"].split == "eval"
    # the loss of DPO is no loss of a reward model, in evaluations either
    assert found["eval/loss"].concept == found["train/loss"].concept == "loss.total"
    assert {tag for tag, r in found.items() if r.step_metric} >= {"_step", "_runtime", "_timestamp", "train/epoch"}
    assert found["_step"].concept == "step.log"
    assert found["train/global_step"].concept == "step.optimizer"


def test_openrlhf_keeps_its_prefix(logged_tags):
    found = resolve(logged_tags("real_runs/openrlhf_rm_crashed/run-20240701_163356-815ukod1.history.csv"))
    accuracy = found["train/acc_mean"]
    assert (accuracy.key, accuracy.split, accuracy.concept) == ("train/acc_mean", "train", "rm.accuracy")
    assert any("xponential" in note for note in accuracy.notes)
    assert found["train/chosen_reward"].concept == "rm.chosen_score_mean"
    assert found["train/loss_mean"].concept == "rm.loss"


def test_open_instruct_ppo(logged_tags):
    tags = logged_tags("real_runs/open_instruct_ppo_tensorboard/run_1735688902")
    guess = guess_framework(tags)
    assert (guess.framework, guess.trainer) == ("open_instruct", "PPO (vllm thread)")
    found = resolve(tags)
    assert found["objective/kl"].unit == "nats per sequence"
    assert found["objective/kl"].estimator is None
    assert any("transformed" in note for note in found["objective/kl2"].notes)
    stop = found["val/stop_token_rate"]
    assert (stop.concept, stop.sign) == ("response.truncated_fraction", -1)
    assert any("1 - x" in note for note in stop.notes)
    assert found["objective/verifiable_correct_rate"].component == "verifiable"
    assert primary(found)["kl.to_reference"] == "objective/kl"
    assert {tag for tag, r in found.items() if r.step_metric} == {"episode", "epoch", "training_step"}


def test_a_hand_written_loop(logged_tags):
    tags = logged_tags("real_runs/proxy_rl_gsm8k_05b/train_metrics.jsonl")
    assert guess_framework(tags) is None
    found = resolve(tags)
    assert found["reward_mean"].concept == "reward.rm_score_mean"
    assert found["gold_acc"].concept == "eval.gold_score_mean"
    assert found["mean_completion_len"].concept == "response.length_mean"
    assert found["kl"].unit == "nats, per token or sequence not known"
    assert found["kl"].estimator is None
    assert found["n_micro"].concept is None
    assert primary(found)["step.optimizer"] == "step"


@pytest.mark.parametrize("run", ["ppo_seed2025", "grpo_seed2025"])
def test_lists_of_rows_are_resolved_as_any_trl_log(logged_tags, run):
    found = resolve(logged_tags(f"real_runs/trl_ppo_grpo_arith_v2/{run}.trajectory.json"))
    assert [tag for tag, r in found.items() if r.concept is None] == []
    (kl,) = (r for r in found.values() if r.key in ROLLOUT)
    assert kl.unit == ("nats per sequence" if run.startswith("ppo") else "nats per token")


@pytest.mark.parametrize("log", ["trainer_state.json", "run-bxvg9un9.history.csv"])
def test_unsloth_leaves_out_what_would_date_the_version(logged_tags, log):
    tags = logged_tags(f"real_runs/trl_grpo_chaos_economy/{log}")
    guess = guess_framework(tags)
    assert (guess.framework, guess.trainer) == ("trl", "GRPO")
    assert overlap(guess.versions, "0.24.0"), "what its SOURCE.md says"
    assert "Unsloth" in guess.caveat
    kl = next(r for r in resolve(tags).values() if r.key == "kl")
    assert (kl.unit, kl.estimator) == ("nats per token", "k3")


def test_every_fingerprint_of_the_reference_leads_to_its_framework(shared_file):
    marks = yaml.safe_load(shared_file("reference/metric_vocabulary.yaml").read_text())["fingerprints"]
    for mark in marks:
        if tuple(mark["if_present"]) not in TOO_WEAK:
            guess = guess_framework(mark["if_present"])
            assert guess is not None, mark
            assert guess.framework == mark["then"].split()[0].replace("-", "_"), mark
