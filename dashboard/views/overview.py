"""Which runs need me now?"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import data, live, look, panels, runlist, shell
from dashboard.views import Page

PAGE = Page("Which runs need me now?", "Overview", ":material/dashboard:", "overview", 10)

KINDS = {"policy": "policy", "reward_model": "reward model", "deployment": "deployment"}
"""Words for kinds; they stand in the address."""

COLUMNS: dict[str, str] = {
    "link": "run",
    "needs": "needs",
    "curve": "reward or accuracy",
    "value": "last",
    "kl_curve": "KL to reference",
    "kl_value": "last KL",
    "step": "step",
    "seen": "seen",
    "kind": "kind",
    "trained": "loss / trainer",
}


def render() -> None:
    """Draw the list of runs."""
    table = data.runs()
    if table.empty:
        shell.nothing_yet("Runs", more="Point the command at a folder of logs; it is searched and followed.")
        live.follow(clock=True)
        return
    shell.verdict(_verdict(table))
    shown = _filtered(table)
    if shown.empty:
        shell.nothing_matches("runs", {"find": "", "kind": []})
    else:
        _list(shown)
    live.follow(clock=True)


def _verdict(table: pd.DataFrame) -> str:
    words = {"policy": "policy run", "reward_model": "reward model", "deployment": "deployment"}
    kinds = table["kind"].fillna("").map(lambda kind: words.get(kind, "of unknown kind")).value_counts()
    parts = look.sentence(f"{n} {kind}" if kind.startswith("of") else look.count(n, kind) for kind, n in kinds.items())
    writing = int((table["state"] == "writing").sum())
    live_now = f"{look.count(writing, 'is', 'are')} being written now." if writing else "None is being written now."
    return f"{look.count(len(table), 'run')}: {parts}. {live_now} None is diagnosed yet: this version reads and draws."


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    text = left.text_input(
        "Find runs",
        key="find",
        bind="query-params",
        placeholder="regular expression over name, id, tags, framework",
    )
    kinds = right.pills("Kind", list(KINDS.values()), selection_mode="multi", key="kind", bind="query-params")
    if kinds:
        table = table[table["kind"].map(KINDS).isin(kinds)]
    if not text:
        return table
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except re.error as error:
        left.caption(f":material/error: not a regular expression ({error}); shown as plain text search")
        pattern = re.compile(re.escape(text), re.IGNORECASE)
    columns = ["run", "name", "project", "framework", "trainer", "loss"]
    words = table[columns].fillna("").astype(str).agg(" ".join, axis=1) + table["tags"].map(lambda t: " " + " ".join(t))
    return table[words.map(lambda line: bool(pattern.search(line)))]


def _list(table: pd.DataFrame) -> None:
    """The table itself: newest first, a link and two curves a row."""
    table = table.sort_values("last_seen", ascending=False, na_position="last", kind="stable")
    rows = rows_of(table, _curves(tuple(table["run"])), time.time())
    event = st.dataframe(
        rows[list(COLUMNS)],
        column_config=_columns(),
        hide_index=True,
        height=min(36 * len(rows) + 40, 760),
        row_height=36,
        placeholder="",
        key="runs",
        on_select="rerun",
        selection_mode="multi-row",
        alt="Runs with their state, reward or accuracy and KL",
    )
    picked = rows["run"].iloc[[i for i in event.selection.rows if i < len(rows)]].tolist()
    below = st.container(horizontal=True, vertical_alignment="center")
    if below.button(
        f"Open {look.count(len(picked), 'run')} together" if picked else "Open together",
        disabled=not picked,
        type="primary",
    ):
        st.switch_page(st.session_state["pages"]["Run"], query_params={"run": picked})
    below.caption(
        "A run's name opens it. Tick rows to open several together. Each curve has a scale of its own: units differ."
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "needs": column.TextColumn(COLUMNS["needs"], width=110, help="What a diagnosis says; none was made yet"),
        "link": column.LinkColumn(COLUMNS["link"], width=175, display_text=r"#(.*)$", alignment="left", pinned=True),
        "seen": column.TextColumn(COLUMNS["seen"], width=118, help="State, and when the run's files last changed"),
        "kind": column.TextColumn(COLUMNS["kind"], width=88),
        "trained": column.TextColumn(COLUMNS["trained"], width=84),
        "curve": column.LineChartColumn(
            COLUMNS["curve"],
            width=118,
            help="Reward of policies, pair accuracy of reward models; scale by row",
        ),
        "value": column.TextColumn(COLUMNS["value"], width=112, alignment="right"),
        "kl_curve": column.LineChartColumn(COLUMNS["kl_curve"], width=90, help="Scale by row"),
        "kl_value": column.TextColumn(COLUMNS["kl_value"], width=124, alignment="right"),
        "step": column.NumberColumn(COLUMNS["step"], width=55, format="localized"),
    }


Curves = Mapping[tuple[str, str], np.ndarray]


def _curves(runs: tuple[str, ...]) -> tuple[Curves, pd.DataFrame]:
    wanted = tuple(dict.fromkeys([m for order in panels.OUTCOME.values() for m in order] + [panels.DISTANCE]))
    sparks = data.sparklines(runs, wanted)
    ends = np.flatnonzero(sparks["run"].ne(sparks["run"].shift()) | sparks["metric"].ne(sparks["metric"].shift()))
    values = sparks["mean"].to_numpy(np.float32)
    keys = sparks[["run", "metric"]].iloc[ends].itertuples(index=False, name=None)
    curves = dict(zip(keys, np.split(values, ends[1:]), strict=False)) if len(sparks) else {}
    metrics = data.metrics(runs, wanted)
    return curves, metrics[metrics["metric"].isin(wanted) & (metrics["split"] == "train")]


def rows_of(table: pd.DataFrame, curves: tuple[Curves, pd.DataFrame], now: float) -> pd.DataFrame:
    """One row a run as the page shows it."""
    sparks, metrics = curves
    facts = {
        (run, metric): (last, unit)
        for run, metric, last, unit in metrics[["run", "metric", "last", "unit"]].itertuples(index=False, name=None)
    }
    names = runlist.display_names(table)
    rows = []
    for run in table.to_dict("records"):
        name = run["run"]
        kind = run["kind"] if isinstance(run["kind"], str) else ""
        order = panels.OUTCOME.get(kind, panels.OUTCOME["policy"] + panels.OUTCOME["reward_model"])
        metric = next((m for m in order if (name, m) in facts), "")
        rows.append(
            {
                "run": name,
                "needs": "not diagnosed yet",
                "link": f"./run?run={quote(name, safe='/')}#{names[name]}",
                "seen": f"{run['state']}, {look.ago(None if run['last_seen'] is None else now - run['last_seen'])}",
                "kind": KINDS.get(kind, "not known"),
                "trained": " ".join(w for w in (run["loss"], run["trainer"]) if w) or run["framework"] or "not logged",
                "curve": _finite(sparks.get((name, metric))),
                "value": _last(metric, *facts.get((name, metric), (None, ""))) or _rows(run),
                "kl_curve": _finite(sparks.get((name, panels.DISTANCE))),
                "kl_value": _last(panels.DISTANCE, *facts.get((name, panels.DISTANCE), (None, ""))),
                "step": run["last_step"],
            }
        )
    return pd.DataFrame(rows)


def _finite(curve: np.ndarray | None) -> np.ndarray | None:
    return None if curve is None else curve[np.isfinite(curve)]


def _last(metric: str, value: float | None, unit: str) -> str:
    if not metric or value is None:
        return ""
    if metric.endswith("accuracy"):
        return f"{look.percent(value)} accuracy" if value == value else "NaN accuracy"
    short = {"nats per sequence": "nats/seq", "nats per token": "nats/token", "reward units": ""}
    return f"{look.number(value)} {short.get(unit, unit.replace('nats, per token or sequence not known', 'nats'))}".rstrip()


def _rows(run: Mapping[str, Any]) -> str:
    """What a run without curves holds."""
    for key, word in (
        ("n_streamed", "scored row"),
        ("n_pairs", "pair"),
        ("n_ranked", "candidate"),
        ("n_rollouts", "rollout"),
    ):
        if run[key]:
            return look.count(run[key], word)
    return ""
