"""Drift: did rewards drift, since when, and what moved?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import streamlit as st

from dashboard import data, live, look
from dashboard.charts import drift

PAGE = {
    "title": "Did rewards drift, and since when?",
    "name": "Drift",
    "icon": ":material/timeline:",
    "path": "drift",
    "order": 50,
}

UNITS = {
    "score": "score, reward units",
    "length": "response length, as logged",
    "gold_score": "human or gold score",
}
FIRST_SHARE = 1 / 3
"""The baseline at first: the first third of the stream, long enough for stable quantiles, early enough to be before most changes."""


def render() -> None:
    """Draw the page."""
    look.begin(PAGE["title"])
    streams = data.ask("streams")
    streams = streams[streams["first"] < streams["last"]]
    if streams.empty:
        look.nothing(
            "No scored stream has been read yet.",
            "A stream is a table with timestamp, score and (better) category, response_length, model_version, policy_version:",
            "rewardboard PATH",
        )
        live.follow()
        return
    streams = streams.sort_values(["axis", "run"], ignore_index=True)
    left, right = st.columns([3, 2])
    run = left.selectbox("Stream", streams["run"].tolist(), key="stream", bind="query-params")
    row = streams[streams["run"] == run].iloc[0]
    fields = [f for f in UNITS if f in set(row["fields"])]
    field = right.segmented_control("What", fields, format_func=lambda f: UNITS[f].partition(",")[0], default=fields[0], key="field",
                                    required=True, bind="query-params") or fields[0]  # fmt: skip
    day = row["axis"] == "day"
    baseline = _baseline(row, day)
    table = data.ask("score_quantiles", run, field=field, baseline=baseline, runs=[run])
    if table.empty:
        look.nothing("Nothing is counted.", f"No finite {field} in this stream.")
        return
    _verdict(table, field, baseline, day)
    versions = data.ask("versions", run, runs=[run])
    figure = drift.fan(table, versions, look.ink(), day=day, unit=UNITS[field], baseline=baseline)
    st.plotly_chart(
        figure,
        theme=None,
        config=look.PLOT,
        key="fan",
        alt="quantiles of the score over time against a baseline",
    )
    st.caption(
        f"{int(table['n'].sum()):,} responses on {len(table)} {'days' if day else 'steps'}. "
        + ("Quantiles come from fixed bins and are right to 0.2 % of their value. " if day else "")
        + "Dashed lines: a new model or policy version is first seen."
    )
    parts = data.ask("score_quantiles", run, field=field, by="category", baseline=baseline, runs=[run])
    if parts["category"].nunique() > 1:
        st.subheader("By category", anchor=False)
        st.plotly_chart(
            drift.by_category(parts, look.ink(), day=day, unit=UNITS[field]), theme=None, config=look.PLOT, key="by_category",
            alt="quantiles by category",
        )  # fmt: skip
    with st.expander("Numbers"):
        st.dataframe(_readable(table, day), hide_index=True)
        st.download_button("Download as CSV", _readable(table, day).to_csv(index=False), "quantiles.csv", "text/csv")
    live.follow([run])


def _baseline(row: pd.Series, day: bool) -> tuple[float, float]:
    first, last = float(row["first"]), float(row["last"])
    end = first + (last - first) * FIRST_SHARE
    if not day:
        chosen = st.slider("Baseline, steps", first, last, (first, end), key="base_steps")
        return float(chosen[0]), float(chosen[1])
    low, high = (datetime.fromtimestamp(t, UTC).date() for t in (first, last))
    default = (low, low + timedelta(days=max(int((high - low).days * FIRST_SHARE), 1)))
    picked = st.date_input(
        "Baseline, first to last day (UTC)", default, min_value=low, max_value=high, key=f"base_{row['run']}"
    )
    days = picked if isinstance(picked, tuple | list) and len(picked) == 2 else default
    return _seconds(days[0]), _seconds(days[1])


def _seconds(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _verdict(table: pd.DataFrame, field: str, baseline: tuple[float, float], day: bool) -> None:
    base, last = table["base_q50"].iloc[0], table.iloc[-1]
    when = pd.Timestamp(last["x"], unit="s").strftime("%d %B %Y") if day else f"step {last['x']:.0f}"
    spread = table["base_q75"].iloc[0] - table["base_q25"].iloc[0]
    said = f"Median {UNITS[field].partition(',')[0]} on {when}: {look.number(last['q50'])}; in the baseline window {look.number(base)}"
    if spread > 0:
        said += f", a difference of {(last['q50'] - base) / spread:+.2f} of the baseline's middle half"
    look.verdict(said + ". Not tested yet: a shift seen here is a look, not a verdict.")


def _readable(table: pd.DataFrame, day: bool) -> pd.DataFrame:
    if not day:
        return table.rename(columns={"x": "step"})
    return table.assign(x=pd.to_datetime(table["x"], unit="s").dt.date).rename(columns={"x": "day"})
