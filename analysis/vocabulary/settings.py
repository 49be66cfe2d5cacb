"""What a trainer was told, under the names that everything here asks for.

Frameworks write their arguments flat (TRL, OpenRLHF), as a tree (verl), or wrapped by whoever logged them: a file kept
under its name, `{"config": {...}}`, W&B's `{"beta": {"value": 0.04}}`. A setting is known by its plain name only
where nothing but such wrappers stand above it: `optimizer.epsilon` is Adam's and no clip range, `reward_model.lr` is
another model's learning rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

WRAPPERS = frozenset({
    *("config", "configs", "conf", "cfg", "configuration", "args", "arguments", "params", "parameters", "settings"),
    *("hparams", "hyperparams", "hyperparameters", "meta", "metadata", "run", "script", "wandb"),
    *("train", "training", "trainer", "algorithm", "algo", "rl", "rlhf", "ppo", "grpo", "rloo", "dpo"),
})  # fmt: skip
"""Words of which names are made that say no more than 'these are the settings': `training_args`, `ppo_config`."""

SAME: Mapping[str, str] = {
    "lr": "learning_rate",
    # OpenRLHF (cli/train_ppo_ray.py)
    "actor_learning_rate": "learning_rate",
    "critic_learning_rate": "critic_lr",
    "n_samples_per_prompt": "num_generations",
    "generate_max_len": "max_completion_length",
    # verl (trainer/config/ppo_trainer.yaml); `algorithm` is a wrapper
    "kl_ctrl.kl_coef": "kl_coef",
    "critic.kl_ctrl.kl_coef": "kl_coef",
    "actor_rollout_ref.actor.use_kl_loss": "use_kl_loss",
    "actor_rollout_ref.actor.kl_loss_coef": "kl_loss_coef",
    "actor_rollout_ref.actor.clip_ratio": "cliprange",
    "actor_rollout_ref.actor.ppo_epochs": "ppo_epochs",
    "actor_rollout_ref.actor.optim.lr": "learning_rate",
    "actor_rollout_ref.rollout.n": "num_generations",
    "actor_rollout_ref.rollout.response_length": "max_completion_length",
    "data.max_response_length": "max_completion_length",
    "data.train_batch_size": "rollout_batch_size",
    "critic.cliprange_value": "cliprange_value",
    "critic.optim.lr": "critic_lr",
}
"""A framework's own name -> the name it is asked for by."""

TELLING = frozenset({
    *SAME.values(), "beta", "init_kl_coef", "epsilon", "eps_clip", "clip_range", "value_clip", "vf_coef", "scale_rewards",
    "num_iterations", "num_ppo_epochs", "num_mini_batches", "response_length", "max_new_tokens",
    "per_device_train_batch_size", "gradient_accumulation_steps", "generation_batch_size",
})  # fmt: skip
"""Settings of trainers of policies: which of two configurations is the run's own is told by them."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a run's configuration: by its plain name, or by its path with dots where something else is above it.

    Numbers that were written as text (YAML reads `1e-6` so) are numbers. What stands at the top wins over what is
    wrapped. Where two wrapped configurations contradict each other, as those of a policy and of the reward model that
    was trained beside it, the one that tells more of what trainers of policies are told is the run's own.
    """
    top: dict[str, Any] = {}
    wrapped: list[dict[str, Any]] = []
    for name, value, branch in _leaves(config):
        while len(wrapped) < branch:
            wrapped.append({})
        (wrapped[branch - 1] if branch else top).setdefault(name, value)
    found = _named(top)
    for part in sorted(map(_named, wrapped), key=lambda part: -len(TELLING & part.keys())):
        if all(found[name] == value for name, value in part.items() if name in found and name in TELLING):
            found = part | found
    return _switched(found)


def _leaves(config: Mapping[str, Any]) -> Iterator[tuple[str, Any, int]]:
    """(path without wrappers, value, number of the wrapper at the top that it stands in; 0: none)."""
    branches = 0
    for key, value in config.items():
        value = _unboxed(value)
        branch = 0
        if isinstance(value, Mapping) and _wraps(key):
            branches += 1
            branch = branches
        for name, leaf in _below(key, value):
            yield name, leaf, branch


def _below(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    value = _unboxed(value)
    if not isinstance(value, Mapping):
        yield key.replace("/", "."), _number(value)
        return
    head = "" if _wraps(key) else f"{key}."
    for inner, below in value.items():
        for name, leaf in _below(str(inner), below):
            yield head + name, leaf


def _unboxed(value: Any) -> Any:
    """W&B's config.yaml keeps each value in an object."""
    boxed = isinstance(value, Mapping) and "value" in value and value.keys() <= {"value", "desc"}
    return value["value"] if boxed else value


def _wraps(key: str) -> bool:
    return WRAPPERS.issuperset(re.split(r"[^a-z0-9]+", key.lower().strip("_")))


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value


def _named(part: Mapping[str, Any]) -> dict[str, Any]:
    """With the names that are asked for beside the framework's own."""
    part = {re.sub(r"^algorithm\.", "", name): value for name, value in part.items()}
    return {SAME[name]: value for name, value in part.items() if name in SAME} | part


def _switched(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is switched off, and with the size of a batch in responses where it is told in prompts."""
    in_reward, in_loss = found.get("use_kl_in_reward"), found.get("use_kl_loss")
    if in_reward is False:
        found.pop("kl_coef", None)
    if in_loss is False:
        found.pop("kl_loss_coef", None)
    if in_reward is False and in_loss is False:
        found["kl_coef"] = 0.0
    prompts, each = found.get("rollout_batch_size"), found.get("num_generations")
    if "batch_size" not in found and isinstance(prompts, int | float) and isinstance(each, int | float):
        found["batch_size"] = prompts * each
    return found
