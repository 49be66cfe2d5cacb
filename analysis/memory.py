"""The memory of a process that serves pages for weeks: what is free goes back to the system."""

from __future__ import annotations

import atexit
import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Numbers of glibc's malloc.h."""

ARENAS = 2
"""Heaps that all threads share. By default each of thirty threads that answer takes turns at sixteen, and each keeps the
holes of the largest answer it ever made."""

LARGE = 256 * 1024
"""Bytes from which a block is asked from the system and goes back to it when it is freed. By default the bound rises to
the largest block that was ever freed, up to 32 MB, and tables of a few MB make holes in the heaps."""


def settle() -> None:
    """Set glibc's heaps up for many threads; to be called before they begin. Other systems keep their own ways."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_ARENA_MAX, ARENAS)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)


@contextmanager
def loading() -> Iterator[None]:
    """Look for no garbage while modules are loaded, a tenth of their time, and take what they made for what will live on."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        _unfreeze_at_exit()


def keep() -> None:
    """Look for garbage among all that lives, and take the rest for what will live on.

    Python's own searches then leave it out. Otherwise each whole one goes through every module and every file that is
    known: 40 ms and more in which nobody is answered.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    _give_back()
    _unfreeze_at_exit()


def _unfreeze_at_exit() -> None:
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)


def _give_back() -> None:
    """Hand memory that is free back to the system: answers of many threads leave holes, which glibc would keep for good."""
    import pyarrow as pa  # here, as it belongs to what is loaded while nothing looks for garbage

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # systems without glibc do it by themselves
        ctypes.CDLL("libc.so.6").malloc_trim(0)
