"""Give every new file its run and its log."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.ingest import grouping
from analysis.ingest.checkpoints import checkpoint_folder, step_in_name, without_step
from analysis.ingest.grouping import Item, Signature
from analysis.ingest.walk import Found
from analysis.records import Chunk, Scalars
from analysis.sources.base import Head, Job, Sniff, Source
from analysis.store.rows import File, Log, Run
from analysis.store.writer import Writer, slug

SIGNATURE_STEPS = 64
"""Steps of a log that are compared: enough for a verdict on the noisiest metric, and in the first chunk."""

_TRAINERS = ("trainer_state", "tensorboard")

PREFIX_BYTES = 4096
"""Bytes by which a file is known again: a header and the first rows, so rewritten files differ."""


@dataclass(frozen=True)
class Candidate:
    """A new file that a source recognised."""

    found: Found
    source: Source
    sniff: Sniff
    head: Head

    @property
    def path(self) -> Path:
        return self.found.path


def assign(candidates: Sequence[Candidate], writer: Writer) -> list[File]:
    """Make ledger entries for new files; returns those that are to be read, in reading order."""
    folders: dict[tuple[Path, Path], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        folders[_home(candidate, candidates), candidate.found.root].append(candidate)
    return [file for (folder, root), group in folders.items() for file in _Folder(folder, root, group, writer).files()]


def fingerprint(path: Path, size: int = PREFIX_BYTES) -> tuple[int, str]:
    """Number of leading bytes looked at and their hash: recognises a file that was moved or rewritten."""
    with path.open("rb") as file:
        data = file.read(size)
    return len(data), hashlib.blake2b(data, digest_size=12).hexdigest()


def end_mark(path: Path, size: int) -> str:
    """Hash of the last bytes before `size`: with the leading ones, it tells a longer file from another one."""
    with path.open("rb") as file:
        file.seek(max(size - PREFIX_BYTES, 0))
        return hashlib.blake2b(file.read(min(size, PREFIX_BYTES)), digest_size=12).hexdigest()


def _home(candidate: Candidate, all_candidates: Sequence[Candidate]) -> Path:
    folder = grouping.home(candidate.path, candidate.found.root)
    if _added_scalar(candidate, folder, all_candidates):
        return grouping.home(folder, candidate.found.root)
    if _scores_of_a_checkpoint(candidate, folder, all_candidates):
        return grouping.home(folder, candidate.found.root)
    return folder


def _scores_of_a_checkpoint(candidate: Candidate, folder: Path, others: Sequence[Candidate]) -> bool:
    """A folder `step_100` with scores and no log of its own is a part of the run above; with a log it is a stage."""
    if candidate.sniff.role != "scores" or folder == candidate.found.root or not checkpoint_folder(folder.name):
        return False
    return not any(c.sniff.role == "log" and c.path.is_relative_to(folder) for c in others)


def _added_scalar(candidate: Candidate, folder: Path, others: Sequence[Candidate]) -> str:
    """The last part of a tag written by `SummaryWriter.add_scalars`, which makes a folder for each.

    The folder `loss_train` beside the run's own event files holds the one tag `loss`: that is `loss/train`.
    """
    if candidate.source.name != "tensorboard" or folder == candidate.found.root:
        return ""
    beside = any(c.path.parent == folder.parent and c.source.name == "tensorboard" for c in others)
    if not beside:
        return ""
    tags = list(_signature(candidate.source, candidate.path))
    if len(tags) != 1:
        return ""
    stem = tags[0].replace("/", "_") + "_"
    return folder.name[len(stem) :] if folder.name.startswith(stem) else ""


class _Folder:
    """The files of one run folder that are new, and the runs that are already known there."""

    def __init__(self, folder: Path, root: Path, candidates: list[Candidate], writer: Writer) -> None:
        self.folder, self.root, self.writer = folder, root, writer
        self.candidates = candidates
        self.of = {c.path: c for c in candidates}
        below = [(Path(f.path), f) for f in writer.files.below(folder)]
        self.known = {path: f for path, f in below if grouping.home(path, root) == folder}
        self.alone = self._alone()
        place = self.alone or folder
        name = slug(grouping.own_name(place)) if self.alone else grouping.run_name(folder, root)
        self.main = self._known_main() or self._free_id(name, place)
        self.several = False
        self.series: dict[str, str] = {}

    def _alone(self) -> Path | None:
        """A file with a name of its own that the user named: it is a run by itself, whatever lies beside it."""
        named = [c for c in self.candidates if c.found.named and grouping.own_name(c.path)]
        return named[0].path if len(named) == 1 == len(self.candidates) else None

    def _known_main(self) -> str:
        at = str(self.alone or self.folder)
        return next((r.run_id for r in self.writer.runs.values() if r.path == at), "")

    def _free_id(self, wished: str, path: Path) -> str:
        """`wished`, or with a number if another folder's run has it."""
        number, run_id = 1, wished
        while (run := self.writer.runs.get(run_id)) and run.path not in ("", str(path)):
            number += 1
            run_id = f"{wished}-{number}"
        return run_id

    def files(self) -> list[File]:
        logs = self._runs_of_logs()
        others = {c.path: self._run_of_other(c, logs) for c in self.candidates if c.path not in logs}
        runs = logs | others
        entries = []
        for path in sorted(runs, key=self._reading_order):
            if path in self.of:
                entries += self._enter(self.of[path], runs[path])
        return entries

    def _runs_of_logs(self) -> dict[Path, str]:
        logs = [c for c in self.candidates if c.sniff.role in ("log", "stream")]
        clusters = grouping.cluster(self._items(logs), self._sign)
        known_runs = {f.run_id for f in self.known.values() if f.role in ("log", "stream")}
        self.several = len(clusters) > 1 or len(known_runs) > 1
        runs: dict[Path, str] = {}
        for group in clusters:
            run_id = self._run_of_group(group)
            for item in group:
                runs.update(dict.fromkeys(item.paths, run_id))
        return {path: run_id for path, run_id in runs.items() if path in self.of}

    def _items(self, logs: list[Candidate]) -> list[Item]:
        """Logs to tell apart; those already read take part, so that a late copy finds its run."""
        items: dict[tuple[str, str], list[Path]] = defaultdict(list)
        ranks: dict[tuple[str, str], int] = {}
        everything = [(c.path, c.source.name, c.source.rank) for c in logs]
        everything += [
            (path, f.source, self.writer.logs[f.log_id].rank)
            for path, f in self.known.items()
            if f.role in ("log", "stream") and f.state in ("read", "reading") and f.log_id in self.writer.logs
        ]
        for path, source, rank in everything:
            one_log = source == "tensorboard" or path.name == "trainer_state.json"
            key = (source, grouping.own_name(path) if one_log else str(path))
            items[key].append(path)
            ranks[key] = rank
        return [Item(tuple(sorted(paths)), source, ranks[source, name]) for (source, name), paths in items.items()]

    def _sign(self, item: Item) -> Signature:
        from analysis import registry

        source = registry.leaves("source")[item.source]
        signature: dict[str, dict[float, float]] = {}
        for path in item.paths[:4]:
            prefix = grouping.split_prefix(path, self.folder)
            for tag, values in _signature(source, path, prefix).items():
                signature.setdefault(tag, {}).update(values)
        return signature

    def _run_of_group(self, group: list[Item]) -> str:
        known = [self.known[p].run_id for item in group for p in item.paths if p in self.known]
        if known:
            return known[0]
        first = group[0]
        taken = {f.run_id for f in self.known.values()}
        # of several runs in a folder, the one that its trainer wrote under the usual name is the folder's own
        usual = first.source in _TRAINERS and not grouping.own_name(first.paths[0])
        if self.alone or not self.several or (usual and self.main not in taken):
            run_id = self.main
        else:
            named = next((n for item in group if (n := grouping.own_name(item.paths[0]))), "")
            stem = named or first.paths[0].name.removesuffix(".gz").rpartition(".")[0]
            run_id = self._free_id(f"{self.main}/{slug(stem)}", self.folder)
        path = self.folder if run_id == self.main and not self.alone else first.paths[0]
        return self._run(run_id, path, first.paths[0])

    def _run(self, run_id: str, path: Path, evidence: Path) -> str:
        """Make the run known by its folder (or file) and what it holds."""
        mark = fingerprint(evidence)[1] if evidence.stat().st_size else ""
        run = self.writer.runs.get(run_id) or Run(run_id)
        project = run_id.rpartition("/")[0] or self.root.resolve().name
        self.writer.put_run(
            replace(
                run,
                path=str(path),
                fingerprint=mark,
                name=run.name or run_id.rpartition("/")[2],
                project=project,
            )
        )
        return run_id

    def _run_of_other(self, candidate: Candidate, runs: dict[Path, str]) -> str:
        """Scores, rollouts and configurations belong to the run of their folder, if there is one."""
        here = {*runs.values(), *(f.run_id for f in self.known.values() if f.role in ("log", "stream"))}
        if candidate.sniff.role in ("config", "texts", "unread"):
            return self.main
        if self.main in here or len(here) == 1:
            return self.main if self.main in here else next(iter(here))
        mine = grouping.own_name(candidate.path).lower()
        for path, run_id in runs.items():
            theirs = grouping.own_name(path).lower()
            if theirs and (theirs in mine or mine in theirs):
                return run_id
        if candidate.sniff.role == "scores" and not _names_scorers(candidate) and not self.alone:
            series = self._run_of_series(candidate.path)
            if series:
                return series
        alone = [c for c in self.candidates if c.sniff.role == candidate.sniff.role]
        if len(alone) == 1 and not here and self.folder != self.root:
            return self._run(self.main, self.folder, candidate.path)
        stem = candidate.path.name.removesuffix(".gz").rpartition(".")[0] or candidate.path.name
        run_id = self._free_id(f"{self.main}/{slug(stem)}", candidate.path)
        return run_id if _names_scorers(candidate) else self._run(run_id, candidate.path, candidate.path)

    def _run_of_series(self, path: Path) -> str:
        """Score files of one scorer's checkpoints are one run: the folder's, or one of their common name; "" if none."""
        if step_in_name(path) is None:
            return ""
        own = without_step(path)
        if not own:
            return self._run(self.main, self.folder, path)
        if own not in self.series:
            mine = [f for f in self.writer.files.below(self.folder) if f.role == "scores"]
            same = (
                f.run_id for f in mine if step_in_name(Path(f.path)) is not None and without_step(Path(f.path)) == own
            )
            known = next(same, "")
            self.series[own] = known or self._run(self._free_id(f"{self.main}/{slug(own)}", path), path, path)
        return self.series[own]

    def _reading_order(self, path: Path) -> tuple[int, str, str]:
        stamp = re.search(r"tfevents\.(\d+)", path.name)
        return (
            self.of[path].source.rank if path in self.of else 0,
            stamp[1].zfill(12) if stamp else "",
            str(path),
        )

    # -- logs

    def _enter(self, candidate: Candidate, run_id: str) -> list[File]:
        owner = self.main if _names_scorers(candidate) and self._no_logs(run_id) else run_id
        if candidate.source.name == "trainer_state" and candidate.path.name == "trainer_state.json":
            return self._enter_trainer_state(candidate, run_id)
        log = self._log(candidate, owner)
        size, mark = (0, "")
        if candidate.found.size:
            size, mark = fingerprint(candidate.path)
        file = self.writer.new_file(str(candidate.path), owner, log.log_id, candidate.source.name, candidate.sniff.role)
        file = replace(file, prefix_bytes=size, prefix_hash=mark)
        self.writer.put_file(file)
        return [file]

    def _no_logs(self, run_id: str) -> bool:
        return not any(f.run_id == run_id and f.role in ("log", "stream") for f in self.writer.files)

    def _log(self, candidate: Candidate, run_id: str) -> Log:
        source, path = candidate.source, candidate.path
        label = path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else path.name
        prefix, suffix = grouping.split_prefix(path, self.folder) if candidate.sniff.role == "log" else "", ""
        if source.name == "tensorboard":
            within = path.parent.relative_to(self.folder).parts if path.is_relative_to(self.folder) else ()
            added = _added_scalar(candidate, path.parent, self.candidates)
            suffix = f"/{added}" if added else ""
            label = path.parent.relative_to(self.folder).as_posix() if within else "event files"
            same = [
                g
                for g in self.writer.logs.values()
                if (g.run_id, g.source, g.prefix, g.suffix) == (run_id, source.name, prefix, suffix)
            ]
            if same:
                return same[0]
        return self.writer.new_log(run_id, label, source.name, source.rank, prefix, suffix)

    def _enter_trainer_state(self, candidate: Candidate, run_id: str) -> list[File]:
        """Of a run's checkpoints, the state with the most steps tells all that the others do."""
        step = _global_step(candidate)
        rivals = [
            f
            for f in self.writer.files
            if f.run_id == run_id and f.path.endswith("trainer_state.json") and f.state in ("read", "reading")
        ]
        log_id = rivals[0].log_id if rivals else self._log(candidate, run_id).log_id
        file = self.writer.new_file(str(candidate.path), run_id, log_id, candidate.source.name, candidate.sniff.role)
        size, mark = fingerprint(candidate.path)
        file = replace(file, prefix_bytes=size, prefix_hash=mark)
        newest = all(_state_step(Path(f.path)) <= step for f in rivals)
        if newest:
            for rival in rivals:
                if rival.position is not None:
                    self.writer.forget(rival)
                self.writer.put_file(replace(self.writer.files[rival.file_id], state="replaced"))
            self.writer.put_file(file)
            return [file]
        found = candidate.found
        self.writer.put_file(replace(file, state="replaced", size=found.size, mtime_ns=found.mtime_ns))
        return []


