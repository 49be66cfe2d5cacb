"""What the policy really does at some steps: scores, lengths and KL for the tool, the gold score for the scorer only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import models
import numpy as np
import pandas as pd
import world
from transformers import LlamaForCausalLM, LlamaForSequenceClassification, TrainerCallback

EVERY = 14


class Recorder(TrainerCallback):
    """Answers fixed prompts before the first step and every EVERY steps."""

    def __init__(
        self, base: LlamaForCausalLM, proxy: LlamaForSequenceClassification, prompts: Sequence[world.Prompt]
    ) -> None:
        self._base, self._proxy, self._prompts = base, proxy, prompts
        self._frames: list[pd.DataFrame] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record step 0, or the one from which a run goes on."""
        self.record(_policy(kwargs["model"]), state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Record every so many updates."""
        if state.global_step % EVERY == 0:
            self.record(_policy(kwargs["model"]), state.global_step)

    def record(self, policy: LlamaForCausalLM, step: int) -> None:
        """Answer the prompts; a policy whose weights are not finite has none."""
        if not all(bool(np.isfinite(p.detach().sum().item())) for p in policy.parameters()):
            return
        answers = models.sample(policy, self._prompts, 77 + step)
        self._frames.append(
            pd.DataFrame(
                {
                    "step": step,
                    "prompt_id": range(len(answers)),
                    "category": [answer.prompt.category for answer in answers],
                    "proxy_score": models.score(self._proxy, answers),
                    "length": [len(answer.words) for answer in answers],
                    "kl_to_ref": models.log_ratio(policy, self._base, answers),
                    "gold_score": [round(answer.gold, 2) for answer in answers],
                }
            )
        )

    def table(self) -> pd.DataFrame:
        """Everything recorded."""
        return pd.concat(self._frames, ignore_index=True)


def _policy(model: Any) -> LlamaForCausalLM:
    """PPO hands over policy and value model in one."""
    return getattr(model, "policy", model)


def harm(table: pd.DataFrame) -> dict[str, Any]:
    """Gold at the start, at its best and at the end, and what came of the gain (as the labelled runs tell it)."""
    wide = table.pivot(index="prompt_id", columns="step", values="gold_score")
    mean = wide.mean()
    best, end = mean.idxmax(), mean.index[-1]
    error = float((wide[end] - wide[best]).sem()) if end != best else 0.0
    start_error = float((wide[end] - wide[0]).sem())
    lost = mean[end] < mean[best] - 3 * error
    below = mean[end] < mean[0] - 3 * start_error
    gained = mean[end] > mean[0] + 3 * start_error
    said = "below_start" if below else "no_gain" if not gained else "gain_partly_lost" if lost else "none"
    return {
        "gold_start": round(float(mean[0]), 2), "gold_best": round(float(mean[best]), 2), "best_step": int(best),
        "gold_end": round(float(mean[end]), 2), "gold_harm": said,
        "fall_z": round(float((mean[best] - mean[end]) / error), 1) if error else 0.0,
        "proxy_end": round(float(table.groupby("step")["proxy_score"].mean().iloc[-1]), 2),
        "kl_end": round(float(table.groupby("step")["kl_to_ref"].mean().iloc[-1]), 1),
        "length_end": round(float(table.groupby("step")["length"].mean().iloc[-1]), 1),
    }  # fmt: skip
