"""`rewardboard.toml` beside a run: what the user says about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.records import InputError, RunInfo

FILE = "rewardboard.toml"
_TEXTS = ("name", "project", "kind", "loss", "group", "note")
_KINDS = ("reward_model", "policy", "deployment")


@dataclass(frozen=True, slots=True)
class Beside:
    """The contents of one `rewardboard.toml`."""

    info: RunInfo = field(default_factory=RunInfo)
    columns: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path, root: Path) -> Beside:
    """Read the nearest `rewardboard.toml` from `folder` up to `root`; an empty one if there is none.

    Raises
    ------
    InputError
        If it is no TOML, or a key is unknown or of the wrong type.
    """
    at = folder
    while True:
        path = at / FILE
        if path.is_file():
            return _parse(path)
        if at in (root, at.parent):
            return Beside()
        at = at.parent


def _parse(path: Path) -> Beside:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"no valid TOML: {error}", where=str(path), mend="mend the line") from error
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror}", where=str(path), mend="check its rights") from error
    known = {*_TEXTS, "seed", "tags", "links", "columns"}
    for key in data.keys() - known:
        raise InputError(f"unknown key {key!r}", where=str(path), mend=f"use {', '.join(sorted(known))}")
    for key in _TEXTS:
        _check(path, data, key, str)
    _check(path, data, "seed", int)
    _check(path, data, "tags", list)
    _check(path, data, "links", dict)
    _check(path, data, "columns", dict)
    kind = data.get("kind")
    if kind is not None and kind not in _KINDS:
        raise InputError(f"unknown kind {kind!r}", where=str(path), mend=f"use {', '.join(_KINDS)}")
    info = RunInfo(
        **{key: data[key] for key in _TEXTS if key in data},
        seed=data.get("seed"),
        tags=tuple(str(tag) for tag in data.get("tags", ())),
        links={str(k): str(v) for k, v in data.get("links", {}).items()},
    )
    return Beside(info, {str(k): str(v) for k, v in data.get("columns", {}).items()})


def _check(path: Path, data: Mapping[str, Any], key: str, wanted: type) -> None:
    if key in data and not isinstance(data[key], wanted):
        raise InputError(f"{key} must be a {wanted.__name__}", where=str(path), mend="mend the value")
