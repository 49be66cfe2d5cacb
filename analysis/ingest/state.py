"""Whether a run is still being written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WRITING_SECONDS = 60.0
"""A run whose files changed within the last minute counts as being written: trainers log at least that often
while they run, and slower ones are told apart by their own cadence (see `state_of`)."""

CADENCES = 5.0
"""A run is stalled when nothing came for five times its own median time between rows, and ended after a day."""


def state_of(row: Mapping[str, Any], now: float) -> str:
    """`writing`, `stalled` or `ended`, from when the run's files last changed and its own cadence."""
    seen, n = row["last_seen"], max(row["n_points"] / max(row["n_metrics"], 1), 2)
    if seen is None or seen != seen or row["totalled"]:
        return "ended"
    length = (row["last_time"] or np.nan) - (row["first_time"] or np.nan)
    cadence = length / (n - 1) if length == length and length > 0 else WRITING_SECONDS / CADENCES
    quiet = now - seen
    if quiet <= max(WRITING_SECONDS, CADENCES * cadence):
        return "writing"
    return "stalled" if quiet <= 86_400 and quiet <= 100 * max(cadence, WRITING_SECONDS) else "ended"
