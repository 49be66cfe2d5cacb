"""NumPy arrays of scores: one score a response, no names."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis import registry
from analysis.records import Chunk, Histograms, InputError, PairScores, Rollouts, Skipped
from analysis.sources import base
from analysis.sources import score_columns as names
from analysis.sources.base import Head, Job, Sniff, open_bytes

BINS = 128
"""Bins of the histogram that is kept beside the scores: fine enough for a median to 1 % of the range."""

Array = npt.NDArray[Any]

_BROKEN = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, SyntaxError)


@registry.source("score_array", rank=50, appends=False)
class ScoreArray:
    """`.npy` with one column of numbers, `.npz` with several such arrays (each a run of its own).

    Two columns are pairs only where a name says so: arrays `chosen` and `rejected` in one `.npz`, or an n x 2 array
    whose name holds both words.
    """

    def sniff(self, head: Head) -> Sniff | None:
        packed = head.data.startswith(b"PK\x03\x04") and head.name.endswith(".npz")
        if not packed and not head.data.startswith(b"\x93NUMPY"):
            return None
        pairs = _paired_name(head.name) or (packed and _sides(_members(head.path)))
        return Sniff("scores" if pairs else "rollouts", 0.9)

    def read(self, job: Job) -> Iterator[Chunk]:
        with _opened(job.path) as arrays:
            yield from _chunks(arrays, job.path)


def _chunks(arrays: Mapping[str, Any], path: Path) -> Iterator[Chunk]:
    row, read = 0, False
    skipped: list[Skipped] = []
    sides = _sides(arrays)
    for name in [n for n in arrays if n not in sides]:
        values = _column(arrays, name, path)
        if isinstance(values, Skipped):
            skipped.append(values)
            continue
        chunks = _pairs(values[:, 0], values[:, 1], row) if values.ndim == 2 else _scores(name, values, row)
        yield from chunks
        row, read = row + len(values), True
    if sides:
        one, two = (_column(arrays, side, path) for side in sides)
        if isinstance(one, Skipped) or isinstance(two, Skipped) or one.shape != two.shape or one.ndim != 1:
            skipped.append(Skipped("chosen, rejected", "are not two columns of numbers of one length"))
        else:
            yield from _pairs(one, two, row)
            row, read = row + len(one), True
    if not read:
        what = "; ".join(f"{s.where} {s.why}" for s in skipped) or "holds no array"
        raise InputError(what, where=str(path), mend="save one score a response as plain numbers (np.save)")
    if skipped:
        yield Chunk([], 0, {"row": row}, skipped)


def _paired_name(name: str) -> bool:
    return "chosen" in name.lower() and "rejected" in name.lower()


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, Any]]:
    """Arrays by name ("" for the one of an `.npy`), read from the file only when they are looked up."""
    with open_bytes(path) as file:
        try:
            if path.name.removesuffix(".gz").endswith(".npz"):
                arrays: Mapping[str, Any] = np.load(file, allow_pickle=False)
            elif path.name.endswith(".gz"):
                arrays = {"": np.load(file, allow_pickle=False)}
            else:
                arrays = {"": np.load(path, mmap_mode="r", allow_pickle=False)}
        except _BROKEN as error:
            raise _unreadable(error, path) from error
        yield arrays


def _unreadable(error: Exception, path: Path) -> InputError:
    if "pickle" in str(error).lower() or "object" in str(error).lower():
        return InputError(
            "holds pickled objects", where=str(path), mend="save plain numbers: np.save(file, array.astype(float))"
        )
    return InputError("is cut off, or no NumPy array", where=str(path), mend="wait or copy again")


def _members(path: Path) -> list[str]:
    """Names of the arrays in an `.npz`; none if it can't be opened (the reader says why)."""
    try:
        with zipfile.ZipFile(path) as packed:
            return [name.removesuffix(".npy") for name in packed.namelist()]
    except (*_BROKEN, UnicodeError):
        return []


def _sides(arrays: Iterable[str]) -> tuple[str, ...]:
    one = names.first(list(arrays), ("chosen", *names.CHOSEN))
    two = names.first(list(arrays), ("rejected", *names.REJECTED))
    return (one, two) if one and two else ()


def _column(arrays: Mapping[str, Any], name: str, path: Path) -> Array | Skipped:
    """One column of numbers (two where the name says that they are pairs), or why it is none."""
    label = f"array {name}" if name else "the array"
    try:
        values = arrays[name]
    except _BROKEN as error:
        return Skipped(label, _unreadable(error, path).what)
    if values.dtype.kind not in "fiub":
        return Skipped(label, f"is of {values.dtype}, not of numbers")
    if values.ndim == 2 and values.shape[1] == 1:
        return np.asarray(values).reshape(-1)
    pairs = values.ndim == 2 and values.shape[1] == 2 and _paired_name(name or path.name)
    if values.ndim != 1 and not pairs:
        return Skipped(label, f"has shape {values.shape}, not one column")
    return np.asarray(values)


def _scores(name: str, values: Array, row: int) -> Iterator[Chunk]:
    for start, scores in _slices(values):
        rows = np.arange(row + start, row + start + len(scores))
        yield Chunk([Rollouts.of(run=name, score=scores, row=rows)], len(scores), {"row": int(rows[-1]) + 1})
    histogram, notes = _histogram(name, values)
    yield Chunk([histogram] if histogram is not None else [], 0, {"row": row + len(values)}, (), notes)


def _pairs(chosen: Array, rejected: Array, row: int) -> Iterator[Chunk]:
    for start, scores in _slices(chosen):
        rows = np.arange(row + start, row + start + len(scores))
        other = np.asarray(rejected[start : start + len(scores)], float)
        record = PairScores.of(pair_id=[str(r) for r in rows], chosen_score=scores, rejected_score=other, row=rows)
        notes = ["no pair id: the row number is used"]
        yield Chunk([record], len(scores), {"row": int(rows[-1]) + 1}, (), notes)


def _slices(values: Array) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    for start in range(0, len(values), base.CHUNK_VALUES):
        yield start, np.asarray(values[start : start + base.CHUNK_VALUES], np.float64)


def _histogram(name: str, values: Array) -> tuple[Histograms | None, list[str]]:
    """Counts over equal bins of the finite range, slice by slice; the note tells what is not finite."""
    parts = _Finite(values)
    ends = [(float(part.min()), float(part.max())) for part in parts if len(part)]
    n = sum(len(part) for part in parts)
    notes = [f"{len(values) - n} scores are not finite"] if n < len(values) else []
    if not ends:
        return None, notes
    low, high = min(a for a, _ in ends), max(b for _, b in ends)
    if low == high:
        margin = max(0.5, abs(low) * 1e-6)
        low, high = low - margin, high + margin
    share = np.linspace(0.0, 1.0, BINS + 1)
    edges = low * (1 - share) + high * share  # high - low may be beyond the largest float
    edges[-1] = high
    counts = sum((np.histogram(part, bins=edges)[0] for part in parts), np.zeros(BINS))
    return Histograms.of(run=name, tag=["score"], edges=[edges.tolist()], counts=[counts.tolist()]), notes


class _Finite:
    """Finite values of an array, slice by slice, as often as they are asked for."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __iter__(self) -> Iterator[npt.NDArray[np.float64]]:
        for _, part in _slices(self.values):
            yield part[np.isfinite(part)]
