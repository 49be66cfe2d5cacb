"""The list of runs as the side bar shows it: names, states, tags and groups, newest first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

COLOURED = 8
"""Runs drawn one by one in colour: four hues in two dashes. The others of the choice stand behind, in grey."""

_SEED = re.compile(r"([-_./]|\b)(seed|s)[-_=]?\d+\b", re.IGNORECASE)
"""How people write a seed into a run's name."""


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a run: id, name (whole and short), state and what shows it, kind, tags, group, step, and the unix time of its newest data."""
    table = newest_first(table)
    names = display_names(table)
    short = short_names(names, NARROW)
    groups = groups_of(table)
    return [
        {
            "id": run["run"],
            "name": names[run["run"]],
            "short": short[run["run"]],
            "state": run["state"],
            "why": run["state_why"],
            "kind": run["kind"] if isinstance(run["kind"], str) else "",
            "project": run["project"] if isinstance(run["project"], str) else "",
            "tags": list(run["tags"]) if run["tags"] is not None else [],
            "group": groups.get(run["run"], ""),
            "trained": " ".join(str(w) for w in (run["loss"], run["framework"], run["trainer"]) if isinstance(w, str)),
            "drawn": run["n_metrics"] > 0,
            "seen": None if run["last_seen"] != run["last_seen"] else run["last_seen"],
        }
        for run in table.to_dict("records")
    ]


def newest_first(table: pd.DataFrame) -> pd.DataFrame:
    """Runs by when their files changed last; those with curves before those without."""
    order = table.assign(curves=table["n_metrics"] > 0)
    return order.sort_values(["curves", "last_seen"], ascending=False, kind="stable", na_position="last")


def newest(table: pd.DataFrame) -> list[str]:
    """What is shown without a choice."""
    return [str(newest_first(table)["run"].iloc[0])] if len(table) else []


def drawn(table: pd.DataFrame, chosen: Sequence[str]) -> tuple[str, ...]:
    """The chosen runs that are drawn one by one."""
    known = set(table["run"])
    return tuple(run for run in chosen if run in known)[:COLOURED]


def others(table: pd.DataFrame, find: str, drawn: Sequence[str]) -> tuple[str, ...]:
    """Runs with curves, of the kinds of those drawn, that match the search."""
    kinds = set(table.set_index("run")["kind"].reindex(list(drawn)).dropna())
    rest = matching(table, find)
    rest = rest[~rest["run"].isin(drawn) & rest["kind"].isin(kinds) & (rest["n_metrics"] > 0)]
    return tuple(rest["run"])


def groups_of(table: pd.DataFrame) -> dict[str, str]:
    """The group of each run: what the user said, otherwise the name without its seed, if several runs share it."""
    said = {run: group for run, group in zip(table["run"], table["group"], strict=True) if group and group == group}
    bare = {run: _SEED.sub("", run) for run in table["run"] if run not in said and _SEED.search(run)}
    often = pd.Series(list(bare.values()), dtype=str).value_counts()
    return said | {run: name for run, name in bare.items() if often[name] > 1}


def matching(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """Runs in whose id, name, project, tags, group, framework, trainer, loss or kind a regular expression is found."""
    if not text:
        return table
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except re.error:
        pattern = re.compile(re.escape(text), re.IGNORECASE)
    columns = [c for c in ("run", "name", "project", "framework", "trainer", "loss", "kind", "group") if c in table]
    words = table[columns].fillna("").astype(str).agg(" ".join, axis=1) + table["tags"].map(_joined)
    return table[words.map(lambda line: bool(pattern.search(line)))]


def _joined(tags: Iterable[str] | None) -> str:
    return "" if tags is None else " " + " ".join(tags)


def display_names(table: pd.DataFrame) -> dict[str, str]:
    """What a run is called on pages: its name where that is unique, its id otherwise."""
    named = [name if isinstance(name, str) else "" for name in table["name"].tolist()]
    often = Counter(named)
    runs = table["run"].tolist()
    return {run: name if name and often[name] == 1 else run for run, name in zip(runs, named, strict=True)}


MOST = 44
"""Letters of a name in a sentence or a row: two lines of the Overview's column."""

NARROW = 24
"""Letters that fit beside the marks of the side bar."""


def short_names(names: Mapping[str, str], most: int = MOST) -> dict[str, str]:
    """The names with at most so many letters, of long ones those that tell them from the others.

    Names of sweeps begin alike, so a cut at the end leaves them all the same: the part that they share is left out.
    """
    ordered = sorted(set(names.values()))
    short = {}
    for place, name in enumerate(ordered):
        beside = ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]
        short[name] = _short(name, max((_shared(name, other) for other in beside), default=0), most)
    clear = len(set(short.values())) == len(ordered)
    return {run: short[name] if clear else name for run, name in names.items()}


def _shared(one: str, other: str) -> int:
    """How many letters two names begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _short(name: str, shared: int, most: int) -> str:
    """`name` cut, the letter at `shared` kept."""
    if len(name) <= most:
        return name
    if shared < most - 6:
        head = most - most // 3 - 1 if shared < most // 2 else most - 1
        return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"
    head = most // 3
    words = (1 + max(name.rfind(sign, head, shared) for sign in signs) for signs in ("_/ ", "-.="))
    begin = next((begin for begin in words if begin and shared - begin < most // 3), shared)
    rest = most - head - 2
    return f"{name[:head]}…{name[begin : begin + rest]}" + ("…" if begin + rest < len(name) else "")
