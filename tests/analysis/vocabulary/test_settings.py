"""What a trainer was told, whatever shape it was written in.

Where an expert would catch it being wrong: Adam's epsilon taken for the clip range, the critic's learning rate or the
reward model's batch for the policy's, a KL term that is configured but switched off, numbers that YAML left as text, a
batch that is told in prompts counted as responses, two configurations in one folder that contradict each other.

Shapes: TRL 1.12 arguments as `training_args` and W&B keep them, verl's `ppo_trainer` of December 2024 (as its console log
of a real run prints it) and of 2025, OpenRLHF's argument namespace.
"""

import json

import pytest

from analysis.board import Board
from analysis.vocabulary.settings import settings

TRL = {
    "learning_rate": 1e-6, "adam_epsilon": 1e-8, "adam_beta1": 0.9, "beta": 0.04, "epsilon": 0.2, "num_generations": 8,
    "max_completion_length": 512, "per_device_train_batch_size": 4, "generation_batch_size": 32, "bf16": True,
    "accelerator_config": {"even_batches": True}, "report_to": ["wandb"],
}  # fmt: skip

VERL_2024 = {
    "actor_rollout_ref": {
        "actor": {"clip_ratio": 0.2, "optim": {"lr": 1e-06}, "ppo_epochs": 1, "ppo_mini_batch_size": 64},
        "rollout": {"response_length": 512, "temperature": 1.0},
    },
    "algorithm": {"adv_estimator": "gae", "kl_ctrl": {"kl_coef": 0.001, "type": "fixed"}, "kl_penalty": "kl"},
    "critic": {"cliprange_value": 0.5, "optim": {"lr": 1e-05}, "ppo_epochs": 1},
    "data": {"max_response_length": 512, "train_batch_size": 256},
    "reward_model": {"enable": False, "micro_batch_size": 64},
    "trainer": {"critic_warmup": 0, "test_freq": 10},
}

OPENRLHF = {
    "actor_learning_rate": 5e-07, "critic_learning_rate": 9e-06, "init_kl_coef": 0.001, "eps_clip": 0.2, "value_clip": 0.5,
    "rollout_batch_size": 128, "n_samples_per_prompt": 8, "generate_max_len": 1024, "use_kl_loss": True,
    "kl_estimator": "k3", "adam_betas": [0.9, 0.95],
}  # fmt: skip


def verl(*, in_reward, in_loss):
    actor = {"use_kl_loss": in_loss, "kl_loss_coef": 0.002, "clip_ratio": 0.28, "optim": {"lr": "1e-6"}}
    return {
        "actor_rollout_ref": {"actor": actor, "rollout": {"n": 5}},
        "algorithm": {"use_kl_in_reward": in_reward, "kl_ctrl": {"kl_coef": 0.001}},
        "data": {"train_batch_size": 1024},
    }


@pytest.mark.parametrize(
    "config",
    [
        TRL, {"config": TRL}, {"training_args": TRL}, {"args": {"grpo": TRL}}, {"meta": {"arm": "a", "config": TRL}},
        {"config": {key: {"desc": None, "value": value} for key, value in TRL.items()}},
        {"wandb-config": {"trainer": {"value": TRL}}},
    ],
)  # fmt: skip
def test_arguments_of_trl_however_they_are_wrapped(config):
    told = settings(config)
    assert {name: told[name] for name in TRL if name != "accelerator_config"} == {
        name: value for name, value in TRL.items() if name != "accelerator_config"
    }
    assert told["accelerator_config.even_batches"] is True


def test_the_tree_of_verl():
    told = settings(VERL_2024)
    assert (told["learning_rate"], told["critic_lr"]) == (1e-6, 1e-5)
    assert (told["cliprange"], told["cliprange_value"]) == (0.2, 0.5)
    assert (told["kl_coef"], told["max_completion_length"], told["ppo_epochs"]) == (0.001, 512, 1)
    assert "micro_batch_size" not in told


@pytest.mark.parametrize(
    ("in_reward", "in_loss", "kl_coef", "kl_loss_coef"),
    [(True, False, 0.001, None), (False, True, None, 0.002), (False, False, 0.0, None), (True, True, 0.001, 0.002)],
)
def test_a_kl_term_that_is_switched_off_has_no_coefficient(in_reward, in_loss, kl_coef, kl_loss_coef):
    told = settings({"config": verl(in_reward=in_reward, in_loss=in_loss)})
    assert (told.get("kl_coef"), told.get("kl_loss_coef")) == (kl_coef, kl_loss_coef)
    assert (told["batch_size"], told["learning_rate"], told["cliprange"]) == (5 * 1024, 1e-6, 0.28)


def test_paths_that_a_tracker_has_flattened_are_the_same_tree():
    flat = {
        "actor_rollout_ref.actor.clip_ratio": 0.2,
        "algorithm/kl_ctrl/kl_coef": 0.01,
        "data.max_response_length": 99,
    }
    told = settings(flat)
    assert (told["cliprange"], told["kl_coef"], told["max_completion_length"]) == (0.2, 0.01, 99)


@pytest.mark.parametrize("config", [OPENRLHF, {"args": OPENRLHF}])
def test_the_namespace_of_openrlhf(config):
    told = settings(config)
    assert (told["learning_rate"], told["critic_lr"], told["init_kl_coef"], told["eps_clip"]) == (
        5e-7,
        9e-6,
        0.001,
        0.2,
    )
    assert (told["num_generations"], told["max_completion_length"], told["batch_size"]) == (8, 1024, 1024)


@pytest.mark.parametrize("above", ["optimizer", "adam", "critic", "reward_model", "model_config", "summary"])
def test_what_belongs_to_something_else_is_known_by_its_path_alone(above):
    told = settings({"config": {above: {"epsilon": 1e-8, "learning_rate": 9.0, "beta": 0.9}}})
    assert not {"epsilon", "learning_rate", "beta"} & told.keys()
    assert told[f"{above}.learning_rate"] == 9.0


def test_of_two_configurations_that_contradict_each_other_the_policy_s_is_the_run_s():
    """As in a real folder: the arguments of the reward model that was trained for it lie beside."""
    told = settings({"args": {"lr": 1e-5, "batch_size": 4, "epochs": 2}, "meta": {"config": {"learning_rate": 5e-6, "beta": 0.04, "num_generations": 8}}})  # fmt: skip
    assert (told["learning_rate"], told["beta"]) == (5e-6, 0.04)
    assert "batch_size" not in told
    assert settings({"args": {"lr": 1e-5, "epochs": 2}, "meta": {"beta": 0.1}})["epochs"] == 2  # no contradiction


def test_what_stands_at_the_top_wins():
    assert settings({"beta": 0.1, "config": {"beta": 0.2}})["beta"] == 0.1


def test_a_run_read_from_disk_is_told_its_settings(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    rows = [{"step": i, "reward": 0.1 * i, "kl": 0.01 * i, "completion_length": 50} for i in range(1, 21)]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (run / "config.json").write_text(json.dumps({"config": {**TRL, "optimizer": {"epsilon": 1e-8}}}))
    with Board.open() as board:
        board.ingest(tmp_path)
        signals = board.signals("run")
    assert (signals.setting("beta"), signals.setting("epsilon"), signals.setting("max_completion_length")) == (0.04, 0.2, 512)  # fmt: skip
