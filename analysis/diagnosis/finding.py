"""What a diagnosis is made of: immutable records, and their JSON, which reads back to the same records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

State = Literal["established", "refuted", "not_established"]
Severity = Literal["critical", "warning", "info"]
Verdict = Literal["healthy", "watch", "failing", "not_enough_data"]
Change = Literal["raised", "worsened", "eased", "renamed", "cleared"]

ORDER: Mapping[str, int] = {"critical": 0, "warning": 1, "info": 2}
"""Severities, the worst first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One statement about the data and how far it holds.

    statement : one sentence with its numbers and units
    state : established, refuted, or not established (then `needed` says how many samples in all would decide, if what is
        seen so far stays; None: unknown)
    value, low, high : estimate and interval, None where there is none; in `unit`
    n : samples behind it; series : metric, or file, that was read; range : first and last step that was read
    method : how it was computed, in a few words
    """

    statement: str
    state: State = "established"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int | None = None
    series: str = ""
    range: tuple[float, float] | None = None
    method: str = ""
    needed: float | None = None

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "statement": self.statement,
            "state": self.state,
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "unit": self.unit,
            "n": self.n,
            "series": self.series,
            "range": None if self.range is None else [_finite(x) for x in self.range],
            "method": self.method,
            "needed": _finite(self.needed),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From plain data."""
        span = said["range"]
        return cls(**{**said, "range": None if span is None else (span[0], span[1])})


@dataclass(frozen=True, slots=True)
class Onset:
    """When it began, estimated in retrospect: the interval holds the first step that the cause can have touched."""

    value: float
    low: float
    high: float
    axis: str = "step"

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"value": self.value, "low": self.low, "high": self.high, "axis": self.axis}


@dataclass(frozen=True, slots=True)
class Detected:
    """The first step at which the data up to there was enough."""

    value: float
    axis: str = "step"

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"value": self.value, "axis": self.axis}


@dataclass(frozen=True, slots=True)
class Size:
    """How far to change what: `metric` from `old` to `new`; None where it is not known."""

    metric: str
    old: float | None
    new: float | None


