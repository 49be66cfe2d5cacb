"""Charts of curves as requests: what a page asks for, the browser repeats when it zooms or rows arrive."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import pandas as pd

from analysis import comparison
from analysis.board import Board
from analysis.records import InputError
from dashboard import cohorts, findings, look, panels, runlist
from dashboard.behind import Asked, Bands
from dashboard.charts import traces, verticals
from dashboard.look import count
from dashboard.standing import standing

POINTS = 30_000
"""Drawn points of all curves of a chart: with bands below 2 MB, and drawn in under half a second."""

FINEST, COARSEST = 1200, 150
"""Buckets a curve: the pixels of a wide screen, and what still shows a spike."""

_bands = Bands()

FOUND = 2
"""Panels that findings add to the usual ones: the first of the worst two, so that the page stays the same for the eye."""

NAME = 26
"""Letters of a run's name at the end of its curve: more would leave too little for the curve."""


@dataclass(frozen=True, slots=True)
class Curves:
    """What a chart of curves shows.

    runs, slots : the runs drawn one by one, and the slot of each one's mark (`look.mark`)
    metrics : panels, in this order; empty takes the first six of the runs' kind
    behind : runs that are summed up as a grey band
    groups : run -> group, for means over seeds; empty draws runs alone
    x, span, log, beside, read : see `charts.traces.Options`; log holds "x", "y", both or neither
    """

    runs: tuple[str, ...]
    slots: tuple[int, ...]
    metrics: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    x: str = "step"
    span: int = 1
    log: tuple[str, ...] = ()
    beside: bool = False
    theme: str = "light"
    read: tuple[float, float] | None = None

    def asked(self) -> dict[str, Any]:
        """As JSON for the browser."""
        return {"kind": "curves", **asdict(self)}

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Curves:
        """From the browser's JSON. Raises InputError if it is none of ours."""
        try:
            known = {f.name: asked[f.name] for f in fields(cls) if f.name in asked}
            texts = {name: tuple(str(v) for v in known.get(name, ())) for name in ("runs", "metrics", "behind", "log")}
            groups = tuple((str(run), str(group)) for run, group in known.get("groups", ()))
            slots = tuple(int(slot) for slot in known.get("slots", ()))
            read = known.get("read")
            read = None if read is None else (float(read[0]), float(read[1]))
            if not texts["runs"] or len(slots) != len(texts["runs"]):
                raise ValueError("a slot for each run")
            span = int(known.get("span", 1))
            return cls(**{**known, **texts, "slots": slots, "groups": groups, "span": span, "read": read})
        except (TypeError, ValueError, IndexError) as error:
            raise InputError("no request for curves", mend="reload the page") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """A figure, or in its place why there is none; `caption` says what its points are.

    stale : whether a newer band of the other runs is due
    """

    figure: dict[str, Any] | None
    caption: str
    missing: str = ""
    stale: bool = False


def marks_of(view: Curves) -> dict[str, look.Mark]:
    """The mark of each run, and of each group that of its first run."""
    marks = {run: look.mark(slot) for run, slot in zip(view.runs, view.slots, strict=True)}
    for run, group in view.groups:
        if run in marks:
            marks.setdefault(group, marks[run])
    return marks


def shown_panels(
    board: Board, view: Curves, runs: pd.DataFrame | None = None
) -> tuple[list[panels.Panel], pd.DataFrame]:
    """The panels of a view and what is known of their metrics; `runs` is the board's list, if it is at hand.

    Where no metrics are asked for they are those that every run shows, and behind them what the worst findings rest on.
    """
    table = standing(board).table if runs is None else runs
    kinds = dict(zip(table["run"].tolist(), table["kind"].tolist(), strict=True))
    metrics = cohorts.named(board.metrics(view.runs), cohorts.losses(table))
    kind = next((kind for run in view.runs if isinstance(kind := kinds.get(run), str)), None)
    drawn = metrics[metrics["metric"] != comparison.KL] if view.x == "kl" else metrics  # over itself it says nothing
    if view.metrics:
        return panels.panels(metrics, view.metrics), metrics
    usual = panels.first(drawn, kind)
    shown = {*usual, *(set(metrics["metric"]) - set(drawn["metric"]))}
    found = [m for m in findings.rest_on(board.diagnoses(view.runs), metrics) if m not in shown]
    return panels.panels(metrics, [*usual, *found[:FOUND]]), metrics


