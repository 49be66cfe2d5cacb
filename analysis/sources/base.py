"""What a source is: it recognises a file by its content and reads it as a stream of record batches."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from analysis.records import Chunk

if TYPE_CHECKING:
    from analysis.sources.tabular import Sample

HEAD_BYTES = 1 << 16
"""Enough for a header and tens of rows of the widest log seen (30 kB a row), small enough to read 10,000 files."""

DOCUMENT_BYTES = 1 << 28
"""A single JSON document above 256 MiB is not parsed whole: ten times that in memory."""

CHUNK_VALUES = 200_000
"""Values a chunk: batches of 100,000 and more are where Arrow reaches its full speed in DuckDB."""

Role = Literal["log", "scores", "rollouts", "stream", "texts", "config", "unread"]
"""What a file is for: a log and a stream make a run; scores, rollouts, texts and config belong to one;
`unread` is recognised but can't be read by this version."""


@dataclass(frozen=True, slots=True)
class Sniff:
    """How sure a source is (0 to 1) that it reads this file, and what the file is for."""

    role: Role
    confidence: float
    why: str = ""


@dataclass(frozen=True)
class Head:
    """The first bytes of a file and what can be seen in them; everything is computed on first use."""

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    """Own column name -> canonical name, as `rewardboard.toml` says."""

    @cached_property
    def name(self) -> str:
        """File name without a `.gz` ending."""
        return self.path.name.removesuffix(".gz")

    @cached_property
    def size(self) -> int:
        return self.path.stat().st_size

    @cached_property
    def data(self) -> bytes:
        """The first 64 KiB, unpacked if gzipped. Raises OSError (no permission, broken gzip)."""
        with open_bytes(self.path) as file:
            return bytes(file.read(HEAD_BYTES))

    @cached_property
    def text(self) -> str | None:
        """The first bytes as text, None if they are binary."""
        if b"\0" in self.data:
            return None
        # the last character may be cut in the middle
        text = self.data.decode("utf-8-sig", errors="replace")
        broken = text.count("\ufffd")
        return None if broken > 1 + len(text) // 100 else text

    @cached_property
    def document(self) -> Any:
        """The whole file as one JSON value; None if it is none, or too large to parse whole."""
        start = (self.text or "").lstrip()[:1]
        if start not in ("{", "[") or self.size > DOCUMENT_BYTES:
            return None
        try:
            with open_bytes(self.path) as file:
                return json.load(file)
        except (ValueError, OSError, EOFError, zlib.error, RecursionError):
            return None

    @cached_property
    def sample(self) -> Sample | None:
        """Columns and first rows, if the file is a table (CSV, TSV, Parquet, JSON lines, JSON list of rows)."""
        from analysis.sources import tabular

        found = tabular.sample(self)
        return None if found is None else tabular.renamed(found, self.columns)


def open_bytes(path: Path) -> Any:
    """Open a file for reading bytes, through gzip if it is one by name."""
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read, from where on, and what the user said about it in `rewardboard.toml`.

    position : what the last chunk carried, None for the beginning
    columns : own column or tag name -> canonical name
    final : whether a last line without its end counts as whole. It does unless somebody may still be writing;
        the position then says `"open": true`, and if the file grows after all it is read anew.
    """

    path: Path
    position: Mapping[str, Any] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    final: bool = True


class Source(Protocol):
    """One log format. Register it with `@registry.source(name, rank=...)` in a file of its own.

    name : shown on the Data page
    rank : who is read when several files tell the same metric of the same run; the lowest wins
    appends : whether a growing file only gets longer, so that reading goes on at `position`; a file that
        is written anew each time (`trainer_state.json`) is read anew each time
    """

    name: str
    rank: int
    appends: bool

    def sniff(self, head: Head) -> Sniff | None:
        """Say whether this is yours, from the head alone. Must not raise on any bytes whatever."""
        ...

    def read(self, job: Job) -> Iterator[Chunk]:
        """Yield chunks from `job.position` to the present end of the file.

        A record that is not complete yet (a line without its end, a truncated event) is left for later:
        the position stays before it. Raises InputError if nothing of the file can be read.
        """
        ...
