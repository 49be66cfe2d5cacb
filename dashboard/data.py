"""Board calls for the pages, cached by the data version of what they show; nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analysis import server
from analysis.board import Board

KEPT = 200
"""Answers kept a call: a few pages of a few readers."""


def board() -> Board:
    """The board that this process owns."""
    return server.host().board


def version(runs: Sequence[str] | None = None) -> str:
    """Changes when the data of these runs change."""
    return board().version(runs)


def ask(method: str, *arguments: Any, runs: Sequence[str] | None = None, **named: Any) -> pd.DataFrame:
    """A cached answer of `Board.method`; `runs` are those whose new data make it stale (None: any)."""
    return _ask(version(runs), method, arguments, tuple(sorted(named.items())))


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _ask(version: str, method: str, arguments: tuple[Any, ...], named: tuple[tuple[str, Any], ...]) -> pd.DataFrame:
    return getattr(board(), method)(*arguments, **dict(named))
