"""What a diagnosis reads: canonical metrics, rollouts and pair scores of a run, cut at a step.

Long curves are read in blocks whose size depends on their place alone, so that later rows never change earlier blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.diagnosis.change import Change, changes

Floats = npt.NDArray[np.float64]

WHOLE = 512
"""Rows of a curve that are read one by one; beyond, each doubling of the length doubles the block, so that a block is
at most 1/256 of what lies before it: detection is late by no more than that."""


@dataclass(frozen=True, slots=True)
class Series:
    """One curve of the last attempt, in the order of training.

    steps : (n,) last step of each row or block of rows
    values : (n,) finite values; a block holds the mean of its rows
    bad : steps at which the logged value was not finite
    unit, estimator, tag : as the vocabulary says; scale : logged value over the concept's definition
    errors : (n,) standard errors of the values, where they are means of known samples; else None
    change : for every row, whether the curve leaves its path (see `analysis.diagnosis.change`); None: not computed
    """

    metric: str
    steps: Floats
    values: Floats
    unit: str = ""
    estimator: str = ""
    tag: str = ""
    scale: float = 1.0
    bad: Floats = field(default_factory=lambda: np.empty(0))
    errors: Floats | None = None
    change: Change | None = None

    def __len__(self) -> int:
        return len(self.values)

    def until(self, step: float) -> Series:
        """What was known at `step`."""
        end = int(np.searchsorted(self.steps, step, side="right"))
        bad = self.bad[: int(np.searchsorted(self.bad, step, side="right"))]
        change = None if self.change is None else self.change.until(end)
        errors = None if self.errors is None else self.errors[:end]
        return replace(self, steps=self.steps[:end], values=self.values[:end], bad=bad, errors=errors, change=change)

    def watched(self, root: bool) -> Series:
        """The same with its changes; of the square root where noise grows with the level, as that of KL and losses does."""
        values = np.sqrt(np.maximum(self.values, 0.0)) if root else self.values
        return replace(self, change=changes(values))

    @classmethod
    def of(cls, metric: str, steps: npt.ArrayLike, values: npt.ArrayLike, **said: Any) -> Series:
        """A curve from logged rows, in blocks where it is long; rows without a finite value are kept as `bad`."""
        s, v = np.asarray(steps, np.float64), np.asarray(values, np.float64)
        finite = np.isfinite(v)
        bad = s[~finite]
        starts, ends = blocks(len(v))
        if len(starts) == len(v):
            return cls(metric, s[finite], v[finite], bad=bad, **said)
        edges = np.append(starts, ends[-1])
        total = np.add.reduceat(np.where(finite, v, 0.0)[: edges[-1]], starts)
        count = np.add.reduceat(finite[: edges[-1]].astype(np.float64), starts)
        held = count > 0
        return cls(metric, s[ends[held] - 1], total[held] / count[held], bad=bad, **said)


def blocks(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First row and end of each full block of a curve of n rows."""
    starts, size, at = [np.arange(min(n, WHOLE))], 1, WHOLE
    sizes = [np.ones(min(n, WHOLE), np.intp)]
    while at < n:
        size *= 2
        count = min((n - at) // size, at // size)
        starts.append(at + size * np.arange(count))
        sizes.append(np.full(count, size, np.intp))
        at *= 2
    first = np.concatenate(starts).astype(np.intp)
    return first, first + np.concatenate(sizes)


@dataclass(frozen=True, slots=True)
class Judge:
    """A reward model's ranking accuracy on held-out pairs, 0 to 1, with its interval over prompts."""

    name: str
    accuracy: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Signals:
    """Everything that is known of a run at `now`.

    series : canonical metric -> curve
    rollouts : step, prompt_id, score, length, kl, gold_score: one row a response, or None
    pairs : step, prompt_id, category, chosen_score, rejected_score, lengths: one row a preference pair, or None
    examined : what `analysis.ranking` says of the pairs (see `analysis.diagnosis.examined`), or None
    config : what the trainer was told; links : the reward model that scored the run, and others
    exception : what the trainer died of, as known once its log has ended; "" if it did not, or nobody told
    cohort : curves of past runs that the user calls good, one mapping a run
    judge : how the reward model that scores the run ranks held-out pairs; None where no link names one
    """

    run: str
    kind: str
    framework: str = ""
    trainer: str = ""
    path: str = ""
    series: Mapping[str, Series] = field(default_factory=dict)
    rollouts: pd.DataFrame | None = None
    pairs: pd.DataFrame | None = None
    examined: Any = None
    config: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    exception: str = ""
    cohort: tuple[Mapping[str, Series], ...] = ()
    judge: Judge | None = None
    now: float = np.inf

    def until(self, step: float) -> Signals:
        """What was known at `step`; pair scores belong to the end of training unless they name their step."""
        rollouts, pairs = self.rollouts, self.pairs
        if rollouts is not None:
            rollouts = rollouts[: int(np.searchsorted(rollouts["step"].to_numpy(float), step, side="right"))]
        if pairs is not None and step < self.last:
            told = pairs["step"].to_numpy(float)
            pairs = pairs[told <= step]
        return replace(
            self,
            series={name: s.until(step) for name, s in self.series.items()},
            rollouts=rollouts,
            pairs=pairs,
            exception=self.exception if step >= self.last else "",
            now=min(step, self.now),
        )

    def only(self, metrics: Iterable[str]) -> Signals:
        """A view that holds nothing but the declared metrics; a name that ends in '*' declares all that begin so."""
        names = tuple(metrics)
        return replace(
            self,
            series={name: self.series[name] for name in _declared(names, tuple(self.series))},
            rollouts=self.rollouts if "rollouts" in names else None,
            pairs=self.pairs if "pairs" in names else None,
            examined=self.examined if "pairs" in names else None,
        )

    def get(self, metric: str) -> Series | None:
        """A curve with at least one finite value, or None."""
        found = self.series.get(metric)
        return found if found is not None and len(found) else None

    def has(self, metric: str) -> bool:
        """Whether there is a curve, rollouts ("rollouts") or pair scores ("pairs")."""
        if metric == "rollouts":
            return self.rollouts is not None and len(self.rollouts) > 0
        if metric == "pairs":
            return self.pairs is not None and len(self.pairs) > 0
        if metric.endswith("*"):
            return any(name.startswith(metric[:-1]) for name in self.series)
        return metric in self.series

    def setting(self, *names: str) -> float | None:
        """The first of these settings that is a number."""
        for name in names:
            value = self.config.get(name)
            if isinstance(value, bool):
                continue
            if isinstance(value, int | float) and np.isfinite(value):
                return float(value)
        return None

    @cached_property
    def steps(self) -> Floats:
        """All steps at which something was logged, in order."""
        every = [s.steps for s in self.series.values()] + [s.bad for s in self.series.values()]
        return np.unique(np.concatenate(every)) if every else np.empty(0)

    @property
    def last(self) -> float:
        """The last logged step."""
        return float(self.steps[-1]) if len(self.steps) else np.inf


@lru_cache(maxsize=1024)  # every look asks the same of the same run
def _declared(names: tuple[str, ...], there: tuple[str, ...]) -> tuple[str, ...]:
    heads = tuple(n[:-1] for n in names if n.endswith("*"))
    return tuple(name for name in there if name in names or name.startswith(heads))
