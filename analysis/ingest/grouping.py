"""Which files tell of which run: from paths, names and, where these leave it open, from the numbers.

A run is a folder that holds logs, with its log children (`tb/`, `wandb/`, `checkpoint-*`) folded in. Several
runs in one folder show in two ways: files of one kind with names of their own (`seed1.jsonl`, `seed2.jsonl`),
or logs that tell the same metric at the same steps with other values. Logs that agree are one run logged
several times.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.store.writer import slug

_CHILD = re.compile(
    r"""(tb|tensorboard|tensorboard_logs?|tf_?logs?|tb_?logs?|events|runs|logs?|logging|wandb|latest-run|files|trackio|
    lightning_logs|version_\d+|(offline-)?run-\d{8}_\d{6}-\w+|checkpoints?|(checkpoint|ckpt|global_step)[-_]?\d+|
    completions|rollouts|samples|eval(uation)?|validation|train|test|metrics|scores|(rank|proc|worker)[-_]?\d+|
    [A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.*|step\d_tensorboard_logs|\d+\.\d+)""",
    re.VERBOSE,
)
"""Folder names that trainers and trackers make inside a run's folder (log_formats.md, sections 1 to 3 and 8)."""

_GENERIC = re.compile(
    r"""events|out|tfevents|trainer|train|training|trained|state|states|metrics?|logs?|logging|log_history|history|
    all|results?|scalars?|progress|trajectory|trajectories|steps?|output|stats|summary|data|monitor|csv|tsv|jsonl|ndjson|json|parquet|npy|npz|
    eval|evaluation|test|validation|val|(rank|proc|worker|gpu|node)_?\d*|\d+""",
    re.VERBOSE,
)

_COUNTERS = re.compile(
    r"(^|[/_])(step|steps|global_step|epoch|episode|episodes|eps|lr|learning_rate|num_tokens|total_flos|.*runtime|.*per_second"
    r"|step_time|time|timestamp|_timestamp|_runtime|_step|iteration|tokens)$"
)
"""Two seeds of one configuration share their schedule to the last digit: these don't tell runs apart."""

_SPLIT = re.compile(r"(eval|evaluation|val|valid|validation|dev|test)")

SAME = 0.5
"""Share of the common metrics whose values must agree for two logs to be one run. Copies of one log agree in
all, two seeds in none but constants; half leaves room for a copy with a faulty column."""

TOLERANCE = 1e-5
"""Relative: event files hold float32 (6e-8), some trainers print five digits."""

Signature = Mapping[str, Mapping[float, float]]
"""tag without sink prefix -> step -> value, of the first rows of a log."""


@dataclass(frozen=True, slots=True)
class Item:
    """One log to be placed: a file, or the event files of one folder, which follow one another."""

    paths: tuple[Path, ...]
    source: str
    rank: int

    @property
    def name(self) -> str:
        return self.paths[0].name


def home(path: Path, root: Path) -> Path:
    """The folder of the run that a file belongs to: up through log children, never above the root.

    A root that is itself a log child (`.../my-run/tb`) is named after its parent.
    """
    folder = path.parent
    while folder != root and _CHILD.fullmatch(folder.name):
        folder = folder.parent
    return folder


def run_name(folder: Path, root: Path) -> str:
    """Readable id of a run folder: its path below the root; of the root itself, its own name."""
    if folder != root:
        return slug(folder.relative_to(root).as_posix())
    at = folder.resolve()
    while _CHILD.fullmatch(at.name) and at.parent != at:
        at = at.parent
    return slug(at.name)


def own_name(path: Path) -> str:
    """What of a file's name is its own ("" for `metrics.csv`, "seed1" for `seed1_metrics.csv`)."""
    name = path.name.removesuffix(".gz")
    if "tfevents" in name:
        name = name.partition("events.out.tfevents")[0] if "events.out" in name else name.partition("tfevents")[0]
    words = [w for w in re.split(r"[^A-Za-z0-9.]+|\.(?=\D)", name) if w]
    return "-".join(w for w in words if not _GENERIC.fullmatch(w.lower()))


def split_prefix(path: Path, folder: Path) -> str:
    """`eval/` or `test/` for a log whose name or folder says so, "" otherwise: writers that keep one log a split
    use the same tags in all of them.
    """
    within = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
    words = [*within, *re.split(r"[^a-z]+", path.name.lower().partition("tfevents")[0])]
    found = [w for w in words if _SPLIT.fullmatch(w)]
    return "" if not found else "test/" if "test" in found else "eval/"


def kind_of_name(path: Path) -> str:
    """What files of one series of runs have in common: the endings after the first word of their own."""
    name = path.name.removesuffix(".gz")
    return ".".join(part for part in name.split(".")[1:] if not part[:1].isdigit()) or path.suffix


def cluster(items: Sequence[Item], signature: Callable[[Item], Signature]) -> list[list[Item]]:
    """Tell the logs of one folder apart: one list of items a run, the best-ranked log first."""
    ordered = sorted(items, key=lambda item: (item.rank, bool(own_name(item.paths[0])), item.name))
    if len(ordered) <= 1:
        return [[item] for item in ordered]
    siblings = _siblings(ordered)
    clusters: list[list[Item]] = []
    seen: dict[int, Signature] = {}

    def sign(item: Item) -> Signature:
        if id(item) not in seen:
            seen[id(item)] = signature(item)
        return seen[id(item)]

    undecided: list[Item] = []
    for item in ordered:
        verdicts = []
        for group in clusters:
            sibling = any(siblings.get(id(item), 0) == siblings.get(id(other), 1) for other in group)
            verdict = False if sibling else _any_verdict(_agree(sign(item), sign(other)) for other in group)
            verdicts.append(verdict)
        if True in verdicts:
            clusters[verdicts.index(True)].append(item)
        elif clusters and None in verdicts:
            undecided.append(item)
        else:
            clusters.append([item])
    for item in undecided:
        _best_home(item, clusters).append(item)
    return clusters


def _siblings(items: Iterable[Item]) -> dict[int, int]:
    """id(item) -> group, for logs of one source and one kind of name that each have a name of their own."""
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        if own_name(item.paths[0]):
            groups[item.source, kind_of_name(item.paths[0])].append(item)
    return {id(item): number for number, group in enumerate(groups.values(), 2) if len(group) > 1 for item in group}


def _agree(a: Signature, b: Signature) -> bool | None:
    """Whether two logs tell the same numbers; None if they have nothing telling in common.

    Logs that tell the same metrics but never at the same step can't be compared: they are taken for two runs,
    since two runs drawn as one is the worse mistake.
    """
    common = a.keys() & b.keys()
    if common and not any(a[key].keys() & b[key].keys() for key in common):
        return False if len(common) >= SAME * min(len(a), len(b)) else None
    same = total = 0
    for key in a.keys() & b.keys():
        steps = a[key].keys() & b[key].keys()
        pairs = [(a[key][s], b[key][s]) for s in steps]
        if _COUNTERS.search(key) or len({x for x, _ in pairs} | {y for _, y in pairs}) < 2:
            continue
        total += 1
        close = sum(x == y or abs(x - y) <= TOLERANCE * max(abs(x), abs(y)) or (x != x and y != y) for x, y in pairs)
        same += close >= SAME * len(pairs)
    return None if total == 0 else same >= SAME * total


def _any_verdict(verdicts: Iterable[bool | None]) -> bool | None:
    found = list(verdicts)
    return True if True in found else False if False in found else None


def _best_home(item: Item, clusters: list[list[Item]]) -> list[Item]:
    """Of several runs in one folder, the one whose own name the item shares; otherwise the first."""
    mine = own_name(item.paths[0]).lower()

    def shared(group: list[Item]) -> int:
        theirs = own_name(group[0].paths[0]).lower()
        return len(theirs) if theirs and mine and (theirs in mine or mine in theirs) else 0

    return max(clusters, key=shared)
