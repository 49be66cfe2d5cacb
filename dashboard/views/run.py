"""What is wrong with this run, since when and why?"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from analysis import comparison
from analysis.diagnosis.finding import Diagnosis
from dashboard import data, details, figures, findings_cards, live, look, plot, runlist, runtable, shell
from dashboard.charts import traces as charts
from dashboard.choice import Choice, choose, missing
from dashboard.views import Page

PAGE = Page("What is wrong with this run, since when and why?", "Run", ":material/show_chart:", "run", 20)

AXES = {"step": "step", "time": "time", "tokens": "tokens", "KL": "kl"}
"""Words of the choice (they stand in the address) and the axes of `Board.traces`."""

SPANS = (1, 5, 10, 20, 50, 100, 200)

MOST = 24
"""Panels drawn at once when a search finds more: four screens of them."""

TOLD = 4
"""Runs whose diagnosis is told: as many as have a hue of their own."""

LAYOUTS = ("over each other", "side by side", "mean over seeds")


def render() -> None:
    """Draw the chosen runs."""
    table = data.runs()
    if table.empty:
        shell.nothing_yet("Runs")
        live.follow()
        return
    names = runlist.short_names(runlist.display_names(table))
    choice = choose(table)
    _missing(missing(table), bool(choice.runs))
    if not choice.runs:
        live.follow()
        return
    found = _diagnoses(choice.runs[:TOLD])
    with shell.guarded("The summary"):
        shell.verdict(_verdict(table.set_index("run", drop=False).loc[list(choice.runs)], names, found))
    with shell.guarded("The findings"):
        findings_cards.draw(found, names, choice.runs[:TOLD])
    with shell.guarded("The curves"):
        _curves(choice, table)
    with shell.guarded("The notes"):
        findings_cards.notes(found, names, choice.runs[:TOLD])
    with shell.guarded("The tables"):
        details.draw(choice.drawn, names)
    with shell.guarded("What was checked"):
        findings_cards.checked(found, names, choice.runs[:TOLD])
    live.follow(choice.runs, clock=bool((table.set_index("run").loc[list(choice.runs), "state"] == "writing").any()))


def _missing(gone: Sequence[str], some: bool) -> None:
    """Runs that the address asks for and that are not there; without any other there is nothing to draw."""
    names = (
        look.sentence([f"`{run}`" for run in gone[:3]] + ([f"{len(gone) - 3} more"] if len(gone) > 3 else []))
        if gone
        else ""
    )
    said = f"No run {names} was read{' so far' if data.here().reading else ''}. " if gone else ""
    if some:
        if said:
            st.info(f"{said}The others are drawn.", icon=":material/help:")
        return
    st.info(f"**No run is chosen.** {said}Tick one in the side bar.", icon=":material/check_box:")
    shell.to_page("Overview", "Choose one on the Overview")


def _diagnoses(runs: tuple[str, ...]) -> dict[str, Diagnosis]:
    """What was found in these runs; if that can't be told, the page says so and goes on without."""
    with shell.guarded("The diagnosis"):
        return data.diagnoses(runs)
    return {}


def _verdict(rows: pd.DataFrame, names: dict[str, str], found: Mapping[str, Diagnosis]) -> str:
    parts = []
    for run in rows.to_dict("records")[:TOLD]:
        kind = {"policy": "policy run", "reward_model": "reward model"}.get(run["kind"] or "", "run")
        how = " ".join(w for w in (run["framework"], run["trainer"]) if isinstance(w, str) and w)
        step = "" if run["last_step"] != run["last_step"] else f", step {run['last_step']:,.0f}"
        standing = f"A {kind}{f' ({look.literal(how)})' if how else ''}{step}, {_standing(run)}."
        parts.append(findings_cards.verdict(found.get(run["run"]), names[run["run"]], run["kind"] or "", standing))
    more = f"\n\nAnd {len(rows) - TOLD} more." if len(rows) > TOLD else ""
    return "\n\n".join(parts) + more


def _standing(run: dict[str, Any]) -> str:
    why = f": {look.literal(run['state_why'])}" if run["state"] in runtable.NEEDS else ""
    return f"{run['state']}{why}; newest row {look.ago(time.time() - run['last_seen'])}"


