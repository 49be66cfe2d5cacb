"""Reward over sqrt(KL): what a policy gained for its distance from the reference, and whether it went too far."""

from __future__ import annotations

import streamlit as st

from dashboard import chart_tables, data, look, plot, shell
from dashboard.charts import distance as charts
from dashboard.travelled import Path

MOST = 4
"""Runs drawn, a panel each: as many as have a hue of their own."""

STATES = {
    "established": "The score has a peak over sqrt(KL)",
    "refuted": "No peak of the score within these rows",
    "not established": "A peak of the score over sqrt(KL) is not established",
}
"""What the state of the fit means. It is the proxy's own score: whether quality fell, the findings weigh with the rest."""


def sentence(found: Path, name: str) -> str:
    """Whether the run went beyond the peak of its reward, in Markdown."""
    because = look.literal(look.spoken(found.fit.because))
    return f"**{look.literal(name)}:** {STATES[found.fit.state]}: {because}."


def draw(runs: tuple[str, ...], names: dict[str, str]) -> None:
    """A panel a run: its path, the form that fits best, and the peak where it is established."""
    drawn: dict[str, Path] = {}
    missing: list[str] = []
    for run in runs[:MOST]:
        found = data.path(run)
        if isinstance(found, str):
            missing.append(f"{names.get(run, run)}: {found}")
        else:
            drawn[run] = found
    if missing:
        shell.not_computable("Reward over sqrt(KL)", look.literal("; ".join(missing)) + ".")
    if not drawn:
        return
    st.markdown("  \n".join(sentence(found, names.get(run, run)) for run, found in drawn.items()))
    panels = [charts.Panel(run, names.get(run, run), found) for run, found in drawn.items()]
    figure = charts.figure(panels, shell.marks(runs), shell.theme(), revision=f"{list(drawn)}")
    plot.plot(
        figure,
        "reward-over-kl",
        f"Score over the square root of KL to the reference of {look.sentence(p.name for p in panels)}",
        chart_tables.asked("reward_over_kl", runs=list(drawn)),
    )
    st.caption(
        "Dots: rows as logged, the ring is the last. Line: the best by AICc of five forms (flat, rising, "
        "plateau, and the two of Gao et al. 2022), over d = sqrt(KL). A peak is shaded with its 95 % interval only where it "
        "is established; it is one of the reward model's own score, and no finding by itself. "
        f"KL from {look.literal('; '.join(dict.fromkeys(found.how for found in drawn.values())))}."
    )
    if len(runs) > MOST:
        st.caption(f"The first {MOST} of {len(runs)} runs are drawn.")
