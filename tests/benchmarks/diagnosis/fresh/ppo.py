"""A small PPO with a value model, or with group baselines, that logs in the words of other frameworks than TRL."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import models
import numpy as np
import pandas as pd
import torch
import world
from torch import nn
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, LlamaModel

from tests.benchmarks.diagnosis.fresh import base, rollouts
from tests.benchmarks.diagnosis.fresh.specs import Ppo
from tests.benchmarks.diagnosis.fresh.words import Log

BATCH, MINI, CLIP, LAMBDA = 64, 32, 0.2, 0.95
RATE_JUMP = 30.0
MAX_GRAD = 1.0


class Critic(nn.Module):
    """A value for each position."""

    def __init__(self, start: LlamaForCausalLM) -> None:
        super().__init__()
        self.body: LlamaModel = copy.deepcopy(start.model)
        self.head = nn.Linear(models.WIDTH, 1)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Values, (batch, positions)."""
        return self.head(self.body(input_ids=ids, attention_mask=mask).last_hidden_state)[..., 0]


def run(spec: Ppo, proxies: dict[str, LlamaForSequenceClassification], out: Path) -> pd.DataFrame:
    """Train one and write its log in the spec's words; returns the rollouts with gold."""
    torch.manual_seed(spec.seed)
    policy, reference = base.policy(), base.policy()
    critic = Critic(policy)
    actor = torch.optim.AdamW(policy.parameters(), lr=spec.rate, weight_decay=0.0)
    values = torch.optim.AdamW(critic.parameters(), lr=spec.value_rate, weight_decay=0.0)
    recorder = rollouts.Recorder(reference, proxies[spec.proxy], base.prompts(78, 100))
    recorder.record(policy, 0)
    prompts = base.prompts(spec.seed, BATCH // spec.groups * spec.steps)
    log = Log(spec, out)
    for step in range(1, spec.steps + 1):
        late = bool(spec.fault) and step > spec.fault_step
        if spec.fault == "rate" and step == spec.fault_step + 1:
            actor.param_groups[0]["lr"] *= RATE_JUMP
        count = BATCH // spec.groups
        asked = [p for p in prompts[(step - 1) * count : step * count] for _ in range(spec.groups)]
        answers = models.sample(policy, asked, spec.seed * 1000 + step)
        sign = -1.0 if late and spec.fault == "negate" else 1.0
        scored = [sign * spec.reward_scale * s for s in models.score(proxies[spec.proxy], answers)]
        scores = torch.zeros(len(answers)) if spec.constant else torch.tensor(scored)
        batch = _experience(spec, policy, reference, critic, answers, scores)
        log.row(step, {**_told(batch, answers, scores), **_update(spec, policy, critic, actor, values, batch)})
        if step % rollouts.EVERY == 0:
            recorder.record(policy, step)
    log.close()
    return recorder.table()


@torch.no_grad()
def _experience(
    spec: Ppo,
    policy: LlamaForCausalLM,
    reference: LlamaForCausalLM,
    critic: Critic,
    answers: Sequence[models.Answer],
    scores: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Log-probabilities, rewards with the KL cost of each token, values, whitened advantages and returns."""
    ids, attention, start = models._padded(answers)
    mask = attention[:, start:].float()
    old, entropy = _logps(policy, ids, attention, start)
    ref, _ = _logps(reference, ids, attention, start)
    kl = (old - ref) * mask
    rewards = -spec.kl_coef * kl
    last = mask.sum(1).long().clamp(min=1) - 1
    rewards[torch.arange(len(answers)), last] += scores
    value = critic(ids, attention)[:, start - 1 : -1] * mask
    if spec.groups > 1:
        total = rewards.sum(1).view(-1, spec.groups)
        relative = (total - total.mean(1, keepdim=True)) / (total.std(1, keepdim=True) + 1e-6)
        advantage = relative.view(-1, 1) * mask
        returns = rewards.flip(1).cumsum(1).flip(1) * mask
    else:
        advantage = torch.zeros_like(rewards)
        carried = torch.zeros(len(answers))
        for t in range(rewards.shape[1] - 1, -1, -1):
            following = value[:, t + 1] if t + 1 < rewards.shape[1] else torch.zeros(len(answers))
            carried = rewards[:, t] + following - value[:, t] + LAMBDA * carried
            advantage[:, t] = carried
        returns = (advantage + value) * mask
        chosen = advantage[mask > 0]
        advantage = (advantage - chosen.mean()) / (chosen.std() + 1e-8) * mask
    return {
        "ids": ids, "attention": attention, "start": torch.tensor(start), "mask": mask, "old": old, "kl": kl, "value": value,
        "rewards": rewards, "advantage": advantage, "returns": returns, "entropy": entropy * mask,
    }  # fmt: skip


def _logps(
    model: LlamaForCausalLM, ids: torch.Tensor, attention: torch.Tensor, start: int
) -> tuple[torch.Tensor, torch.Tensor]:
    logits = model(input_ids=ids, attention_mask=attention).logits[:, start - 1 : -1]
    every = torch.log_softmax(logits, dim=-1)
    return every.gather(-1, ids[:, start:, None])[..., 0], -(every.exp() * every).sum(-1)


def _update(
    spec: Ppo,
    policy: LlamaForCausalLM,
    critic: Critic,
    actor: torch.optim.Optimizer,
    values: torch.optim.Optimizer,
    batch: dict[str, torch.Tensor],
) -> dict[str, float]:
    start, told = int(batch["start"]), []
    policy.train()
    for _ in range(spec.epochs):
        for rows in torch.randperm(len(batch["ids"])).split(MINI):
            part = {key: tensor[rows] for key, tensor in batch.items() if key != "start"}
            mask = part["mask"]
            new, _ = _logps(policy, part["ids"], part["attention"], start)
            ratio = ((new - part["old"]) * mask).exp()
            gain = torch.minimum(ratio * part["advantage"], ratio.clamp(1 - CLIP, 1 + CLIP) * part["advantage"])
            loss = -(gain * mask).sum() / mask.sum()
            actor.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(policy.parameters(), MAX_GRAD)
            actor.step()
            predicted = critic(part["ids"], part["attention"])[:, start - 1 : -1]
            clipped = part["value"] + (predicted - part["value"]).clamp(-0.5, 0.5)
            worse = torch.maximum((predicted - part["returns"]) ** 2, (clipped - part["returns"]) ** 2)
            error = 0.5 * (worse * mask).sum() / mask.sum()
            value_norm = torch.tensor(0.0)
            if spec.groups == 1:
                values.zero_grad()
                error.backward()
                value_norm = nn.utils.clip_grad_norm_(critic.parameters(), MAX_GRAD)
                values.step()
            binds = (ratio - 1).abs() > CLIP
            told.append(
                {
                    "pg_loss": loss, "grad_norm": norm, "vf_loss": error, "critic_grad_norm": value_norm,
                    "clip_fraction": (binds * mask).sum() / mask.sum(),
                    "update_kl": ((part["old"] - new) * mask).sum() / mask.sum(),
                }
            )  # fmt: skip
    policy.eval()
    rates = {"lr": actor.param_groups[0]["lr"], "critic_lr": values.param_groups[0]["lr"]}
    return {key: float(np.mean([float(row[key]) for row in told])) for key in told[0]} | rates


def _told(batch: dict[str, torch.Tensor], answers: Sequence[models.Answer], scores: torch.Tensor) -> dict[str, float]:
    mask = batch["mask"]
    lengths = torch.tensor([float(len(a.ids)) for a in answers])
    returns, values = batch["returns"][mask > 0], batch["value"][mask > 0]
    total = batch["rewards"].sum(1)
    return {
        "score": float(scores.mean()), "score_max": float(scores.max()), "score_min": float(scores.min()),
        "score_std": float(scores.std()), "reward": float(total.mean()), "reward_max": float(total.max()),
        "reward_min": float(total.min()), "kl_token": float((batch["kl"].sum(1) / mask.sum(1)).mean()),
        "entropy": float(batch["entropy"].sum() / mask.sum()), "length": float(lengths.mean()),
        "length_max": float(lengths.max()), "length_min": float(lengths.min()),
        "cut": float((lengths >= world.MAX_ANSWER).float().mean()), "value": float(values.mean()),
        "return": float(returns.mean()), "advantage": float(batch["advantage"][mask > 0].mean()),
        "explained": float(1 - (returns - values).var() / (returns.var() + 1e-5)),
    }  # fmt: skip
