"""Findings on a page: the verdict in words, a card for each finding, and what was and was not checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from analysis.diagnosis.finding import Diagnosis, Evidence, Finding
from dashboard import data, figures, findings, look, plot, runtable, shell
from dashboard.charts import traces

SAID = 3
"""Statements of a card before a fold; a finding may have fifteen."""

NOTES = 3
"""Notes before a fold."""

PAIRS = "pairs"
"""What evidence from the scores of preference pairs was read from; the page Reward models shows them."""

EXPECTED = {
    "established": "speaks against it",
    "refuted": "would be expected, and is not so",
    "not_established": "would be expected, and is not established",
}
"""What the state of a statement means where it stands against a finding."""


def verdict(diagnosis: Diagnosis | None, name: str, kind: str, standing: str) -> str:
    """Name, verdict as icon, word and colour, and the sentence; how the run stands, smaller beneath. In Markdown."""
    key, word = findings.drawn_as(diagnosis, kind)
    icon, _, colour = look.SEVERITY[key]
    said = look.literal(findings.summary(diagnosis, kind))
    return f"**{look.literal(name)}** :{colour}[{icon} **{word}**]  {said}  \n:small[{standing}]"


def draw(found: Mapping[str, Diagnosis], names: Mapping[str, str], runs: Sequence[str]) -> None:
    """A card for each finding of these runs, the most serious first and open."""
    every = [(run, finding) for run in runs if run in found for finding in findings.serious(found[run])]
    every.sort(key=lambda pair: (pair[1].severity != "critical", pair[1].rank))
    if every:
        with st.container(key="findings", gap="xsmall"):
            for place, (run, finding) in enumerate(every):
                told = found[run].summary.startswith(finding.summary.rstrip("."))
                _card(run, finding, names[run] if len(runs) > 1 else "", opened=place == 0, told=told)


def _card(run: str, finding: Finding, name: str, *, opened: bool, told: bool) -> None:
    """One finding; `told`: its sentence is the verdict, which stands above it."""
    icon, word, colour = look.SEVERITY[finding.severity]
    whose = f"{look.literal(name)}: " if name else ""
    cause = runtable.cause(finding.cause)
    since = "" if finding.onset is None else f" · since {finding.onset.axis} {findings.step(finding.onset.value)}"
    title = f":{colour}[{icon} **{word}**] **{whose}{look.literal(cause)}**{since}"
    with st.expander(title, expanded=opened, key=f"finding-{finding.id}"):
        times = ", ".join(findings.times(finding))
        said = "" if told and opened else f"{look.literal(finding.summary)}  \n"
        st.markdown(f"{said}{look.literal(times[:1].upper() + times[1:])}.")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _weighed(finding)
        with right:
            _next(finding)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            shown = _shown(run, finding)
            asked = shown and st.toggle("Evidence as curves", key=f"curves-{finding.id}")
            _how(finding)
            _history(finding)
            if any(one.series == PAIRS for one in finding.evidence):
                shell.to_page("Reward models", "What its pair scores say")
        if asked:
            _curve(run, finding, shown)


def _weighed(finding: Finding) -> None:
    """What speaks for it and what against."""
    st.markdown("**What speaks for it**\n" + _list(finding.evidence[:SAID]))
    if len(finding.evidence) > SAID:
        more = len(finding.evidence) - SAID
        with st.expander(f"{more} more", key=f"more-{finding.id}", type="compact"):
            st.markdown(_list(finding.evidence[SAID:]))
    lines = [f"- {look.literal(e.statement)} :small[({EXPECTED[e.state]})]" for e in finding.against]
    st.markdown("**What speaks against it**\n" + ("\n".join(lines) or "\nNothing that was looked at."))


def _list(evidence: Sequence[Evidence]) -> str:
    lines = []
    for one in evidence:
        parts = [findings.interval(one), "" if one.state == "established" else look.spoken(one.state)]
        beside = look.literal("; ".join(part for part in parts if part))
        lines.append(f"- {look.literal(one.statement)}" + (f" :small[{beside}]" if beside else ""))
    return "\n".join(lines) or "\nThe sentence above is all there is."


def _next(finding: Finding) -> None:
    """What to do, by how much, and which other causes there could be."""
    lines = []
    for place, advice in enumerate(finding.next, 1):
        size = look.literal(findings.size(advice))
        why = look.literal(advice.because)
        lines.append(f"{place}. {look.literal(advice.action)} :small[{why}{f' ({size})' if size else ''}]")
    st.markdown("**What to do next**\n" + ("\n".join(lines) or "\nNothing is known that helps."))
    if finding.alternatives:
        others = [
            f"- {look.literal(a.summary or runtable.cause(a.cause))}: {findings.sure(a.confidence)}"
            for a in finding.alternatives
            if a.confidence >= findings.SURE
        ]
        ruled_out = "- none above 0.01" if not others else ""
        st.markdown("**Other causes, and their confidence**\n" + "\n".join([*others, ruled_out]))


def _how(finding: Finding) -> None:
    said = findings.methods((*finding.evidence, *finding.against))
    with st.popover("How computed", icon=":material/calculate:", key=f"how-{finding.id}"):
        st.markdown(
            "Confidence is the probability that this cause is the right one, given that its symptoms are there: its "
            "share among all causes that could explain them and none of these. 'Since' is estimated in retrospect; "
            "'seen' is the first step whose data were enough."
        )
        if said:
            st.markdown("\n".join(f"- {look.literal(what)}  \n:small[{look.literal(how)}]" for what, how in said))


def _history(finding: Finding) -> None:
    lines = findings.history(finding.events)
    if lines:
        with st.popover("History", icon=":material/history:", key=f"history-{finding.id}"):
            st.markdown("\n".join(f"- {look.literal(line[:1].upper() + line[1:])}" for line in lines))


Shown = dict[str, tuple[str, tuple[float, float]]]
"""Words of a choice -> metric and the steps that were read."""


def _shown(run: str, finding: Finding) -> Shown:
    """Curves behind the evidence of a finding."""
    logged = data.metrics((run,))
    labels = dict(zip(logged["metric"], logged["label"], strict=True))
    shown: Shown = {}
    for one in finding.evidence:
        if one.range is None:
            continue
        first, last = (findings.step(end) for end in one.range)
        span = f"step {first}" if first == last else f"steps {first} to {last}"
        for metric in findings.concerned(one.series, logged):
            shown.setdefault(f"{labels[metric]}, {span}", (metric, one.range))
    return shown


def _curve(run: str, finding: Finding, shown: Shown) -> None:
    """The curve behind a piece of evidence, with the steps that were read."""
    chosen = st.selectbox("Curve, and the steps that were read", list(shown), key=f"curve-{finding.id}", width=420)
    metric, read = shown[chosen]
    view = figures.Curves((run,), (shell.slots((run,))[run],), (metric,), theme=shell.theme().name, read=read)
    plot.curves(view, "evidence", f"{chosen}: what the evidence was read from", traces.height(1))


def notes(found: Mapping[str, Diagnosis], names: Mapping[str, str], runs: Sequence[str]) -> None:
    """What is worth knowing and no more, a line each; below the curves, which a run without a fault keeps in sight."""
    icon, word, colour = look.SEVERITY["info"]
    lines = []
    for run in runs:
        for finding in findings.minor(found[run]) if run in found else ():
            whose = f"{look.literal(names[run])}: " if len(runs) > 1 else ""
            lines.append(f":small[:{colour}[{icon} {word}] {whose}{look.literal(finding.summary)}]")
    if lines:
        st.markdown("  \n".join(lines[:NOTES]))
    if len(lines) > NOTES:
        with st.popover(f"{len(lines) - NOTES} more notes", key="more-notes"):
            st.markdown("  \n".join(lines[NOTES:]))


def checked(found: Mapping[str, Diagnosis], names: Mapping[str, str], runs: Sequence[str]) -> None:
    """What was checked, what is not established, and what was not checked and why; collapsed, one part a run."""
    for run in runs:
        if run not in found:
            continue
        said = found[run]
        whose = f"**{look.literal(names[run])}:** " if len(runs) > 1 else ""
        fine = "Nothing found in" if said.verdict == "healthy" and said.checked else "What was found rests on"
        open_ = f"; {len(said.undecided)} not established either way" if said.undecided else ""
        label = (
            f"{whose}{fine} {look.count(len(said.checked), 'check')}{open_}; {len(said.not_checked)} could not be made"
        )
        with st.expander(label, key=f"checked-{run}", icon=":material/checklist:"):
            left, right = st.columns(2, gap="medium")
            lines = [f"- {look.literal(check)}" for check in said.checked]
            left.markdown("**Checked**\n" + ("\n".join(lines) or "\nNothing: no check fits what this run logs."))
            lines = [f"- {look.literal(n.check)}: :small[{look.literal(n.because)}]" for n in said.not_checked]
            told = [f"- {look.literal(u.check)}: :small[{look.literal(u.told)}]" for u in said.undecided]
            if told:
                right.markdown("**Checked, and not established either way**\n" + "\n".join(told))
            right.markdown("**Not checked, because**\n" + ("\n".join(lines) or "\nEvery check could be made."))
