"""Where a curve is now and how far it has come, with what the noise of neighbouring rows leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt

import numpy as np

from analysis.diagnosis.change import MEMORY
from analysis.diagnosis.looks import level
from analysis.diagnosis.signals import Floats, Series, Signals
from analysis.uncertainty import student_quantile

ALPHA = 0.01
"""Error of one detector over all looks at a run."""

FEW = 5
"""Rows of the smallest present: the noise of fewer can't be told."""

SMALL = 0.2
"""A small effect, in SD of the responses' scores (Cohen 1988): less is no change worth a sentence."""

TENFOLD = 10.0
"""An order of magnitude: identities that hold in an ideal case hold in a real one within a small factor."""


ROOM = 4.0
"""Standard deviations of single rows that chance alone does not pass in some ten thousand rows."""


@dataclass(frozen=True, slots=True)
class Level:
    """A mean of rows: value, its interval, standard error, rows, and the steps they lie between."""

    value: float
    low: float
    high: float
    error: float
    n: int
    first: float
    last: float

    def within(self, errors: float = 2.0) -> tuple[float, float]:
        """The plain interval of so many standard errors: for identities whose factor, not whose sharpness, guards against chance."""
        return self.value - errors * self.error, self.value + errors * self.error


def present(series: Series, alpha: float = ALPHA) -> Level | None:
    """The mean of the last eighth of a curve, at least `FEW` rows; None if it is shorter than that."""
    n = len(series)
    w = max(FEW, n // 8)
    return mean_of(series, n - w, n, alpha) if n >= FEW else None


def mean_of(series: Series, start: int, end: int, alpha: float = ALPHA) -> Level:
    """The mean of rows start to end, with the error that correlated noise leaves, at the level of this look."""
    v, w = series.values[start:end], end - start
    m = float(v.mean())
    first, last = float(series.steps[start]), float(series.steps[end - 1])
    if series.errors is not None:
        error = float(np.sqrt(np.square(series.errors[start:end]).mean() / w))
        half = error * reach(len(series), 30, alpha)
        return Level(m, m - half, m + half, error, w, first, last)
    near = series.values[max(0, end - max(2 * w, 16)) : end]
    error = error_of(near, w)
    half = error * reach(len(series), max(len(near) - 2, 4), alpha)
    return Level(m, m - half, m + half, error, w, first, last)


def error_of(values: Floats, width: int) -> float:
    """Standard error of a mean over `width` rows whose noise and its correlation are those of `values`."""
    noise, phi = _noise(values)
    inflation = (1 + phi) / (1 - phi) - 2 * phi * (1 - phi**width) / (width * (1 - phi) ** 2)
    return noise * sqrt(inflation / width)


def mostly_above(series: Series, level: Level, errors: float = 2.0) -> float:
    """What a level is above: its lower end, and where rows are heavy-tailed a quarter of them, if that is less.

    The mean of an estimate such as k3, whose variance may be infinite, is made by single rows (`analysis.policy.kl`).
    """
    rows = series.values[(series.steps >= level.first) & (series.steps <= level.last)]
    return float(min(level.within(errors)[0], np.quantile(rows, 0.25)))


def _noise(v: Floats) -> tuple[float, float]:
    """SD of the noise of single rows, whatever the trend, and the correlation of neighbours."""
    d = np.diff(v[-MEMORY:])
    if not len(d):
        return 0.0, 0.0
    phi = 0.3  # of short stretches nothing is known: a usual value
    if len(d) >= 15:
        e = d - d.sum() / len(d)
        power = float(e @ e)
        rho = float(e[1:] @ e[:-1]) / power if power > 0 else -0.5
        phi = min(max(1 + 2 * (rho + 0.5 / sqrt(len(d))), 0.0), 0.95)  # as in `change.correlation`
    d = d - _middle(d)  # a curve that climbs evenly is not noisy
    size = np.abs(d)
    middle = _middle(size)
    kept = np.minimum(size, 6 * middle) if middle > 0 else size  # a jump is no noise
    return sqrt(float(kept @ kept) / len(kept) / 2 / (1 - phi)), phi


def _middle(v: Floats) -> float:
    """Median of a short array, the upper one of two (numpy's own takes ten times as long)."""
    return float(np.sort(v)[len(v) // 2])


def noise(series: Series) -> float:
    """SD of the noise of single rows over the first rows, up to 16.

    From the median of second differences, which neither a steep start nor its bend adds to (0.6745 of an SD of sqrt(6)).
    """
    bends = np.sort(np.abs(np.diff(series.values[:16], n=2)))
    if not len(bends):
        return 0.0
    median = float(bends[(len(bends) - 1) // 2] + bends[len(bends) // 2]) / 2  # numpy's own takes ten times as long
    return median / 0.6745 / sqrt(6)


def scatter(series: Series) -> float:
    """SD of the noise of single rows over the whole curve, from mean squared second differences (each of variance 6).

    Unlike `noise` it counts every row: a curve whose noise grows, or that stands still at a bound for a while, has as much
    noise as its restless rows have; a jump adds to it.
    """
    bends = np.diff(series.values, n=2)
    return float(np.sqrt(np.square(bends).mean() / 6)) if len(bends) else 0.0


@lru_cache(maxsize=4096)
def reach(n: int, freedom: int, alpha: float = ALPHA) -> float:
    """Standard errors to either side at the look at row n, so that all looks of a run keep `alpha`."""
    return student_quantile(1 - level(n, alpha), freedom)


@dataclass(frozen=True, slots=True)
class Spread:
    """SD of single responses' scores under the policy that training began with; error : relative standard error."""

    value: float
    error: float
    how: str


def score_spread(view: Signals) -> Spread | None:
    """How far scores of single responses are apart at the start: the unit in which every reward model can be read."""
    logged = view.get("score.sd")
    if logged is not None and (logged.values[:FEW] > 0).any():
        v = logged.values[:FEW]
        return Spread(float(np.median(v[v > 0])), 0.05, f"{logged.tag}, first rows")
    told = _of_noise(view)
    sampled = view.get("rollouts/score_sd")
    if sampled is not None and sampled.values[0] > 0 and sampled.errors is not None:
        error = float(sampled.errors[0] / sampled.values[0])
        found = Spread(float(sampled.values[0]), error, "rollouts of the first step")
        if told is None or _one_scale(view, found.value):
            return found
        # rollouts that are scored on another scale than the one trained on are no unit of the log
        return replace(told, how=f"{told.how}, as rollouts are scored on another scale")
    return told


def _of_noise(view: Signals) -> Spread | None:
    score, size = view.get("score"), batch(view)
    if score is None or len(score) < 2 * FEW or (found := noise(score)) <= 0:
        return None
    if size:
        return Spread(found * sqrt(size), 0.5, f"noise of the batch mean, over {size:g} responses a batch")
    return Spread(
        8 * found, 1.0, "noise of the batch mean, as of 64 responses: the log tells no spread and no batch size"
    )


APART = 4.0
"""Times that two spreads of one scale are apart at the most: one that 14 bends tell is off by up to two times by chance,
and what updates add to the noise of batches, or prompts that come again take from it, is as much again."""


def _one_scale(view: Signals, sampled: float) -> bool:
    """Whether the SD of rollouts' scores may be that of the logged ones; yes where the log can't tell."""
    size = view.setting(*WHOLE)
    if not size or size <= 1:
        return True
    score = view.series["score"]
    bends = scatter(replace(score, values=score.values[:16])) * sqrt(size)
    return bends <= 0 or 1 / APART < sampled / bends < APART


WHOLE = ("batch_size", "generation_batch_size", "rollout_batch_size")
"""Settings that count all responses of an update; a device's share may be a part of them."""


def batch(view: Signals) -> float | None:
    """Responses in a logged mean, if the trainer was told."""
    size = view.setting(*WHOLE, "per_device_train_batch_size")
    return size if size and size > 1 else None


def batch_error(view: Signals, sd: Spread) -> float:
    """Standard error of one logged score: what the SD of responses leaves of a batch mean, or the noise of the rows."""
    size, score = batch(view), view.series["score"]
    return sd.value / sqrt(size) if size else noise(score)


@dataclass(frozen=True, slots=True)
class Gain:
    """How far the score has come from its start, in SD of responses: value, interval; raw : in reward units.

    error : standard error in SD
    """

    value: float
    low: float
    high: float
    raw: float
    start: float
    sd: Spread
    now: Level
    error: float = 0.0


def gain(view: Signals, alpha: float = ALPHA) -> Gain | None:
    """The present score against that of the first row, which most trainers log before the first update."""
    score, sd = view.get("score"), score_spread(view)
    if score is None or sd is None or len(score) < FEW + 2:
        return None
    now = present(score, alpha)
    if now is None:
        return None
    start = float(score.values[0])
    error = sqrt(now.error**2 + batch_error(view, sd) ** 2)
    half = reach(len(score), 16, alpha) * error
    raw = now.value - start
    return Gain(raw / sd.value, (raw - half) / sd.value, (raw + half) / sd.value, raw, start, sd, now, error / sd.value)


def crossing(series: Series, above: float, *, below: bool = False) -> float:
    """The first step from which a curve stays beyond a bound, as a person would point at it; the last one if it never does."""
    beyond = series.values < above if below else series.values > above
    inside = np.flatnonzero(~beyond)
    at = int(inside[-1]) + 1 if len(inside) else 0
    return float(series.steps[min(at, len(series) - 1)])
