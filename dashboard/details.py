"""What stands below the curves of chosen runs: distributions, notes, configuration, files, metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import chart_tables, data, look, reward_over_kl, rollouts, shell
from dashboard.charts import distributions as charts
from dashboard.plot import plot

METRIC_COLUMNS = {
    "run": "run",
    "label": "metric",
    "metric": "name",
    "split": "split",
    "unit": "unit",
    "last": "last value",
    "last_step": "last step",
    "n": "points",
    "nonfinite": "NaN or infinite",
    "attempts": "attempts",
    "tag": "logged as",
    "source": "read from",
}
"""Columns of the list of metrics, and what they are called."""


def draw(runs: tuple[str, ...], names: dict[str, str]) -> None:
    """Draw the part that is asked for; the others cost nothing."""
    parts: dict[str, Callable[[tuple[str, ...], dict[str, str]], None]] = {
        "Configuration": _config,
        "Rollouts": rollouts.draw,
        "Distributions": _distributions,
        "Reward over KL": reward_over_kl.draw,
        "Notes": _notes,
        "Metrics": _metrics,
        "Files": _files,
    }
    part = st.segmented_control(
        "Details", list(parts), key="details", default="Configuration", required=True, bind="query-params"
    )
    parts[part or "Configuration"](runs, names)


def _distributions(runs: tuple[str, ...], names: dict[str, str]) -> None:
    """How scores and other values spread over steps."""
    found = data.distributions(runs)
    found = found[found["n_steps"] > 0].sort_values("n_steps", ascending=False, kind="stable")
    if found.empty:
        shell.not_computable(
            "Distributions over steps",
            "these runs log no histograms, and hold no scores or rollouts with a step.",
            "One histogram, or rollouts of one step, would do.",
        )
        return
    words = {
        f"{names.get(row.run, row.run)}: {row.tag} ({look.count(row.n_steps, 'step')}, {row.source})": row
        for row in found.itertuples()
    }
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    chosen = words[row.selectbox("Distribution", list(words), key="distribution", width=480)]
    form = row.segmented_control(
        "As", ["heat map", "ridges"], default="heat map", required=True, key="form", bind="query-params", width=160
    )
    spread = data.distribution(chosen.run, chosen.tag, chosen.source, chosen.dataset)
    chart = charts.ridgeline if form == "ridges" else charts.heatmap
    figure = chart(spread, shell.theme(), title=str(chosen.tag), revision=f"{chosen.run}{chosen.tag}{form}")
    numbers = chart_tables.asked(
        "distribution", run=chosen.run, tag=chosen.tag, source=chosen.source, dataset=chosen.dataset
    )
    plot(figure, "spread", f"Distribution of {chosen.tag} over steps", numbers)
    st.caption("Lines: the median, and the 5 and 95 % quantiles of each step. A step that was not logged stays empty.")


def _notes(runs: tuple[str, ...], names: dict[str, str]) -> None:
    """Notes and tags, edited in place; logs never change what is said here."""
    for run in runs:
        known = data.run(run)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            tags = st.text_input(
                f"Tags of {names.get(run, run)}",
                ", ".join(known["tags"] or ()),
                key=f"tags-{run}",
                placeholder="a, b",
                width=260,
            )
            note = st.text_input(
                f"Note on {names.get(run, run)}",
                known["note"] or "",
                key=f"note-{run}",
                placeholder="what you want to remember",
            )
        split = [tag.strip() for tag in tags.split(",") if tag.strip()]
        if split != list(known["tags"] or ()) or note != (known["note"] or ""):
            data.board().edit(run, tags=split, note=note)
            st.toast(f"Saved for {names.get(run, run)}")


def _files(runs: tuple[str, ...], names: dict[str, str]) -> None:
    ledger, _, _ = data.ledger()
    mine = ledger[ledger["run"].isin(runs)]
    columns = ["path", "source", "rows", "state", "error", *(["run"] if len(runs) > 1 else [])]
    _table(mine[columns], column_config={"source": "read as"})


def _metrics(runs: tuple[str, ...], names: dict[str, str]) -> None:
    table = data.metrics(runs)[list(METRIC_COLUMNS)]
    table = table.assign(run=table["run"].map(lambda run: names.get(run, run)))
    if len(runs) == 1:
        table = table.drop(columns="run")
    _table(table, column_config={**METRIC_COLUMNS, "unit": st.column_config.TextColumn(width=140)})


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
        st.caption(f"{look.count(int(differs.sum()), 'setting differs', 'settings differ')}: first in the list.")
    _table(table, hide_index=False)


def _table(table: pd.DataFrame, *, hide_index: bool = True, **look: Any) -> None:
    """A table as high as its rows, up to ten: nothing jumps when it is drawn."""
    st.dataframe(table, hide_index=hide_index, height=min(35 * len(table) + 40, 390), placeholder="", **look)


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        flat: dict[str, str] = {}
        for key, inner in value.items():
            flat |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
        return flat
    return {prefix: str(value)} if prefix else {}
