"""The requests that a browser makes by itself: name -> function of the host and the request's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from analysis.host import Host
from analysis.records import InputError
from dashboard import chart_tables, downloads, figures, opening, runlist, runtable, tables
from dashboard.remembered import Remembered
from dashboard.serialise import serialised
from dashboard.standing import standing

KEPT = 48
"""Answers that are remembered: several windows on the same runs cost one."""

Reply = tuple[bytes | Iterator[bytes] | None, str, str]
"""Body (None: nothing new; pieces of one that is long), media type, version of the data."""

_kept: Remembered[bytes] = Remembered(KEPT)


def curves(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """A figure with its caption; `window` is the part of the x axis that the reader looks at."""
    view, window = figures.Curves.of(asked), _window(asked)
    fresh = asked.get("have") is None
    version = figures.version(shared.board, view, window, fresh=fresh)
    if asked.get("have") == version:
        return None, "", version

    def make() -> bytes:
        answer = figures.curves(shared.board, view, window, fresh=fresh)
        return serialised(
            {"figure": answer.figure, "caption": answer.caption, "missing": answer.missing, "stale": answer.stale}
        ).encode()

    return _remembered("curves", asked, version, make), "application/json", version


def first(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """The first picture of a page that is still loading: the request that the page will make, and the answer to it."""
    view = opening.wanted(shared, asked)
    if view is None:
        return None, "", ""
    body, kind, version = curves(shared, view.asked())
    assert isinstance(body, bytes)
    about = json.dumps({"request": view.asked(), "version": version})
    return b'%s, "answer": %s}' % (about[:-1].encode(), body), kind, version


def numbers(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """The numbers that a chart draws, as CSV or Parquet."""
    if asked.get("kind") == "table":
        table = chart_tables.table(shared.board, asked)
        version = shared.board.version()
    else:
        view = figures.Curves.of(asked)
        shown, _ = figures.shown_panels(shared.board, view)
        table = figures.numbers(shared.board, view, shown, _window(asked))
        # categories are how names are held here; in a file they are text
        table = table.astype(dict.fromkeys(table.select_dtypes("category").columns, "str"))
        version = shared.board.version(view.runs)
    parts = iter([pa.Table.from_pandas(table, preserve_index=False)])
    body, kind = downloads.written(parts, asked.get("format"))
    return b"".join(body), kind, version


def rows(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """Some rows of a long table, sorted and filtered; `have` with the same version means that nothing moved."""
    version = shared.board.version(list(tables.view_of(asked).runs))
    if asked.get("have") == version:
        return None, "", version
    return _json(tables.page(shared.board, asked)), "application/json", version


def rows_file(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """All rows that match, as CSV or Parquet."""
    version = shared.board.version(list(tables.view_of(asked).runs))
    return (*downloads.written(tables.batches(shared.board, asked), asked.get("format")), version)


def row_texts(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """The texts behind one row, read from the user's file; null if nobody holds them."""
    version = shared.board.version(list(tables.view_of(asked).runs))
    return _json(tables.texts(shared.board, asked)), "application/json", version


def runs(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """All runs as the list in the side bar shows them."""
    now = standing(shared.board)
    if asked.get("have") == now.version:
        return None, "", now.version
    body = _remembered("runs", {}, now.version, lambda: json.dumps(runlist.rows(now.table)).encode())
    return body, "application/json", now.version


def overview(shared: Host, asked: Mapping[str, Any]) -> Reply:
    """The table of the Overview: all of it, or only the rows of `runs`."""
    now, wanted = standing(shared.board), asked.get("runs")
    if wanted is not None and not (isinstance(wanted, list) and all(isinstance(run, str) for run in wanted)):
        raise InputError("no list of runs", mend="reload the page")
    if wanted is None and asked.get("have") == now.version:
        return None, "", now.version

    def make() -> bytes:
        return serialised(runtable.document(shared.board, now.table, wanted)).encode()

    body = _remembered("overview", {"runs": wanted}, now.version, make)
    return body, "application/json", now.version


CALLS: dict[str, Callable[[Host, Mapping[str, Any]], Reply]] = {
    "curves": curves,
    "first": first,
    "numbers": numbers,
    "runs": runs,
    "overview": overview,
    "rows": rows,
    "rows_file": rows_file,
    "row_texts": row_texts,
}


def _json(answer: Any) -> bytes:
    return json.dumps(answer, allow_nan=False).encode()


def _window(asked: Mapping[str, Any]) -> tuple[float, float] | None:
    window = asked.get("window")
    if window is None:
        return None
    try:
        low, high = (float(end) for end in window)
    except (TypeError, ValueError) as error:
        raise InputError("no window", mend="reload the page") from error
    return (low, high) if low <= high else (high, low)


def _remembered(call: str, asked: Mapping[str, Any], version: str, make: Callable[[], bytes]) -> bytes:
    about = json.dumps({k: v for k, v in asked.items() if k != "have"}, sort_keys=True)
    return _kept.get((call, about), make, version)
