"""The deployment stream: real answers of a trained policy, scored by the reward model, on a made-up calendar.

Answers, scores and gold are real; only the days, the traffic and the mix of categories are made up.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import models
import numpy as np
import pandas as pd
import world
from transformers import LlamaForCausalLM, LlamaForSequenceClassification

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday, so that weekends fall where the traffic dips."""
DAYS, SHIFT_DAY = 30, 20
"""The mix changes with day 20 (counted from 0) and stays."""
WEEKDAY_ROWS, WEEKEND_ROWS, ROWS_SPREAD = 460, 280, 0.06
"""Requests a day, and their day-to-day standard deviation as a share."""
USUAL_MIX = {"cooking": 0.30, "travel": 0.26, "garden": 0.22, "music": 0.16, "code": 0.06}
SHIFTED_MIX = {"cooking": 0.20, "travel": 0.17, "garden": 0.14, "music": 0.11, "code": 0.38}
POOL = 300
"""Different prompts a category; a prompt comes back many times, each time with a fresh answer."""
BUSIEST_HOUR, HOURS_SPREAD = 14.0, 4.5
RATED_SHARE, RATER_NOISE = 0.04, 0.5
"""Share of rows that a rater saw; his score is gold plus noise of this standard deviation (gold points)."""


def make_stream(
    policy: LlamaForCausalLM,
    reward_model: LlamaForSequenceClassification,
    *,
    policy_version: str,
    model_version: str,
    seed: int,
) -> pd.DataFrame:
    """One row a request, in order of time; lengths in words, scores raw."""
    rng = random.Random(seed)
    pool = {category: [world.make_prompt(rng, category) for _ in range(POOL)] for category in world.CATEGORIES}
    times, ids, prompts = [], [], []
    for day in range(DAYS):
        mix = SHIFTED_MIX if day >= SHIFT_DAY else USUAL_MIX
        for moment in _moments(rng, day):
            category = rng.choices(list(mix), weights=list(mix.values()))[0]
            number = rng.randrange(POOL)
            times.append(moment)
            ids.append(f"{category}-{number:03d}")
            prompts.append(pool[category][number])
    answers = models.sample(policy, prompts, seed)
    human = [
        round(answer.gold + rng.gauss(0, RATER_NOISE), 1) if rng.random() < RATED_SHARE else None for answer in answers
    ]
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime(times, utc=True).as_unit("ms"),
            "prompt_id": ids,
            "category": [prompt.category for prompt in prompts],
            "response_length": np.array([len(answer.words) for answer in answers], dtype=np.int16),
            "score": np.array(models.score(reward_model, answers), dtype=np.float32),
            "model_version": model_version,
            "policy_version": policy_version,
            "human_score": np.array(human, dtype=np.float64),
        }
    )


def _moments(rng: random.Random, day: int) -> list[datetime]:
    """When the requests of a day come, to the second, in order."""
    start = FIRST_DAY + timedelta(days=day)
    usual = WEEKEND_ROWS if start.weekday() >= 5 else WEEKDAY_ROWS
    rows = round(usual * rng.gauss(1.0, ROWS_SPREAD))
    hours = sorted(rng.gauss(BUSIEST_HOUR, HOURS_SPREAD) % 24 for _ in range(rows))
    return [start + timedelta(seconds=int(hour * 3600)) for hour in hours]


def write(stream: pd.DataFrame, path: Path) -> None:
    """Write the stream as Parquet (a quarter of the size of CSV)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream.to_parquet(path, index=False, compression="zstd")
