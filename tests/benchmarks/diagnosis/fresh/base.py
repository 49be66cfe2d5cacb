"""The start of all runs, made once and kept in the work folder: two base models and the reward models of policies."""

from __future__ import annotations

import models
import train_reward_model
import world
from transformers import LlamaForCausalLM, LlamaForSequenceClassification

from tests.benchmarks.diagnosis.fresh import reward_models
from tests.benchmarks.diagnosis.fresh.specs import RunSet

BASE, OTHER = "base", "other"
"""Folders relative to the working directory, so that no log holds a machine's path."""


def prepare(chosen: RunSet) -> dict[str, LlamaForSequenceClassification]:
    """Pretrain and train what is not there yet; returns the reward models by name."""
    for name, seed in chosen.seeds.items():
        if not reward_models.Path(name).is_dir():
            models.pretrain(seed).save_pretrained(name)
    proxies = {}
    for name, spec in chosen.proxies.items():
        folder = reward_models.Path("proxies") / name
        if not folder.is_dir():
            trained = reward_models.train(spec, folder.with_suffix(".logs"))
            trained.save_pretrained(folder)
        proxies[name] = LlamaForSequenceClassification.from_pretrained(folder).eval()
    return proxies


def prompts(seed: int, count: int) -> list[world.Prompt]:
    """Prompts of all categories alike."""
    return world.make_prompts(seed, count, train_reward_model.EVEN_SHARES)


def policy(name: str = BASE) -> LlamaForCausalLM:
    """A base model."""
    return models.load_policy(name)
