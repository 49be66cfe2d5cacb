"""Pages that follow their data: the server tells the window, and only then the script runs again."""

from __future__ import annotations

from dashboard import data
from dashboard.components import component

CLOCK_SECONDS = 60
"""Pages that tell times in words are drawn again after so long while a run is being written."""

_watch = component("watch", "<div></div>")
_turn = component("turn", "<div></div>")


def follow(runs: tuple[str, ...] | None = None, *, clock: bool = False) -> None:
    """Draw this page again when the data of `runs` (None: any) change; call it once, at the end of a page.

    Charts of curves follow by themselves; this is for words and tables. Nothing is sent while nothing changes.
    """
    shared = data.here()
    if not shared.page:
        return
    told = {
        "page": shared.page,
        "runs": None if runs is None else list(runs),
        "version": data.version(),
        "reading": shared.reading,
        "trouble": shared.trouble,
        "tick": CLOCK_SECONDS if clock else 0,
    }
    _watch(key="watch", data=told, on_moved_change=lambda: None, height="content")


def turn() -> None:
    """Draw the page again when the reader's system turns dark or light; part of the frame of every page."""
    if data.here().page:
        _turn(key="turn", on_turned_change=lambda: None, height="content")
