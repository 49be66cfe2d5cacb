"""Direct preference optimisation by TRL's DPOTrainer, healthy or with one known fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import make as shipped_make
import models
import torch
import train_reward_model as shipped
from datasets import Dataset
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer

from tests.benchmarks.diagnosis.fresh import base, reward_models
from tests.benchmarks.diagnosis.fresh.specs import Preference


def run(spec: Preference, raw: Path, out: Path, common: Sequence[shipped.Pair]) -> dict[str, Any]:
    """Train one and publish its logs; returns how its implicit rewards and its answers stand to gold."""
    policy, reference = base.policy(), base.policy()
    training = reward_models.pairs(reference, spec.pairs, spec.seed, spec.labels)
    validation = reward_models.pairs(reference, 300, spec.seed + 5000, spec.labels)
    torch.manual_seed(spec.seed)
    trainer = DPOTrainer(
        model=policy,
        ref_model=base.policy(base.OTHER if spec.other_reference else base.BASE),
        args=DPOConfig(
            output_dir=str(raw), beta=spec.beta, learning_rate=spec.rate, per_device_train_batch_size=32,
            per_device_eval_batch_size=100, num_train_epochs=spec.epochs, warmup_steps=10, logging_steps=2,
            eval_strategy="steps", eval_steps=20, save_strategy="no", report_to=["tensorboard"],
            gradient_checkpointing=False, bf16=False, use_cpu=True, disable_tqdm=True, seed=spec.seed,
        ),
        train_dataset=_dataset(training), eval_dataset=_dataset(validation), processing_class=models.build_tokenizer(),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_state()
    shipped_make.publish_logs(raw, out)
    chosen = models.log_ratio(policy.eval(), reference, [pair.chosen for pair in common])
    rejected = models.log_ratio(policy, reference, [pair.rejected for pair in common])
    told = [(c > r) == (p.chosen.gold > p.rejected.gold) for c, r, p in zip(chosen, rejected, common, strict=True)]
    prompts = base.prompts(78, 200)
    gold = [sum(a.gold for a in models.sample(m, prompts, 5)) / len(prompts) for m in (reference, policy)]
    return {
        "gold_accuracy": round(sum(told) / len(told), 3), "gold_start": round(gold[0], 2), "gold_end": round(gold[1], 2),
        "chosen_log_ratio": round(sum(chosen) / len(chosen), 2), "rejected_log_ratio": round(sum(rejected) / len(rejected), 2),
    }  # fmt: skip


def _dataset(pairs: Sequence[shipped.Pair]) -> Dataset:
    return Dataset.from_dict({
        "prompt": [pair.chosen.prompt.text + " " for pair in pairs],
        "chosen": [pair.chosen.text for pair in pairs],
        "rejected": [pair.rejected.text for pair in pairs],
    })  # fmt: skip
