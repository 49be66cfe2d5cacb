"""The ledger in memory: files by number, by path and by folder, so that a thousand runs cost a thousand times one."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.store.rows import File


class Ledger:
    """Files of a store by their number; `at` and `below` find them by place."""

    def __init__(self, files: Iterable[File] = ()) -> None:
        self._files: dict[int, File] = {}
        self._paths: dict[str, int] = {}
        self._below: dict[str, set[int]] = defaultdict(set)
        self.next_id = 0
        for file in files:
            self.put(file)

    def __getitem__(self, number: int) -> File:
        return self._files[number]

    def __iter__(self) -> Iterator[File]:
        return iter(self._files.values())

    def __len__(self) -> int:
        return len(self._files)

    def put(self, file: File) -> None:
        """Enter a file, or replace its entry."""
        old = self._files.get(file.file_id)
        if old is None or old.path != file.path:
            if old is not None:
                self._forget_place(old)
            self._paths[file.path] = file.file_id
            for folder in _folders(file.path):
                self._below[folder].add(file.file_id)
        self._files[file.file_id] = file
        self.next_id = max(self.next_id, file.file_id + 1)

    def drop(self, run_id: str) -> None:
        """Forget the files of a run."""
        for file in [f for f in self if f.run_id == run_id]:
            self._forget_place(file)
            del self._files[file.file_id]

    def at(self, path: str | Path) -> File | None:
        """The file at a path."""
        number = self._paths.get(str(path))
        return None if number is None else self._files[number]

    def below(self, folder: str | Path) -> list[File]:
        """Files in a folder and its subfolders, in the order of their numbers."""
        return [self._files[i] for i in sorted(self._below.get(str(folder), ()))]

    def _forget_place(self, file: File) -> None:
        if self._paths.get(file.path) == file.file_id:
            del self._paths[file.path]
        for folder in _folders(file.path):
            self._below[folder].discard(file.file_id)


def _folders(path: str) -> Iterator[str]:
    """Every folder that a path lies in, the nearest first."""
    folder = os.path.dirname(path)
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above
