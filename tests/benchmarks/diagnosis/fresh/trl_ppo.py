"""TRL's own PPO, which TRL had up to 1.12, healthy or with one known fault."""

from __future__ import annotations

import copy
import gc
from pathlib import Path
from typing import Any

import models
import pandas as pd
import torch
import trl
import world
from datasets import Dataset
from torch import nn
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, PrinterCallback, TrainerCallback

from tests.benchmarks.diagnosis.fresh import base, policies
from tests.benchmarks.diagnosis.fresh.rollouts import Recorder
from tests.benchmarks.diagnosis.fresh.specs import TrlPpo

NEEDED = "1.12.0"
RATE_JUMP = 30.0
SHIFT = -4.0
LOST_VALUES = 3.0
"""Spread of the value head's weights after they were lost."""
HEADS = {"random": 1.0, "frozen": 1.0, "huge": 8.0}
"""Spread of the value head's first weights; a trained head has about 0.1."""


class Clock(TrainerCallback):
    """The step of the trainer; here the learning rate jumps, and a value head loses what it has learned."""

    def __init__(self, spec: TrlPpo) -> None:
        self.step, self._spec = 0, spec

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the fault in behind its step."""
        self.step = state.global_step
        if self._spec.fault == "rate" and state.global_step == self._spec.fault_step:
            schedule, jump = kwargs["lr_scheduler"], self._spec.fault_size or RATE_JUMP
            schedule.base_lrs = [rate * jump for rate in schedule.base_lrs]
            schedule._last_lr = [rate * jump for rate in schedule._last_lr]
            for group in kwargs["optimizer"].param_groups:
                group["lr"] *= jump
        if self._spec.fault == "values_lost" and state.global_step == self._spec.fault_step:
            nn.init.normal_(kwargs["model"].value_model.score.weight, std=LOST_VALUES)


class Scores(nn.Module):
    """The head of a reward model, with the spec's scale and fault behind it."""

    def __init__(self, head: nn.Module, spec: TrlPpo, clock: Clock) -> None:
        super().__init__()
        self.head, self._spec, self._clock = head, spec, clock

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Scores, (batch, positions, 1)."""
        scores = self._spec.reward_scale * self.head(hidden)
        fault = self._spec.fault if self._clock.step >= self._spec.fault_step else ""
        if fault == "negate":
            return -scores
        if fault == "shift":
            return scores + (self._spec.fault_size or SHIFT)
        if fault == "nan_reward":
            return torch.cat((torch.full_like(scores[:1], float("nan")), scores[1:]))
        return scores


def train(spec: TrlPpo, proxies: dict[str, LlamaForSequenceClassification], out: Path) -> pd.DataFrame:
    """Train one; leaves trainer state, event files and, if it died, crash.txt in `out`. Returns the rollouts with gold."""
    try:
        from trl.experimental.ppo import PPOConfig, PPOTrainer
    except ImportError:
        raise SystemExit(f"{spec.name}: TRL {trl.__version__} has no PPO, install trl=={NEEDED} for it") from None
    torch.manual_seed(spec.seed)
    tokenizer = models.build_tokenizer()
    clock = Clock(spec)
    reward_model = copy.deepcopy(proxies[spec.proxy])
    reward_model.score = Scores(reward_model.score, spec, clock)
    prompts = base.prompts(spec.seed, spec.batch * 20)
    trainer = PPOTrainer(
        args=PPOConfig(
            output_dir=str(out), total_episodes=spec.batch * spec.steps, per_device_train_batch_size=spec.batch,
            num_mini_batches=spec.minibatches, num_ppo_epochs=spec.epochs, learning_rate=spec.rate,
            lr_scheduler_type=spec.schedule, kl_coef=spec.kl_coef, kl_estimator=spec.estimator, vf_coef=spec.vf_coef,
            response_length=spec.longest, stop_token="eos", missing_eos_penalty=spec.end_penalty,
            temperature=spec.temperature, num_sample_generations=0, logging_steps=1, save_strategy="no",
            report_to=["tensorboard"], gradient_checkpointing=False, bf16=False, use_cpu=True, disable_tqdm=True,
            seed=spec.seed,
        ),
        processing_class=tokenizer,
        model=_policy(spec, base.BASE),
        ref_model=_policy(spec, base.OTHER if spec.other_reference else base.BASE),
        reward_model=reward_model,
        value_model=_value_model(spec, proxies[spec.proxy]),
        train_dataset=Dataset.from_dict({"input_ids": [tokenizer(prompt.text)["input_ids"] for prompt in prompts]}),
        callbacks=[clock, Recorder(base.policy(), proxies[spec.proxy], base.prompts(78, 100))],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    gc.freeze()  # TRL collects garbage twice a step: a third of the time would go there
    policies.run(trainer, out)
    gc.unfreeze()
    recorder = next(c for c in trainer.callback_handler.callbacks if isinstance(c, Recorder))
    return recorder.table()


def _policy(spec: TrlPpo, name: str) -> LlamaForCausalLM:
    model = base.policy(name)
    if spec.masks_padding:
        policies.silence(model, world.PAD)
    return model


def _value_model(spec: TrlPpo, proxy: LlamaForSequenceClassification) -> LlamaForSequenceClassification:
    value_model = copy.deepcopy(proxy)
    with torch.no_grad():
        value_model.score.weight.mul_(spec.reward_scale)
    if spec.value in HEADS:
        nn.init.normal_(value_model.score.weight, std=HEADS[spec.value])
    return value_model.requires_grad_(spec.value != "frozen")
