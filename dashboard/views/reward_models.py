"""Can this reward model be trusted, and where not?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from analysis.rows import Ask
from dashboard import chart_tables, data, live, look, runlist, shell, trustpanels, trustwords
from dashboard.charts import checkpoints
from dashboard.plot import plot
from dashboard.table import asked, table
from dashboard.tables import View
from dashboard.trustpanels import Chosen
from dashboard.views import Page
from dashboard.views.run import draw_curves

PAGE = Page(
    "Can this reward model be trusted, and where not?",
    "Reward models",
    ":material/balance:",
    "reward-models",
    30,
)

MOST_FLIPS = 200
"""Pairs that turned over shown in their table: what a person may look through."""

WORST_FIRST = Ask(sort="margin")


def render() -> None:
    """Draw the chosen reward models."""
    table = data.runs()
    scored = data.scorers()
    models = table[(table["kind"] == "reward_model") | table["run"].isin(scored["run"])] if len(table) else table
    if models.empty:
        shell.nothing_yet(
            "Reward models",
            "This page needs the training log of one, or a file of pairs with `chosen_score` and `rejected_score`.",
            read=len(table),
        )
        live.follow()
        return
    names = runlist.short_names(runlist.display_names(table))
    runs, dataset = _choose(models, scored, names)
    if not runs:
        why = "None is chosen above, or the one in the address was not read."
        shell.nothing_matches("reward models", {"scorer": [models["run"].iloc[0]]}, why)
        live.follow()
        return
    with shell.guarded("The evaluation"):
        _evaluated(_asked(runs, dataset, scored, names))
    trained = tuple(run for run in runs if table.set_index("run").loc[run, "n_metrics"] > 0)
    if trained and (
        not set(runs) & set(scored["run"]) or st.toggle("How it was trained", key="trained", bind="query-params")
    ):
        st.header("How it was trained", anchor=False)
        with shell.guarded("The curves"):
            shell.notes(draw_curves(trained, key="training"))
    live.follow(runs)


def _asked(runs: tuple[str, ...], dataset: str | None, scored: pd.DataFrame, names: dict[str, str]) -> Chosen:
    rows = scored[scored["run"].isin(runs) & ((scored["dataset"] == dataset) if dataset is not None else True)]
    labelled = rows[(rows["data"] == "pairs") & (rows["n_unlabelled"] < rows["n"])]
    ranked = rows[rows["data"] == "ranked"]
    return Chosen(
        runs,
        dataset,
        rows,
        {run: data.evaluation(run, dataset) for run in runs if run in set(labelled["run"])},
        {run: data.list_evaluation(run, dataset) for run in runs if run in set(ranked["run"])},
        names,
        shell.marks(runs),
    )


def _evaluated(chosen: Chosen) -> None:
    """Verdict, picture, table, and what explains them."""
    _verdict(chosen)
    able = {run: found for run, found in chosen.pairs.items() if not found.because}
    of = _detailed(chosen)
    one = able.get(of)
    with st.container(key="beside"):
        for panels in (
            (("Accuracy by category", trustpanels.by_category, able), ("Calibration", trustpanels.calibration, one)),
            (("Distributions", trustpanels.distributions, one), ("Length", trustpanels.length, one)),
            (("What moves the margin", trustpanels.effects, one), ("Trivial rules", trustpanels.rules, one)),
        ):
            for column, (what, draw, found) in zip(st.columns(2, gap="medium"), panels, strict=True):
                with column, shell.guarded(what):
                    draw(found, of, chosen)
    with shell.guarded("Lists"):
        trustpanels.lists(chosen)
    if able:
        st.header("All numbers", anchor=False)
        with shell.guarded("The table of models"):
            trustpanels.numbers(able, chosen)
    _audit(chosen)
    if of:
        labelled = of in chosen.pairs
        st.header("Pairs, the most wrong first" if labelled else "Pairs by margin", anchor=False)
        st.fragment(_worst)(of, chosen.dataset, f"Pairs of {chosen.names[of]}")
    with shell.guarded("Checkpoints"):
        _checkpoints(chosen)


def _choose(models: pd.DataFrame, scored: pd.DataFrame, names: dict[str, str]) -> tuple[tuple[str, ...], str | None]:
    asked = st.query_params.get_all("scorer")
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    if "scorer" not in st.session_state and not asked:
        best = scored.sort_values("n", ascending=False, kind="stable")
        pairs = best[best["data"] == "pairs"]
        st.session_state["scorer"] = [str((pairs if len(pairs) else models)["run"].iloc[0])]
    known = set(models["run"])
    chosen = tuple(
        run
        for run in left.multiselect(
            "Reward models",
            list(dict.fromkeys([*models["run"], *asked])),
            key="scorer",
            placeholder="type to search",
            bind="query-params",
        )
        if run in known
    )
    sets = sorted(set(scored.loc[scored["run"].isin(chosen), "dataset"].fillna("")))
    if len(sets) < 2:
        return chosen, None
    words = {name or "not named": name for name in sets}
    return chosen, words[right.selectbox("Data set", list(words), key="dataset", bind="query-params")]


def _verdict(chosen: Chosen) -> None:
    said = []
    for run in chosen.runs:
        if run in chosen.pairs:
            said.append(trustwords.sentence(chosen.pairs[run], chosen.names[run]))
        if run in chosen.lists:
            said.append(trustwords.of_lists(chosen.lists[run], chosen.names[run]))
        if run not in chosen.pairs and run not in chosen.lists:
            name, n = look.literal(chosen.names[run]), int(chosen.rows.loc[chosen.rows["run"] == run, "n"].sum())
            why = (
                f"scored {n:,} pairs that nobody labelled: accuracy has no meaning for them"
                if n
                else "has no scored pairs here: accuracy needs a file with chosen_score and rejected_score"
            )
            said.append(f"**{name}** {why}.")
    methods = dict.fromkeys(found.accuracy.method for found in chosen.pairs.values())
    scales = [f.calibration.fit.temperature.method for f in chosen.pairs.values() if f.calibration]
    how = [*methods, *(f"temperature: {scale}" for scale in scales[:1])]
    shell.verdict("  \n".join(said), f"How computed: {'; '.join(how)}." if how else "")


def _detailed(chosen: Chosen) -> str:
    """The model that the panels below are about; "" where none has scored pairs."""
    runs = list(dict.fromkeys(chosen.rows.loc[chosen.rows["data"] == "pairs", "run"]))
    if len(runs) < 2:
        return runs[0] if runs else ""
    said = st.segmented_control(
        "Details of", runs, default=runs[0], required=True, key="of", format_func=lambda run: chosen.names[run],
        bind="query-params",
    )  # fmt: skip
    return said or runs[0]


def _audit(chosen: Chosen) -> None:
    said = [
        f"{look.literal(chosen.names[run])}: {look.literal(remark.statement)}."
        for run, found in [*chosen.pairs.items(), *chosen.lists.items()]
        for remark in found.audit
    ]
    shell.notes([*_repeats(chosen.rows, chosen.names), *dict.fromkeys(said)], "Keys and ties")


def _repeats(rows: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """What is repeated or unlabelled in the scored sets."""
    said = []
    for row in rows.to_dict("records"):
        parts = []
        if row["n_duplicates"]:
            again = look.count(row["n_duplicates"], "row repeats an id", "rows repeat an id")
            parts.append(f"{again} and {'is' if row['n_duplicates'] == 1 else 'are'} not counted again")
        if row["n_conflicting"]:
            parts.append(f"{look.count(row['n_conflicting'], 'id')} with conflicting scores (the first row is used)")
        if 0 < row["n_unlabelled"] < row["n"]:
            parts.append(f"{look.count(row['n_unlabelled'], 'pair')} without a label, left out of accuracy")
        if row["n_checkpoints"] > 1:
            parts.append(f"{row['n_checkpoints']} checkpoints, the last one shown")
        if parts:
            said.append(
                f"{look.literal(names[row['run']])}, {row['dataset'] or 'data set not named'}: {'; '.join(parts)}."
            )
    return said


def _checkpoints(chosen: Chosen) -> None:
    """Accuracy by checkpoint, and which pairs turned over since the one before."""
    dataset, names, marks = chosen.dataset, chosen.names, chosen.marks
    for run in dict.fromkeys(chosen.rows.loc[chosen.rows["n_checkpoints"] > 1, "run"]):
        table = data.checkpoints(run, dataset)
        if len(table) < 2:
            continue
        st.header(f"{names[run]} by checkpoint", anchor=False)
        figure = checkpoints.figure(table, marks[run], shell.theme(), title="Ranking accuracy", revision=run)
        plot(
            figure,
            f"checkpoints-{run}",
            "Ranking accuracy by checkpoint, with the pairs that turned over",
            chart_tables.asked("checkpoints", run=run, dataset=dataset),
        )
        steps = table["step"].tolist()
        flips = data.board().flips(run, steps[-2], steps[-1], dataset=dataset)
        if len(flips):
            st.caption(f"Pairs that turned over between step {steps[-2]:,.0f} and {steps[-1]:,.0f}; lost ones first.")
            st.dataframe(flips.head(MOST_FLIPS), hide_index=True, height=min(35 * len(flips) + 40, 330), placeholder="")


def _worst(run: str, dataset: str | None, label: str) -> None:
    with shell.guarded("The pairs"):
        view = View("pairs", (run,), dataset)
        facts = data.facts(view)
        ask = asked("pairs", facts, WORST_FIRST)
        table(
            view, "pairs", facts, ask, WORST_FIRST, label=label, what=("pair", "pairs"),
            ranged=("margin", "chosen_score", "rejected_score"),
        )  # fmt: skip
