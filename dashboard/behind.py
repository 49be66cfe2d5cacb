"""The grey band of the runs that are not drawn one by one.

It moves slowly and costs more than all curves of a screen: it may be some seconds old, and where a view begins that of
nearly the same runs stands in until its own is asked for, some seconds later.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

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

    where : the store, panels and window, of which each has bands of its own
    recipes : of the drawn runs, as bands of losses hold only runs that were made alike
    runs : those that are summed up
    seen : first and last step of the curves in front of it
    """

    where: Hashable
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
        ready = self._ready(where, runs) if fresh else None
        if ready is None:
            return shown
        return ready.version if ready.asked.runs == runs else _NEAR

    def get(
        self, asked: Asked, version: str, make: Callable[[], pd.DataFrame], *, fresh: bool
    ) -> tuple[pd.DataFrame, bool]:
        """The band to show, and whether a newer one of just these runs is due."""
        ready = self._ready(asked.where, asked.runs) if fresh else None
        if ready and ready.asked.recipes == asked.recipes and _alike(ready.asked.seen, asked.seen):
            return ready.band, (ready.asked.runs, ready.version) != (asked.runs, version)
        word = self._shown.of((asked.where, asked.runs), version)
        band = self._making.get((asked.where, asked.recipes, asked.runs), make, word)
        with self._lock:
            self._made[asked.where, asked.runs] = _Made(asked, frozenset(asked.runs), word, band)
            self._made.move_to_end((asked.where, asked.runs))
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return band, word != version

    def _ready(self, where: Hashable, runs: tuple[str, ...]) -> _Made | None:
        """The newest band of these runs, or else of nearly the same."""
        with self._lock:
            own = self._made.get((where, runs))
            others = [made for made in reversed(self._made.values()) if made.asked.where == where]
        if own:
            return own
        bound = SAME * len(runs)
        return next((made for made in others if len(made.runs.symmetric_difference(runs)) <= bound), None)


def _alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two stretches of steps end within a hundredth of each other."""
    wide = SAME * max(other[1] - other[0], 0.0)
    return abs(one[0] - other[0]) <= wide and abs(one[1] - other[1]) <= wide
