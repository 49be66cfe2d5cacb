"""The policy runs: TRL's GRPOTrainer against a reward model, with rollouts on fixed prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models
import pandas as pd
import world
from datasets import Dataset
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

GENERATIONS, BATCH = 8, 64
"""Eight answers to each of eight prompts a step."""
ROLLOUT_PROMPTS, ROLLOUT_EVERY = 200, 15
"""Fixed prompts that are answered anew every 15 steps: the gold mean has a standard error of 0.1 point."""
ROLLOUT_SEED = 43
"""The same in all runs, so that they have the same rollouts at step 0, where they are the same policy."""


SHOWN = 4
"""Answers a recording that are kept as text, to the first prompts: enough to see what was learned."""


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
    ) -> None:
        self._base, self._reward_model, self._prompts = base, reward_model, prompts
        self._frames: list[pd.DataFrame] = []
        self._shown: list[str] = ["# Answers to the same prompts, step by step"]

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the policy before the first update as step 0."""
        self._record(kwargs["model"], 0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record the policy after every so many updates."""
        if state.global_step % ROLLOUT_EVERY == 0:
            self._record(kwargs["model"], state.global_step)

    def _record(self, policy: LlamaForCausalLM, step: int) -> None:
        answers = models.sample(policy, self._prompts, ROLLOUT_SEED + step)
        scores = models.score(self._reward_model, answers)
        self._shown.append(f"\n## Step {step}\n")
        self._shown += [
            f"- {answer.prompt.text} **{answer.text}** (proxy {score:.2f}, gold {answer.gold:.2f})"
            for answer, score in zip(answers[:SHOWN], scores, strict=False)
        ]
        self._frames.append(
            pd.DataFrame(
                {
                    "step": step,
                    "prompt_id": [f"r{index:03d}" for index in range(len(answers))],
                    "category": [answer.prompt.category for answer in answers],
                    "score": scores,
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

    def samples(self) -> str:
        """A few answers at each recorded step, as Markdown."""
        return "\n".join(self._shown) + "\n"


def train(
    base_folder: str,
    reward_model: LlamaForSequenceClassification,
    prompts: Sequence[world.Prompt],
    rollout_prompts: Sequence[world.Prompt],
    setting: Setting,
    out: Path,
) -> tuple[LlamaForCausalLM, RolloutRecorder]:
    """Train one policy; leaves trainer_state.json and event files in `out`, returns policy and rollouts."""
    base = models.load_policy(base_folder)
    policy = models.load_policy(base_folder)
    recorder = RolloutRecorder(base, reward_model, rollout_prompts)

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
    trainer.remove_callback(PrinterCallback)  # the same rows are in trainer_state.json
    trainer.train()
    trainer.save_state()
    return policy.eval(), recorder
