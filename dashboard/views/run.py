"""Run: what is wrong with this run, since when and why?"""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from dashboard import choice, data, live, look
from dashboard.charts import traces
from dashboard.charts.traces import Panel

PAGE = {
    "title": "What happens in this run, and since when?",
    "name": "Run",
    "icon": ":material/show_chart:",
    "path": "run",
    "order": 20,
}

POLICY = (
    ("reward.rm_score_mean", "reward.total_mean", "dpo.margin_mean"),
    ("kl.to_reference", "kl.policy_update", "dpo.accuracy"),
    ("entropy.token_mean", "entropy.sequence_nll", "dpo.reward_chosen"),
    ("response.length_mean", "response.terminated_length_mean", "dpo.reward_rejected"),
    ("loss.total", "loss.policy"),
    ("policy.clip_fraction", "value.explained_variance", "value.loss", "grad_norm"),
    ("value.loss", "response.truncated_fraction"),
    ("grad_norm",),
    ("learning_rate",),
)
REWARD_MODEL = (
    ("rm.loss", "loss.total"),
    ("rm.accuracy",),
    ("rm.margin_mean",),
    ("rm.score_mean", "rm.chosen_score_mean"),
    ("grad_norm",),
    ("learning_rate",),
)
"""Panels in their fixed order, so that the eye learns the place of KL: of each tuple the first metric that is logged."""

FIRST = 6
AXES = {
    "step": "step",
    "time": "time",
    "kl": "KL to reference",
    "tokens": "tokens",
    "episode": "episodes",
    "epoch": "epoch",
}


def render() -> None:
    """Draw the page."""
    look.begin(PAGE["title"])
    table = data.ask("runs")
    table = table[table["n_metrics"] > 0]
    if table.empty:
        look.nothing(
            "No training curves have been read yet.",
            "Point Rewardboard at a run's folder:",
            "rewardboard PATH",
        )
        live.follow()
        return
    table = table.sort_values("last_seen", ascending=False)
    chosen = choice.runs(table)
    if not chosen:
        look.nothing("No run is chosen.", "Choose one above, or follow a link from the Overview.")
        return
    names = choice.names_of(table)
    metrics = data.ask("metrics", chosen, runs=chosen)
    _verdict(table, chosen, names, metrics)
    left, middle, right = st.columns([3, 2, 1])
    x = left.segmented_control(
        "x axis",
        list(AXES),
        format_func=AXES.get,
        default="step",
        key="x",
        required=True,
        bind="query-params",
    )
    span = middle.slider(
        "Smoothing, points (trailing)",
        1,
        100,
        value=1 if _short(metrics) else 15,
        key="smooth",
        bind="query-params",
    )
    log_y = right.toggle("log y", key="logy", bind="query-params")
    panels = _panels(table, chosen, metrics)
    extra = _more(metrics, panels)
    _chart(chosen, panels + extra, names, metrics, x or "step", span, log_y)
    _details(chosen, metrics)
    live.follow(chosen)


def _short(metrics: pd.DataFrame) -> bool:
    return metrics.empty or metrics["n"].max() < 60


def _verdict(table: pd.DataFrame, chosen: list[str], names: dict[str, str], metrics: pd.DataFrame) -> None:
    parts = []
    for run in chosen[:3]:
        row = table[table["run"] == run].iloc[0]
        mine = metrics[metrics["run"] == run]
        bad = mine[mine["nonfinite"] > 0]
        said = f"<b>{names[run]}</b>: {len(mine)} metrics to step {look.number(row['last_step'])}, {row['state']}"
        if len(bad):
            labels = ", ".join(dict.fromkeys(bad["label"]))
            said += f"; not finite somewhere: {labels}"
        if mine["attempts"].max() > 1:
            said += f"; {int(mine['attempts'].max())} attempts, the older ones grey"
        parts.append(said)
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    look.verdict(". ".join(parts) + more + ". Not diagnosed yet.")


def _panels(table: pd.DataFrame, chosen: list[str], metrics: pd.DataFrame) -> list[Panel]:
    kinds = table[table["run"].isin(chosen)]["kind"]
    order = REWARD_MODEL if len(kinds) and (kinds == "reward_model").all() else POLICY
    panels: list[Panel] = []
    used: set[str] = set()
    for options in order:
        metric = next((m for m in options if m not in used and (metrics["metric"] == m).any()), None)
        if metric is not None and len(panels) < FIRST:
            used.add(metric)
            panels += _of_one_unit(metrics, metric)
    rest = metrics[~metrics["counter"] & ~metrics["metric"].isin(used)]
    for metric in rest["metric"].unique():
        if len(panels) >= FIRST:
            break
        panels += _of_one_unit(metrics, metric)
    return panels[:FIRST]


