"""What does each loss penalise, and how much?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import pandas as pd
import streamlit as st

from analysis import losses
from analysis.records import RewardboardError
from dashboard import chart_tables, look, lossinputs, lossviews, losswords, shell
from dashboard.charts import losses as charts
from dashboard.lossviews import Pair, Reading, Settings
from dashboard.plot import plot
from dashboard.views import Page

PAGE = Page("What does each loss penalise, and how much?", "Losses", ":material/trending_down:", "losses", 70)

COMPARED = """
A penalty has no unit that two losses share. Bradley-Terry's 0.17 is a negative log-likelihood, a hinge's is what is missing of
a margin in units of the score, a squared error's is that squared; ten times a loss is least for the same model. So a lower
value under another loss is no better model, and neither is a larger raw margin: all scores times two double it and rank as
before. Pushes of two losses are not compared either.

What two models of any losses can be compared by:
- **ranking**: which pairs each has right, on the same pairs. No shift and no scale changes it.
- **calibrated likelihood**: fit one temperature to each model's margins on other pairs, then compare -log sigma(margin / T).
- **reward per SD**: scores divided by the model's own standard deviation over the same prompts and responses. A policy that
  is trained on raw scores is pressed by their SD over beta.
"""


def render() -> None:
    """Draw what the losses say of the pair."""
    said = st.container(key="said-of-losses")
    said.empty()  # a container without anything in it keeps no place
    with said:
        lossinputs.not_taken()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    pairs, shift, scale = lossinputs.scores(row)
    chosen = lossinputs.chosen_losses()
    settings = lossinputs.settings(row, chosen)
    wrong = lossinputs.unusable(pairs)
    if wrong:
        with said:
            st.info(wrong, icon=":material/data_alert:")
        return
    waiting = st.spinner("Loading torch, once for this server: some seconds.") if lossviews.loading() else nullcontext()
    with said, waiting:
        readings = _readings(settings, pairs, shift, scale)
    if not readings:
        return
    drawn = [found for found in readings if found.name in chosen]
    with said, shell.guarded("The verdict"):
        _verdict(readings, drawn, pairs)
    with shell.guarded("The curves"):
        _curves(drawn, pairs, shift, scale)
    with shell.guarded("What changes"):
        _changes(readings, drawn, pairs, shift, scale)
    with shell.guarded("The table"):
        _table(readings, pairs, shift, scale)
    with shell.guarded("The words"):
        _words(drawn)


def _readings(settings: Mapping[str, Settings], pairs: Sequence[Pair], shift: float, scale: float) -> list[Reading]:
    """Every loss at the pairs; one whose setting is out of range says so and is left out."""
    found = []
    for name, values in settings.items():
        try:
            found.append(lossviews.reading(name, values, pairs, shift, scale))
        except RewardboardError as error:
            shell.failed(f"{losses.facts(name).title} is left out: {error.what}", error.where, error.mend)
    return found


def _verdict(readings: Sequence[Reading], drawn: Sequence[Reading], pairs: Sequence[Pair]) -> None:
    shell.verdict(
        f"{losswords.ranks(pairs)} {losswords.penalties(drawn or readings, pairs)}",
        "Right is chosen above rejected. Each penalty is the loss of this one pair, in float64.",
    )


def _changes(
    readings: Sequence[Reading], drawn: Sequence[Reading], pairs: Sequence[Pair], shift: float, scale: float
) -> None:
    st.header("What a shift and a scale change", anchor=False)
    names = [found.name for found in drawn]
    lines = (
        losswords.shift(readings, shift, names),
        losswords.scale(readings, scale, names, pairs),
        f"{losswords.who_pays(readings, pairs)} {losswords.alike(pairs)}",
    )
    st.markdown("\n".join(f"- {line}" for line in lines))


def _curves(drawn: Sequence[Reading], pairs: Sequence[Pair], shift: float, scale: float) -> None:
    if not drawn:
        st.info("No loss is chosen: pick one above to draw it.", icon=":material/touch_app:")
        return
    moved = [pair.moved(shift, scale) for pair in pairs]
    touched = shift != 0 or scale != 1
    reach = charts.reach([pair.margin for pair in (*pairs, *moved)])
    models = [pair.model for pair in pairs]
    panels = [
        charts.Panel(
            title=found.facts.title,
            note=found.note,
            curves=lossviews.curves(found, reach),
            points=dict(zip(models, found.moved, strict=True)),
            before=dict(zip(models, found.entered, strict=True)) if touched else {},
        )
        for found in drawn
    ]
    titles = look.sentence(panel.title for panel in panels)
    numbers = chart_tables.asked(
        "losses",
        drawn=[(found.name, found.settings) for found in drawn],
        pairs=[(pair.model, pair.chosen, pair.rejected) for pair in pairs],
        shift=shift,
        scale=scale,
        reach=reach,
    )
    plot(charts.figure(panels, shell.theme()), "losses", f"Penalty and push over the margin under {titles}", numbers)
    st.caption(
        "Each panel has its own scale: **penalties and pushes of two losses are never compared**. Shaded: the penalty region, where "
        "training still moves the pair. Push is minus the slope of the penalty; above 0 it widens the margin, below 0 it narrows it. "
        "Two curves: this loss also reads where zero lies, so each model has its own."
        + (
            " Hollow marks: the scores as entered, which the sentence above tells. Filled marks, and the numbers above each panel: after scale and shift."
            if touched
            else ""
        )
    )


def _table(readings: Sequence[Reading], pairs: Sequence[Pair], shift: float, scale: float) -> None:
    st.header("Every loss on this pair", anchor=False)
    table = table_of(readings, pairs, touched=shift != 0 or scale != 1)
    number = st.column_config.NumberColumn
    texts = {"penalises": 420, "source": 420}
    columns: dict[str, Any] = {name: st.column_config.TextColumn(name, width=width) for name, width in texts.items()}
    columns["loss"] = st.column_config.TextColumn("loss", width=290, pinned=True)
    columns |= {name: number(name, format="%.4g") for name in table.select_dtypes("number").columns}
    st.dataframe(table, hide_index=True, height="content", column_config=columns)
    st.caption(
        "d/d margin: the slope of the penalty over the margin, the middle of both scores held; below 0 training widens the margin. "
        "d/d chosen and d/d rejected: below 0 training raises that score. Compare along a row, not down a column."
    )
    st.download_button(
        "Download these numbers (CSV)",
        data=lambda: table.to_csv(index=False).encode(),
        file_name="rewardboard-losses.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def table_of(readings: Sequence[Reading], pairs: Sequence[Pair], *, touched: bool) -> pd.DataFrame:
    """A row a loss: penalties, gradients, invariances, source; after shift and scale too if they were touched."""
    rows = []
    for found in readings:
        row: dict[str, Any] = {"loss": found.label, "family": found.facts.family}
        row |= {f"{p.model}: penalty": point.value for p, point in zip(pairs, found.entered, strict=True)}
        if touched:
            row |= {
                f"{p.model}: after shift and scale": point.value for p, point in zip(pairs, found.moved, strict=True)
            }
        for pair, point in zip(pairs, found.entered, strict=True):
            row |= {
                f"{pair.model}: in penalty region": "yes" if point.in_penalty_region else "no",
                f"{pair.model}: d/d margin": point.gradient_margin,
                f"{pair.model}: d/d chosen": point.gradient_chosen,
                f"{pair.model}: d/d rejected": point.gradient_rejected,
            }
        facts = found.facts
        row |= {
            "a shift changes it": "no" if facts.shift_invariant else "yes",
            "a scale changes it": "no" if facts.scale_invariant else "yes",
            "penalises": facts.penalises,
            "source": facts.source,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _words(drawn: Sequence[Reading]) -> None:
    with st.expander("Can penalties of two losses be compared? No; what can", expanded=False):
        st.markdown(COMPARED)
    with st.expander(f"How computed, and what each loss says of itself ({len(drawn)})"):
        st.markdown(
            "Values and gradients are those of the library's own losses (`analysis.losses`), by automatic differentiation in float64, for "
            "each pair alone. Chosen has the label 1, rejected 0. Curves hold the middle of the two scores: at 0 where it makes no "
            "difference, at each model's own where it does."
        )
        for found in drawn:
            facts = found.facts
            lines = {
                "formula": facts.formula,
                "penalises": facts.penalises,
                "penalty region": facts.region,
                "gradient": facts.gradient,
                "invariances": facts.invariances,
                "labels": facts.labels,
                "source": facts.source,
            }
            st.markdown(
                f"**{facts.title}** (`{found.name}`)\n"
                + "\n".join(f"- {key}: {look.literal(value)}" for key, value in lines.items())
            )
