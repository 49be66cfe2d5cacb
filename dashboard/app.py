"""The dashboard's script: what all pages share, then the page that was asked for."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # Streamlit puts the script's own folder first, where `dashboard` is no package
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

from dashboard import data, live, look, shell, views  # noqa: E402


def main() -> None:
    """Draw the frame and the chosen page."""
    st.set_page_config(page_title="Rewardboard", page_icon=look.FAVICON, layout="wide", initial_sidebar_state=270)
    if not data.here().page:  # our own server writes it into the first HTML
        st.html(f"<style>{look.CSS}</style>")
    found = views.find()
    pages = {
        page.name: st.Page(render, title=page.name, icon=page.icon, url_path=page.url, default=place == 0)
        for place, (page, render) in enumerate(found)
    }
    st.session_state["pages"] = pages
    st.logo(look.WORDMARK, size="large")
    chosen = st.navigation(list(pages.values()))
    shared = data.here()
    with st.sidebar:
        st.fragment(_reading, run_every=1.0 if shared.reading else None)()
    page = next(page for page, _ in found if page.name == chosen.title)
    st.title(page.title, anchor=False)
    with shell.guarded(page.name):
        chosen.run()
    live.turn()


def _reading() -> None:
    """How far the first reading is, and what troubles it; nothing once it is done."""
    shared = data.here()
    if shared.reading:
        done = shared.progress
        if done is None:
            st.caption("Looking for logs ...")
        else:
            share = done.bytes_done / done.bytes_total if done.bytes_total else 0.0
            st.progress(min(share, 1.0), f"{done.files_done:,} of {done.files_total:,} files, {done.rows:,} rows")
    if shared.trouble:
        st.caption(f":material/error: {shared.trouble}")


with data.here().timings.timed("script"):
    main()
