"""`rewardboard compare`: reward models on the same pairs, policy runs at equal KL; in words or as one JSON document."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.records import InputError

if TYPE_CHECKING:
    from analysis.board import Board
    from analysis.remote import RemoteBoard

    Opened = AbstractContextManager[Board | RemoteBoard]

SHOWN = 20
"""Differences printed, those of the models that may be the best first; --json has all."""

MANY = 1e7
"""More pairs than anybody labels: such a number says no more than 'not established'."""

WIDTH = 110


def add_options(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "targets",
        nargs="+",
        metavar="PATH|RUN",
        help="files or folders with scores; or runs of the store; or both: some runs of what the paths hold",
    )
    command.add_argument("--dataset", help="name of the data set to compare on (default: the one most models scored)")
    command.add_argument("--data", choices=("pairs", "lists"), help="compare on pairs or on lists of candidates")
    command.add_argument(
        "--loss",
        action="append",
        default=[],
        metavar="RUN=NAME",
        help="ranking loss of a model whose log does not say it",
    )


def document(options: argparse.Namespace, stored: Callable[[], Opened]) -> dict[str, Any]:
    """What the command tells.

    Parameters
    ----------
    stored : opens the store, which must exist; called if no path or --db is given

    Raises
    ------
    InputError
        On paths or runs that are not there, and if no two models or policy runs can be compared.
    """
    from analysis.board import Board

    paths = [Path(t) for t in options.targets if Path(t).exists()]
    named = [t for t in options.targets if not Path(t).exists()]
    opened: Opened = Board.open(options.db) if paths else stored()
    with opened as board:
        unread = [f for f in board.ingest(paths).files if f.error] if paths else []
        runs, policies = _runs(board, named)
        if len(runs) < 2 and unread:
            found = f"{len(runs)} models with scores were found, and this was not read: {unread[0].error}"
            raise InputError(found, where=str(unread[0].path), mend="two models need scores of the same pairs")
        if policies and len(runs) < 2:
            raise InputError(f"there is one policy run, {runs[0]}: nothing to compare", mend="give a second one")
        if policies:
            return board.compared_policies(runs)
        return board.compared(
            runs,
            dataset=options.dataset,
            data=None if options.data is None else {"lists": "ranked"}.get(options.data, options.data),
            losses=_losses(options.loss, runs),
        )


def _runs(board: Board | RemoteBoard, named: Sequence[str]) -> tuple[list[str], bool]:
    """Runs that were named, by id or by the end of it, otherwise all of a kind; and whether they are policy runs.

    Reward models come first: policy runs are compared if nothing has scores of pairs or lists.
    """
    table, scored = board.runs(), list(dict.fromkeys(board.scorers()["run"]))
    kinds = dict(zip(table["run"], table["kind"], strict=True))
    found = scored or [run for run, kind in kinds.items() if kind == "policy"]
    if named:
        found = []
    for name in named:
        run = _find(name, list(kinds))
        if run is None:
            raise InputError("no such path, and no such run", where=name, mend="`rewardboard runs` lists runs")
        found.append(run)
    policies = [run for run in found if kinds[run] == "policy" and run not in scored]
    if policies and len(policies) < len(found):
        other = next(run for run in found if run not in policies)
        raise InputError(
            f"{policies[0]} is a policy run and {other} is none", mend="compare reward models, or policy runs, in turn"
        )
    return found, bool(policies)


def _find(name: str, known: Sequence[str]) -> str | None:
    if name in known:
        return name
    ends = [run for run in known if run.rpartition("/")[2] == name]
    return ends[0] if len(ends) == 1 else None


def _losses(said: Sequence[str], runs: Sequence[str]) -> dict[str, str]:
    from analysis import losses

    out = {}
    for text in said:
        name, _, loss = text.partition("=")
        run = _find(name, runs)
        if not loss or run is None:
            where = "is not RUN=NAME" if not loss else f"names no model of {', '.join(runs)}"
            raise InputError(f"--loss {text} {where}", mend="for example --loss rm-1=hinge")
        out[run] = losses.get(loss).name
    return out


def lines(said: Mapping[str, Any]) -> list[str]:
    """The document as text for a terminal."""
    out = _paragraph(said["verdict"])
    if said["kind"] == "policy":
        return [*out, "", *_paragraph(f"How computed: {said['method']}")]
    data = said["dataset"] or "a data set without a name"
    out += [
        "",
        f"Models, ranked on {said['data']} of {data}; ranks are sets, as far as differences are established:",
        "",
    ]
    out += _models(said)
    out += ["", "Differences (points, 95 % interval, p adjusted for all of them):", ""]
    out += _differences(said)
    cells = [c for c in said["categories"] if c["verdict"] in ("a", "b")]
    if said["categories"]:
        out += ["", f"By category, beside {said['categories'][0]['a']}:", ""]
        out += [line for c in cells for line in _bullet(c["statement"])] or ["  - no difference is established"]
    if said["swap"]:
        out += ["", "Swap check (the same PPO, only the reward model replaced; beta is given for 1):", ""]
        out += [line for swap in said["swap"] for line in _bullet(swap["statement"])]
    for title, key in (("Losses and seeds:", "losses"), ("Style that the labels do not justify:", "style")):
        if said[key]:
            out += ["", title, ""]
            out += [line for d in said[key] for line in _bullet(_of(d) + str(d["statement"]))]
    if said["remarks"]:
        out += ["", "Noted about the scores:", "", *(line for text in said["remarks"] for line in _bullet(text))]
    if said["not_computed"]:
        out += ["", "Not computed:", ""]
        out += [line for n in said["not_computed"] for line in _bullet(f"{n['what']}: {n['because']}")]
    if said["other_data_sets"]:
        out += ["", f"Also scored by several: {'; '.join(said['other_data_sets'])} (--dataset, --data)."]
    return [*out, "", *_paragraph(f"How computed: {said['method']}.")]


def _of(found: Mapping[str, Any]) -> str:
    return f"{found['model']}: " if "model" in found else ""


def _models(said: Mapping[str, Any]) -> list[str]:
    places = said["rank_sets"]
    rows = [["rank", "model", "loss", said["data"], "right", "95 %", "ties", "T", "nats", "ECE (chance)"]]
    for model in sorted(said["models"], key=lambda m: (places.get(m["name"], [99, 99]), -_known(m["accuracy"]))):
        low, high = model["ci95"]
        ends = places.get(model["name"])
        rank = "-" if ends is None else str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"
        rows.append([
            rank, model["name"], model["loss"] or "not told", f"{model['n']:,}", _said(model["accuracy"], "{:.1%}"),
            f"{_said(low, '{:.1%}')} to {_said(high, '{:.1%}')}", f"{model['ties']:,}", _said(model["temperature"], "{:.2f}"),
            _said(model["nll_calibrated"], "{:.3f}"), f"{_said(model['ece'], '{:.3f}')} ({_said(model['ece_null95'], '{:.3f}')})",
        ])  # fmt: skip
    return _table(rows, left=(0, 1, 2))


def _differences(said: Mapping[str, Any]) -> list[str]:
    best = set(said["best"])
    tested = [d for d in said["pairs"] if d["verdict"] != "not computable"]
    tested.sort(key=lambda d: (not {d["a"], d["b"]} & best, d["p"]))
    rows = [["", "model", "less", "points", "95 %", "p", "verdict"]]
    for d in tested[:SHOWN]:
        low, high = d["ci95"]
        words = {"a": f"{d['a']} ranks better", "b": f"{d['b']} ranks better"}
        more = d["needed"]
        open_ = "not established" + (
            f", {more:,.0f} {said['data']} would do" if more is not None and more < MANY else ""
        )
        rows.append([
            "*" if d["verdict"] in words else "", d["a"], d["b"], f"{100 * d['difference']:+.1f}",
            f"{100 * low:+.1f} to {100 * high:+.1f}", f"{d['p_adjusted']:.2g}", words.get(d["verdict"], open_),
        ])  # fmt: skip
    rest = len(tested) - SHOWN
    return _table(rows, left=(0, 1, 2, 6)) + ([f"  ... and {rest} more in --json"] if rest > 0 else [])


def _known(value: float | None) -> float:
    return value if value is not None and value == value else -1.0


def _said(value: float | None, form: str) -> str:
    return form.format(value) if value is not None and value == value else "-"


def _table(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    cells = (
        (c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))) for r in rows
    )
    return ["  " + "  ".join(row).rstrip() for row in cells]


def _bullet(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
