"""How much the result on runs with known causes hangs on any one number: each constant at 0.7 and 1.4 times its value.

Every number that is written by name in `analysis/diagnosis` is tried, each alone, and so are the classes of weights and
every detector (left out). Then the choice is made again without one kind of failure: of the values tried, the one that is
best on all other kinds, scored on the kind that was left out.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from analysis import registry
from analysis.board import Board
from analysis.diagnosis import engine, leaf, weigh
from analysis.diagnosis.finding import ORDER
from analysis.diagnosis.leaf import Cause, Detector, Sight
from analysis.diagnosis.looks import looks
from analysis.diagnosis.signals import Signals
from tests.analysis.diagnosis.worlds import LABELLED, truth
from tests.benchmarks.diagnosis.labelled import base
from tests.benchmarks.diagnosis.labelled import copy as copy_inputs

FACTORS = (0.7, 1.4)
APART = ("samples", "signals", "say")
"""Modules whose constants say how much is read or how it is worded."""

Verdicts = Mapping[str, tuple[str, str]]
"""Run -> severity and cause of what ranks first; two empty texts where nothing is more than a note."""


@dataclass(frozen=True)
class Recorded:
    """A run with what every detector said of it at every look, in order."""

    signals: Signals
    views: tuple[Signals, ...]
    tracks: Mapping[str, Sight]


def main() -> None:
    """Print one table and the result without each kind."""
    if not LABELLED.is_dir():
        print("labelled runs: not beside this checkout")
        return
    runs = _recorded()
    stated = _judged(runs, _leaves("cause"), {})
    tried = {"as stated": stated}
    print(f"{'what is changed':44}{'right':>7}{'healthy: critical':>19}{'warned':>8}")
    _line("as stated", stated)
    for what, verdicts in _tries(runs):
        tried[what] = verdicts
        _line(what, verdicts, stated)
    same = sum(_counts(v) == _counts(stated) for v in tried.values())
    print(f"{same} of {len(tried)} rows have the result as stated")
    _without_a_kind(tried)


def _tries(runs: Mapping[str, Recorded]) -> Iterator[tuple[str, Verdicts]]:
    causes = _leaves("cause")
    for name in ("DECISIVE", "STRONG", "FAIR", "SLIGHT"):
        for factor in (0.0, *FACTORS):
            yield f"weight {name} x {factor:g}", _judged(runs, _weighted(causes, name, factor), {})
    yield "nothing that speaks against a cause", _judged(runs, [_edited(c, forbids={}) for c in causes], {})
    yield "no prior", _judged(runs, [_edited(c, prior=0.0) for c in causes], {})
    for home, name, value in _constants():
        place = home.__name__.removeprefix("analysis.diagnosis.")
        for factor in FACTORS:
            changed = _changed(value, factor)
            if changed == value:
                continue
            with _set(home, name, changed):
                yield f"{place}.{name} {value:.3g} -> {changed:.3g}", _again(runs, place)
    for detector in _leaves("detector"):
        yield f"without {detector.name}", _judged(runs, causes, {detector.name: None})


def _changed(value: float, factor: float) -> float:
    """Whole numbers stay whole, and shares below 1."""
    if isinstance(value, int):
        return max(1, round(value * factor))
    return value * factor if value >= 1 or value * factor < 1 else 1 - (1 - value) / factor


def _again(runs: Mapping[str, Recorded], place: str) -> Verdicts:
    """The verdicts with a changed constant; only what can hang on it is looked at again."""
    part, _, name = place.partition(".")
    if part == "detectors":
        again = {d.name for d in _leaves("detector") if type(d).__module__.endswith(f".{name}")}
        return _judged(runs, _leaves("cause"), {}, again)
    if part == "causes" or place == "weigh":
        return _judged(runs, _leaves("cause"), {})
    return {run: _first(engine.diagnose(recorded.signals)) for run, recorded in runs.items()}


def _recorded() -> dict[str, Recorded]:
    found = {}
    with tempfile.TemporaryDirectory() as folder, Board.open() as board:
        names = set(copy_inputs(Path(folder)))
        board.ingest(folder)
        for run in board.runs()["run"]:
            signals = board.signals(run)
            name = Path(signals.path).name
            if name in names:
                examined = signals.examined.settled() if signals.examined is not None else None
                found[name] = _record(replace(signals, examined=examined))
    return dict(sorted(found.items()))


def _record(signals: Signals) -> Recorded:
    ready = [d for d in _leaves("detector") if signals.kind in d.kinds and all(signals.has(n) for n in d.needs)]
    watched = engine._watched(signals, ready)
    views = [watched.until(float(step)) for step in looks(watched)]
    if signals.pairs is not None:
        views.append(replace(views[-1] if views else watched, pairs=signals.pairs))
    tracks: dict[str, Sight] = {}
    for detector in ready:
        tracks |= _track(detector, views)
    return Recorded(signals, tuple(views), tracks)


def _track(detector: Detector, views: list[Signals] | tuple[Signals, ...]) -> dict[str, Sight]:
    """What a detector says in the end; those that read pairs look once."""
    track: dict[str, Sight] = {}
    unknown: dict[str, str] = {}
    seen: dict[str, tuple[int, ...]] = {}
    for view in views[-1:] if "pairs" in detector.needs else views:
        engine._look([detector], view, track, unknown, seen)
    return track


def _judged(
    runs: Mapping[str, Recorded],
    causes: list[Cause],
    given: Mapping[str, Sight | None],
    again: set[str] = frozenset(),  # type: ignore[assignment]
) -> Verdicts:
    """What ranks first in the end; some symptoms are given (None: left out), some are looked for again."""
    detectors = {d.name: d for d in _leaves("detector")}
    said = {}
    for run, recorded in runs.items():
        tracks = {n: s for n, s in recorded.tracks.items() if n not in given and n not in again}
        signals = recorded.signals
        for name in again:
            d = detectors[name]
            if signals.kind in d.kinds and all(signals.has(n) for n in d.needs):
                tracks |= _track(d, recorded.views)
        mine = [c for c in causes if signals.kind in c.kinds]
        found = weigh.opinions(mine, recorded.views[-1], tracks)
        ranked = [(o.cause.severity(recorded.views[-1], tracks), o.confidence, o.cause.name) for o in found]
        serious = sorted((r for r in ranked if r[0] != "info"), key=lambda r: (ORDER[r[0]], -r[1], r[2]))
        said[run] = (serious[0][0], serious[0][2]) if serious else ("", "")
    return said


def _first(said: Any) -> tuple[str, str]:
    serious = [f for f in said.findings if f.severity != "info"]
    return (serious[0].severity, base(serious[0].cause)) if serious else ("", "")


def _leaves(kind: str) -> list[Any]:
    return list(registry.leaves(kind).values())


def _edited(cause: Cause, **fields: Any) -> Cause:
    other = copy.copy(cause)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _weighted(causes: list[Cause], name: str, factor: float) -> list[Cause]:
    """The causes with one class of weights changed, in sums of classes too."""
    more = getattr(leaf, name) * (factor - 1)
    holds = {getattr(leaf, name)} | {getattr(leaf, name) + w for w in (leaf.STRONG, leaf.FAIR, leaf.SLIGHT)}

    def changed(weights: Mapping[str, float]) -> dict[str, float]:
        return {key: w + more if w in holds else w for key, w in weights.items()}

    return [
        _edited(c, predicts=changed(c.predicts), forbids=changed(c.forbids), prior=changed({"": c.prior})[""])
        for c in causes
    ]


def _modules() -> Iterator[ModuleType]:
    package = importlib.import_module("analysis.diagnosis")
    for found in pkgutil.walk_packages(package.__path__, "analysis.diagnosis."):
        yield importlib.import_module(found.name)


def _own(module: ModuleType) -> set[str]:
    """Names in capitals that a module gives a value to."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {t.id for t in targets if isinstance(t, ast.Name) and t.id.isupper()}


