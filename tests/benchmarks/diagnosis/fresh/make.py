"""Train what is not there yet, one run at a time; logs and truth go to different folders."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import make as shipped
import pandas as pd
import torch
import train_reward_model
import transformers

from tests.benchmarks.diagnosis.fresh import base, policies, ppo, preference, reward_models, rollouts, trl_ppo
from tests.benchmarks.diagnosis.fresh.second import SECOND
from tests.benchmarks.diagnosis.fresh.specs import FIRST, Policy, Ppo, RewardModel, RunSet, Spec, TrlPpo
from tests.benchmarks.diagnosis.fresh.third import THIRD

SETS = {"first": FIRST, "second": SECOND, "third": THIRD}


def make(folder: Path, chosen: RunSet, prefix: str = "") -> None:
    """Fill folder/runs (what a tool may read), folder/truth (what it may not) and folder/work (weights)."""
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for part in ("runs", "truth", "work"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder / "work"):
        proxies = base.prepare(chosen)
        common = reward_models.held_out()
        train_reward_model.pair_texts(common).to_csv(folder / "runs" / "pairs.csv", index=False)
        for spec in chosen.specs:
            if not spec.name.startswith(prefix) or (folder / "truth" / f"{spec.name}.json").exists():
                continue
            began = time.monotonic()
            measured = _one(spec, proxies, common, folder / "runs" / spec.name)
            known = {"truth": spec.truth, "also": spec.also, "measured": measured, "config": asdict(spec)}
            (folder / "truth" / f"{spec.name}.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
            sys.stdout.write(f"{spec.name} {spec.truth} {time.monotonic() - began:.0f} s {measured}\n")
            sys.stdout.flush()


def _one(spec: Spec, proxies: dict[str, Any], common: list[Any], run: Path) -> dict[str, Any]:
    raw = Path("raw") / spec.name
    shutil.rmtree(raw, ignore_errors=True)
    if isinstance(spec, RewardModel):
        model = reward_models.train(spec, raw)
        shipped.publish_logs(raw, run)
        reward_models.scores(model, common).to_csv(run / "eval_scores.csv", index=False)
        return reward_models.truth(model, common)
    if isinstance(spec, Policy | TrlPpo):
        table = (policies if isinstance(spec, Policy) else trl_ppo).train(spec, proxies, raw)
        shipped.publish_logs(raw, run)
        if (raw / "crash.txt").exists():
            shutil.copy(raw / "crash.txt", run)
        if not spec.events:
            shutil.rmtree(run / "tb")
        return _kept(table, run, records=spec.records)
    if isinstance(spec, Ppo):
        return _kept(ppo.run(spec, proxies, run), run, records=spec.records)
    return preference.run(spec, raw, run, common)


def _kept(table: pd.DataFrame, run: Path, *, records: bool) -> dict[str, Any]:
    """Leave the rollouts without gold beside the log, if the run has any; what gold says."""
    if records:
        table.drop(columns="gold_score").to_csv(run / "rollouts.csv", index=False)
    table.groupby("step").mean(numeric_only=True).to_csv(Path("../truth") / f"{run.name}-gold.csv")
    return rollouts.harm(table)
