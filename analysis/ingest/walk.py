"""Find the files below what the user named: no loops, no surprises, and a reason for what can't be opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.records import InputError

NOT_LOGS = frozenset(
    [
        ".safetensors",
        ".bin",
        ".pt",
        ".pth",
        ".ckpt",
        ".onnx",
        ".gguf",
        ".h5",
        ".msgpack",
        ".model",
        ".arrow",
        ".mmap",
        ".idx",
        ".py",
        ".pyc",
        ".ipynb",
        ".sh",
        ".c",
        ".h",
        ".cpp",
        ".cu",
        ".md",
        ".rst",
        ".html",
        ".htm",
        ".css",
        ".js",
        ".ts",
        ".svg",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".pdf",
        ".zip",
        ".tar",
        ".tgz",
        ".whl",
        ".so",
        ".lock",
        ".toml",
        ".mp4",
        ".wav",
        ".jinja",
        ".db-wal",
        ".db-shm",
        ".duckdb",
        ".wal",
    ]
)
"""Endings of weights, code, documents and pictures: a checkpoint folder may hold thousands, and opening each
would cost more than the logs. Everything else is looked into."""

NOT_ENTERED = frozenset({".git", "__pycache__", "node_modules", ".venv", ".ipynb_checkpoints", ".cache"})


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a root, or the reason why a path could not be looked into.

    root : what the user named (the folder, or the folder of a file that was named)
    named : whether the user named this very file
    """

    path: Path
    root: Path
    size: int = 0
    mtime_ns: int = 0
    error: str = ""
    named: bool = False


def walk(paths: Iterable[Path]) -> Iterator[Found]:
    """Every file that may be a log, in sorted order; links are followed, each folder is entered once.

    Raises
    ------
    InputError
        If a named path does not exist.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if not path.exists():
            raise InputError("no such file or folder", where=str(path), mend="check the path")
        if path.is_dir():
            yield from _enter(path, path, seen)
        else:
            yield replace(_look(path, path.parent), named=True)


def batches(found: Iterable[Found]) -> list[list[Found]]:
    """Files parted so that each part holds whole runs: by the topmost folder below the root that holds files itself.

    A root with event files of its own is one part: folders in it may be further tags of one run. The part that was
    written to last comes first: that is what people look at.
    """
    everything = list(found)
    holding = {(f.root, f.path.parent) for f in everything}
    whole = {f.root for f in everything if f.path.parent == f.root and "tfevents" in f.path.name}
    parts: dict[tuple[Path, Path], list[Found]] = {}
    places: dict[tuple[Path, Path], Path] = {}
    for f in everything:
        at = (f.root, f.path.parent)
        if at not in places:
            places[at] = f.root if f.root in whole else _topmost(*at, holding)
        parts.setdefault((f.root, places[at]), []).append(f)
    return sorted(parts.values(), key=lambda part: -max(f.mtime_ns for f in part))


def is_below(path: str, roots: Sequence[Path]) -> bool:
    """Whether a path is one of these folders and files, or in one of them."""
    # by text, not by Path.is_relative_to, which takes ten times as long and is asked of every file on every poll
    return any(path == str(root) or path.startswith(os.path.join(root, "")) for root in roots)


def _topmost(root: Path, folder: Path, holding: set[tuple[Path, Path]]) -> Path:
    """The highest folder from below the root down to `folder` that holds files; the root for its own files."""
    best = folder
    while folder not in (root, folder.parent):
        if (root, folder) in holding:
            best = folder
        folder = folder.parent
    return best


def _enter(folder: Path, root: Path, seen: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        info = folder.stat()
        if (info.st_dev, info.st_ino) in seen:
            return
        seen.add((info.st_dev, info.st_ino))
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Found(folder, root, error=_reason(error))
        return
    for entry in entries:
        path = Path(entry.path)
        try:
            is_folder = entry.is_dir()
        except OSError as error:
            yield Found(path, root, error=_reason(error))
            continue
        if is_folder and entry.name not in NOT_ENTERED:
            yield from _enter(path, root, seen)
        elif not is_folder and path.suffix.lower() not in NOT_LOGS and not entry.name.startswith("."):
            yield _look(path, root)


def _look(path: Path, root: Path) -> Found:
    try:
        info = path.stat()
    except OSError as error:
        return Found(path, root, error=_reason(error))
    if not stat.S_ISREG(info.st_mode):
        return Found(path, root, error="not a regular file")
    return Found(path, root, info.st_size, info.st_mtime_ns)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
