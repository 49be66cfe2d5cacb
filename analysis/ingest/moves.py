"""Know a folder again that was moved or renamed: its runs keep their ids, notes and links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.ingest.assign import Candidate, fingerprint
from analysis.store.rows import File
from analysis.store.writer import Writer

Gone = dict[str, list[File]]
"""Known files that are no longer at their place, by name."""


def gone_files(writer: Writer) -> Gone:
    """Which known files are no longer where they were read."""
    gone: Gone = defaultdict(list)
    for file in writer.files:
        if file.source and file.prefix_bytes and not Path(file.path).exists():
            gone[Path(file.path).name].append(file)
    return gone


def follow_moves(candidates: Sequence[Candidate], gone: Gone, writer: Writer) -> tuple[list[Candidate], list[File]]:
    """Tell files that were moved from files that are new.

    A file is a moved one if a known file of its name is gone from its place and began with the same bytes.

    Returns
    -------
    The candidates that are new, and the ledger entries of moved files that have grown since.
    """
    fresh: list[Candidate] = []
    grown: list[File] = []
    for candidate in candidates:
        old = next((f for f in gone.get(candidate.path.name, ()) if _same(f, candidate)), None)
        if old is None:
            fresh.append(candidate)
            continue
        gone[candidate.path.name].remove(old)
        moved = replace(old, path=str(candidate.path))
        writer.put_file(moved)
        _move_run(old, moved, writer)
        if candidate.found.size != old.size:
            grown.append(moved)
    return fresh, grown


def _same(file: File, candidate: Candidate) -> bool:
    if candidate.source.name != file.source or candidate.found.size < file.size:
        return False
    return fingerprint(candidate.path, file.prefix_bytes) == (file.prefix_bytes, file.prefix_hash)


def _move_run(old: File, new: File, writer: Writer) -> None:
    """The run's own folder moved with its file, if the file lies in it as it did before."""
    run = writer.runs.get(old.run_id)
    if run is None or not run.path or Path(run.path).exists():
        return
    within = old.path.removeprefix(run.path)
    if within != old.path and new.path.endswith(within):
        writer.put_run(replace(run, path=new.path[: len(new.path) - len(within)]))