@dataclass(frozen=True, slots=True)
class Next:
    """A step to take: what, by how much, why."""

    action: str
    because: str
    size: Size | None = None

    def document(self) -> dict[str, Any]:
        """As plain data."""
        size = None
        if self.size is not None:
            size = {"metric": self.size.metric, "from": _finite(self.size.old), "to": _finite(self.size.new)}
        return {"action": self.action, "size": size, "because": self.because}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From plain data."""
        size = said["size"]
        return cls(
            said["action"],
            said["because"],
            None if size is None else Size(size["metric"], size["from"], size["to"]),
        )


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another cause that the same symptoms could have, with its confidence."""

    cause: str
    confidence: float
    summary: str = ""

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"cause": self.cause, "confidence": self.confidence, "summary": self.summary}


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a finding while the run went on; later rows add events, they never change earlier ones.

    at : step; infinite where there are none, as of pair scores alone
    """

    at: float
    change: Change
    cause: str
    severity: Severity

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"at": _finite(self.at), "change": self.change, "cause": self.cause, "severity": self.severity}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From plain data."""
        return cls(**{**said, "at": math.inf if said["at"] is None else said["at"]})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or worth knowing: what, since when, why, how sure, and what to do.

    id : the same for the same statement about the same run, whatever else is found
    rank : 1 is what to look at first
    cause : an identifier, made more specific after a dot ("mid_run_fault.reward_changed")
    confidence : probability that the cause is right, given that the symptoms are there
    alternatives : causes that compete with it for the same symptoms, the likeliest first
    events : when it was raised, got worse, got another name or cleared
    """

    id: str
    rank: int
    scope: Mapping[str, Any]
    cause: str
    symptoms: tuple[str, ...]
    severity: Severity
    confidence: float
    summary: str
    onset: Onset | None = None
    detected: Detected | None = None
    evidence: tuple[Evidence, ...] = ()
    against: tuple[Evidence, ...] = ()
    next: tuple[Next, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    events: tuple[Event, ...] = ()

    def document(self) -> dict[str, Any]:
        """As plain data, in the form that `diagnose --json` prints."""
        return {
            "id": self.id,
            "rank": self.rank,
            "scope": dict(self.scope),
            "cause": self.cause,
            "symptoms": list(self.symptoms),
            "severity": self.severity,
            "confidence": self.confidence,
            "onset": None if self.onset is None else self.onset.document(),
            "detected": None if self.detected is None else self.detected.document(),
            "summary": self.summary,
            "evidence": [e.document() for e in self.evidence],
            "against": [e.document() for e in self.against],
            "next": [n.document() for n in self.next],
            "alternatives": [a.document() for a in self.alternatives],
            "events": [e.document() for e in self.events],
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From plain data."""
        return cls(
            **{
                **said,
                "symptoms": tuple(said["symptoms"]),
                "onset": None if said["onset"] is None else Onset(**said["onset"]),
                "detected": None if said["detected"] is None else Detected(**said["detected"]),
                "evidence": tuple(Evidence.of(e) for e in said["evidence"]),
                "against": tuple(Evidence.of(e) for e in said["against"]),
                "next": tuple(Next.of(n) for n in said["next"]),
                "alternatives": tuple(Alternative(**a) for a in said["alternatives"]),
                "events": tuple(Event.of(e) for e in said["events"]),
            }
        )


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A check that could not be made, and what would make it possible."""

    check: str
    because: str

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"check": self.check, "because": self.because}


MANY = 1e6
"""More rows or pairs than anybody waits for: such a number says no more than 'not established'."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A check that was made and that the data do not decide: what they show, and how many samples in all would decide.

    unit : of what `needed` counts, rows of the log or pairs
    """

    check: str
    because: str
    needed: float | None = None
    unit: str = "rows"

    @property
    def told(self) -> str:
        """What the data show, and what would decide where that is known."""
        more = self.needed is not None and self.needed <= MANY
        return f"{self.because} About {self.needed:,.0f} {self.unit} in all would tell." if more else self.because

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"check": self.check, "because": self.because, "needed": _finite(self.needed), "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that is said about a run.

    verdict : failing (a critical finding), watch (a warning), healthy, or not enough data
    summary : the verdict in one sentence
    checked : what was looked at and decided; not_checked : what could not be looked at, and why
    undecided : what was looked at, and is not established either way
    until : the last step that was read, None without steps
    """

    run: str
    path: str
    kind: str
    framework: str
    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...] = ()
    checked: tuple[str, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    until: float | None = None
    undecided: tuple[Undecided, ...] = ()

    def document(self) -> dict[str, Any]:
        """As plain data, in the form that `diagnose --json` prints."""
        return {
            "run": self.run,
            "path": self.path,
            "kind": self.kind,
            "framework": self.framework,
            "verdict": self.verdict,
            "summary": self.summary,
            "findings": [f.document() for f in self.findings],
            "checked": list(self.checked),
            "not_checked": [n.document() for n in self.not_checked],
            "undecided": [u.document() for u in self.undecided],
            "until": _finite(self.until),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From plain data."""
        return cls(
            **{
                **said,
                "findings": tuple(Finding.of(f) for f in said["findings"]),
                "checked": tuple(said["checked"]),
                "not_checked": tuple(NotChecked(**n) for n in said["not_checked"]),
                "undecided": tuple(
                    Undecided(**u) for u in said.get("undecided", ())
                ),  # documents that were stored before hold none
            }
        )


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """The verdict that follows from the worst finding; a finding that is only worth knowing leaves a run healthy."""
    worst = min((ORDER[f.severity] for f in findings), default=ORDER["info"])
    return "failing" if worst == ORDER["critical"] else "watch" if worst == ORDER["warning"] else "healthy"


def _finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return None if value is None or not math.isfinite(value) else value
