"""What a reader asks the Losses page: scores of two models, a shift and a scale, losses and their settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analysis import losses
from dashboard import look, lossviews
from dashboard.lossviews import Pair, Settings

MODELS = {"A": (3.2, 1.5), "B": (-0.5, -2.0)}
"""Scores of chosen and rejected at first: two models that rank alike, far apart in where their zero lies."""

SIDES = ("chosen", "rejected")

FIRST = ("bradley_terry", "hinge", "label_smoothed", "focal", "plackett_luce", "bce")
"""Six panels before anybody asks: each family that orders, and one whose penalty hangs on the zero."""

SCALES = (0.1, 0.125, 0.16, 0.2, 0.25, 0.315, 0.4, 0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0)  # fmt: skip
"""Renard's R10 numbers: even steps on a logarithmic scale, with 1/2, 2 and 10 among them."""


def not_taken() -> None:
    """Scores in the address that are no finite numbers: the inputs fall back to their defaults, which is told."""
    for model, defaults in MODELS.items():
        for side, default in zip(SIDES, defaults, strict=True):
            text = st.query_params.get(f"{model.lower()}_{side}")
            if text and not _finite(text):
                st.info(
                    f"The address gives '{look.literal(text)}' as Model {model}'s {side} score, which is not a finite number: "
                    f"{default:g} stands in its place.",
                    icon=":material/data_alert:",
                )


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def scores(row: DeltaGenerator) -> tuple[list[Pair], float, float]:
    """Scores of two models, and what is done to all four of them; the address holds them."""
    pairs = []
    with row:
        for model, defaults in MODELS.items():
            values = [
                st.number_input(
                    f"Model {model}, {side}",
                    value=default,
                    step=0.1,
                    format="%.6g",
                    key=f"{model.lower()}_{side}",
                    bind="query-params",
                    width=112,
                )
                for side, default in zip(SIDES, defaults, strict=True)
            ]
            pairs.append(Pair(model, *values))
        shift = st.slider(
            "Shift, added to all scores",
            -5.0,
            5.0,
            0.0,
            0.1,
            format="%+.1f",
            key="shift",
            bind="query-params",
            width=172,
        )
        scale = st.select_slider(
            "Scale, all scores times",
            SCALES,
            value=1.0,
            format_func=lambda value: f"{value:g}",
            key="scale",
            bind="query-params",
            width=172,
            help="Logarithmic. With both, scores are multiplied first and shifted then.",
        )
    return pairs, shift, scale


def chosen_losses() -> list[str]:
    """Names of the losses that are drawn, in the order of the page."""
    titles: dict[str, dict[str, str]] = {}
    for name in lossviews.names():
        facts = losses.facts(name)
        titles.setdefault(facts.family, {})[facts.title] = name
    chosen: list[str] = []
    with st.container(horizontal=True, gap="medium", key="which-losses"):
        for family, members in titles.items():
            first = [title for title, name in members.items() if name in FIRST]
            picked = st.pills(
                family.capitalize(),
                list(members),
                selection_mode="multi",
                default=first,
                key=family,
                bind="query-params",
                wrap=True,
            )
            chosen += [name for title, name in members.items() if title in (picked or ())]
    return chosen


def settings(row: DeltaGenerator, chosen: Sequence[str]) -> dict[str, Settings]:
    """Settings of every loss; those of drawn ones can be changed."""
    known = {name: lossviews.defaults(name) for name in lossviews.names()}
    changeable = [name for name in chosen if known[name]]
    if changeable:
        with row.popover("Settings", icon=":material/tune:"):
            for name in changeable:
                facts = losses.facts(name)
                st.markdown(f"**{facts.title}**")
                st.caption(look.literal(facts.formula))
                with st.container(horizontal=True):
                    known[name] = tuple((key, _setting(name, key, value)) for key, value in known[name])
    return known


def _setting(name: str, key: str, default: float | None) -> float | None:
    kinds: dict[str, Any] = (
        {"value": float(default), "step": 0.1, "format": "%.6g"}
        if default is not None
        else {"value": None, "min_value": 1, "step": 1, "placeholder": "all"}
    )
    value = st.number_input(key, key=f"{name}.{key}", bind="query-params", width=150, **kinds)
    return default if value is None else value


def unusable(pairs: Sequence[Pair]) -> str:
    """Why these scores can't be computed with; "" if they can."""
    for pair in pairs:
        for side, value in zip(SIDES, (pair.chosen, pair.rejected), strict=True):
            if abs(value) > lossviews.LIMIT:
                return (
                    f"Model {pair.model}'s {side} score is {look.number(value)}. Scores beyond {lossviews.LIMIT:,.0f} come in "
                    "steps of 0.06 and more in float32, so their margins mean little: give a smaller number."
                )
    return ""
