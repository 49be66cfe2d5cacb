"""The two reward models: TRL's RewardTrainer on the same preference pairs, with two ranking losses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models
import pandas as pd
import torch
import world
from datasets import Dataset
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, PrinterCallback
from trl import RewardConfig, RewardTrainer

TRAIN_PAIRS, VALIDATION_PAIRS = 12_000, 400
HELD_OUT_PROMPTS, PAIRS_PER_PROMPT = 300, 2
"""600 common held-out pairs, two a prompt: a page that clusters by prompt has something to cluster."""
EVEN_SHARES = {category: 1 / len(world.CATEGORIES) for category in world.CATEGORIES}
BOLD = 1.4
"""Temperature of the second answer in every other training pair. With pairs at temperature 1 alone the reward
model knows nothing of broken or endless answers, and every policy run finds that out within 30 steps."""
HINGE_MARGIN = 1.0
BATCH, RATE, EPOCHS = 32, 1e-3, 3
LOG_EVERY, EVALUATE_EVERY = 15, 75
"""Steps between rows: train rows are means over the window."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one prompt, in the annotator's order."""

    prompt_id: str
    chosen: models.Answer
    rejected: models.Answer


class HingeRewardTrainer(RewardTrainer):
    """RewardTrainer with a hinge ranking loss: max(0, margin - (chosen - rejected)), mean over pairs."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The hinge loss in place of Bradley-Terry; TRL's metrics are kept, as they don't use the loss."""
        _, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)
        chosen, rejected = torch.chunk(outputs.logits.squeeze(-1), chunks=2)
        loss = torch.relu(HINGE_MARGIN - (chosen - rejected)).mean()
        return (loss, outputs) if return_outputs else loss


TRAINERS: dict[str, type[RewardTrainer]] = {"bradley_terry": RewardTrainer, "hinge": HingeRewardTrainer}


def make_pairs(
    base: LlamaForCausalLM,
    prompts: Sequence[world.Prompt],
    copies: int,
    seed: int,
    *,
    bold: bool = False,
    finished: bool = False,
) -> list[Pair]:
    """Sample pairs of differing answers from the base model and let the annotator order them.

    `copies` is pairs a prompt. With `bold` the second answer of every other pair is sampled at a higher
    temperature; with `finished` pairs with an answer that ran into the length limit are left out.
    """
    rng = random.Random(seed)
    pairs: list[Pair] = []
    repeated = [prompt for prompt in prompts for _ in range(copies)]
    left = models.sample(base, repeated, seed)
    right = models.sample(base, repeated, seed + 1)
    if bold:
        right[::2] = models.sample(base, repeated[::2], seed + 2, temperature=BOLD)
    for index, (first, second) in enumerate(zip(left, right, strict=True)):
        if first.words == second.words or (finished and not (first.ended and second.ended)):
            continue
        wins = world.annotator_prefers_first(rng, _taste(first), _taste(second))
        chosen, rejected = (first, second) if wins else (second, first)
        pairs.append(Pair(f"p{index // copies:04d}", chosen, rejected))
    return pairs


def _taste(answer: models.Answer) -> float:
    return world.annotator_taste(answer.prompt, answer.words, ended=answer.ended)


def _dataset(pairs: Sequence[Pair]) -> Dataset:
    """Token ids, not text: TRL would put an end mark behind the text of an unfinished answer too."""
    return Dataset.from_dict(
        {
            "chosen_ids": [pair.chosen.all_ids for pair in pairs],
            "rejected_ids": [pair.rejected.all_ids for pair in pairs],
        }
    )


def train(
    base_folder: str, loss: str, train_pairs: Sequence[Pair], validation: Sequence[Pair], out: Path, seed: int
) -> LlamaForSequenceClassification:
    """Train one reward model from the base model's weights; leaves trainer state and event files in `out`.

    Paths are relative to the working directory, so that no machine path gets into the logs.
    """
    torch.manual_seed(seed)
    base = models.load_policy(base_folder)
    base.config.num_labels = 1
    model = LlamaForSequenceClassification(base.config)
    model.model.load_state_dict(base.model.state_dict())
    tokenizer = models.build_tokenizer()
    tokenizer.padding_side = "right"
    trainer = TRAINERS[loss](
        model=model,
        args=RewardConfig(
            output_dir=str(out),
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=100,
            learning_rate=RATE,
            warmup_steps=30,
            num_train_epochs=EPOCHS,
            logging_steps=LOG_EVERY,
            eval_strategy="steps",
            eval_steps=EVALUATE_EVERY,
            save_strategy="no",
            report_to=["tensorboard"],
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
            disable_tqdm=True,
            seed=seed,
        ),
        train_dataset=_dataset(train_pairs),
        eval_dataset=_dataset(validation),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)  # the same rows are in trainer_state.json
    trainer.train()
    trainer.save_state()
    return model.eval()


def eval_scores(model: LlamaForSequenceClassification, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Raw scores of the common held-out pairs; lengths in words."""
    chosen = models.score(model, [pair.chosen for pair in pairs])
    rejected = models.score(model, [pair.rejected for pair in pairs])
    return pd.DataFrame(
        {
            "pair_id": pair_ids(pairs),
            "prompt_id": [pair.prompt_id for pair in pairs],
            "category": [pair.chosen.prompt.category for pair in pairs],
            "chosen_score": chosen,
            "rejected_score": rejected,
            "chosen_length": [len(pair.chosen.words) for pair in pairs],
            "rejected_length": [len(pair.rejected.words) for pair in pairs],
        }
    )


def pair_texts(pairs: Sequence[Pair]) -> pd.DataFrame:
    """The texts of the common held-out pairs."""
    return pd.DataFrame(
        {
            "pair_id": pair_ids(pairs),
            "category": [pair.chosen.prompt.category for pair in pairs],
            "prompt": [pair.chosen.prompt.text for pair in pairs],
            "chosen": [pair.chosen.text for pair in pairs],
            "rejected": [pair.rejected.text for pair in pairs],
        }
    )


def pair_ids(pairs: Sequence[Pair]) -> list[str]:
    """Names of the held-out pairs, by their order."""
    return [f"pair-{index:03d}" for index in range(len(pairs))]
