"""All looks in turn: what is seen, what explains it, and how findings came, changed and went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from analysis import registry
from analysis.diagnosis import say
from analysis.diagnosis.cases import Cases
from analysis.diagnosis.conflict import conflicts
from analysis.diagnosis.finding import (
    ORDER,
    Alternative,
    Diagnosis,
    Evidence,
    Finding,
    Next,
    NotChecked,
    Onset,
    Undecided,
    verdict_of,
)
from analysis.diagnosis.leaf import Cause, Detector, Sight, Sights
from analysis.diagnosis.looks import looks
from analysis.diagnosis.signals import Signals
from analysis.diagnosis.weigh import Opinion, opinions

FEWEST = 8
"""Rows below which nothing but a fault that one row shows is diagnosed: an early phase and a present can't be told apart."""


UNEXPLAINED = 0.5
"""Confidence of a symptom without a cause: it is there; what it means is open."""


def diagnose(signals: Signals) -> Diagnosis:
    """Look at a run from its first row to its last.

    Looks are fixed by the rows before them, and each look sees nothing later. So the findings of a log that goes on
    are those of the log so far, and events that are dated later.
    """
    # by name: the registry's order is that in which they were imported, which differs from process to process
    detectors = [d for _, d in sorted(registry.leaves("detector").items()) if signals.kind in d.kinds]
    causes = [c for _, c in sorted(registry.leaves("cause").items()) if signals.kind in c.kinds]
    by_name = {d.name: d for d in detectors}
    ready = [d for d in detectors if all(signals.has(n) for n in d.needs)]
    signals = _watched(signals, ready)
    tracks: dict[str, Sight] = {}
    cases = Cases()
    unknown: dict[str, str] = {}
    seen: dict[str, tuple[int, ...]] = {}
    live = [d for d in ready if "pairs" not in d.needs]
    view = signals
    for step in looks(signals):
        view = signals.until(float(step))
        _look(live, view, tracks, unknown, seen)
        _judge(causes, by_name, view, tracks, cases)
    final = [d for d in ready if "pairs" in d.needs]
    if final:
        view = replace(view, pairs=signals.pairs)
        _look(final, view, tracks, unknown, seen)
        _judge(causes, by_name, view, tracks, cases)
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
    tracks: dict[str, Sight],
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
            if d.name not in tracks or not tracks[d.name].there:
                tracks.pop(d.name, None)
            continue
        unknown.pop(d.name, None)
        _follow(tracks, d.name, told)


def _extent(view: Signals) -> tuple[int, ...]:
    extra = -1 if view.rollouts is None else len(view.rollouts)
    pairs = -1 if view.pairs is None else len(view.pairs)
    return (extra, pairs, len(view.exception), *(len(s) + len(s.bad) for s in view.series.values()))


def _follow(tracks: dict[str, Sight], name: str, told: Sight) -> None:
    """A symptom stays established until it is refuted: losing certainty is no recovery."""
    old = tracks.get(name)
    if old is not None and old.there:
        if told.there:
            # where it began was estimated closest to when it was found
            tracks[name] = replace(told, onset=old.onset if old.onset is not None else told.onset)
        elif told.state == "refuted":
            tracks[name] = told
        return
    tracks[name] = told


def _judge(
    causes: list[Cause],
    detectors: Mapping[str, Detector],
    view: Signals,
    tracks: Mapping[str, Sight],
    cases: Cases,
) -> None:
    found = opinions(causes, view, tracks)
    findings = [_finding(o, view, tracks, detectors) for o in found]
    explained = {name for o in found for name in o.explains}
    findings += [
        _symptom(d, tracks[d.name], view)
        for d in detectors.values()
        if d.alone is not None and d.name in tracks and tracks[d.name].there and d.name not in explained
    ]
    cases.update(findings, view.now)


def _symptom(detector: Detector, sight: Sight, view: Signals) -> Finding:
    """A symptom that no cause explains: its own name is the finding."""
    statement = sight.evidence[0].statement if sight.evidence else detector.about
    return Finding(
        f"{view.run}:{detector.name}", 0, {"run": view.run}, detector.name, (detector.name,), detector.alone or "info",
        UNEXPLAINED, statement, sight.onset, evidence=sight.evidence,
    )  # fmt: skip


