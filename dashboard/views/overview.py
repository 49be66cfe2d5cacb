"""Overview: which runs need me now?"""

from __future__ import annotations

import re
import time

import pandas as pd
import streamlit as st

from dashboard import data, live, look

PAGE = {
    "title": "Which runs need me now?",
    "name": "Overview",
    "icon": ":material/dashboard:",
    "path": "overview",
    "order": 10,
}

LEADS = {
    "reward": ("reward.rm_score_mean", "rm.accuracy", "dpo.accuracy", "reward.total_mean"),
    "kl": ("kl.to_reference", "rm.loss", "loss.total"),
}
"""The two curves of a row: what is gained, and what it costs (for reward models: pair accuracy and loss)."""

KINDS = {"policy": "policy", "reward_model": "reward model", "deployment": "deployment"}


def render() -> None:
    """Draw the page."""
    look.begin(PAGE["title"])
    table = data.ask("runs")
    if table.empty:
        look.nothing(
            "Nothing has been read yet.",
            "Point Rewardboard at the folder your trainer writes to:",
            "rewardboard PATH",
        )
        live.follow()
        return
    _verdict(table)
    shown = _filtered(table)
    if shown.empty:
        look.nothing("No run matches.", "Change the pattern or the kind above.")
    else:
        st.dataframe(
            _rows(shown),
            hide_index=True,
            height=min(38 + 35 * len(shown), 760),
            column_config=_columns(),
            key="overview_table",
        )
        st.caption(
            f"{len(shown)} of {len(table)} runs, newest data first. Curves: the whole run, at most 64 points, each scaled to itself."
        )
    live.follow()


def _verdict(table: pd.DataFrame) -> None:
    writing = int((table["state"] == "writing").sum())
    counts = table["kind"].map(KINDS).fillna("kind not known").value_counts()
    parts = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    look.verdict(
        f"{len(table)} runs ({parts}); {writing} being written. Not diagnosed yet: this version reads and shows, findings come later."
    )


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    left, right = st.columns([3, 2])
    pattern = left.text_input(
        "Filter by name, loss, trainer or tag (regular expression)", key="match", bind="query-params"
    )
    kinds = right.multiselect(
        "Kind", list(KINDS), format_func=KINDS.get, key="kind", bind="query-params", placeholder="all kinds"
    )
    if kinds:
        table = table[table["kind"].isin(kinds)]
    if pattern:
        try:
            fits = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            st.warning(f"The pattern is no regular expression: {error}")
            return table
        words = table[["run", "name", "loss", "framework", "trainer"]].fillna("").agg(" ".join, axis=1)
        tags = table["tags"].map(lambda tags: " ".join(tags) if tags is not None else "")
        table = table[[bool(fits.search(f"{w} {t}")) for w, t in zip(words, tags, strict=True)]]
    return table.sort_values("last_seen", ascending=False)


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    runs = table["run"].tolist()
    wanted = [metric for metrics in LEADS.values() for metric in metrics]
    sparks = data.ask("sparklines", runs, wanted, runs=None)
    curves = {key: part["mean"].tolist() for key, part in sparks.groupby(["run", "metric"], sort=False)}
    units = data.ask("metrics", runs, runs=None)
    units = {(r.run, r.metric): (r.label, r.unit) for r in units[units["metric"].isin(wanted)].itertuples()}
    out = []
    now = time.time()
    for row in table.itertuples():
        chosen = {slot: next((m for m in metrics if (row.run, m) in curves), None) for slot, metrics in LEADS.items()}
        line = {"run": _link(row), "needs": "not diagnosed yet", "kind": KINDS.get(row.kind, "not known")}
        line["loss / trainer"] = " ".join(w for w in (row.loss, row.framework, row.trainer) if w) or "not told"
        for slot, metric in chosen.items():
            values = [v for v in curves.get((row.run, metric), []) if v == v]
            label, unit = units.get((row.run, metric), ("", ""))
            line[slot] = values
            line[f"{slot}_last"] = f"{label}: {look.number(values[-1], unit)}" if values else "not logged"
        line["step"] = None if row.last_step != row.last_step else row.last_step
        line["seen"] = f"{look.ago(now - row.last_seen)}, {row.state}" if row.last_seen == row.last_seen else row.state
        out.append(line)
    return pd.DataFrame(out)


def _link(row: object) -> str:
    kind, run, name = row.kind, row.run, row.name or row.run  # type: ignore[attr-defined]
    page = {"deployment": "drift?stream=", "reward_model": "reward-models?scorer="}.get(kind, "run?run=")
    if kind == "reward_model" and not row.n_pairs and not row.n_ranked:  # type: ignore[attr-defined]
        page = "run?run="
    from urllib.parse import quote

    return f"/{page}{quote(run)}#{name}"


def _columns() -> dict[str, object]:
    config = st.column_config
    return {
        "run": config.LinkColumn("run", display_text=r"#(.*)$", width="medium"),
        "needs": config.TextColumn("needs", width="small"),
        "kind": config.TextColumn("kind", width="small"),
        "loss / trainer": config.TextColumn("loss / trainer", width="small"),
        "reward": config.LineChartColumn("reward or accuracy", width="small"),
        "reward_last": config.TextColumn("last", width="medium"),
        "kl": config.LineChartColumn("KL or loss", width="small"),
        "kl_last": config.TextColumn("last", width="medium"),
        "step": config.NumberColumn("step", format="%d", width="small"),
        "seen": config.TextColumn("seen", width="small"),
    }
