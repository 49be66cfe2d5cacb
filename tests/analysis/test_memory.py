"""Memory of a long-running server.

Where an expert would catch it being wrong: garbage that is made later is never found; a system without glibc does not start; Python stumbles over frozen objects when it ends.
"""

from __future__ import annotations

import gc
import weakref

import pytest

from analysis import memory


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


def test_garbage_made_after_keeping_is_found():
    memory.keep()
    try:
        gone = weakref.ref(Ring())
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_what_was_kept_is_looked_at_again_when_memory_is_kept_anew():
    ring = Ring()
    memory.keep()
    try:
        gone = weakref.ref(ring)
        del ring
        gc.collect()
        assert gone() is not None  # frozen: the price of the quick search
        memory.keep()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_while_modules_are_loaded_nothing_is_looked_for_and_afterwards_all_that_is_new():
    try:
        with memory.loading():
            assert not gc.isenabled()
        assert gc.isenabled()
        gone = weakref.ref(Ring())
        gc.collect()
        assert gone() is None
        with pytest.raises(ImportError), memory.loading():
            raise ImportError
        assert gc.isenabled()
    finally:
        gc.unfreeze()


def test_a_system_without_glibc_keeps_its_own_ways(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("analysis.memory.ctypes.CDLL", missing)
    memory.settle()
    memory.keep()
    gc.unfreeze()
