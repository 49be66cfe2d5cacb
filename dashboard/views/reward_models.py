"""Reward models: can this reward model be trusted, and where not?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import choice, data, live, look
from dashboard.charts import scores, traces
from dashboard.charts.traces import Panel

PAGE = {
    "title": "Can this reward model be trusted, and where not?",
    "name": "Reward models",
    "icon": ":material/balance:",
    "path": "reward-models",
    "order": 30,
}

CURVES = (("rm.loss", "Ranking loss"), ("rm.accuracy", "Pair accuracy"), ("rm.margin_mean", "Margin"))


def render() -> None:
    """Draw the page."""
    look.begin(PAGE["title"])
    scorers = data.ask("scorers")
    if scorers.empty:
        look.nothing(
            "No scores of pairs have been read yet.",
            "Put a file with chosen_score and rejected_score for each pair beside the run (CSV, JSON lines, Parquet), then:",
            "rewardboard PATH",
        )
        live.follow()
        return
    table = scorers.drop_duplicates("run")
    chosen = choice.runs(table, key="scorer", label="Reward models")
    if not chosen:
        look.nothing("No reward model is chosen.", "Choose one above.")
        return
    mine = scorers[scorers["run"].isin(chosen)]
    datasets = sorted(mine["dataset"].fillna("").unique())
    dataset = None
    if len(datasets) > 1:
        dataset = st.selectbox(
            "Data set", datasets, key="dataset", format_func=lambda d: d or "not named", bind="query-params"
        )
        mine = mine[mine["dataset"].fillna("") == dataset]
    names = choice.names_of(table)
    pairs = mine[mine["data"] == "pairs"]
    if pairs.empty:
        _lists_only(mine)
    else:
        _accuracy(chosen, dataset, names, pairs)
        _one_scorer(pairs["run"].unique().tolist(), dataset, names)
    _training(chosen, names)
    live.follow(chosen)


def _accuracy(chosen: list[str], dataset: str | None, names: dict[str, str], pairs: pd.DataFrame) -> None:
    overall = {run: data.ask("accuracy", run, dataset=dataset, runs=[run]) for run in chosen}
    sentences = []
    for run, table in overall.items():
        if table.empty:
            sentences.append(
                f"<b>{names[run]}</b>: no label says which side is better, so accuracy has no meaning here"
            )
            continue
        row = table.iloc[0]
        said = (
            f"<b>{names[run]}</b> ranks {100 * row['accuracy']:.1f} % of {row['n']:,} pairs right "
            f"({100 * row['low']:.1f} to {100 * row['high']:.1f}, Wilson 95 %)"
        )
        if row["ties"]:
            said += f"; {row['ties']} ties count as wrong (half credit {100 * row['half_credit']:.1f} %)"
        if row["missing"]:
            said += f"; {row['missing']} pairs lack a finite score"
        sentences.append(said)
    look.verdict(". ".join(sentences) + ".")
    repeated = pairs[(pairs["n_duplicates"] > 0) | (pairs["n_conflicting"] > 0)]
    for row in repeated.itertuples():
        st.caption(
            f"{names[row.run]}: {row.n_duplicates} rows repeat a pair id and are counted once; {row.n_conflicting} ids have "
            "rows that disagree, of which the first is used."
        )
    by = {run: data.ask("accuracy", run, dataset=dataset, by="category", runs=[run]) for run in chosen}
    by = {run: table for run, table in by.items() if len(table)}
    if by:
        st.subheader("Accuracy by category", anchor=False)
        figure = scores.accuracy_dots(by, look.marks(chosen), names, look.ink())
        st.plotly_chart(
            figure,
            theme=None,
            config=look.PLOT,
            key="accuracy",
            alt="ranking accuracy by category with intervals",
        )
        st.caption(
            "Intervals take pairs as independent; where prompts repeat they are too narrow. A category near chance may just be hard: "
            "only another model on the same pairs can tell."
        )


def _one_scorer(runs: list[str], dataset: str | None, names: dict[str, str]) -> None:
    run = runs[0]
    if len(runs) > 1:
        run = st.selectbox("Scores of", runs, format_func=names.get, key="detail", bind="query-params")
    st.subheader("Scores and margins", anchor=False)
    histogram = data.ask("score_histogram", run, dataset=dataset, runs=[run])
    if histogram.empty:
        look.nothing("No finite scores.", "All scores of this model are NaN or missing.")
    else:
        st.plotly_chart(
            scores.distributions(histogram, look.ink()),
            theme=None,
            config=look.PLOT,
            key="scores",
            alt="distributions of scores and margins",
        )
    st.subheader("Pairs, the most wrong first", anchor=False)
    worst = data.ask("pairs", run, dataset=dataset, limit=200, runs=[run])
    shown = worst.drop(columns=[c for c in ("length_unit",) if c in worst])
    st.dataframe(shown, hide_index=True, height=320)
    st.download_button("Download as CSV", shown.to_csv(index=False), "pairs.csv", "text/csv")
    _texts(run, worst)


def _texts(run: str, worst: pd.DataFrame) -> None:
    with_text = worst[worst["has_text"]]["pair_id"].tolist() if len(worst) else []
    if not with_text:
        st.caption(
            "No texts are known for these pairs. Put a file with pair_id, prompt, chosen, rejected beside the scores to read them here."
        )
        return
    pair = st.selectbox(
        "Read the texts of a pair (hidden until asked for)",
        with_text,
        index=None,
        placeholder="choose a pair id",
    )
    if pair:
        found = data.board().pair_text(run, pair)
        for side in ("prompt", "chosen", "rejected"):
            st.markdown(f"**{side}**")
            st.code((found or {}).get(side) or "not told", language=None, wrap_lines=True)


def _lists_only(mine: pd.DataFrame) -> None:
    look.verdict(
        "These scores are of lists of candidates, not of pairs: "
        + "; ".join(
            f"<b>{r.name}</b> scored {r.n:,} candidates of {r.n_prompts:,} prompts"
            for r in mine.itertuples(index=False)
        )
        + ". Their statistics come with the comparison of reward models."
    )
    st.dataframe(mine, hide_index=True)


def _training(chosen: list[str], names: dict[str, str]) -> None:
    metrics = data.ask("metrics", chosen, runs=chosen)
    panels = []
    for metric, title in CURVES:
        mine = metrics[metrics["metric"] == metric]
        if len(mine):
            panels.append(Panel(title, str(mine["unit"].iloc[0]), (metric,)))
    if not panels:
        return
    st.subheader("Training curves", anchor=False)
    trace = data.ask("traces", chosen, [m for p in panels for m in p.metrics], runs=chosen)
    figure = traces.figure(
        trace, panels, look.marks(chosen), names, look.ink(), x_title="step", columns=min(3, len(panels))
    )
    st.plotly_chart(figure, theme=None, config=look.PLOT, key="rm_traces", alt="training curves of the reward models")
    st.caption("Solid: training batches. Dotted: evaluation. Loss values of different losses are not comparable.")
