"""Navigation: finds the pages and runs the chosen one."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # Streamlit puts the script's own folder first, where `dashboard` is no package
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

from analysis import server  # noqa: E402
from dashboard import views  # noqa: E402

ICON = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M1 12 6 6l3 3 6-7' fill='none' stroke='%230072B2' stroke-width='2.4'/></svg>"


def main() -> None:
    """Draw the shell and the chosen page."""
    st.set_page_config(page_title="Rewardboard", page_icon=ICON, layout="wide")
    modules = [importlib.import_module(f"dashboard.views.{m.name}") for m in pkgutil.iter_modules(views.__path__)]
    modules.sort(key=lambda module: module.PAGE["order"])
    pages = [
        st.Page(
            module.render,
            title=module.PAGE["name"],
            icon=module.PAGE["icon"],
            url_path=module.PAGE["path"],
            default=i == 0,
        )
        for i, module in enumerate(modules)
    ]
    st.logo(_word_mark(), size="large")
    chosen = st.navigation(pages)
    _reading()
    chosen.run()


def _word_mark() -> str:
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' width='168' height='28' viewBox='0 0 168 28'>"
        "<path d='M3 20 10 11l5 5 9-11' fill='none' stroke='#0072B2' stroke-width='3'/>"
        "<text x='32' y='20' font-family='Source Sans Pro, sans-serif' font-size='19' font-weight='600' "
        "fill='#5f8fb0'>Rewardboard</text></svg>"
    )


def _reading() -> None:
    """How far the first reading is, while it lasts; and what troubles the reader."""
    shared = server.host()
    if not shared.reading and not shared.trouble:
        return

    @st.fragment(run_every=1.0)
    def show() -> None:
        if shared.trouble:
            st.warning(shared.trouble)
        progress = shared.progress
        if shared.reading and progress is not None and progress.bytes_total:
            share = progress.bytes_done / progress.bytes_total
            st.progress(share, text=f"{progress.files_done} of {progress.files_total} files, {progress.rows:,} rows")

    with st.sidebar:
        show()


main()
