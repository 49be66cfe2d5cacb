"""All looks in turn: what is seen, what explains it, and how findings came, changed and went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from analysis import registry
from analysis.diagnosis import say
from analysis.diagnosis.finding import (
    ORDER,
    Alternative,
    Detected,
    Diagnosis,
    Event,
    Evidence,
    Finding,
    NotChecked,
    Onset,
    Severity,
    verdict_of,
)
from analysis.diagnosis.leaf import Cause, Detector, Sight, Sights
from analysis.diagnosis.looks import looks
from analysis.diagnosis.signals import Signals
from analysis.diagnosis.weigh import Opinion, opinions

FEWEST = 8
"""Rows below which nothing but a fault that one row shows is diagnosed: an early phase and a present can't be told apart."""


@dataclass
class _Track:
    """What became of one symptom."""

    sight: Sight
    since: float | None = None


@dataclass
class _Case:
    """A finding in the making."""

    finding: Finding
    explains: frozenset[str]
    open: bool = True
    events: list[Event] = field(default_factory=list)


def diagnose(signals: Signals) -> Diagnosis:
    """Look at a run from its first row to its last.

    Looks are fixed by the rows before them, and each look sees nothing later. So the findings of a log that goes on
    are those of the log so far, and events that are dated later.
    """
    detectors = [d for d in registry.leaves("detector").values() if signals.kind in d.kinds]
    causes = [c for c in registry.leaves("cause").values() if signals.kind in c.kinds]
    ready = [d for d in detectors if all(signals.has(n) for n in d.needs)]
    signals = _watched(signals, ready)
    tracks: dict[str, _Track] = {}
    cases: dict[str, _Case] = {}
    unknown: dict[str, str] = {}
    seen: dict[str, tuple[int, ...]] = {}
    live = [d for d in ready if "pairs" not in d.needs]
    view = signals
    for step in looks(signals):
        view = signals.until(float(step))
        _look(live, view, tracks, unknown, seen)
        _judge(causes, view, tracks, cases)
    final = [d for d in ready if "pairs" in d.needs]
    if final:
        view = replace(view, pairs=signals.pairs)
        _look(final, view, tracks, unknown, seen)
        _judge(causes, view, tracks, cases)
    return _diagnosis(signals, detectors, ready, unknown, tracks, cases)


ROOTED = ("kl.", "value.", "loss.", "grad_norm")
"""Metrics whose noise grows with their level: a change of them is looked for in their square root."""


def _watched(signals: Signals, detectors: list[Detector]) -> Signals:
    names = {n for d in detectors for n in d.watches}
    series = {n: s.watched(n.startswith(ROOTED)) if n in names else s for n, s in signals.series.items()}
    return replace(signals, series=series)


def _look(
    detectors: list[Detector],
    view: Signals,
    tracks: dict[str, _Track],
    unknown: dict[str, str],
    seen: dict[str, tuple[int, ...]],
) -> None:
    for d in detectors:
        mine = view.only((*d.needs, *d.uses))
        if any(n not in ("rollouts", "pairs") and mine.get(n) is None for n in d.needs):
            continue  # nothing of it yet
        rows = _extent(mine)
        if seen.get(d.name) == rows:
            continue  # nothing new for it
        seen[d.name] = rows
        told = d.look(mine)
        if isinstance(told, str):
            unknown[d.name] = told
            if d.name not in tracks or not tracks[d.name].sight.there:
                tracks.pop(d.name, None)
            continue
        unknown.pop(d.name, None)
        _follow(tracks, d.name, told, view.now)


def _extent(view: Signals) -> tuple[int, ...]:
    extra = -1 if view.rollouts is None else len(view.rollouts)
    pairs = -1 if view.pairs is None else len(view.pairs)
    return (extra, pairs, *(len(s) + len(s.bad) for s in view.series.values()))


def _follow(tracks: dict[str, _Track], name: str, told: Sight, now: float) -> None:
    """A symptom stays established until it is refuted: losing certainty is no recovery."""
    old = tracks.get(name)
    if old is None:
        tracks[name] = _Track(told, now if told.there else None)
    elif told.there:
        # where it began was estimated closest to when it was found
        onset = old.sight.onset if old.sight.there and old.sight.onset is not None else told.onset
        tracks[name] = _Track(replace(told, onset=onset), old.since if old.since is not None else now)
    elif told.state == "refuted" or not old.sight.there:
        tracks[name] = _Track(told)


def _judge(causes: list[Cause], view: Signals, tracks: Mapping[str, _Track], cases: dict[str, _Case]) -> None:
    sights: Sights = {name: t.sight for name, t in tracks.items()}
    found = opinions(causes, view, sights)
    now = view.now
    current: dict[str, _Case] = {}
    for opinion in found:
        finding = _finding(opinion, view, sights, tracks)
        name = opinion.cause.name
        old = cases.get(name)
        case = _Case(finding, opinion.explains)
        if old is None:
            parent = next(
                (
                    c
                    for n, c in cases.items()
                    if c.open and c.explains & opinion.explains and n not in {o.cause.name for o in found}
                ),
                None,
            )
            case.events = [Event(now, "renamed" if parent else "raised", finding.cause, finding.severity)]
        else:
            case.events = old.events
            was = old.events[-1]
            if was.change == "cleared":
                case.events.append(Event(now, "raised", finding.cause, finding.severity))
            elif ORDER[finding.severity] != ORDER[was.severity]:
                worse = ORDER[finding.severity] < ORDER[was.severity]
                case.events.append(Event(now, "worsened" if worse else "eased", finding.cause, finding.severity))
            elif finding.cause != was.cause:
                case.events.append(Event(now, "renamed", finding.cause, finding.severity))
        current[name] = case
    for name, case in cases.items():
        if name not in current and case.open:
            taken = any(c.explains & case.explains for c in current.values())
            case.open = False
            case.events.append(Event(now, "renamed" if taken else "cleared", case.finding.cause, case.finding.severity))
    for name, case in current.items():
        cases[name] = case


