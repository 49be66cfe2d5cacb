"""What several windows ask for is made once, also when they ask at the same time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """The newest `kept` answers by their key. Who asks for one that is being made waits for it; failures are not kept."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, Future[Made]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """The answer under `key`, made now if nobody did."""
        with self._lock:
            found = self._found.get(key)
            mine = found is None
            if found is None:
                found = self._found[key] = Future()
            self._found.move_to_end(key)
            while len(self._found) > self._kept:
                self._found.popitem(last=False)
        if mine:
            try:
                found.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._found.pop(key, None)
                found.set_exception(error)
        return found.result()


class Seldom:
    """Words that move at most every `seconds`, one under each of the `kept` keys that were asked for last."""

    def __init__(self, seconds: float, kept: int) -> None:
        self._seconds = seconds
        self._kept = kept
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()

    def of(self, key: Hashable, word: str) -> str:
        """The word that stands: `word`, unless another was taken less than `seconds` ago."""
        now = time.monotonic()
        with self._lock:
            held, since = self._held.get(key, (word, now))
            if key not in self._held or (held != word and now - since >= self._seconds):
                held, since = word, now
            self._held[key] = held, since
            self._held.move_to_end(key)
            while len(self._held) > self._kept:
                self._held.popitem(last=False)
        return held
