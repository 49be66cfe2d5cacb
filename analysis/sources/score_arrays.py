"""NumPy arrays of scores: one score a response, no names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis import registry
from analysis.records import Chunk, Histograms, InputError, Rollouts
from analysis.sources import base
from analysis.sources.base import Head, Job, Sniff

BINS = 128
"""Bins of the histogram that is kept beside the scores: fine enough for a median to 1 % of the range."""


@registry.source("score_array", rank=50, appends=False)
class ScoreArray:
    """`.npy` with one column of numbers, `.npz` with several such arrays (each a run of its own)."""

    def sniff(self, head: Head) -> Sniff | None:
        packed = head.data.startswith(b"PK\x03\x04") and head.name.endswith(".npz")
        return Sniff("rollouts", 0.9) if head.data.startswith(b"\x93NUMPY") or packed else None

    def read(self, job: Job) -> Iterator[Chunk]:
        done = 0
        for name, values in _arrays(job.path):
            size = base.CHUNK_VALUES
            for start in range(0, len(values), size):
                scores = np.asarray(values[start : start + size], float)
                rows = Rollouts.of(run=name, score=scores, row=np.arange(start, start + len(scores)))
                done += len(scores)
                yield Chunk([rows], len(scores), {"row": done})
            histogram, notes = _histogram(name, values)
            yield Chunk([histogram] if histogram is not None else [], 0, {"row": done}, (), notes)


def _arrays(path: Path) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        why = (
            "pickled objects"
            if "pickle" in str(error).lower() or "Object" in str(error)
            else "cut off or no NumPy array"
        )
        raise InputError(
            f"holds {why}" if "pickled" in why else why,
            where=str(path),
            mend="save plain numbers with np.save",
        ) from error
    pairs = [(name, loaded[name]) for name in loaded.files] if hasattr(loaded, "files") else [("", loaded)]
    if hasattr(loaded, "close"):
        loaded.close()
    for name, values in pairs:
        flat = values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
        if flat.ndim != 1 or flat.dtype.kind not in "fiub":
            raise InputError(
                f"array {name or path.stem} has shape {values.shape} of {values.dtype}, not one column of numbers",
                where=str(path),
                mend="save one score a response",
            )
        yield name, flat


def _histogram(name: str, values: npt.NDArray[Any]) -> tuple[Histograms | None, list[str]]:
    numbers = np.asarray(values, float)
    finite = numbers[np.isfinite(numbers)]
    notes = [f"{len(numbers) - len(finite)} scores are not finite"] if len(finite) < len(numbers) else []
    if not len(finite):
        return None, notes
    counts, edges = np.histogram(finite, bins=BINS)
    record = Histograms.of(run=name, tag=["score"], edges=[edges.tolist()], counts=[counts.astype(float).tolist()])
    return record, notes
