"""The same row in the names of verl 0.6 (its JSON lines file), OpenRLHF 0.9 (event files) and a plain CSV."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from tests.benchmarks.diagnosis.fresh.specs import Ppo

VERL = {
    "actor/pg_loss": "pg_loss", "actor/entropy": "entropy", "actor/ppo_kl": "update_kl", "actor/pg_clipfrac": "clip_fraction",
    "actor/grad_norm": "grad_norm", "actor/lr": "lr", "critic/score/mean": "score", "critic/score/max": "score_max",
    "critic/score/min": "score_min", "critic/rewards/mean": "reward", "critic/rewards/max": "reward_max",
    "critic/rewards/min": "reward_min", "critic/advantages/mean": "advantage", "response_length/mean": "length",
    "response_length/max": "length_max", "response_length/min": "length_min", "response_length/clip_ratio": "cut",
    "actor/reward_kl_penalty": "kl_token",
}  # fmt: skip
VERL_CRITIC = {
    "critic/vf_loss": "vf_loss", "critic/vf_explained_var": "explained", "critic/values/mean": "value",
    "critic/returns/mean": "return", "critic/lr": "critic_lr", "critic/grad_norm": "critic_grad_norm",
}  # fmt: skip
OPENRLHF = {
    "train/policy_loss": "pg_loss", "train/critic_loss": "vf_loss", "train/actor_lr": "lr", "train/critic_lr": "critic_lr",
    "train/ppo_kl": "update_kl", "train/ppo_clip_ratio": "clip_fraction", "train/kl": "kl_token", "train/reward": "score",
    "train/return": "return", "train/response_length": "length", "train/truncated": "cut", "train/values": "value",
    "train/entropy_loss": "entropy", "train/actor_grad_norm": "grad_norm",
}  # fmt: skip
PLAIN = {
    "reward_mean": "score", "reward_std": "score_std", "kl": "kl_token", "entropy": "entropy", "policy_loss": "pg_loss",
    "value_loss": "vf_loss", "clip_frac": "clip_fraction", "approx_kl": "update_kl", "grad_norm": "grad_norm",
    "response_length": "length", "explained_variance": "explained", "lr": "lr",
}  # fmt: skip


class Log:
    """Writes rows in the words of the spec."""

    def __init__(self, spec: Ppo, out: Path) -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        self._words, self._rows, self._out = spec.words, [], out  # type: tuple[str, list[dict[str, Any]], Path]
        self._spec = spec
        self._events = SummaryWriter(str(out / "tb")) if spec.words == "openrlhf" else None

    def row(self, step: int, told: dict[str, float]) -> None:
        """Add one step."""
        if self._events is not None:
            for tag, key in OPENRLHF.items():
                self._events.add_scalar(tag, told[key], step)
        elif self._words == "verl":
            names = VERL if self._spec.groups > 1 else {**VERL, **VERL_CRITIC}
            data = {tag: told[key] for tag, key in names.items()}
            more = {"training/global_step": step, "actor/reward_kl_penalty_coeff": self._spec.kl_coef}
            self._rows.append({"step": step, "data": {**data, **more}})
        else:
            self._rows.append({"step": step, **{tag: told[key] for tag, key in PLAIN.items()}})

    def close(self) -> None:
        """Write what is not written yet."""
        if self._events is not None:
            self._events.close()
            for number, path in enumerate(sorted((self._out / "tb").glob("events*"))):
                path.rename(path.with_name(f"events.out.tfevents.{path.name.split('.')[3]}.host.0.{number}"))
        elif self._words == "verl":
            (self._out / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in self._rows))
        else:
            with (self._out / "metrics.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(self._rows[0]))
                writer.writeheader()
                writer.writerows(self._rows)
