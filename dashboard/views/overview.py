"""Which runs need me now?"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from dashboard import data, live, look, runlist, runtable, shell
from dashboard.components import component
from dashboard.runlist import COLOURED
from dashboard.views import Page

PAGE = Page("Which runs need me now?", "Overview", ":material/dashboard:", "overview", 10)

VIEW = {"find": "", "kind": [], "state": "", "project": "", "trained": "", "tags": "", "sort": "-need", "all": False}
"""What the table shows, as it stands in the address; these are left out there."""

FIRST = 25
"""Rows whose place is kept while the table is on its way, so that nothing moves when it comes."""

_table = component("overview", "<div class='overview'></div>", "marks", "run", "spark")


def render() -> None:
    """Draw the table of runs; it follows its logs by itself."""
    table = data.runs()
    if table.empty:
        shell.nothing_yet("Runs")
        live.follow()
        return
    page, now = data.here().page, time.time()
    names = runlist.short_names(runlist.display_names(table))
    known = set(table["run"])
    ticked = [run for run in st.session_state.get("ticked", []) if run in known]
    first = (st.session_state.get("runs") or {}).get("first") or [run["run"] for run in runtable.by_need(table, now)]
    marks = shell.slots([*[run for run in first if run in known][:COLOURED], *ticked])
    _table(
        key="runs",
        data={
            "page": page,
            "said": None
            if page
            else runtable.document(data.board(), table),  # without our server nobody hands them out
            "verdict": runtable.verdict(table, names, now),
            "choices": runtable.choices(table),
            "rows": min(len(table), FIRST),
            "view": _view(),
            "ticked": ticked,
            "marked": COLOURED,
            "slots": {**{run: slot for run, slot in st.session_state["marks"].items() if run in known}, **marks},
            "hues": look.HUES,
            "colours": _colours(),
            "note": runtable.diagnosed(table),
        },
        on_view_change=_looked,
        on_ticked_change=_ticked,
        on_first_change=lambda: None,
        height="content",
    )


def _view() -> dict[str, Any]:
    """The view that the address asks for."""
    asked = st.query_params
    view: dict[str, Any] = {name: asked.get(name, usual) for name, usual in VIEW.items() if isinstance(usual, str)}
    return {**VIEW, **view, "kind": asked.get_all("kind"), "all": asked.get("all") == "true"}


def _looked() -> None:
    """Write the view into the address."""
    view = st.session_state["runs"].get("view") or {}
    for name, usual in VIEW.items():
        value = view.get(name, usual)
        if value == usual:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = "true" if value is True else value


def _ticked() -> None:
    st.session_state["ticked"] = list(st.session_state["runs"].get("ticked") or [])


def _colours() -> dict[str, str]:
    """Of both themes: the table is not drawn anew when the reader's system turns dark."""
    names = ("muted", "neutral", "critical", "warning", "healthy")
    return {name: f"light-dark({getattr(look.LIGHT, name)}, {getattr(look.DARK, name)})" for name in names}
