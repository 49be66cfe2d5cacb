"""What became of findings from look to look: raised, worse, under another name, cleared. Events are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from analysis.diagnosis.finding import ORDER, Change, Detected, Event, Finding, Severity


@dataclass
class _Case:
    """A finding in the making: as it was told last, its symptoms, and all that happened to it."""

    finding: Finding
    open: bool = True
    events: list[Event] = field(default_factory=list)


class Cases:
    """The findings of a run up to now."""

    def __init__(self) -> None:
        self._known: dict[str, _Case] = {}

    def update(self, found: Sequence[Finding], now: float) -> None:
        """Take in what is found at a look; what is found no more has cleared, or another finding has its symptoms."""
        ids = {f.id for f in found}
        lost = [case for id_, case in self._known.items() if case.open and id_ not in ids]
        for finding in found:
            case = self._known.get(finding.id)
            if case is None:
                case = self._known[finding.id] = _Case(finding)
                self._inherit(case, lost, now)
            else:
                change = _change(case, finding)
                if change is not None:
                    case.events.append(replace(change, at=now))
            case.finding, case.open = finding, True
        for case in lost:
            if case.finding.id not in self._known:
                continue  # another finding has its symptoms, and its history
            case.open = False
            case.events.append(Event(now, "cleared", case.finding.cause, case.finding.severity))

    def _inherit(self, case: _Case, lost: list[_Case], now: float) -> None:
        """A new finding: the first of its symptoms, or a better name for what was found before, whose history it takes on."""
        mine = set(case.finding.symptoms)
        for old in lost:
            if mine & set(old.finding.symptoms) and old.finding.id in self._known:
                case.events += old.events
                del self._known[old.finding.id]
        case.events.sort(key=lambda e: e.at)
        word: Change = "renamed" if case.events else "raised"
        case.events.append(Event(now, word, case.finding.cause, case.finding.severity))

    def told(self) -> list[Finding]:
        """All findings with their events; a cleared one is worth knowing, and no more."""
        return [_told(case) for case in self._known.values()]


def _change(case: _Case, finding: Finding) -> Event | None:
    """How a finding differs from what was said of it last, its time left open."""
    was = case.events[-1]
    if was.change == "cleared":
        return Event(0.0, "raised", finding.cause, finding.severity)
    if ORDER[finding.severity] != ORDER[was.severity]:
        worse = ORDER[finding.severity] < ORDER[was.severity]
        return Event(0.0, "worsened" if worse else "eased", finding.cause, finding.severity)
    if finding.cause != was.cause:
        return Event(0.0, "renamed", finding.cause, finding.severity)
    return None


def _told(case: _Case) -> Finding:
    found, events = case.finding, tuple(case.events)
    if case.open:
        return replace(found, detected=_when(_detected(found, events, found.severity)), events=events)
    summary = f"Cleared at step {events[-1].at:g}: {found.summary}"
    detected = _when(_detected(found, events, "info"))
    return replace(found, severity="info", summary=summary, detected=detected, events=events)


def _when(step: float) -> Detected | None:
    """None where no step is known: pair scores alone have none."""
    return Detected(step) if isfinite(step) else None


def _detected(found: Finding, events: Sequence[Event], severity: Severity) -> float:
    """When this cause was first told as seriously as a warning; when it was first told, if it is only a note."""
    name = found.cause.partition(".")[0]
    own = [e for e in events if e.cause.partition(".")[0] == name and e.change != "cleared"]
    serious = [e for e in own if e.severity != "info"]
    return float((serious if serious and severity != "info" else own)[0].at)
