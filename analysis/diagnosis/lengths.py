"""How long responses are now and were at the start, in SD of single responses' lengths."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.diagnosis.levels import FEW, Level, batch, mean_of, noise, reach
from analysis.diagnosis.signals import Series, Signals

NEEDS = ("length",)
USES = ("rollouts", "response.length_std", "score", "score.sd")


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
    sampled = series.tag == "rollouts: length"
    sd, how = _spread(view, series)
    if not sd:
        return None
    if sampled:
        rows = view.rollouts
        assert rows is not None
        last = rows.loc[rows["step"] == series.steps[-1], "length"].dropna()
        first = rows.loc[rows["step"] == series.steps[0], "length"].dropna()
        error = sqrt(last.var() / max(len(last), 2) + first.var() / max(len(first), 2))
        half = reach(len(series), max(len(last) - 1, 2)) * error
        value = float(series.values[-1])
        now = Level(
            value, value - half, value + half, error, len(last), float(series.steps[0]), float(series.steps[-1])
        )
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
    rows = view.rollouts
    if rows is not None and len(rows) and rows["length"].notna().any():
        first = rows.loc[rows["step"] == rows["step"].iloc[0], "length"].dropna()
        if len(first) >= 8 and first.std() > 0:
            return float(first.std()), f"{len(first)} rollouts of the first step"
    logged = view.get("response.length_std")
    if logged is not None and logged.values[:FEW].mean() > 0:
        return float(np.median(logged.values[:FEW])), logged.tag
    size = batch(view)
    if size and len(series) >= 2 * FEW and (one := noise(series)) > 0:
        return one * sqrt(size), f"noise of the batch mean, over {size:g} responses"
    # lengths of free text spread by about half of their mean
    return float(series.values[:2].mean()) / 2, "half of the mean length, as no spread is logged"
