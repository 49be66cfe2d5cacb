"""Policies by TRL's GRPOTrainer and RLOOTrainer, healthy or with one known fault."""

from __future__ import annotations

import copy
import math
import random
import traceback
from pathlib import Path
from typing import Any

import models
import numpy as np
import pandas as pd
import torch
import world
from datasets import Dataset
from transformers import LlamaForSequenceClassification, PrinterCallback, TrainerCallback
from transformers.integrations import TensorBoardCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from tests.benchmarks.diagnosis.fresh import base
from tests.benchmarks.diagnosis.fresh.rollouts import Recorder
from tests.benchmarks.diagnosis.fresh.specs import Policy

PROMPTS = 1200
RATE_JUMP = 30.0
RATE_GROWTH = 1.02
"""Factor a step, from the fault's step on."""
LOOSENED = 0.01
SHIFT = -4.0
PASSES = -3.0
"""Score that nearly every answer reaches."""
NEVER = 1e4
"""Taken off the logit of a word that can't be said. Finite, since an entropy with an infinite logit is NaN."""
CAP_AT = 0.2
"""Share of the first answers whose score is below the cap of a clipped reward."""
DIES_AFTER = 3
"""Steps after its checkpoint at which a run dies that is restarted."""
LATE_CATEGORY, LATE_PROXY = "code", "flattered"


class Clock(TrainerCallback):
    """The step of the trainer, for a reward that changes, and the faults that come in the middle of a run."""

    def __init__(self, spec: Policy) -> None:
        self.step, self._spec = 0, spec
        self.trainer: Any = None
        self._kept: dict[str, torch.Tensor] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the weights that a frozen policy goes on with."""
        if self._spec.fault == "frozen":
            self._kept = copy.deepcopy(kwargs["model"].state_dict())

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the fault in when its step has come."""
        self.step = state.global_step
        schedule = kwargs["lr_scheduler"]
        if self._spec.fault == "growing" and state.global_step >= self._spec.fault_step:
            schedule.base_lrs = [rate * RATE_GROWTH for rate in schedule.base_lrs]
        if state.global_step != self._spec.fault_step:
            return
        if self._spec.fault == "rate":
            schedule.base_lrs = [rate * (self._spec.fault_size or RATE_JUMP) for rate in schedule.base_lrs]
        if self._spec.fault == "hot":
            self.trainer.generation_config.temperature = self._spec.fault_size
        if self._spec.fault == "short":
            self.trainer.generation_config.max_new_tokens = int(self._spec.fault_size)
            self.trainer.max_completion_length = int(self._spec.fault_size)
        if self._spec.fault == "reference":
            with torch.no_grad():
                self.trainer.ref_model.lm_head.weight.mul_(self._spec.fault_size)
        if self._spec.fault == "nan_weights":
            with torch.no_grad():
                next(kwargs["model"].parameters()).mul_(float("nan"))
        if self._spec.fault == "loosened":
            self.trainer.beta *= LOOSENED
        if self._spec.fault == "no_end":
            silence(kwargs["model"], world.EOS)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Make one gradient infinite, after it was clipped."""
        if self._spec.fault == "inf_gradient" and state.global_step == self._spec.fault_step:
            next(kwargs["model"].parameters()).grad.fill_(float("inf"))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the update of a frozen policy back."""
        if self._kept:
            kwargs["model"].load_state_dict(self._kept)


class Death(TrainerCallback):
    """Ends a run early."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop when the step has come."""
        control.should_training_stop = control.should_training_stop or state.global_step >= self._step


def silence(policy: torch.nn.Module, word: str) -> None:
    """From now on the policy never says the word; TRL's fused head, which has no logits, does not know of it."""
    off = torch.zeros(len(world.VOCABULARY))
    off[world.VOCABULARY.index(word)] = NEVER

    def hook(module: torch.nn.Module, given: Any, said: Any) -> Any:
        if getattr(said, "logits", None) is not None:
            said.logits = said.logits - off
        return said

    policy.register_forward_hook(hook)


