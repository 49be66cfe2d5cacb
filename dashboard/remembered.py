"""What several windows ask for is made once, also when they ask at the same time."""

from __future__ import annotations

import threading
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
