"""Pages that follow their data: looked at every second, drawn anew only when something changed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import data

SECONDS = 1.0


def follow(runs: Sequence[str] | None = None) -> None:
    """Redraw the page when the data of these runs (None: any) change. Call it once, at the end of a page."""
    drawn = data.version(runs)

    @st.fragment(run_every=SECONDS)
    def watch() -> None:
        if data.version(runs) != drawn:
            st.rerun()

    watch()
