"""`rewardboard diagnose`: what is wrong with a run, since when, why, how sure; in words or as one JSON document."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.diagnosis.finding import Undecided
from analysis.records import InputError

if TYPE_CHECKING:
    from analysis.board import Board
    from analysis.remote import RemoteBoard

    Opened = AbstractContextManager[Board | RemoteBoard]

KINDS = ("policy", "reward_model")
"""Kinds of runs that have detectors."""

WIDTH = 110
WORDS = {"failing": "FAILING", "watch": "WATCH", "healthy": "healthy", "not_enough_data": "not enough data"}
MARKS = {"critical": "!!", "warning": "! ", "info": "i "}
SIGNS = {"established": "+", "refuted": "-", "not_established": "?"}


def add_options(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "targets", nargs="+", metavar="PATH|RUN", help="logs, or runs of the store; or both: some runs of what the paths hold"
    )  # fmt: skip
    command.add_argument("--loss", help="ranking loss of reward models whose logs do not say it")


def document(options: argparse.Namespace, stored: Callable[[], Opened]) -> dict[str, Any]:
    """Diagnoses of the runs that were named, or of all that the paths hold.

    Parameters
    ----------
    stored : opens the store, which must exist; called if no path or --db is given

    Raises
    ------
    InputError
        On paths or runs that are not there, and if there is nothing to diagnose.
    """
    from analysis.board import Board

    paths = [Path(t) for t in options.targets if Path(t).exists()]
    named = [t for t in options.targets if not Path(t).exists()]
    opened: Opened = Board.open(options.db) if paths else stored()
    with opened as board:
        read = board.ingest(paths, loss=options.loss) if paths else None
        table = board.runs()
        known = list(table["run"])
        chosen = [_find(name, known) for name in named]
        if not named:
            inside = set(known) if read is None or options.db is None else set(read.runs)
            chosen = [r for r, kind in zip(known, table["kind"], strict=True) if kind in KINDS and r in inside]
        if not chosen:
            errors = [f for f in read.files if f.error] if read is not None else []
            told = f"; not read: {errors[0].path}: {errors[0].error}" if errors else ""
            raise InputError(
                f"no training run of a policy or a reward model was found{told}",
                where=", ".join(map(str, options.targets)), mend="`rewardboard ingest PATH` tells what was read",
            )  # fmt: skip
        return {"runs": board.diagnosed(chosen)}


def _find(name: str, known: Sequence[str]) -> str:
    if name in known:
        return name
    ends = [run for run in known if run.rpartition("/")[2] == name]
    if len(ends) != 1:
        raise InputError("no such path, and no such run", where=name, mend="`rewardboard runs` lists runs")
    return ends[0]


def lines(said: Mapping[str, Any]) -> list[str]:
    """The document as text for a terminal: those that need somebody first."""
    order = {"failing": 0, "watch": 1, "not_enough_data": 2, "healthy": 3}
    runs = sorted(said["runs"], key=lambda r: order[r["verdict"]])
    out: list[str] = []
    if len(runs) > 1:
        needs = sum(r["verdict"] in ("failing", "watch") for r in runs)
        out += [f"{needs} of {len(runs)} runs need you.", ""]
    for run in runs:
        out += [*_run(run), ""]
    return out[:-1]


def _run(run: Mapping[str, Any]) -> list[str]:
    out = _paragraph(f"{run['run']}: {WORDS[run['verdict']]}. {run['summary']}")
    for f in run["findings"]:
        out += ["", *_finding(f)]
    if run["undecided"]:
        out += ["", "  Checked, and not established either way:"]
        out += [line for u in run["undecided"] for line in _bullet(f"{u['check']}: {Undecided(**u).told}", "    ? ")]
    if run["not_checked"]:
        out += ["", "  Not checked:"]
        out += [line for n in run["not_checked"] for line in _bullet(f"{n['check']}: {n['because']}", "    - ")]
    return out


def _finding(f: Mapping[str, Any]) -> list[str]:
    since = f", since step {_span(f['onset'])}" if f["onset"] else ""
    seen = f", seen at step {f['detected']['value']:g}" if f["detected"] else ""
    head = f"{MARKS[f['severity']]} {f['rank']} {f['cause']} ({f['severity']}, confidence {f['confidence']:.2f}{since}{seen})"
    # the first one's sentence is the verdict's
    out = ["  " + head, *(_bullet(f["summary"], "     ") if f["rank"] > 1 else [])]
    out += [line for e in f["evidence"] for line in _bullet(e["statement"], f"     {SIGNS[e['state']]} ")]
    for head, mark, states in AGAINST:
        said = [e["statement"] for e in f["against"] if e["state"] in states]
        out += [head] * bool(said) + [line for statement in said for line in _bullet(statement, mark)]
    if f["alternatives"]:
        rivals = ", ".join(f"{a['cause']} {a['confidence']:.2f}" for a in f["alternatives"])
        out += _bullet(f"other causes: {rivals}", "     ")
    if f["next"]:
        out += ["     next:"]
        out += [line for n in f["next"] for line in _bullet(f"{n['action']} {n['because']}", "       > ")]
    return out


AGAINST = (
    ("     against:", "       - ", ("established", "refuted")),
    ("     would be expected, and is not established:", "       ? ", ("not_established",)),
)


def _span(onset: Mapping[str, float]) -> str:
    if onset["low"] == onset["high"]:
        return f"{onset['value']:g}"
    return f"{onset['value']:g} ({onset['low']:g} to {onset['high']:g})"


def _bullet(text: str, mark: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
