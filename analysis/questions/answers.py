"""Answers that take a second or more, kept as long as nothing behind them changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

KEPT = 64
"""Answers held: an evaluation with the tests of five thousand words takes a few megabytes."""


@dataclass
class _Place:
    lock: threading.Lock = field(default_factory=threading.Lock)
    version: str | None = None
    answer: Any = None


class Answers:
    """The newest answers by their question. Who asks for one that is being worked out waits for it."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()

    def get(self, question: Hashable, version: str, work: Callable[[], T]) -> T:
        """The answer to `question` for this `version` of what is behind it; a failure is raised and not kept."""
        with self._lock:
            place = self._places.setdefault(question, _Place())
            self._places.move_to_end(question)
            while len(self._places) > self._kept:
                self._places.popitem(last=False)
        with place.lock:
            if place.version != version:
                place.answer = work()
                place.version = version
            return place.answer  # type: ignore[no-any-return]  # the question fixes the type