def _names_scorers(candidate: Candidate) -> bool:
    """Whether a score file names several scorers, which become runs of their own."""
    if candidate.sniff.role != "scores":
        return False
    chunk = _first_chunk(candidate.source, candidate.path)
    names: set[str] = set()
    for record in chunk.records if chunk else ():
        table = getattr(record, "table", None)
        if table is not None and "scorer" in table.schema.names:
            names |= {name for name in table["scorer"].unique().to_pylist() if name}
    return bool(names)


def _first_chunk(source: Source, path: Path) -> Chunk | None:
    try:
        return next(iter(source.read(Job(path))), None)
    except Exception:  # whatever is wrong with the file or a plug-in, the reader will meet and report it
        return None


def _signature(source: Source, path: Path, prefix: str = "") -> dict[str, dict[float, float]]:
    """First values of a log by tag and step; empty if it can't be read (the reader will say why)."""
    values: dict[str, dict[float, float]] = defaultdict(dict)
    chunk = _first_chunk(source, path)
    for record in chunk.records if chunk else ():
        if isinstance(record, Scalars):
            table = record.table.select(["tag", "step", "value"]).slice(0, 20_000)
            for tag, step, value in zip(*(c.to_pylist() for c in table.columns), strict=True):
                mine = values[f"{prefix}{tag}".removeprefix("train/").replace("eval/", "eval_", 1)]
                if step is not None and (len(mine) < SIGNATURE_STEPS or step in mine):
                    mine[step] = value
    return values


def _global_step(candidate: Candidate) -> float:
    document = candidate.head.document
    return _step_of(document)


def _state_step(path: Path) -> float:
    return _step_of(Head(path).document) if path.exists() else -1.0


def _step_of(document: object) -> float:
    step = document.get("global_step") if isinstance(document, dict) else None
    return float(step) if isinstance(step, int | float) else -1.0
