"""The policy runs: TRL's GRPOTrainer against the Bradley-Terry reward model, with rollouts on fixed prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models
import pandas as pd
import torch
import world
from datasets import Dataset
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

GENERATIONS, BATCH = 8, 64
"""Eight answers to each of eight prompts a step."""
ROLLOUT_PROMPTS, ROLLOUT_POINTS = 200, 12
"""Fixed prompts that are answered anew at start, end and between: the gold mean has a standard error of
about 0.1 point."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What sets one policy run apart. beta: weight of the per-token KL to the base model (0: none)."""

    beta: float
    learning_rate: float
    steps: int
    seed: int


class RolloutRecorder(TrainerCallback):
    """Answers the fixed prompts at a few steps and keeps score, gold and KL of every answer."""

    def __init__(
        self,
        base: LlamaForCausalLM,
        reward_model: LlamaForSequenceClassification,
        prompts: Sequence[world.Prompt],
        steps: int,
        seed: int,
    ) -> None:
        self._base, self._reward_model, self._prompts, self._seed = base, reward_model, prompts, seed
        self._at = {round(steps * point / (ROLLOUT_POINTS - 1)) for point in range(ROLLOUT_POINTS)}
        self._frames: list[pd.DataFrame] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the policy before the first update as step 0."""
        self._record(kwargs["model"], 0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the policy after an update, if its step is one of those wanted."""
        if state.global_step in self._at:
            self._record(kwargs["model"], state.global_step)

    def _record(self, policy: LlamaForCausalLM, step: int) -> None:
        answers = models.sample(policy, self._prompts, self._seed + step)
        self._frames.append(
            pd.DataFrame(
                {
                    "step": step,
                    "prompt_id": [f"r{index:03d}" for index in range(len(answers))],
                    "category": [answer.prompt.category for answer in answers],
                    "score": models.score(self._reward_model, answers),
                    "length": [len(answer.words) for answer in answers],
                    "kl_to_ref": models.log_ratio(policy, self._base, answers),
                    "truncated": [not answer.ended for answer in answers],
                    "gold_score": [round(answer.gold, 2) for answer in answers],
                }
            )
        )

    def table(self) -> pd.DataFrame:
        """All rollouts so far; lengths in words, KL in nats summed over the answer."""
        return pd.concat(self._frames, ignore_index=True)


def train(
    base_folder: str,
    reward_model: LlamaForSequenceClassification,
    prompts: Sequence[world.Prompt],
    rollout_prompts: Sequence[world.Prompt],
    setting: Setting,
    out: Path,
) -> tuple[LlamaForCausalLM, pd.DataFrame]:
    """Train one policy; leaves trainer_state.json and event files in `out`, returns policy and rollouts."""
    base = LlamaForCausalLM.from_pretrained(base_folder, dtype=torch.float32).eval()
    policy = LlamaForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    recorder = RolloutRecorder(base, reward_model, rollout_prompts, setting.steps, setting.seed)

    def reward_model_score(prompts: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        """TRL logs a reward under the function's name; ids, since TRL's texts have lost the end mark."""
        asked = [by_text[text] for text in prompts]
        answers = [models.read_answer(p, ids) for p, ids in zip(asked, completion_ids, strict=True)]
        return models.score(reward_model, answers)

    by_text = {prompt.text: prompt for prompt in prompts}
    trainer = GRPOTrainer(
        model=policy,
        reward_funcs=[reward_model_score],
        args=GRPOConfig(
            output_dir=str(out),
            beta=setting.beta,
            learning_rate=setting.learning_rate,
            lr_scheduler_type="constant_with_warmup",
            warmup_steps=10,
            max_steps=setting.steps,
            num_generations=GENERATIONS,
            per_device_train_batch_size=BATCH,
            max_completion_length=world.MAX_ANSWER,
            temperature=1.0,
            logging_steps=1,
            save_strategy="no",
            report_to=["tensorboard"],
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
            disable_tqdm=True,
            seed=setting.seed,
        ),
        train_dataset=Dataset.from_dict({"prompt": [prompt.text for prompt in prompts]}),
        processing_class=models.build_tokenizer(),
        callbacks=[recorder],
    )
    trainer.train()
    trainer.save_state()
    return policy.eval(), recorder.table()
