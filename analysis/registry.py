"""How leaves are found: by file, in their folder, and through entry points of installed packages.

A leaf is one file in a leaf folder that registers itself with a decorator from here. Folders are searched
on first use; a plug-in that can't be loaded is one named warning and never stops the others.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.metadata import entry_points
from typing import Any

_LEAVES: dict[str, dict[str, Any]] = {}
_SEARCHED: set[tuple[str, str]] = set()

ENTRY_POINTS = {
    "source": "rewardboard.sources",
    "loss": "rewardboard.losses",
    "detector": "rewardboard.detectors",
    "cause": "rewardboard.causes",
}
FOLDERS = {
    "source": "analysis.sources",
    "loss": "analysis.losses",
    "detector": "analysis.diagnosis.detectors",
    "cause": "analysis.diagnosis.causes",
}


def source(name: str, *, rank: int, appends: bool = True) -> Callable[[type], type]:
    """Register a class as the source `name` (see `analysis.sources.base.Source`).

    Parameters
    ----------
    rank : where it stands when several files tell the same metric: the lowest is read, the others are
        checked against it. Trainer states have 10, event files 20, W&B 30, JSON lines 40, tables 50,
        console text 60.
    appends : whether its files only grow at the end.
    """

    def register(cls: type) -> type:
        leaf = cls()
        leaf.name, leaf.rank, leaf.appends = name, rank, appends
        _LEAVES.setdefault("source", {})[name] = leaf
        return cls

    return register


def loss(name: str) -> Callable[[type], type]:
    """Register a class as the ranking loss `name` (see `analysis.losses.base.Loss`)."""

    def register(cls: type) -> type:
        if not hasattr(cls, "FACTS"):
            raise TypeError(f"{cls.__name__} has no FACTS, in which a loss says what it penalises")
        cls.NAME = name  # type: ignore[attr-defined]
        _LEAVES.setdefault("loss", {})[name] = cls
        return cls

    return register


def detector(cls: type) -> type:
    """Register a class as the detector of the symptom `cls.name` (see `analysis.diagnosis.leaf.Detector`)."""
    _LEAVES.setdefault("detector", {})[cls.name] = cls()  # type: ignore[attr-defined]
    return cls


def cause(cls: type) -> type:
    """Register a class as the cause `cls.name` (see `analysis.diagnosis.leaf.Cause`)."""
    _LEAVES.setdefault("cause", {})[cls.name] = cls()  # type: ignore[attr-defined]
    return cls


def leaves(kind: str) -> dict[str, Any]:
    """Name -> leaf, for one kind ("source", "loss", "detector", "cause"), built-in ones and plug-ins."""
    folder = importlib.import_module(FOLDERS[kind])
    _search(kind, tuple(folder.__path__))
    return dict(_LEAVES.get(kind, {}))


@cache
def _search(kind: str, places: tuple[str, ...]) -> None:
    """Load all leaves below `places` and behind entry points; once for the same places."""
    for module in _modules(FOLDERS[kind], places):
        _load(kind, module, partial(importlib.import_module, module))
    for entry in entry_points(group=ENTRY_POINTS[kind]):
        _load(kind, entry.value, entry.load)


def _modules(package: str, places: tuple[str, ...]) -> Iterator[str]:
    for module in pkgutil.iter_modules(places, prefix=f"{package}."):
        yield module.name


def _load(kind: str, name: str, load: Callable[[], Any]) -> None:
    if (kind, name) in _SEARCHED:
        return
    _SEARCHED.add((kind, name))
    try:
        load()
    except Exception as error:  # a plug-in may fail in any way; the others must still work
        warnings.warn(f"{kind} {name} can't be loaded: {type(error).__name__}: {error}", stacklevel=3)
