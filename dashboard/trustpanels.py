"""Panels of the page Reward models: each draws one side of an evaluation, with how it was computed beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from analysis.ranking.evaluate import Evaluation, ListEvaluation
from dashboard import chart_tables, data, look, shell, trust_tables, trustwords
from dashboard.charts import scores, trust
from dashboard.plot import plot

FEATURES = 9
"""Features and rules drawn: as many rows as are read at a glance; all are in the numbers below the chart."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page is about: models on a data set, and what their scores say.

    rows : of `data.scorers`; pairs, lists : evaluations of those that scored labelled pairs, or lists
    """

    runs: tuple[str, ...]
    dataset: str | None
    rows: pd.DataFrame
    pairs: Mapping[str, Evaluation]
    lists: Mapping[str, ListEvaluation]
    names: Mapping[str, str]
    marks: Mapping[str, look.Mark]

    def numbers(self, name: str, run: str) -> dict[str, object]:
        """What the browser asks for the numbers of a chart with."""
        return chart_tables.asked(name, run=run, dataset=self.dataset)


def numbers(able: Mapping[str, Evaluation], chosen: Chosen) -> None:
    """Every number of each model, a model a row."""
    table = trust_tables.numbers(list(able.values())).assign(model=[chosen.names[run] for run in able])
    number = st.column_config.NumberColumn
    st.dataframe(
        table.dropna(axis="columns", how="all"),
        hide_index=True,
        placeholder="not computable",
        column_config={
            "n": number("pairs", format="localized"),
            "prompts": number("prompts", format="localized", help="pairs of one prompt are not independent"),
            "right": number("right, %", format="%.1f", help="strict wins over all pairs; a tie is not right"),
            "interval": st.column_config.TextColumn("95 %", help="Wilson interval, over prompts where they repeat"),
            "half": number("tie half, %", format="%.1f", help="the only rule by which a constant scorer gets chance"),
            "not_worse": number("tie right, %", format="%.1f", help="the >= rule of some harnesses"),
            "auroc": number("AUROC", format="%.3f", help="within prompts, mean over them, ties at half: what training compares"),
            "temperature": number("T", format="%.2f", help="temperature: what margins are divided by to be log-odds"),
            "nll": number("NLL, nats", format="%.3f", help="a pair, at T = 1; 0.693 is worth nothing"),
            "nll_scaled": number("at its T", format="%.3f", help="NLL a pair at the fitted temperature"),
            "brier": number("Brier", format="%.3f", help="at T = 1; 0.25 is worth nothing"),
            "ece": number("ECE", format="%.3f", help="expected calibration error over ten bins of confidence"),
            "ece_null95": number("by chance", format="%.3f", help="what 95 of 100 perfect models stay below with these n"),
            "saturated": number("saturated, %", format="%.1f", help="pairs that no longer teach: sigmoid(-margin) < 0.01"),
            "detectable": number(
                "shows, points", format="%.1f",
                help="smallest difference to another scorer that these pairs find four times in five, if the two err independently",
            ),
        },
    )  # fmt: skip


def by_category(able: Mapping[str, Evaluation], _: str, chosen: Chosen) -> None:
    """Where it is right, and where not."""
    if not able:
        return
    tables = {run: trust_tables.by_category(found) for run, found in able.items()}
    plot(
        scores.accuracy(tables, chosen.marks, chosen.names, shell.theme()),
        "accuracy",
        "Accuracy by category with intervals",
        chart_tables.asked("rm_categories", runs=list(able), dataset=chosen.dataset),
    )
    said = ["Lowest first; thick 50 %, thin 95 %, over prompts. "]
    if any("rule" in table for table in tables.values()):
        said.append("Tick: the strongest trivial rule. ")
    if not any(found.categories for found in able.values()):
        said.append(
            "These pairs carry no category, so it can't be told where the model fails: add a column `category`. "
        )
    odd = [c for found in able.values() for c in found.categories if c.verdict in ("reversed", "near chance")]
    said += [f"{look.literal(c.statement[:1].upper() + c.statement[1:])}. " for c in odd[:2]]
    st.caption("".join(said))


def calibration(found: Evaluation | None, of: str, chosen: Chosen) -> None:
    """Whether it is as sure as it is right."""
    scale = found.calibration if found else None
    if scale is None or (scale.as_is is None and scale.scaled is None):
        if scale is not None:
            shell.not_computable("Calibration", f"{scale.statement}.")
        return
    plot(
        trust.reliability(scale.as_is, scale.scaled, chosen.marks[of], shell.theme()),
        "reliability",
        "Share ranked right by confidence",
        chosen.numbers("rm_reliability", of),
    )
    shown = scale.as_is or scale.scaled
    told = f"{look.literal(scale.statement[:1].upper() + scale.statement[1:])}. " if scale.statement else ""
    said = shown is None or "calibration error" in scale.statement
    ece = "" if said else f"Calibration error {shown.ece:.3f}; chance alone reaches {shown.ece_null95:.3f}. "
    dots = "Dotted: at the fitted temperature. " if scale.as_is and scale.scaled else ""
    st.caption(f"{told}{ece}Grey: where 95 % of the shares would lie if confidence were right. {dots}")


def distributions(_: Evaluation | None, of: str, chosen: Chosen) -> None:
    """Scores of both sides, and margins."""
    if not of:
        return
    histogram = data.histogram(of, chosen.dataset)
    if histogram.empty:
        shell.not_computable("Distributions", "no pair has two finite scores.", "One would do.")
        return
    labelled = of in chosen.pairs
    plot(
        scores.distributions(histogram, shell.theme(), labelled=labelled),
        "scores",
        "Distributions of scores and margins",
        chart_tables.asked("scores", run=of, dataset=chosen.dataset),
    )
    if labelled:
        st.caption(trustwords.spread(chosen.pairs[of].spread))


def length(found: Evaluation | None, of: str, chosen: Chosen) -> None:
    """Whether it is right where the longer side is wrong."""
    if found is None:
        return
    split = found.length
    if split is None or not split.bins:
        shell.not_computable(
            "Accuracy by length", "no length is known.", "Columns `chosen_length`, `rejected_length` or texts would do."
        )
        return
    plot(
        trust.by_length(split, chosen.marks[of], shell.theme()),
        "length",
        "Accuracy by length difference",
        chosen.numbers("rm_length", of),
    )
    f = split.follows
    said = (
        f"Margins follow length with a rank correlation of {f.value:.2f} ({f.low:.2f} to {f.high:.2f}). "
        if f.computable
        else f"{f.because}. "
    )
    st.caption(said + trustwords.sampled(found))


def effects(found: Evaluation | None, of: str, chosen: Chosen) -> None:
    """What moves its margin beyond what the labels justify."""
    if found is None:
        return
    if found.bias is None or found.bias.because:
        why = found.bias.because if found.bias else "nothing is known of the texts"
        shell.not_computable("What moves the margin unduly", f"{why}.")
        return
    plot(
        trust.effects(trust_tables.telling(found, FEATURES), shell.theme()),
        "effects",
        "What features claim and what the labels justify",
        chosen.numbers("rm_effects", of),
    )
    over, under = (len(found.bias.having(v)) for v in ("over-used", "under-used"))
    st.caption(
        f"{look.count(found.bias.tested, 'feature')} tested, {found.bias.untested:,} in too few prompts. Orange: over-used "
        f"({over}); blue: under-used ({under}); grey: no difference established. {trustwords.sampled(found)}",
        help=f"How computed: {found.bias.method}.",
    )


def rules(found: Evaluation | None, of: str, chosen: Chosen) -> None:
    """What a rule that reads nothing gets right."""
    if found is None or found.panel is None or not found.panel.rules:
        return
    plot(
        trust.rules(found.panel, chosen.names[of], chosen.marks[of], shell.theme(), FEATURES),
        "rules",
        "Trivial rules beside the model",
        chosen.numbers("rm_rules", of),
    )
    st.caption(f"{trustwords.beside(found.panel)} {trustwords.sampled(found)}")


def lists(chosen: Chosen) -> None:
    """One-to-many sets: how far choosing among more candidates leads."""
    for run, found in chosen.lists.items():
        s, curve, auroc = found.scores, found.curve, found.discrimination.within
        if curve.because:
            shell.not_computable("Best of k", f"{curve.because}.")
            continue
        plot(
            trust.best_of(curve, chosen.marks[run], shell.theme()),
            f"best-of-{run}",
            "Best of k",
            chosen.numbers("rm_best_of", run),
        )
        st.caption(
            f"{look.literal(chosen.names[run])}: mean reciprocal rank {s.mrr.value:.3f} ({s.mrr.low:.3f} to {s.mrr.high:.3f}), chance "
            f"{s.chance_mrr:.3f}; AUROC within prompts {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f}). Expected label of "
            f"the favourite among k candidates, without bias, bootstrap over {curve.prompts:,} prompts."
        )