def curves(board: Board, view: Curves, window: tuple[float, float] | None = None, *, fresh: bool = False) -> Answer:
    """The figure of a view, in a window along its x axis; `fresh` takes a band that is at hand."""
    runs = standing(board).table
    shown, metrics = shown_panels(board, view, runs)
    if metrics.empty:
        return Answer(None, "", "These runs have no logged metrics, only the files listed below.")
    known = runlist.display_names(runs)
    names = runlist.short_names({run: known.get(run, run) for run in view.runs}, NAME)
    unit, because = comparison.kl_unit(metrics, runs, names) if view.x == "kl" else ("", "")
    if because:
        return Answer(None, "", f"These runs can't share an axis of KL: {because}. Choose others, or another axis.")
    trace = numbers(board, view, shown, window)
    if trace.empty or not trace["x"].notna().any():
        return Answer(None, "", _missing(view.x) if window is None else "Nothing was logged in this window.")
    wanted = [panel.metric for panel in shown]
    seen = window or (float(trace["x"].min()), float(trace["x"].max()))
    grouped = {run: group for run, group in view.groups if run in view.runs}
    along = view.x == "step"
    behind, stale = _band(board, view, runs, wanted, seen, window, fresh) if view.behind and along else (None, False)
    groups = cohorts.groups(board, cohorts.losses(runs), grouped, wanted, seen) if grouped and along else None
    options = traces.Options(
        x=view.x,
        x_unit=unit,
        span=view.span,
        log_x="x" in view.log,
        log_y="y" in view.log,
        beside=view.beside,
        level=comparison.by_logs(board, view.runs, names).level if view.x == "kl" and len(view.runs) > 1 else None,
        findings=_findings(board, view, metrics, names) if along else (),
        read=view.read if along else None,
        revision=f"{view.runs[:1]}{view.x}{view.beside}{'x' in view.log}",
    )
    theme = look.THEMES.get(view.theme, look.LIGHT)
    drawn = traces.figure(trace, shown, marks_of(view), names, theme, options, behind=behind, groups=groups)
    logging = {run for panel in shown for run in panel.runs}
    absent = [names[run] for run in view.runs if run not in logging]
    without = set(comparison.without_kl(metrics, view.runs)) if view.x == "kl" else set()
    unlike = [names[run] for run in view.runs if run in without & logging]
    mixed = cohorts.mixed(runs, view.runs, view.behind, wanted)
    return Answer(drawn, _caption(board, view, trace, behind, absent, unlike, mixed), stale=stale)


def _findings(
    board: Board, view: Curves, metrics: pd.DataFrame, names: Mapping[str, str]
) -> tuple[verticals.Noted, ...]:
    """What was found in these runs, for their time lines; labels name the run where several share a panel."""
    return findings.noted(board.diagnoses(view.runs), metrics, names if not view.beside else None)


def version(board: Board, view: Curves, window: tuple[float, float] | None = None, *, fresh: bool = False) -> str:
    """A text that changes when another figure of the view is due: with its data, and with the band that it shows."""
    data = board.version([*view.runs, *view.behind])
    if not view.behind or view.x != "step":
        return data
    band = _bands.word(_where(board, view, window), view.behind, board.version(view.behind), fresh=fresh)
    return f"{data}/{band}"


def _where(board: Board, view: Curves, window: tuple[float, float] | None) -> Hashable:
    return board, view.metrics, window


