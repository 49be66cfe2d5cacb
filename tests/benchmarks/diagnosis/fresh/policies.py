"""Policies by TRL's GRPOTrainer and RLOOTrainer, healthy or with one known fault."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import models
import pandas as pd
import torch
import world
from datasets import Dataset
from transformers import LlamaForSequenceClassification, PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from tests.benchmarks.diagnosis.fresh import base
from tests.benchmarks.diagnosis.fresh.rollouts import Recorder
from tests.benchmarks.diagnosis.fresh.specs import Policy

BATCH = 64
RATE_JUMP = 30.0


class Clock(TrainerCallback):
    """The step of the trainer, for a reward that changes, and the faults that come in the middle of a run."""

    def __init__(self, spec: Policy) -> None:
        self.step, self._spec = 0, spec

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the fault in when its step has come."""
        self.step = state.global_step
        if state.global_step != self._spec.fault_step:
            return
        if self._spec.fault == "rate":
            schedule = kwargs["lr_scheduler"]
            schedule.base_lrs = [rate * RATE_JUMP for rate in schedule.base_lrs]
        if self._spec.fault == "nan_weights":
            with torch.no_grad():
                next(kwargs["model"].parameters()).mul_(float("nan"))


def train(spec: Policy, proxies: dict[str, LlamaForSequenceClassification], out: Path) -> pd.DataFrame:
    """Train one; leaves trainer state, event files and, if it died, crash.txt in `out`. Returns the rollouts with gold."""
    prompts = base.prompts(spec.seed, 1200)
    by_text = {prompt.text: prompt for prompt in prompts}
    recorder = Recorder(base.policy(), proxies[spec.proxy], base.prompts(78, 100))
    clock = Clock(spec)

    def reward_score(prompts: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        answers = [models.read_answer(by_text[text], ids) for text, ids in zip(prompts, completion_ids, strict=True)]
        return _rewards(spec, proxies, answers, clock.step)

    shared: dict[str, Any] = {
        "output_dir": str(out), "beta": spec.beta, "learning_rate": spec.rate, "lr_scheduler_type": spec.schedule,
        "warmup_steps": spec.warmup, "max_steps": spec.steps, "num_generations": spec.generations,
        "per_device_train_batch_size": BATCH, "max_completion_length": spec.longest, "temperature": spec.temperature,
        "num_iterations": spec.iterations, "logging_steps": spec.log_every, "save_strategy": "no",
        "report_to": ["tensorboard"], "gradient_checkpointing": False, "bf16": False, "use_cpu": True, "disable_tqdm": True,
        "seed": spec.seed,
    }  # fmt: skip
    given: dict[str, Any] = {
        "model": base.policy(), "reward_funcs": [reward_score],
        "train_dataset": Dataset.from_dict({"prompt": [prompt.text for prompt in prompts]}),
        "processing_class": models.build_tokenizer(), "callbacks": [clock, recorder],
    }  # fmt: skip
    if spec.trainer == "grpo":
        scaling = "group" if spec.scale_rewards else "none"
        trainer: Any = GRPOTrainer(args=GRPOConfig(**shared, scale_rewards=scaling), **given)
    else:
        trainer = RLOOTrainer(args=RLOOConfig(**shared), **given)
    trainer.remove_callback(PrinterCallback)
    if spec.other_reference:
        trainer.ref_model.load_state_dict(base.policy(base.OTHER).state_dict())
    try:
        trainer.train()
    except (RuntimeError, ValueError):
        (out / "crash.txt").write_text(traceback.format_exc(limit=1), encoding="utf-8")
    trainer.save_state()
    return recorder.table()


def _rewards(
    spec: Policy, proxies: dict[str, LlamaForSequenceClassification], answers: list[models.Answer], step: int
) -> list[float]:
    late = bool(spec.fault) and step >= spec.fault_step
    if spec.reward == "constant":
        return [0.0] * len(answers)
    if spec.reward == "never":
        return [float(set(world.MARKERS) <= set(a.words) and a.gold >= 6.0) for a in answers]
    scores = [spec.reward_scale * score for score in models.score(proxies[spec.proxy], answers)]
    if late and spec.fault == "negate":
        return [-score for score in scores]
    if late and spec.fault == "nan_reward":
        return [float("nan")] * len(answers)
    if late and spec.fault == "replaced":
        return [0.3 * len(a.words) for a in answers]
    return scores
