"""The grey band of the runs that are not drawn one by one.

It moves slowly and costs more than all curves of a screen: it may be some seconds old, and where a view begins that of
nearly the same runs stands in until its own is asked for, some seconds later. Panels that have none at hand get theirs at
once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import pandas as pd

from dashboard.remembered import Remembered, Seldom

SECONDS = 4.0
"""How old a band may be, once a view has begun; where it begins, a hundredth of its steps is the bound (`_alike`)."""

SAME = 0.01
"""Share of the runs in which two choices may differ for one band to stand in for the other: it moves no quantile by more
than a hundredth of the runs. Of fewer than a hundred runs each choice has its own, and is soon made."""

KEPT = 16

_NEAR = "near"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a band is about.

    where : the store, the panels that were chosen, and the window, of which each has bands of its own
    metrics : of the panels
    recipes : of the drawn runs, as bands of losses hold only runs that were made alike
    runs : those that are summed up
    seen : first and last step of the curves in front of it
    """

    where: Hashable
    metrics: tuple[str, ...]
    recipes: frozenset[Hashable]
    runs: tuple[str, ...]
    seen: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Made:
    asked: Asked
    runs: frozenset[str]
    version: str
    band: pd.DataFrame


class Bands:
    """Bands that were made, the newest of each question."""

    def __init__(self) -> None:
        self._making: Remembered[pd.DataFrame] = Remembered(KEPT)
        self._shown = Seldom(SECONDS, 4 * KEPT)
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, _Made] = OrderedDict()

    def word(self, where: Hashable, runs: tuple[str, ...], version: str, *, fresh: bool) -> str:
        """Changes when this choice of runs shows another band; `version` is that of their data.

        fresh : whether the view shows nothing yet; it then takes what is at hand, and asks for its own afterwards.
        """
        shown = self._shown.of((where, runs), version)
        ready = next(iter(self._ready(where, runs)), None) if fresh else None
        if ready is None:
            return shown
        return ready.version if ready.asked.runs == runs else _NEAR

    def get(
        self, asked: Asked, version: str, make: Callable[[tuple[str, ...]], pd.DataFrame], *, fresh: bool
    ) -> tuple[pd.DataFrame, bool]:
        """The band to show, and whether a newer one of just these runs is due; `make` makes that of some metrics."""
        ready = [made for made in self._ready(asked.where, asked.runs) if _fits(made.asked, asked)] if fresh else []
        if ready:
            return self._put_together(asked, version, make, ready)
        word = self._shown.of((asked.where, asked.runs), version)
        key = asked.where, asked.metrics, asked.recipes, asked.runs
        band = self._making.get(key, lambda: make(asked.metrics), word)
        self._keep(asked, word, band)
        return band, word != version

    def _put_together(
        self, asked: Asked, version: str, make: Callable[[tuple[str, ...]], pd.DataFrame], ready: list[_Made]
    ) -> tuple[pd.DataFrame, bool]:
        """Panel by panel the first that is ready; what none has is made."""
        parts, left, stale = [], asked.metrics, False
        for made in ready:
            there = [metric for metric in left if metric in made.asked.metrics]
            if there:
                parts.append(made.band[made.band["metric"].isin(there)])
                left = tuple(metric for metric in left if metric not in there)
                stale |= (made.asked.runs, made.version) != (asked.runs, version)
        if left:
            key = asked.where, left, asked.recipes, asked.runs
            parts.append(self._making.get(key, lambda: make(left), version))
            self._keep(replace(asked, metrics=left), _NEAR, parts[-1])
            stale = True
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True), stale

    def _keep(self, asked: Asked, word: str, band: pd.DataFrame) -> None:
        key = asked.where, asked.metrics, asked.runs
        with self._lock:
            self._made[key] = _Made(asked, frozenset(asked.runs), word, band)
            self._made.move_to_end(key)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)

    def _ready(self, where: Hashable, runs: tuple[str, ...]) -> list[_Made]:
        """The bands of these runs, and behind them those of nearly the same; the newest first."""
        with self._lock:
            there = [made for made in reversed(self._made.values()) if made.asked.where == where]
        own = [made for made in there if made.asked.runs == runs]
        bound = SAME * len(runs)
        others = (made for made in there if made.asked.runs != runs)
        return [*own, *(made for made in others if len(made.runs.symmetric_difference(runs)) <= bound)]


def _fits(made: Asked, asked: Asked) -> bool:
    return made.recipes == asked.recipes and _alike(made.seen, asked.seen)


def _alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two stretches of steps end within a hundredth of each other."""
    wide = SAME * max(other[1] - other[0], 0.0)
    return abs(one[0] - other[0]) <= wide and abs(one[1] - other[1]) <= wide
