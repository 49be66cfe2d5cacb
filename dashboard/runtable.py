"""The table of the Overview as the browser draws it: how each run stands, its two curves, and the sentence above them."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.board import Board
from analysis.questions.diagnosis import DIAGNOSED
from dashboard import look, panels, runlist

KINDS = {"policy": "policy", "reward_model": "reward model", "deployment": "deployment"}
"""Words for kinds; they stand in the address."""

NEEDS = {"failing": 3, "crashed": 2, "stalled": 1, "watch": 1}
"""How urgent it is: a failing run burns its machine for harm, a crashed one waits for somebody, a stalled one may wait
for a machine, a warning wants a look."""

CALM = {"healthy": "nothing wrong found", "not_enough_data": "too few rows to tell"}
"""What is said of a run that needs nobody: that nothing was found is not that nothing was looked at. How many are still to
be diagnosed is said once, above them all."""

OLD = 7 * 86_400.0
"""Nobody needs to be told *now* of what stopped more than a week ago. A finding stays until its run is archived: it is
news to whoever has not read it."""

WANTED = tuple(dict.fromkeys([m for order in panels.OUTCOME.values() for m in order] + [panels.DISTANCE]))

_FILTERED = ("state", "kind", "project", "loss", "trainer", "framework", "tags")
_HELD = {"n_streamed": "scored row", "n_pairs": "pair", "n_ranked": "candidate", "n_rollouts": "rollout"}
_TOLD = ("verdict", "cause", "severity", "finding", "onset")
_USED = (*_FILTERED, *_HELD, *_TOLD, "run", "group", "state_why", "state_until", "last_seen", "last_step")

MISSING = 255
"""The byte of a point that has no finite value; the others run from 0, the curve's least, to 254, its greatest."""


def document(board: Board, table: pd.DataFrame, runs: Sequence[str] | None = None) -> dict[str, Any]:
    """The verdict about `table`, and a row for each of its runs, or for those of `runs` that are still there.

    Rows hold plain words and numbers. A curve holds `low` and `high`, its extremes, and `points`, at most 64 bytes
    between them in base64: means first, then, if they differ, the least and the greatest value of each point.
    """
    now = time.time()
    shown = table if runs is None else table[table["run"].isin(set(runs))]
    names = runlist.display_names(table)
    short = runlist.short_names(names)
    curves = _curves(board, shown["run"].tolist())
    rows = [
        {**_row(run, curves, now), "name": names[run["run"]], "short": short[run["run"]]}
        for run in _records(shown, _USED)
    ]
    said = {"verdict": verdict(table, short, now), "note": diagnosed(table)}
    return {**said, "rows": rows, "of": None if runs is None else list(runs)}


