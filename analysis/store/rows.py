"""Rows of the store's small tables, as Python values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.records import Chunk, Ending, RunInfo, RunKind, Skipped


def _values(row: Any) -> dict[str, Any]:
    """The fields of a row as they are: `asdict` copies each in depth, which took a third of a commit."""
    return {name: getattr(row, name) for name in row.__slots__}


MOST_SKIPPED = 50
"""Skipped places kept a file: enough to see the pattern; the rest is counted in one entry."""


@dataclass(frozen=True, slots=True)
class Log:
    """What one writer wrote: one file, or the event files that follow one another after restarts.

    prefix, suffix : what the log's folder adds to its tags (`eval/loss` from `loss` in a folder `eval`)
    newest : the latest wall time that a row carries (unix s), None if rows carry none
    pauses : the longest pauses between rows, in s, longest first (see `pace.py`)
    grew : when it was last seen growing (unix s), None if it never was
    """

    log_id: int
    run_id: str
    label: str
    source: str
    rank: int
    prefix: str = ""
    suffix: str = ""
    newest: float | None = None
    pauses: tuple[float, ...] = ()
    grew: float | None = None

    def row(self) -> dict[str, Any]:
        return _values(self) | {"pauses": list(self.pauses)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Log:
        return cls(**{**row, "pauses": tuple(row["pauses"] or ())})


@dataclass(frozen=True, slots=True)
class File:
    """One entry of the ledger.

    run_id : the run that the file belongs to; runs named inside the file are `run_id/name`
    state : "read", "reading" (the program ended before the file did), "unread" (known, but not readable by
        this version), "failed", "replaced" (a newer checkpoint tells the same)
    prefix_hash, end_hash : of the first bytes, and of the last ones before `size`: a file that still has both, and is
        longer, has grown; any other was rewritten
    position : where the source goes on; None before the first chunk
    ending : what the file says about the end of its run
    """

    file_id: int
    path: str
    run_id: str
    log_id: int
    source: str
    role: str
    size: int = 0
    mtime_ns: int = 0
    prefix_bytes: int = 0
    prefix_hash: str = ""
    end_hash: str = ""
    position: Mapping[str, Any] | None = None
    rows: int = 0
    state: str = "reading"
    error: str = ""
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    ending: Ending = field(default_factory=Ending)

    def read_on(self, chunk: Chunk) -> File:
        """This entry after one more chunk of the file."""
        told = chunk.ending
        return replace(
            self,
            position=dict(chunk.position),
            rows=self.rows + chunk.rows,
            notes=tuple(dict.fromkeys((*self.notes, *chunk.notes))),
            skipped=_capped((*self.skipped, *chunk.skipped)),
            ending=replace(
                told,
                reached=self.ending.reached if told.reached is None else told.reached,
                planned=self.ending.planned if told.planned is None else told.planned,
            ),
        )

    def row(self) -> dict[str, Any]:
        return _values(self) | {
            "position": None if self.position is None else json.dumps(dict(self.position)),
            "notes": list(self.notes),
            "skipped": [_values(s) for s in self.skipped],
            "ending": _values(self.ending),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> File:
        return cls(
            **{
                **row,
                "position": None if row["position"] is None else json.loads(row["position"]),
                "notes": tuple(row["notes"] or ()),
                "skipped": tuple(Skipped(**s) for s in row["skipped"] or ()),
                "ending": Ending(**(row["ending"] or {})),
            }
        )


def _capped(skipped: tuple[Skipped, ...]) -> tuple[Skipped, ...]:
    """The first places, equal ones as one, and one entry that counts the rest."""
    merged: dict[tuple[str, str], int] = {}
    for s in skipped:
        merged[s.where, s.why] = merged.get((s.where, s.why), 0) + s.count
    places = tuple(Skipped(where, why, count) for (where, why), count in merged.items())
    if len(places) <= MOST_SKIPPED:
        return places
    kept, rest = places[: MOST_SKIPPED - 1], places[MOST_SKIPPED - 1 :]
    return (*kept, Skipped("further places", "see the reasons above", sum(s.count for s in rest)))


KIND_BESIDE = "kind: rewardboard.toml"
"""In `user_set`: the kind was told in a file, which may change its mind; nothing that is logged changes it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of `runs`.

    begun : something of it was read; before that it is known by its folder only, and not listed
    user_set : fields that a person set: no log changes them any more
    """

    run_id: str
    path: str = ""
    fingerprint: str = ""
    project: str = ""
    name: str = ""
    kind: RunKind | None = None
    framework: str = ""
    version: str = ""
    trainer: str = ""
    loss: str = ""
    seed: int | None = None
    group: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    archived: bool = False
    begun: bool = False
    user_set: tuple[str, ...] = ()

    def told(self, info: RunInfo, *, by_user: bool = False) -> Run:
        """This run with what `info` adds. What is known stays, unless a person says otherwise."""
        changes: dict[str, Any] = {}
        for name in (
            "name",
            "project",
            "kind",
            "framework",
            "version",
            "trainer",
            "loss",
            "seed",
            "group",
            "note",
        ):
            new = getattr(info, name)
            if new not in ("", None) and name not in self.user_set and (by_user or not getattr(self, name)):
                changes[name] = new
        if by_user and "kind" in changes:
            changes["user_set"] = tuple(dict.fromkeys((*self.user_set, KIND_BESIDE)))
        if info.tags and (by_user or "tags" not in self.user_set):
            changes["tags"] = info.tags if by_user else tuple(dict.fromkeys((*self.tags, *info.tags)))
        changes["config"] = {**info.config, **self.config}
        changes["links"] = {**self.links, **info.links} if by_user else {**info.links, **self.links}
        return replace(self, **changes)

    def row(self) -> dict[str, Any]:
        return _values(self) | {
            "tags": list(self.tags),
            "user_set": list(self.user_set),
            "config": json.dumps(dict(self.config), default=str),
            "links": json.dumps(dict(self.links)),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Run:
        return cls(
            **{
                **row,
                "tags": tuple(row["tags"] or ()),
                "user_set": tuple(row["user_set"] or ()),
                "config": json.loads(row["config"] or "{}"),
                "links": json.loads(row["links"] or "{}"),
            }
        )


@dataclass(frozen=True, slots=True)
class Series:
    """One tag of one log of one run, and what the vocabulary makes of it."""

    series_id: int
    run_id: str
    log_id: int
    source: str
    rank: int
    tag: str
    key: str = ""
    split: str = "train"
    metric: str = ""
    concept: str | None = None
    component: str | None = None
    unit: str = ""
    estimator: str | None = None
    aggregation: str | None = None
    scale: float = 1.0
    sign: int = 1
    counter: bool = False
    notes: tuple[str, ...] = ()
    is_primary: bool = True

    def row(self) -> dict[str, Any]:
        return _values(self) | {"notes": list(self.notes)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Series:
        return cls(**{**row, "notes": tuple(row["notes"] or ())})
