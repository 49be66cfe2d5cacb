"""Pages that follow their data: a look at the version every second, and a new drawing only if it changed."""

from __future__ import annotations

import time

import streamlit as st

from dashboard import data

SECONDS = 0.5
"""With the server's look at files every 0.3 s, a flushed row is on the page within two seconds."""

CLOCK_SECONDS = 60.0
"""Pages that tell times in words are drawn again after so long even if nothing came."""


def follow(runs: tuple[str, ...] | None = None, *, clock: bool = False) -> None:
    """Draw this page again when the data of `runs` (None: any) change; call it once, at the end of a page.

    A pass that finds nothing new sends nothing to the browser.
    """
    shared = data.here()
    drawn = (data.version(runs), shared.reading, shared.trouble)
    since = time.monotonic()

    @st.fragment(run_every=SECONDS)
    def watch() -> None:
        old = clock and time.monotonic() - since > CLOCK_SECONDS
        if old or (data.version(runs), shared.reading, shared.trouble) != drawn:
            st.rerun()

    watch()
