"""How long this process took over what it was asked: the newest durations by kind, for whoever looks after a server."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

KEPT = 1000
"""Durations kept of each kind: enough for a 99th percentile that ten answers decide."""


class Timings:
    """Durations of the newest answers, by kind; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Time what happens inside, whether it ends well or not."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[kind].append(time.perf_counter() - start)

    def summary(self) -> dict[str, dict[str, float]]:
        """Kind -> n (at most `KEPT`) and the median, p95 and p99 in seconds."""
        with self._lock:
            kept = {kind: np.array(seconds) for kind, seconds in self._seconds.items()}
        return {
            kind: {"n": len(seconds)}
            | {
                name: float(value)
                for name, value in zip(("p50", "p95", "p99"), np.percentile(seconds, [50, 95, 99]), strict=True)
            }
            for kind, seconds in kept.items()
        }
