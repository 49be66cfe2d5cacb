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
    """The newest answer to each of the `kept` questions that were asked last.

    Who asks for one that is being made waits for it; failures are not kept. An answer that was worked out for another
    version of the data gives way: while a run is written to, one question has hundreds of versions a quarter of an hour.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[str, Future[Made]]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made], version: str = "") -> Made:
        """The answer under `key` for this version of the data, made now if nobody did."""
        with self._lock:
            held, found = self._found.get(key, ("", None))
            mine = found is None or held != version
            if found is None or mine:
                found = Future()
                self._found[key] = version, found
            self._found.move_to_end(key)
            while len(self._found) > self._kept:
                self._found.popitem(last=False)
        if mine:
            try:
                found.set_result(make())
            except BaseException as error:
                with self._lock:
                    if self._found.get(key, ("", None))[1] is found:
                        del self._found[key]
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