def _records(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as dicts of some columns: a tenth of the time of pandas' own, which boxes every value."""
    return [dict(zip(columns, row, strict=True)) for row in _tuples(table, *columns)]


def why_needed(run: Mapping[str, Any], now: float) -> str:
    """The more urgent of how a run stands and what was found wrong with it, a word of `NEEDS`; "" if nobody is needed."""
    seen = run["last_seen"]
    state = run["state"] if seen == seen and now - seen < OLD else ""
    return max(("", run["verdict"], state), key=lambda word: NEEDS.get(word, 0)) if state or run["verdict"] else ""


def need(run: Mapping[str, Any], now: float) -> int:
    """0 if nobody is needed, otherwise as in `NEEDS`."""
    return NEEDS.get(why_needed(run, now), 0)


def by_need(table: pd.DataFrame, now: float) -> list[dict[str, Any]]:
    """Runs that need somebody first, then the freshest: run, state, last_seen, verdict, cause, and its need."""
    runs = [
        run | {"need": need(run, now)} for run in _records(table, ("run", "state", "last_seen", "verdict", "cause"))
    ]
    runs.sort(key=lambda run: (-run["need"], -run["last_seen"] if run["last_seen"] == run["last_seen"] else np.inf))
    return runs


def verdict(table: pd.DataFrame, names: Mapping[str, str], now: float) -> str:
    """The answer to the page's question."""
    needed = [run for run in by_need(table, now) if run["need"] > 0]
    writing = table["state"].tolist().count("writing")
    live = f"{look.count(writing, 'is', 'are')} being written." if writing else "None is being written."
    total = look.count(len(table), "run")
    if not needed:
        none = "The one run does not need you." if len(table) == 1 else f"None of the {total} needs you."
        return f"{none} {live}"
    said = [f"{names[run['run']]} {_said(run, why_needed(run, now))}" for run in needed[:3]]
    said += [f"{len(needed) - 3:,} more"] if len(needed) > 3 else []
    return f"{len(needed):,} of {total} {'needs' if len(needed) == 1 else 'need'} you: {look.sentence(said)}. {live}"


def _said(run: Mapping[str, Any], word: str) -> str:
    """Why somebody is needed, in a sentence of several runs."""
    return f"({cause(run['cause'])})" if word in ("failing", "watch") else word


def cause(name: str) -> str:
    """The identifier of a cause as words: "mid run fault: learning rate jump"."""
    words = name.removeprefix("rm_").replace("_", " ").replace(".", ": ").split(" ")
    return " ".join({"lr": "learning rate", "kl": "KL"}.get(word, word) for word in words)


def diagnosed(table: pd.DataFrame) -> str:
    """How far diagnosing is, and what it can't tell."""
    of = [verdict for kind, verdict in _tuples(table, "kind", "verdict") if kind in DIAGNOSED]
    done, few = len(of) - of.count(""), of.count("not_enough_data")
    if not of:
        return "None of these runs is of a kind that is diagnosed."
    words = f"{look.count(done, 'run')} diagnosed" + (f", {len(of) - done:,} still to come" if done < len(of) else "")
    return words + (f"; {few:,} with too few rows to tell." if few else ".")


# -- curves


def _curves(board: Board, runs: Sequence[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """(run, metric) -> curve with its last value and unit."""
    if not runs:
        return {}
    sparks = board.sparklines(runs, WANTED)
    if sparks.empty:
        return {}
    facts = {
        (run, metric): (last, unit)
        for run, metric, split, last, unit in _tuples(
            board.metrics(runs, only=WANTED), "run", "metric", "split", "last", "unit"
        )
        if split == "train"
    }
    changes = [np.diff(sparks[name].cat.codes, prepend=-1) != 0 for name in ("run", "metric")]
    starts = np.flatnonzero(changes[0] | changes[1])
    counts = np.diff(np.r_[starts, len(sparks)])
    values = {name: sparks[name].to_numpy(np.float64) for name in ("mean", "low", "high")}
    known = np.isfinite(values["mean"])
    low = np.minimum.reduceat(np.where(known, values["low"], np.inf), starts)
    high = np.maximum.reduceat(np.where(known, values["high"], -np.inf), starts)
    spread = np.maximum.reduceat(known & (values["low"] != values["high"]), starts)
    drawn = {name: _bytes(v, np.repeat(low, counts), np.repeat(high, counts), known) for name, v in values.items()}
    bad = sparks["nonfinite"].to_numpy() > 0
    found = {}
    for place, key in enumerate(_tuples(sparks.iloc[starts], "run", "metric")):
        part = slice(starts[place], starts[place] + counts[place])
        names = ("mean", "low", "high") if spread[place] else ("mean",)
        curve = _facts(key[1], *facts.get(key, (np.nan, "")))
        if np.isfinite(low[place]):
            points = b"".join(drawn[name][part].tobytes() for name in names)
            curve |= {"low": float(low[place]), "high": float(high[place]), "n": int(counts[place])}
            curve["points"] = base64.b64encode(points).decode()
        if bad[part].any():
            curve["bad"] = np.flatnonzero(bad[part]).tolist()
        found[key] = curve
    return found


def _tuples(table: pd.DataFrame, *columns: str) -> Any:
    return zip(*(table[column].tolist() for column in columns), strict=True)


def _bytes(values: np.ndarray, low: np.ndarray, high: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values as parts of the way from low to high; halves first, since the way may be longer than a float."""
    way = np.where(known, high / 2 - low / 2, 1.0)
    share = np.where(known & (way > 0), (values / 2 - np.where(known, low, 0) / 2) / np.where(way > 0, way, 1.0), 0.5)
    return np.where(known, np.clip(np.rint(share * (MISSING - 1)), 0, MISSING - 1), MISSING).astype(np.uint8)


def _facts(metric: str, last: float, unit: str) -> dict[str, Any]:
    text, under = _told(metric, last, unit)
    known = float(last) if np.isfinite(last) else None
    return {"text": text, "unit": under, "last": known, "low": None, "high": None, "scale": _scale(metric, unit)}


def _scale(metric: str, unit: str) -> str:
    """Which curves share a scale: those of one unit that means the same in every run; "" is a scale of its own.

    Reward units are each reward model's own, and losses of different kind can't be compared.
    """
    if metric == panels.DISTANCE:
        return f"KL, {unit}"
    return "accuracy" if metric.endswith("accuracy") else ""


def _told(metric: str, last: float, unit: str) -> tuple[str, str]:
    """The last value and what it is."""
    if metric.endswith("accuracy"):
        return (look.percent(last) if last == last else "NaN"), "accuracy"
    short = {
        "nats per sequence": "nats/seq",
        "nats per token": "nats/token",
        "nats, per token or sequence not known": "nats",
        "reward units": "reward",
        "loss units": "loss",
    }
    return look.number(last), short.get(unit, unit)


# -- rows


def _row(run: Mapping[str, Any], curves: Mapping[tuple[str, str], Any], now: float) -> dict[str, Any]:
    kind = run["kind"] if isinstance(run["kind"], str) else ""
    order = panels.OUTCOME.get(kind, panels.OUTCOME["policy"] + panels.OUTCOME["reward_model"])
    metric = next((m for m in order if (run["run"], m) in curves), "")
    word = why_needed(run, now)
    found = word in ("failing", "watch")
    urgency = NEEDS.get(word, 0)
    return {
        "id": run["run"],
        "need": urgency,
        "needs": word if urgency else "",
        "verdict": run["verdict"],
        "cause": cause(run["cause"]) if found else "",
        "wrong": (run["finding"] if found else run["state_why"]) if urgency else "",
        "calm": "" if urgency else CALM.get(run["verdict"], ""),
        "since": _known(run["onset"] if found else run["last_step"]) if urgency else None,
        "why": run["state_why"],
        "until": run["state_until"] if np.isfinite(run["state_until"]) else None,
        "seen": _known(run["last_seen"]),
        "group": run["group"] if isinstance(run["group"], str) else "",
        **_filtered_by(run),
        "reward": curves.get((run["run"], metric)),
        "kl": curves.get((run["run"], panels.DISTANCE)),
        "instead": _instead(run, kind),
    }


def _filtered_by(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the page filters by."""
    said = [run[key] for key in ("loss", "trainer") if isinstance(run[key], str) and run[key]]
    framework = run["framework"] if isinstance(run["framework"], str) else ""
    return {
        "state": run["state"],
        "kind": KINDS.get(run["kind"], "") if isinstance(run["kind"], str) else "",
        "project": run["project"] if isinstance(run["project"], str) else "",
        "trained": " ".join([framework.upper(), *said] if framework == "trl" else said or [framework]).strip(),
        "tags": list(run["tags"]) if run["tags"] is not None else [],
    }


def choices(table: pd.DataFrame) -> list[dict[str, Any]]:
    """All different sets of what the page filters by, so that it can draw its filters before its rows have come."""
    found = {repr(by): by for run in _records(table, _FILTERED) if (by := _filtered_by(run))}
    return list(found.values())


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def _instead(run: Mapping[str, Any], kind: str) -> dict[str, str]:
    """What stands in place of a curve: what the run holds, or that a policy's log lacks what one looks for."""
    lacking = "not logged" if kind == "policy" else ""
    return {"reward": _holds(run) or lacking, "kl": lacking}


def _holds(run: Mapping[str, Any]) -> str:
    """What a run without curves holds."""
    for key, word in _HELD.items():
        if run[key]:
            return look.count(run[key], word)
    return ""