def _constants() -> list[tuple[ModuleType, str, float]]:
    """Numbers of the diagnosis, where they are written; weights have rows of their own."""
    return [
        (module, name, value)
        for module in _modules()
        if module is not leaf and module.__name__.rpartition(".")[2] not in APART
        for name in sorted(_own(module))
        if type(value := getattr(module, name)) in (int, float) and value
    ]


@contextlib.contextmanager
def _set(home: ModuleType, name: str, value: float) -> Iterator[None]:
    """Give a constant another value wherever it was imported by name, in defaults of arguments too."""
    old = getattr(home, name)
    places = [home, *(m for m in _modules() if m is not home and getattr(m, name, None) == old and name not in _own(m))]
    functions = [f for m in places for f in vars(m).values() if callable(f) and getattr(f, "__defaults__", None)]
    kept = [(f, f.__defaults__) for f in functions]
    try:
        _place(places, name, value)
        for f, defaults in kept:
            f.__defaults__ = tuple(value if d is old and isinstance(d, float) else d for d in defaults)
        yield
    finally:
        _place(places, name, old)
        for f, defaults in kept:
            f.__defaults__ = defaults


def _place(modules: list[ModuleType], name: str, value: float) -> None:
    for module in modules:
        setattr(module, name, value)
    for module in _modules():
        for function in vars(module).values():
            clear: Callable[[], None] | None = getattr(function, "cache_clear", None)
            if clear is not None:
                clear()


def _counts(verdicts: Verdicts) -> tuple[int, int, int]:
    """Failures whose cause ranks first, healthy runs with a critical, healthy runs with anything."""
    right = critical = warned = 0
    for run, (severity, cause) in verdicts.items():
        if truth(run)["failure"] == "healthy":
            critical += severity == "critical"
            warned += bool(severity)
        else:
            right += _right(run, cause)
    return right, critical, warned


def _right(run: str, cause: str) -> bool:
    known = truth(run)
    return cause in {known["failure"], *known["also_acceptable"]}  # type: ignore[misc]


def _line(what: str, verdicts: Verdicts, stated: Verdicts | None = None) -> None:
    right, critical, warned = _counts(verdicts)
    moved = [run for run in verdicts if stated is not None and verdicts[run] != stated[run]]
    told = ", ".join(f"{run} {verdicts[run][1] or '-'}" for run in moved[:3]) + (" ..." if len(moved) > 3 else "")
    print(f"{what:44}{right:>7}{critical:>19}{warned:>8}   {told}", flush=True)


def _without_a_kind(tried: Mapping[str, Verdicts]) -> None:
    """Choose among all that was tried by the runs of the other kinds; score what was left out."""
    failures = {run: str(truth(run)["failure"]) for run in tried["as stated"]}
    right = total = 0
    for kind in sorted(set(failures.values()) - {"healthy"}):
        left = [run for run, failure in failures.items() if failure == kind]

        def merit(what: str, out: list[str] = left) -> tuple[int, int, bool]:
            rest = {run: v for run, v in tried[what].items() if run not in out}
            hits, critical, warned = _counts(rest)
            return (hits - 2 * critical, -warned, what != "as stated")  # of equals one that is not the stated one

        best = max(tried, key=merit)
        hits = sum(_right(run, tried[best][run][1]) for run in left)
        right, total = right + hits, total + len(left)
        print(f"chosen without {kind:24}{best:46}{hits} of {len(left)}")
    print(f"cause right at rank 1 of kinds that the choice did not see: {right} of {total}")