def _curves(choice: Choice, table: pd.DataFrame) -> None:
    """Controls, and the chart that they make."""
    groups = runlist.groups_of(table)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "Along", list(AXES), key="x", default="step", required=True, bind="query-params", width=230
        )
        span = st.selectbox(
            "Smoothing, points",
            SPANS,
            key="smooth",
            bind="query-params",
            width=130,
            help="1 is off. A trailing, de-biased mean: it never looks ahead. The curve as logged stays behind it.",
        )
        find = st.text_input(
            "Find metrics",
            key="metrics",
            bind="query-params",
            width=230,
            placeholder="regular expression",
            help="Draws every metric whose name, label or tag matches, instead of the first six",
        )
        with st.popover("View", icon=":material/tune:"):
            layout = st.radio("Runs", LAYOUTS, key="layout", bind="query-params")
            log = st.pills("Logarithmic axis", ["x", "y"], selection_mode="multi", key="log", bind="query-params")
            rest = st.toggle("Other runs of the kind in grey", value=True, key="rest", bind="query-params")
    metrics = data.metrics(choice.drawn)
    found = _found(metrics, find) if find else ()
    if find and not found:
        shell.nothing_matches(
            "metrics", {"metrics": ""}, f"{look.count(metrics['metric'].nunique(), 'metric')} are logged."
        )
        return
    if AXES[axis or "step"] == "kl" and len(choice.drawn) > 1:
        with shell.guarded("The comparison at equal KL"):
            _equal_kl(choice.drawn, runlist.display_names(table))
    more = _asked(metrics, found)
    notes = draw_curves(
        choice.drawn,
        metrics=(*found[:MOST], *more) if found else (),
        more=more,
        behind=choice.behind if rest or len(choice.runs) > len(choice.drawn) else (),
        groups=groups if layout == LAYOUTS[2] else {},
        axis=AXES[axis or "step"],
        span=int(span or 1),
        log=tuple(log or ()),
        beside=layout == LAYOUTS[1],
    )
    if len(found) > MOST:
        st.caption(f"{len(found)} metrics match; the first {MOST} are drawn. Narrow the search to see the others.")
    _further(metrics, found)
    shell.notes(notes)


def _equal_kl(runs: tuple[str, ...], names: Mapping[str, str]) -> None:
    """What the runs had reached when they were equally far from the reference, or why that can't be said."""
    called = {run: f"**{look.literal(names.get(run, run))}**" for run in runs}
    found = data.equal_kl(runs, called)
    with st.container(key="equal-kl"):
        said = "  \n".join(comparison.sentences(found, called))
        st.markdown(said, help=f"How computed: {comparison.method(found)}")


def draw_curves(
    runs: tuple[str, ...],
    *,
    metrics: tuple[str, ...] = (),
    more: Sequence[str] = (),
    behind: tuple[str, ...] = (),
    groups: Mapping[str, str] | None = None,
    axis: str = "step",
    span: int = 1,
    log: tuple[str, ...] = (),
    beside: bool = False,
    key: str = "curves",
) -> list[str]:
    """A chart of these runs: six panels in the order of their kind, or these metrics; what the vocabulary says of them."""
    slots = shell.slots(runs)
    view = figures.Curves(
        runs=runs,
        slots=tuple(slots[run] for run in runs),
        metrics=metrics,
        behind=behind,
        groups=tuple((run, groups[run]) for run in runs if groups and run in groups),
        x=axis,
        span=span,
        log=log,
        beside=beside,
        theme=shell.theme().name,
    )
    shown, known = figures.shown_panels(data.board(), view)
    if more and not metrics:
        view = replace(view, metrics=tuple(dict.fromkeys([*(p.metric for p in shown), *more])))
        shown, known = figures.shown_panels(data.board(), view)
    if known.empty:
        held = "these runs have no logged metrics, only the files listed below."
        shell.not_computable("Curves", held, "A log with one row would do.")
        return []
    if groups is not None and groups and not view.groups:
        st.info("These runs belong to no group of several seeds: name one in `rewardboard.toml` (group = ...).")
    labels = look.sentence(p.label for p in shown)
    plot.curves(view, key, f"Curves of {labels}", charts.height(len(shown)))
    return _notes(known, [p.metric for p in shown])


def _found(metrics: pd.DataFrame, text: str) -> tuple[str, ...]:
    """Metrics whose name, label or tag matches, in the order of their names."""
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except re.error:
        pattern = re.compile(re.escape(text), re.IGNORECASE)
    fits = [
        bool(pattern.search(f"{m} {label} {tag}"))
        for m, label, tag in zip(metrics["metric"], metrics["label"], metrics["tag"], strict=True)
    ]
    return tuple(dict.fromkeys(metrics.loc[fits, "metric"]))


def _rest(metrics: pd.DataFrame, found: Sequence[str]) -> list[str]:
    """What a search did not find: concepts before unknown names."""
    return sorted((m for m in metrics["metric"].unique() if m not in found), key=lambda m: ("." not in m, m))


def _asked(metrics: pd.DataFrame, found: Sequence[str]) -> list[str]:
    """Further metrics that were picked: their list stands below the chart, which is drawn first and does not jump."""
    picked = st.session_state.get("metric", st.query_params.get_all("metric"))
    return [metric for metric in picked if metric in _rest(metrics, found)]


def _further(metrics: pd.DataFrame, found: Sequence[str]) -> None:
    st.multiselect(
        f"Further metrics: {look.count(metrics['metric'].nunique(), 'is', 'are')} logged",
        _rest(metrics, found),
        key="metric",
        bind="query-params",
        placeholder="type to search every logged metric",
    )


def _notes(metrics: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    said: dict[str, None] = {}
    for row in metrics[metrics["metric"].isin(shown)].itertuples():
        for note in row.notes if row.notes is not None else ():
            said[f"**{look.literal(row.label)}** (`{row.tag}`): {note}"] = None
    return list(said)
