"""Reward models by TRL's RewardTrainer on labels that are right, noisy or wrong in a known way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import models
import pandas as pd
import torch
import train_reward_model as shipped
import world
from transformers import LlamaForSequenceClassification, PrinterCallback
from trl import RewardConfig, RewardTrainer

from tests.benchmarks.diagnosis.fresh.specs import RewardModel

BATCH = 32
VALIDATION = 300
HELD_OUT_SEED = 931
TURNED = {"noise": 0.45, "noisy": 0.125, "coin": 0.5, "third": 0.35, "mostly": 0.85}
"""Share of pairs that are turned over."""


def pairs(base: Any, count: int, seed: int, labels: str, *, finished: bool = False) -> list[shipped.Pair]:
    """Pairs of answers of the base model, ordered by an annotator.

    labels : usual; noisy (a quarter of the choices are a coin); noise, third and mostly (45, 35 and 85 % turned over);
        coin; inverted; length, brevity, style (the longer, the shorter, the more flattering one wins); praised (style, milder);
        length_liked (usual, with a strong liking of words); gold (noisy, without a quirk);
        or a category,
        in which labels are turned over
    """
    rng = random.Random(f"labels {seed}")  # not the stream that the prompts are drawn from
    prompts = world.make_prompts(seed, count, shipped.EVEN_SHARES)
    made = shipped.make_pairs(base, prompts, 1, seed, bold=not finished, finished=finished)
    return [_ordered(pair, labels, rng) for pair in made]


def _ordered(pair: shipped.Pair, labels: str, rng: random.Random) -> shipped.Pair:
    turned = shipped.Pair(pair.prompt_id, pair.rejected, pair.chosen)
    if labels in world.CATEGORIES:
        return turned if pair.chosen.prompt.category == labels else pair
    if labels in TURNED:
        return turned if rng.random() < TURNED[labels] else pair
    if labels == "inverted":
        return turned
    if labels == "gold":
        first = world.annotator_prefers_first(rng, pair.chosen.gold, pair.rejected.gold)
        return pair if first else turned
    if labels in ("length", "brevity", "style", "praised", "length_liked"):
        liked = [_liking(answer, labels) for answer in (pair.chosen, pair.rejected)]
        return turned if liked[1] > liked[0] else pair
    return pair


def _liking(answer: models.Answer, labels: str) -> float:
    length = len(answer.words)
    if labels == "length":
        return float(length)
    if labels == "brevity":
        return -float(length)
    if labels == "length_liked":
        return answer.gold + 0.4 * length
    return answer.gold + (1.0 if labels == "praised" else 1.5) * sum(word in world.PRAISE for word in answer.words)


def train(spec: RewardModel, out: Path) -> LlamaForSequenceClassification:
    """Train one; leaves trainer state and event files in `out`."""
    base = models.load_policy("base")
    training = pairs(base, spec.pairs, spec.seed, spec.labels)
    validation = pairs(base, VALIDATION, spec.seed + 5000, spec.labels)
    torch.manual_seed(spec.seed)
    base.config.num_labels = 1
    model = LlamaForSequenceClassification(base.config)
    model.model.load_state_dict(base.model.state_dict())
    tokenizer = models.build_tokenizer()
    tokenizer.padding_side = "right"
    trainer_of: dict[str, type[RewardTrainer]] = shipped.TRAINERS
    trainer = trainer_of[spec.loss](
        model=model,
        args=RewardConfig(
            output_dir=str(out), per_device_train_batch_size=BATCH, per_device_eval_batch_size=100, learning_rate=spec.rate,
            warmup_steps=20, num_train_epochs=spec.epochs, logging_steps=5, eval_strategy="steps" if spec.evaluates else "no",
            eval_steps=25, save_strategy="no", report_to=["tensorboard"], gradient_checkpointing=False, bf16=False,
            use_cpu=True, disable_tqdm=True, seed=spec.seed,
        ),
        train_dataset=shipped._dataset(training), eval_dataset=shipped._dataset(validation), processing_class=tokenizer,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_state()
    with torch.no_grad():
        model.score.weight.mul_(spec.sharpen)
    return model.eval()


def held_out() -> list[shipped.Pair]:
    """The common pairs, in the usual annotator's order."""
    return pairs(models.load_policy("base"), 700, HELD_OUT_SEED, "usual", finished=True)


def scores(model: LlamaForSequenceClassification, common: Sequence[shipped.Pair]) -> pd.DataFrame:
    """Scores of the common pairs in the layout of the labelled runs, without prompt ids."""
    return shipped.eval_scores(model, common).drop(columns="prompt_id")


def truth(model: LlamaForSequenceClassification, common: Sequence[shipped.Pair]) -> dict[str, float]:
    """Accuracy against gold, where gold differs."""
    table = scores(model, common)
    gap = pd.Series([pair.chosen.gold - pair.rejected.gold for pair in common])
    margin = table["chosen_score"] - table["rejected_score"]
    told = gap != 0
    lengths = pd.concat([table["chosen_length"], table["rejected_length"]])
    every = pd.concat([table["chosen_score"], table["rejected_score"]])
    return {
        "gold_accuracy": round(float(((margin > 0) == (gap > 0))[told].mean()), 3),
        "common_accuracy": round(float((margin > 0).mean()), 3),
        "corr_with_length": round(float(every.corr(lengths)), 3),
        "margin_std": round(float(margin.std()), 3),
    }