def _band(
    board: Board,
    view: Curves,
    runs: pd.DataFrame,
    metrics: Sequence[str],
    seen: tuple[float, float],
    window: tuple[float, float] | None,
    fresh: bool,
) -> tuple[pd.DataFrame, bool]:
    """The band of the other runs; and whether a newer one is due."""
    make = partial(cohorts.behind, board, runs, view.runs, view.behind, window=seen)
    recipes = frozenset(cohorts.recipes(runs, view.runs))
    asked = Asked(_where(board, view, window), tuple(metrics), recipes, view.behind, seen)
    return _bands.get(asked, board.version(view.behind), make, fresh=fresh)


def numbers(
    board: Board, view: Curves, shown: Sequence[panels.Panel], window: tuple[float, float] | None
) -> pd.DataFrame:
    """The buckets that a view draws, smoothed if it asks for it."""
    lines = max(sum(len(set(p.runs) & set(view.runs)) for p in shown), 1)
    buckets = max(min(FINEST, POINTS // lines), COARSEST)
    wanted = tuple(dict.fromkeys(p.metric for p in shown))
    trace = board.traces(view.runs, wanted, x=view.x, window=window, buckets=buckets)  # type: ignore[arg-type]
    trace = trace[trace["x"].notna()].reset_index(drop=True)
    if view.span <= 1:
        return trace
    smooth = board.smooth(trace, view.span)
    if view.x == "kl":  # as noisy as what is drawn over it: both means are over the same points
        smooth["smooth_x"] = board.smooth(trace.assign(mean=trace["x"]), view.span)["smooth"]
    return smooth


def _missing(axis: str) -> str:
    return {
        "time": "Curves along time can't be drawn: the logs hold no wall-clock time. Along step they can.",
        "kl": "Curves along KL can't be drawn: no KL to the reference was logged. Along step they can.",
        "tokens": "Curves along tokens can't be drawn: no token count was logged. Along step they can.",
        "episode": "Curves along episodes can't be drawn: no episode count was logged. Along step they can.",
    }.get(axis, "Nothing was logged.")


def _caption(
    board: Board,
    view: Curves,
    trace: pd.DataFrame,
    behind: pd.DataFrame | None,
    absent: Sequence[str],
    without_kl: Sequence[str],
    mixed: bool,
) -> str:
    points, buckets = int(trace["n"].sum()), len(trace)
    if points == buckets:
        words = f"{count(points, 'point')}, each as logged."
    else:
        words = (
            f"{points:,} points in {buckets:,} buckets; the band spans the least and greatest value of each, "
            "the line is their mean."
        )
    words += f" Not drawn: {look.sentence(absent)}, which log none of these." if len(absent) > 1 else ""
    words += f" Not drawn: {absent[0]}, which logs none of these." if len(absent) == 1 else ""
    bad = int(trace["nonfinite"].sum())
    words += " Each point stands at the KL that its own run had at that step." if view.x == "kl" else ""
    words += f" Not drawn: {look.sentence(without_kl)}, without a logged KL." if without_kl else ""
    words += f" {count(bad, 'value')} NaN or infinite, marked x at the bottom." if bad else ""
    if view.behind:
        words += (
            f" Grey: {count(len(view.behind), 'other run')}, median and the middle 80 %."
            + (" In panels of losses only those with the same trainer and loss." if mixed else "")
            if behind is not None and len(behind)
            else " The other runs are drawn behind along step only."
        )
    if view.groups and view.x == "step":
        words += " Bold: mean over seeds with its 95 % t interval; thin: the seeds."
    if trace["attempt"].max() > 0:
        again = board.overlaps(view.runs)
        if len(again):
            words += f" {int(again['points'].max()):,} steps were logged more than once after a restart; older attempts are grey."
    if "y" in view.log:
        words += " Panels with values at or below 0 keep a linear axis."
    return words
