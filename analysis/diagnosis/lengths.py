"""How long responses are now and were at the start, in SD of single responses' lengths."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.diagnosis.levels import FEW, Level, batch, mean_of, noise, reach
from analysis.diagnosis.signals import Series, Signals

NEEDS = ("length",)
USES = ("rollouts/*", "response.length_std", "score", "score.sd")


@dataclass(frozen=True, slots=True)
class LengthShift:
    """Mean length at the start and now; shift in SD of lengths with its interval, and as a ratio."""

    start: float
    now: Level
    sd: float
    shift: float
    low: float
    high: float
    series: Series
    how: str

    @property
    def ratio(self) -> float:
        """Mean length now over that at the start."""
        return self.now.value / max(self.start, 1e-9)


def length_shift(view: Signals) -> LengthShift | None:
    """The shift so far, None where lengths, or their spread, are not known."""
    series = view.get("length")
    if series is None or len(series) < 2:
        return None
    sampled = series.errors is not None
    sd, how = _spread(view, series)
    if not sd:
        return None
    if sampled:
        assert series.errors is not None
        error = float(np.hypot(series.errors[0], series.errors[-1]))
        half = reach(len(series), 30) * error
        value = float(series.values[-1])
        now = Level(value, value - half, value + half, error, 1, float(series.steps[0]), float(series.steps[-1]))
        start = float(series.values[0])
    else:
        if len(series) < FEW + 2:
            return None
        now = mean_of(series, len(series) - FEW, len(series))
        start = float(series.values[0])
        size = batch(view)
        one = sd / sqrt(size) if size else noise(series)
        half = reach(len(series), 16) * sqrt(now.error**2 + one**2)
    shift = (now.value - start) / sd
    return LengthShift(start, now, sd, shift, shift - half / sd, shift + half / sd, series, how)


def _spread(view: Signals, series: Series) -> tuple[float | None, str]:
    """SD of single responses' lengths at the start."""
    single = view.get("rollouts/length_sd")
    if single is not None and single.values[0] > 0:
        return float(single.values[0]), "rollouts of the first step"
    logged = view.get("response.length_std")
    if logged is not None and logged.values[:FEW].mean() > 0:
        return float(np.median(logged.values[:FEW])), logged.tag
    size = batch(view)
    if size and len(series) >= 2 * FEW and (one := noise(series)) > 0:
        return one * sqrt(size), f"noise of the batch mean, over {size:g} responses"
    # lengths of free text spread by about half of their mean
    return float(series.values[:2].mean()) / 2, "half of the mean length, as no spread is logged"
