"""What is wrong with this run, since when and why?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data, live, look, panels, shell
from dashboard.charts import traces as charts
from dashboard.plot import plot
from dashboard.views import Page

PAGE = Page("What is this run doing, and since when?", "Run", ":material/show_chart:", "run", 20)

AXES = {"step": "step", "time": "time", "KL": "kl"}
"""Words of the choice (they stand in the address) and the axes of `Board.traces`."""

SPANS = (1, 5, 10, 20, 50, 100, 200)

LOSSES = ("rm.loss", "loss.total")
"""Curves whose values say nothing across losses."""

POINTS = 30_000
"""Drawn points of all curves of a page: with bands below 2 MB."""


def render() -> None:
    """Draw the chosen runs."""
    table = data.runs()
    if table.empty:
        shell.nothing_yet("Runs")
        live.follow()
        return
    names = data.display_names(table)
    chosen, axis, span = _choose(table, names)
    known = tuple(run for run in chosen if run in names)
    for run in chosen:
        if run not in names:
            st.info(f"No run `{run}` was read{' so far' if data.here().reading else ''}.", icon=":material/help:")
    if not known:
        shell.nothing_matches("runs", {"run": [_newest(table)]})
        live.follow()
        return
    marks = shell.marks(known)
    with shell.guarded("The summary"):
        shell.verdict(_verdict(table.set_index("run", drop=False).loc[list(known)], names))
    with shell.guarded("The curves"):
        draw_curves(known, names, marks, table, axis=axis, span=span)
    with shell.guarded("The tables"):
        _tables(known, names)
    live.follow(known, clock=True)


def _newest(table: pd.DataFrame) -> str:
    drawn = table[table["n_metrics"] > 0] if (table["n_metrics"] > 0).any() else table
    return str(drawn.sort_values("last_seen", ascending=False, kind="stable")["run"].iloc[0])


def _choose(table: pd.DataFrame, names: dict[str, str]) -> tuple[tuple[str, ...], str, int]:
    """The page's own state; all of it stands in the address."""
    asked = st.query_params.get_all("run")
    options = list(dict.fromkeys([*table["run"], *asked]))
    if "run" not in st.session_state and not asked:
        st.session_state["run"] = [_newest(table)]
    chosen = st.multiselect("Runs", options, key="run", bind="query-params", placeholder="type to search")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control("Along", list(AXES), key="x", default="step", required=True, bind="query-params")
        span = st.select_slider(
            "Smoothing, points (1: off)",
            SPANS,
            value=1,
            key="smooth",
            bind="query-params",
            width=280,
            help="A trailing, de-biased mean: it never looks ahead. The curve as logged stays behind it.",
        )
    return tuple(chosen), AXES[axis or "step"], int(span or 1)


def _verdict(rows: pd.DataFrame, names: dict[str, str]) -> str:
    parts = []
    for run in rows.to_dict("records")[:4]:
        kind = {"policy": "policy run", "reward_model": "reward model"}.get(run["kind"] or "", "run")
        how = " ".join(w for w in (run["framework"], run["trainer"]) if isinstance(w, str) and w)
        step = "" if run["last_step"] != run["last_step"] else f", step {run['last_step']:,.0f}"
        parts.append(
            f"**{look.literal(names[run['run']])}** is a {kind}{f' ({how})' if how else ''}{step}, {run['state']}, last written {_seen(run)}."
        )
    more = f" And {len(rows) - 4} more." if len(rows) > 4 else ""
    return " ".join(parts) + more + " Not diagnosed yet: no verdict."


def _seen(run: dict[str, Any]) -> str:
    return look.ago(time.time() - run["last_seen"])