def _of_one_unit(metrics: pd.DataFrame, metric: str) -> list[Panel]:
    """A panel for the metric; runs that log it in another unit get a panel of their own."""
    mine = metrics[metrics["metric"] == metric]
    label = mine["label"].iloc[0]
    units = list(dict.fromkeys(_unit(row) for row in mine.itertuples()))
    return [Panel(label if i == 0 else f"{label} (other unit)", unit, (metric,)) for i, unit in enumerate(units)]


def _unit(row: object) -> str:
    estimator = row.estimator if isinstance(row.estimator, str) else ""  # type: ignore[attr-defined]
    return f"{row.unit} ({estimator})" if estimator else str(row.unit)  # type: ignore[attr-defined]


def _more(metrics: pd.DataFrame, panels: list[Panel]) -> list[Panel]:
    shown = {metric for panel in panels for metric in panel.metrics}
    rest = metrics[~metrics["metric"].isin(shown)].drop_duplicates("metric")
    labels = dict(zip(rest["metric"], rest["label"], strict=True))
    more = st.multiselect(
        "More metrics",
        list(labels),
        format_func=lambda m: labels[m] if labels[m] == m else f"{labels[m]} ({m})",
        key="metric",
        placeholder=f"search {len(labels)} more",
        bind="query-params",
    )
    return [panel for metric in more for panel in _of_one_unit(metrics, metric)]


def _chart(
    chosen: list[str],
    panels: list[Panel],
    names: dict[str, str],
    metrics: pd.DataFrame,
    x: str,
    span: int,
    log_y: bool,
) -> None:
    wanted = list(dict.fromkeys(m for p in panels for m in p.metrics))
    trace = data.ask("traces", chosen, wanted, x=x, runs=chosen)
    if span > 1:
        trace = data.board().smooth(trace, span)
    if x == "time" and len(trace):
        trace = trace.assign(x=pd.to_datetime(trace["x"], unit="s").dt.strftime("%Y-%m-%d %H:%M:%S.%f"))
    if trace.empty:
        look.nothing(f"Nothing is logged against {AXES[x]}.", "Choose another x axis: step is always there.")
        return
    units = {(r.run, r.metric, r.split): _unit(r) for r in metrics.itertuples()}
    trace = trace.assign(
        unit=[units.get(k, "") for k in zip(trace["run"], trace["metric"], trace["split"], strict=True)]
    )
    figure = traces.figure(trace, panels, look.marks(chosen), names, look.ink(), x_title=AXES[x], log_y=log_y)
    st.plotly_chart(figure, theme=None, config=look.PLOT, key="traces", alt="training curves as small multiples")
    drawn, points = len(trace), int(trace["n"].sum())
    smoothing = f"trailing mean over {span} points, raw behind it" if span > 1 else "raw"
    st.caption(
        f"{points:,} points in {drawn:,} buckets, extremes kept; {smoothing}. Drag to zoom, double-click to go back."
    )
    for note in look.notes_of(metrics[metrics["metric"].isin(wanted)])[:8]:
        st.caption(note)


def _details(chosen: list[str], metrics: pd.DataFrame) -> None:
    tabs = st.tabs(["Every metric", "Configuration", "Files"])
    with tabs[0]:
        columns = [
            "run",
            "label",
            "metric",
            "split",
            "unit",
            "n",
            "last",
            "low",
            "high",
            "nonfinite",
            "attempts",
            "tag",
            "source",
        ]
        st.dataframe(metrics[columns], hide_index=True)
        st.download_button("Download as CSV", metrics[columns].to_csv(index=False), "metrics.csv", "text/csv")
    known = [data.board().run(run) for run in chosen]
    with tabs[1]:
        st.dataframe(_configuration(known), hide_index=True)
    with tabs[2]:
        for run in known:
            st.markdown(f"**{run['run']}**")
            st.code("\n".join(run["files"]) or "no files of its own", language=None)


def _configuration(known: list[dict[str, object]]) -> pd.DataFrame:
    """Settings of the chosen runs, one row a key; keys that differ come first."""
    flat = {str(run["run"]): _flat(dict(run["config"])) for run in known}  # type: ignore[call-overload]
    keys = list(dict.fromkeys(key for values in flat.values() for key in values))
    rows = [{"key": key} | {run: values.get(key, "not told") for run, values in flat.items()} for key in keys]
    differs = [len({row[run] for run in flat}) > 1 for row in rows]
    return pd.DataFrame([row for _, row in sorted(zip(differs, rows, strict=True), key=lambda pair: not pair[0])])


def _flat(config: dict[str, object], prefix: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return out
