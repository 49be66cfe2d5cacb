"""What a diagnosis says, made ready for pages: its words, and where on the time line it stands. No Streamlit here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

import pandas as pd

from analysis.diagnosis.finding import Diagnosis, Event, Evidence, Finding, Next
from analysis.questions.diagnosis import DIAGNOSED
from dashboard import look, runtable
from dashboard.charts.verticals import Noted

VERDICTS = {
    "failing": ("critical", "failing"),
    "watch": ("warning", "watch"),
    "healthy": ("healthy", "healthy"),
    "not_enough_data": ("unknown", "not enough data"),
}
"""Verdict -> how it is drawn (`look.SEVERITY`) and called."""

PENDING, NEVER = ("unknown", "not diagnosed yet"), ("unknown", "not diagnosed")
"""A run whose diagnosis is not there yet, and one of a kind that has no detectors."""

DERIVED = {
    "score": ("reward.rm_score_mean", "reward.normalised_mean", "reward.total_mean"),
    "score.sd": ("reward.rm_score_std", "reward.group_std_mean"),
    "kl": ("kl.to_reference",),
    "kl.per_token": ("kl.to_reference",),
    "kl.per_sequence": ("kl.to_reference",),
    "entropy.sequence": ("entropy.sequence_nll", "entropy.token_mean"),
    "value.mse": ("value.loss",),
    "length": ("response.length_mean",),
}
"""Curves that a diagnosis derives (`analysis.diagnosis.canonical`) -> logged metrics that show them, the nearest first."""

CHANGES = {
    "raised": "found",
    "worsened": "got worse",
    "eased": "eased",
    "renamed": "was explained anew",
    "cleared": "cleared",
}
"""Words for what became of a finding."""

SURE = 0.005
"""A confidence within this of 1 or 0 is not printed as certainty: two digits would round it to that."""


def drawn_as(diagnosis: Diagnosis | None, kind: str) -> tuple[str, str]:
    """Key of `look.SEVERITY` and the word of a verdict; nothing that could be checked is no health."""
    if diagnosis is None:
        return PENDING if kind in DIAGNOSED else NEVER
    if diagnosis.verdict == "healthy" and not diagnosis.checked:
        return VERDICTS["not_enough_data"]
    return VERDICTS[diagnosis.verdict]


def summary(diagnosis: Diagnosis | None, kind: str) -> str:
    """The verdict in one sentence, as the terminal and the JSON have it; without one, why there is none."""
    if diagnosis is not None:
        return diagnosis.summary
    return "It is on its way." if kind in DIAGNOSED else "Only policy runs and reward models are diagnosed."


def serious(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """What deserves a card, by rank; what is only worth knowing is a line."""
    return tuple(sorted((f for f in diagnosis.findings if f.severity != "info"), key=lambda f: f.rank))


def minor(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """What is only worth knowing: notes, and findings that have cleared."""
    return tuple(sorted((f for f in diagnosis.findings if f.severity == "info"), key=lambda f: f.rank))


# -- words


def brief(name: str) -> str:
    """A cause in the fewest words: of "mid_run_fault.learning_rate_jump" the specific part."""
    return runtable.cause(name.rpartition(".")[2])


def sure(confidence: float) -> str:
    """A confidence in two digits that never claims certainty."""
    if confidence > 1 - SURE:
        return "above 0.99"
    return f"{confidence:.2f}" if confidence >= SURE else "below 0.01"


def step(value: float) -> str:
    """A step in words."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def times(finding: Finding) -> list[str]:
    """Since when, seen when, how sure."""
    said = []
    if finding.onset is not None:
        onset = finding.onset
        between = f" ({step(onset.low)} to {step(onset.high)})" if onset.high > onset.low else ""
        said.append(f"since {onset.axis} {step(onset.value)}{between}")
    if finding.detected is not None:
        said.append(f"seen at {finding.detected.axis} {step(finding.detected.value)}")
    said.append(f"confidence {sure(finding.confidence)}")
    return said


def interval(evidence: Evidence) -> str:
    """An estimate with its interval; "" where there is none, since the sentence holds all there is."""
    if evidence.value is None:
        return ""
    unit = f" {evidence.unit}" if evidence.unit else ""
    ends = {"from": evidence.low, "up to": evidence.high}
    known = {word: end for word, end in ends.items() if end is not None and end != evidence.value}
    if not known:
        return ""
    if len(known) == 2:
        between = " to ".join(look.number(end) for end in known.values())
    else:
        between = " ".join(f"{word} {look.number(end)}" for word, end in known.items())
    return f"{look.number(evidence.value)}{unit} ({between})"