def draw_curves(
    runs: tuple[str, ...],
    names: dict[str, str],
    marks: dict[str, look.Mark],
    table: pd.DataFrame,
    *,
    axis: str = "step",
    span: int = 1,
    key: str = "metric",
) -> None:
    """Six panels in the order of the run's kind, and any further metric on demand."""
    metrics = data.metrics(runs)
    if metrics.empty:
        shell.not_computable("Curves", "these runs have no logged metrics, only files listed below.")
        return
    metrics = _by_loss(metrics, table)
    kind = next((k for k in table.set_index("run").loc[list(runs), "kind"] if isinstance(k, str)), None)
    first = panels.first(metrics, kind)
    place = st.container()
    further = _further(metrics, first, key)
    shown = panels.panels(metrics, [*first, *further])
    unit = _kl_unit(metrics) if axis == "kl" else ""
    if unit is None:
        shell.not_computable(
            "Curves along KL", "these runs log KL in different units. Choose runs of one unit, or step."
        )
        return
    buckets = max(min(1200, POINTS // max(sum(len(p.runs) for p in shown), 1)), 150)
    drawn = data.traces(runs, tuple(dict.fromkeys(p.metric for p in shown)), axis, buckets, span)
    if drawn.empty:
        shell.not_computable(f"Curves along {axis}", _missing(axis))
        return
    if axis == "time" and not drawn["x"].notna().any():
        shell.not_computable("Curves along time", _missing(axis))
        return
    figure = charts.figure(
        drawn[drawn["x"].notna()],
        shown,
        marks,
        names,
        shell.theme(),
        x=axis,
        x_unit=unit,
        span=span,
        revision=f"{runs}{axis}",
    )
    with place:
        plot(figure, f"curves-{key}", f"Curves of {look.sentence(p.label for p in shown)}")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(_caption(drawn, runs, axis), width="content")
            _download(drawn, key)
    shell.notes(_notes(metrics, [p.metric for p in shown]))


def _by_loss(metrics: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Name the ranking loss in the unit of loss curves, so that those of different losses get panels of their own."""
    losses = metrics["run"].map(dict(zip(table["run"], table["loss"].fillna(""), strict=True)))
    named = metrics["metric"].isin(LOSSES) & (losses != "")
    return metrics.assign(unit=metrics["unit"].where(~named, metrics["unit"] + ", " + losses))


def _kl_unit(metrics: pd.DataFrame) -> str | None:
    """The unit in which these runs log their KL; None if there are several: they can't share an axis."""
    units = metrics.loc[metrics["metric"] == panels.DISTANCE, "unit"].unique()
    return None if len(units) > 1 else str(units[0]) if len(units) else ""


def _missing(axis: str) -> str:
    return {
        "time": "the logs hold no wall-clock time. Along step they can be drawn.",
        "kl": "no KL to the reference was logged. Along step they can be drawn.",
    }.get(axis, "nothing was logged.")


def _further(metrics: pd.DataFrame, first: Sequence[str], key: str) -> list[str]:
    labels = dict(zip(metrics["metric"], metrics["label"], strict=True))
    rest = sorted((m for m in labels if m not in first), key=lambda m: ("." not in m, m))

    return st.multiselect(
        f"Further metrics: {look.count(len(rest), 'more was', 'more were')} logged",
        rest,
        key=key,
        bind="query-params",
        placeholder="type to search every logged metric",
    )


def _caption(drawn: pd.DataFrame, runs: tuple[str, ...], axis: str) -> str:
    points, buckets = int(drawn["n"].sum()), len(drawn)
    if points == buckets:
        words = f"{look.count(points, 'point')}, each as logged."
    else:
        words = (
            f"{points:,} points in {buckets:,} buckets; the band spans the least and greatest value of each, "
            "the line is their mean."
        )
    bad = int(drawn["nonfinite"].sum())
    if axis == "kl":
        words += " Each point stands at the KL that its own run had at that step."
    words += f" {look.count(bad, 'value')} NaN or infinite, marked x at the bottom." if bad else ""
    again = data.overlaps(runs)
    if len(again):
        words += f" {int(again['points'].max()):,} steps were logged more than once after a restart; older attempts are grey."
    return words


def _download(drawn: pd.DataFrame, key: str) -> None:
    st.download_button(
        "Download these numbers (CSV)",
        data=lambda: drawn.to_csv(index=False).encode(),
        file_name="rewardboard-curves.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=f"download-{key}",
    )


def _notes(metrics: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    said: dict[str, None] = {}
    for row in metrics[metrics["metric"].isin(shown)].itertuples():
        for note in row.notes if row.notes is not None else ():
            said[f"**{look.literal(row.label)}** (`{row.tag}`): {note}"] = None
    return list(said)


def _tables(runs: tuple[str, ...], names: dict[str, str]) -> None:
    config, files, logged = st.tabs(["Configuration", "Files", "Metrics"])
    with config:
        _config(runs, names)
    with files:
        ledger, _, _ = data.ledger()
        mine = ledger[ledger["run"].isin(runs)]
        st.dataframe(mine[["run", "path", "source", "rows", "state", "error"]], hide_index=True, placeholder="")
    with logged:
        columns = [
            "run",
            "metric",
            "split",
            "label",
            "unit",
            "last",
            "last_step",
            "n",
            "nonfinite",
            "attempts",
            "tag",
            "source",
        ]
        st.dataframe(data.metrics(runs)[columns], hide_index=True, placeholder="")


def _config(runs: tuple[str, ...], names: dict[str, str]) -> None:
    """Settings side by side, those that differ first."""
    settings = {names[run]: _flat(data.run(run)["config"]) for run in runs}
    if not any(settings.values()):
        st.caption("No configuration was logged: trainers write it as args, config.yaml or a text record.")
        return
    table = pd.DataFrame(settings).fillna("not logged")
    table.index.name = "setting"
    if len(runs) > 1:
        differs = table.nunique(axis=1) > 1
        table = pd.concat([table[differs], table[~differs]])
        st.caption(f"{look.count(int(differs.sum()), 'setting')} differ and stand first.")
    st.dataframe(table)


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        flat: dict[str, str] = {}
        for key, inner in value.items():
            flat |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
        return flat
    return {prefix: str(value)} if prefix else {}
