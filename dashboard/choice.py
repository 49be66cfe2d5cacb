"""What several pages let the reader choose: runs, axis, smoothing. The choice lives in the address."""

from __future__ import annotations

import pandas as pd
import streamlit as st

MOST_RUNS = 12
"""Runs drawn together at most: beyond that, curves can't be told apart by hue and dash."""


def runs(table: pd.DataFrame, *, key: str = "run", label: str = "Runs", first: int = 1) -> list[str]:
    """Runs chosen by the reader, in the order of choice; at first the `first` ones of the table."""
    options = table["run"].tolist()
    names = dict(zip(table["run"], table["name"], strict=True))
    default = options[:first]
    return st.multiselect(
        label,
        options,
        default=default,
        format_func=lambda run: (
            run if names.get(run) in (run, run.rpartition("/")[2], "", None) else f"{names[run]} ({run})"
        ),
        key=key,
        max_selections=MOST_RUNS,
        placeholder="choose runs",
        bind="query-params",
    )


def names_of(table: pd.DataFrame) -> dict[str, str]:
    """Shortest unambiguous name of each run, for labels."""
    last = table["name"].where(table["name"].astype(bool), table["run"])
    twice = last.duplicated(keep=False)
    return dict(zip(table["run"], table["run"].where(twice, last), strict=True))