def _finding(opinion: Opinion, view: Signals, sights: Sights, tracks: Mapping[str, _Track]) -> Finding:
    cause = opinion.cause
    detail = cause.specific(view, sights)
    name = f"{cause.name}.{detail}" if detail else cause.name
    wanted = list(dict.fromkeys((*cause.requires, *cause.predicts)))
    mine = [n for n in wanted if n in opinion.explains]
    evidence: list[Evidence] = [*cause.evidence(view, sights), *(e for n in mine for e in sights[n].evidence)]
    against = [
        e for n in wanted if n in sights and not sights[n].there and n in cause.predicts for e in sights[n].evidence[:1]
    ]
    against += [e for n in cause.forbids if n in sights and sights[n].there for e in sights[n].evidence[:1]]
    return Finding(
        id=f"{view.run}:{cause.name}",
        rank=0,
        scope={"run": view.run},
        cause=name,
        symptoms=tuple(mine),
        severity=cause.severity(view, sights),
        confidence=round(opinion.confidence, 3),
        summary=cause.summary(view, sights),
        onset=_onset(cause, mine, sights),
        evidence=tuple(evidence),
        against=tuple(against),
        next=cause.next(view, sights),
        alternatives=tuple(Alternative(c.name, round(p, 3), c.title) for c, p in opinion.rivals),
    )


def _onset(cause: Cause, symptoms: list[str], sights: Sights) -> Onset | None:
    """The earliest symptom that the cause rests on."""
    keyed = [n for n in symptoms if n in cause.requires] or symptoms
    known = [o for n in keyed if (o := sights[n].onset) is not None]
    return min(known, key=lambda o: o.value, default=None)


def _diagnosis(
    signals: Signals,
    detectors: list[Detector],
    ready: list[Detector],
    unknown: Mapping[str, str],
    tracks: Mapping[str, _Track],
    cases: Mapping[str, _Case],
) -> Diagnosis:
    found = []
    for case in cases.values():
        if not case.open and case.events[-1].change == "renamed":
            continue  # another finding has taken its symptoms
        f = case.finding
        raised = _raised(case.events, f.severity)
        severity: Severity = f.severity if case.open else "info"
        summary = f.summary if case.open else f"Cleared at step {case.events[-1].at:g}: {f.summary}"
        found.append(
            replace(f, severity=severity, summary=summary, detected=Detected(raised), events=tuple(case.events))
        )
    explained = {s for case in cases.values() if case.open for s in case.explains}
    found += _unexplained(signals, detectors, tracks, explained)
    found.sort(key=lambda f: (ORDER[f.severity], -f.confidence, f.cause))
    findings = tuple(replace(f, rank=i + 1) for i, f in enumerate(found))
    enough = len(signals.steps) >= FEWEST or (signals.pairs is not None and len(signals.pairs) > 0)
    verdict = verdict_of(findings) if enough or verdict_of(findings) != "healthy" else "not_enough_data"
    checked = tuple(d.about for d in ready if d.name not in unknown)
    missing = [NotChecked(d.about, say.missing(d, signals)) for d in detectors if d not in ready]
    missing += [NotChecked(d.about, unknown[d.name]) for d in ready if d.name in unknown]
    until = float(signals.steps[-1]) if len(signals.steps) else None
    return Diagnosis(
        signals.run, signals.path, signals.kind, signals.framework, verdict,
        say.verdict(signals, verdict, findings, checked, missing), findings, checked, tuple(missing), until,
    )  # fmt: skip


def _raised(events: list[Event], severity: Severity) -> float:
    """When the finding was first as serious as a warning; when it was first told, if it never was."""
    serious = [e.at for e in events if e.severity != "info" and e.change != "cleared"]
    return float(serious[0] if serious and severity != "info" else events[0].at)


def _unexplained(
    signals: Signals, detectors: list[Detector], tracks: Mapping[str, _Track], explained: set[str]
) -> list[Finding]:
    """Symptoms that no cause explains: the symptom's own name is the finding."""
    out = []
    for d in detectors:
        track = tracks.get(d.name)
        if track is None or not track.sight.there or d.name in explained or d.alone is None:
            continue
        since = track.since if track.since is not None else np.nan
        statement = track.sight.evidence[0].statement if track.sight.evidence else d.about
        out.append(
            Finding(
                f"{signals.run}:{d.name}", 0, {"run": signals.run}, d.name, (d.name,), d.alone, 0.5, statement,
                track.sight.onset, Detected(float(since)), track.sight.evidence,
                events=(Event(float(since), "raised", d.name, d.alone),),
            )
        )  # fmt: skip
    return out
