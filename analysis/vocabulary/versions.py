"""Version windows: `0.9.3..1.12.0`, `0.6.0..`, `..2025-11`, `HEAD`, and whether two of them meet."""

from __future__ import annotations

import re
from functools import cache

Version = tuple[int, ...]
Window = tuple[Version, Version]

_FIRST: Version = (0,)
_LAST: Version = (1 << 30,)
_ANY_PATCH = 1 << 20
_NUMBER = re.compile(r"\s*(?:[a-z_]+\s+)?v?(\d+(?:[.-]\d+)*)")


def version(text: str) -> Version | None:
    """The leading number of a version or date as comparable parts: `skyrl 0.3.0` is (0, 3, 0); None if there is none."""
    match = _NUMBER.match(text)
    return tuple(int(part) for part in re.split(r"[.-]", match[1])) if match else None


@cache
def window(text: str) -> Window | None:
    """First and last version of a window, both included; None where the text names no versions (`all`, `any`).

    An end such as `0.6` stands for every 0.6.x. `HEAD` is newer than every number.
    """
    if text.strip().startswith("HEAD"):
        return _LAST, _LAST
    low, dots, high = text.partition("..")
    if not dots:
        only = version(low) if not low.strip().startswith("transformers") else None
        return (only, (*only, _ANY_PATCH)) if only else None
    start = version(low) if low.strip() else _FIRST
    stop = version(high) if high.strip() else _LAST
    return (start, (*stop, _ANY_PATCH)) if start and stop else None


def overlap(a: str, b: str) -> bool:
    """Whether two windows can hold a common version; True where one of them names no versions."""
    one, two = window(a), window(b)
    return one is None or two is None or (one[0] <= two[1] and two[0] <= one[1])


def last_read(windows: list[str]) -> str | None:
    """The newest version that any of these windows ends at; None if all are open or name no versions."""
    ends = [(v, high) for text in windows if (high := text.rpartition("..")[2].strip()) and (v := version(high))]
    return max(ends)[1] if ends else None