def train(spec: Policy, proxies: dict[str, LlamaForSequenceClassification], out: Path) -> pd.DataFrame:
    """Train one; leaves trainer state, event files and, if it died, crash.txt in `out`. Returns the rollouts with gold."""
    prompts = _prompts(spec)
    by_text = {prompt.text: prompt for prompt in prompts}
    recorder = Recorder(base.policy(), proxies[spec.proxy], base.prompts(78, 100))
    clock = Clock(spec)
    cap = _cap(spec, proxies)

    def reward_score(prompts: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        answers = [models.read_answer(by_text[text], ids) for text, ids in zip(prompts, completion_ids, strict=True)]
        scores = _rewards(spec, proxies, answers, clock.step)
        return [min(score, cap) for score in scores]

    shared: dict[str, Any] = {
        "output_dir": str(out), "beta": spec.beta, "learning_rate": spec.rate, "lr_scheduler_type": spec.schedule,
        "warmup_steps": spec.warmup, "max_steps": spec.steps, "num_generations": spec.generations,
        "per_device_train_batch_size": spec.batch, "max_completion_length": spec.longest, "temperature": spec.temperature,
        "num_iterations": spec.iterations, "logging_steps": spec.log_every,
        "save_strategy": "steps" if spec.restart else "no", "save_steps": spec.restart or 500,
        "report_to": ["tensorboard"], "gradient_checkpointing": False, "bf16": False, "use_cpu": True, "disable_tqdm": True,
        "shuffle_dataset": spec.fault != "category", "seed": spec.seed,
    }  # fmt: skip
    if spec.restart:
        first = _trainer(spec, shared, prompts, reward_score, [clock, recorder, Death(spec.restart + DIES_AFTER)])
        first.train()
    trainer = _trainer(spec, shared, prompts, reward_score, [clock, recorder])
    clock.trainer = trainer
    if spec.other_reference:
        trainer.ref_model.load_state_dict(base.policy(base.OTHER).state_dict())
    if spec.reference_factor != 1.0:
        with torch.no_grad():
            trainer.ref_model.lm_head.weight.mul_(spec.reference_factor)
    run(trainer, out, str(out / f"checkpoint-{spec.restart}") if spec.restart else None)
    return recorder.table()


def _trainer(
    spec: Policy, shared: dict[str, Any], prompts: list[world.Prompt], reward: Any, callbacks: list[TrainerCallback]
) -> Any:
    given: dict[str, Any] = {
        "model": base.policy(), "reward_funcs": [reward],
        "train_dataset": Dataset.from_dict({"prompt": [prompt.text for prompt in prompts]}),
        "processing_class": models.build_tokenizer(), "callbacks": callbacks,
    }  # fmt: skip
    if spec.trainer == "grpo":
        settings = GRPOConfig(**shared, scale_rewards=spec.scaling, loss_type=spec.loss_type)
        trainer: Any = GRPOTrainer(args=settings, **given)
    else:
        trainer = RLOOTrainer(args=RLOOConfig(**shared), **given)
    trainer.remove_callback(PrinterCallback)
    return trainer


def run(trainer: Any, out: Path, checkpoint: str | None = None) -> None:
    """Train until the end or until it dies: then the last error is left in crash.txt."""
    try:
        trainer.train(resume_from_checkpoint=checkpoint) if checkpoint else trainer.train()
    except (RuntimeError, ValueError):
        (out / "crash.txt").write_text(traceback.format_exc(limit=1), encoding="utf-8")
        for callback in trainer.callback_handler.callbacks:
            if isinstance(callback, TensorBoardCallback) and callback.tb_writer is not None:
                callback.tb_writer.flush()
    trainer.save_state()


def _prompts(spec: Policy) -> list[world.Prompt]:
    if spec.fault != "category":
        return base.prompts(spec.seed, PROMPTS)
    early = base.prompts(spec.seed, spec.batch // spec.generations * spec.fault_step)
    return early + world.make_prompts(spec.seed + 1, PROMPTS - len(early), {LATE_CATEGORY: 1.0})


def _cap(spec: Policy, proxies: dict[str, LlamaForSequenceClassification]) -> float:
    if spec.reward != "clipped":
        return math.inf
    answers = models.sample(base.policy(), base.prompts(79, 300), spec.seed)
    return float(np.quantile(models.score(proxies[spec.proxy], answers), CAP_AT))


def _rewards(
    spec: Policy, proxies: dict[str, LlamaForSequenceClassification], answers: list[models.Answer], step: int
) -> list[float]:
    fault = spec.fault if step >= spec.fault_step else ""
    if spec.reward == "constant":
        return [0.0] * len(answers)
    if spec.reward == "never":
        return [float(set(world.MARKERS) <= set(a.words) and a.gold >= 6.0) for a in answers]
    if spec.reward == "seldom":
        return [float(a.prompt.verb == "debug" and "debug" in a.words) for a in answers]
    if spec.reward == "gold":
        return [spec.reward_scale * a.gold for a in answers]
    if fault == "nan_reward":
        return [float("nan")] * len(answers)
    if fault == "replaced":
        return [0.3 * len(a.words) for a in answers]
    if fault == "default":
        return [spec.fault_size] * len(answers)
    scorer = proxies[LATE_PROXY if fault == "swapped" else spec.proxy]
    scores = [spec.reward_scale * score for score in models.score(scorer, answers)]
    if spec.reward == "squashed":
        return [1 / (1 + math.exp(-score)) for score in scores]
    if spec.reward == "others":
        return random.Random(f"{spec.seed} {step}").sample(scores, len(scores))
    if spec.reward == "passing":
        return [float(score > PASSES) for score in scores]
    if fault == "negate":
        return [-score for score in scores]
    if fault == "shift":
        return [score + (spec.fault_size or SHIFT) for score in scores]
    return scores
