"""Which source reads a file: the one that is surest of its head."""

from __future__ import annotations

from analysis import registry
from analysis.sources.base import Head, Sniff, Source


def recognised(head: Head) -> tuple[Source, Sniff] | None:
    """The source that knows this file best and what it says of it; of equals the one that is preferred among logs."""
    best: tuple[float, int, Source, Sniff] | None = None
    for source in registry.leaves("source").values():
        try:
            sniff = source.sniff(head)
        except Exception:  # a plug-in that trips over a file does not know it
            continue
        if sniff is not None and (best is None or (sniff.confidence, -source.rank) > best[:2]):
            best = (sniff.confidence, -source.rank, source, sniff)
    return None if best is None else best[2:]