def size(advice: Next) -> str:
    """By how much, where it is known: "KL coefficient 0.03 to 0.18"."""
    if advice.size is None or advice.size.new is None:
        return ""
    name = look.spoken(advice.size.metric)
    if advice.size.old is None:
        return f"{name} {look.number(advice.size.new)}"
    return f"{name} {look.number(advice.size.old)} to {look.number(advice.size.new)}"


def history(events: Sequence[Event]) -> list[str]:
    """What became of a finding, one line an event."""
    lines = []
    for event in events:
        name = (
            ""
            if event.change == "cleared"
            else f" as {runtable.cause(event.cause)}, {look.SEVERITY[event.severity][1]}"
        )
        when = f"step {step(event.at)}" if isfinite(event.at) else "at the end"
        lines.append(f"{when}: {CHANGES[event.change]}{name}")
    return lines


# -- the time line


def concerned(series: str, logged: pd.DataFrame) -> tuple[str, ...]:
    """Logged metrics that show what a piece of evidence was read from.

    Parameters
    ----------
    series : of `Evidence`: a tag as logged, several of them in a formula ("a - b"), a derived curve, or "rollouts: kl"
    logged : of `Board.metrics`, of the run: metric, split, tag
    """
    tags: dict[str, str] = {}
    for metric, split, tag in zip(logged["metric"], logged["split"], logged["tag"], strict=True):
        for name in (f"{split}/{metric}" if split != "train" else metric, metric, tag, str(tag).removeprefix("train/")):
            tags.setdefault(str(name), str(metric))
    held = set(logged["metric"])
    found: list[str] = []
    name = series.removeprefix("rollouts: ").partition(",")[0]
    for part in (name, *name.split(" - ")):
        if part in tags:
            found.append(tags[part])
        else:
            found += [metric for metric in DERIVED.get(part, ()) if metric in held][:1]
    return tuple(dict.fromkeys(found))


def metrics_of(finding: Finding, logged: pd.DataFrame) -> frozenset[str]:
    """Metrics that a finding's evidence concerns; of values that are not finite all that were logged so."""
    found = {metric for evidence in finding.evidence for metric in concerned(evidence.series, logged)}
    if "non_finite" in finding.symptoms:
        found |= set(logged.loc[logged["nonfinite"] > 0, "metric"])
    return frozenset(found)


def rest_on(diagnoses: Mapping[str, Diagnosis], logged: pd.DataFrame) -> tuple[str, ...]:
    """The metrics that findings rest on first, those of the most serious findings before the others."""
    found = [
        (finding, run) for run, diagnosis in diagnoses.items() for finding in serious(diagnosis) if finding.evidence
    ]
    found.sort(key=lambda pair: (pair[0].severity != "critical", pair[0].rank))
    metrics = (concerned(f.evidence[0].series, logged[logged["run"] == run])[:1] for f, run in found)
    return tuple(dict.fromkeys(metric for one in metrics for metric in one))


def noted(
    diagnoses: Mapping[str, Diagnosis], logged: pd.DataFrame, names: Mapping[str, str] | None = None
) -> tuple[Noted, ...]:
    """Findings of several runs for their time lines, the most serious first; notes are no marks.

    `names` tells the runs apart where several are drawn over each other.
    """
    found = []
    for run, diagnosis in diagnoses.items():
        mine = logged[logged["run"] == run]
        for finding in serious(diagnosis):
            if any(when is not None and when.axis != "step" for when in (finding.onset, finding.detected)):
                continue
            found.append((finding.severity, _noted(run, finding, mine, names)))
    return tuple(mark for _, mark in sorted(found, key=lambda pair: pair[0] != "critical"))


def _noted(run: str, finding: Finding, logged: pd.DataFrame, names: Mapping[str, str] | None) -> Noted:
    onset = None if finding.onset is None else (finding.onset.value, finding.onset.low, finding.onset.high)
    whose = f"{names.get(run, run)}: " if names and len(names) > 1 else ""
    word = look.SEVERITY[finding.severity][1]
    return Noted(
        run=run,
        metrics=metrics_of(finding, logged),
        onset=onset,
        detected=None if finding.detected is None else finding.detected.value,
        severity=finding.severity,
        label=f"{whose}{brief(finding.cause)}",
        sentence=f"{whose}{brief(finding.cause)}, {word}: {', '.join(times(finding))}",
    )


def methods(evidence: Iterable[Evidence]) -> list[tuple[str, str]]:
    """How each statement was computed: (statement, method and samples), of those that say it."""
    said = []
    for one in evidence:
        parts = [one.method] if one.method else []
        parts += [f"read from {one.series}"] if one.series else []
        parts += [f"steps {step(one.range[0])} to {step(one.range[1])}"] if one.range else []
        parts += [look.count(one.n, "sample")] if one.n else []
        if parts:
            said.append((one.statement, "; ".join(parts)))
    return said