def _finding(opinion: Opinion, view: Signals, sights: Sights, detectors: Mapping[str, Detector]) -> Finding:
    cause = opinion.cause
    detail = cause.specific(view, sights)
    name = f"{cause.name}.{detail}" if detail else cause.name
    wanted = list(dict.fromkeys((*cause.requires, *cause.predicts)))
    mine = [n for n in wanted if n in opinion.explains]
    own = [*cause.evidence(view, sights), *(e for n in mine for e in sights[n].evidence)]
    # what seems to contradict the finding is put straight right after what it rests on, where it is read
    evidence: list[Evidence] = [*own[:1], *conflicts(view, sights), *own[1:]]
    # what is refuted speaks against it only where that takes something away (`Cause.absence`)
    counts = ("refuted", "not_established") if cause.absence > 0 else ("not_established",)
    against = [
        e
        for n in wanted
        if n in sights and n in cause.predicts and sights[n].state in counts
        for e in sights[n].evidence[:1]
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
        next=(*cause.next(view, sights), *_told_apart(opinion, sights, detectors)),
        alternatives=tuple(Alternative(c.name, round(p, 3), c.title) for c, p in opinion.rivals),
    )


CLOSE = 3.0
"""A rival less than three times less likely (Jeffreys: 'barely worth mentioning') is not told apart from the first."""


def _told_apart(opinion: Opinion, sights: Sights, detectors: Mapping[str, Detector]) -> tuple[Next, ...]:
    """The measurement that would weigh most between two causes, if they can't be told apart."""
    if not opinion.rivals or opinion.rivals[0][1] * CLOSE < opinion.confidence:
        return ()
    cause, rival = opinion.cause, opinion.rivals[0][0]

    def between(name: str) -> float:
        mine = cause.predicts.get(name, 0.0) - cause.forbids.get(name, 0.0)
        return abs(mine - rival.predicts.get(name, 0.0) + rival.forbids.get(name, 0.0))

    open_ = [
        n for n, d in detectors.items() if between(n) and (n not in sights or sights[n].state == "not_established")
    ]
    if not open_:
        return ()
    best = detectors[max(open_, key=lambda n: (between(n), n))]
    what = " and ".join(say.named(n) for n in best.needs or best.uses[:1])
    if best.name in sights:
        more = sights[best.name].evidence[0].needed if sights[best.name].evidence else None
        rows = f" (about {more:,.0f} rows in all)" if more else ""
        action = f"Let it run on{rows}: {best.about}."
    else:
        action = f"Log {what}: it tells {best.about}."
    return (Next(action, f"It would tell {cause.title} from {rival.title} best."),)


def _onset(cause: Cause, symptoms: list[str], sights: Sights) -> Onset | None:
    """That of the symptom by whose end it had begun first."""
    keyed = [n for n in symptoms if n in cause.requires or n in cause.dated] or symptoms
    known = [o for n in keyed if (o := sights[n].onset) is not None]
    return min(known, key=lambda o: (o.high, o.value), default=None)


def _diagnosis(
    signals: Signals,
    detectors: list[Detector],
    ready: list[Detector],
    unknown: Mapping[str, str],
    sights: Sights,
    cases: Cases,
) -> Diagnosis:
    found = sorted(cases.told(), key=lambda f: (ORDER[f.severity], -f.confidence, f.cause))
    findings = tuple(replace(f, rank=i + 1) for i, f in enumerate(found))
    enough = len(signals.steps) >= FEWEST or (signals.pairs is not None and len(signals.pairs) > 0)
    told = [d for d in ready if d.name not in unknown]
    undecided = tuple(_undecided(d, s) for d in told if (s := sights.get(d.name)) and s.state == "not_established")
    open_ = {u.check for u in undecided}
    checked = tuple(d.about for d in told if d.about not in open_)
    # nothing that was looked at is no clean bill
    sound = enough and bool(checked)
    verdict = verdict_of(findings) if sound or verdict_of(findings) != "healthy" else "not_enough_data"
    missing = [NotChecked(d.about, say.missing(d, signals)) for d in detectors if d not in ready]
    missing += [NotChecked(d.about, unknown[d.name]) for d in ready if d.name in unknown]
    until = float(signals.steps[-1]) if len(signals.steps) else None
    return Diagnosis(
        signals.run, signals.path, signals.kind, signals.framework, verdict,
        say.verdict(signals, verdict, findings, checked, undecided, missing), findings, checked, tuple(missing), until, undecided,
    )  # fmt: skip


def _undecided(detector: Detector, sight: Sight) -> Undecided:
    first = sight.evidence[0] if sight.evidence else Evidence("nothing is established", "not_established")
    return Undecided(detector.about, first.statement, first.needed, "pairs" if "pairs" in detector.needs else "rows")
