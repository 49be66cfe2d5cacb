"""The vocabulary's data: concepts, the names that frameworks give them, and how to tell frameworks apart.

Facts live in `data/` (one file a group of concepts) and `frameworks/`; a new metric or name is a new line there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Name:
    """What one framework logs a concept under, in a window of versions.

    tag : the key as written; {braces} are placeholders. For trainers built on the Hugging Face Trainer it is the
        key without the sink's prefix (`train/`, `eval/`, `eval_`).
    aggregation : how tokens, sequences and ranks are averaged (token_mean, seq_sum_mean ...), or None
    estimator : k1, k2, k3, abs, full, or the words of the framework where a configuration decides
    scale, sign, transform : what lies between the logged value and the concept's definition
    biased : known to be wrong in these versions; `note` says how
    """

    concept: str
    framework: str
    versions: str
    trainer: str
    tag: str
    aggregation: str | None = None
    estimator: str | None = None
    scale: float | str | None = None
    sign: int = 1
    transform: str | None = None
    biased: bool = False
    unit: str | None = None
    split: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """One canonical metric.

    unit : short text for an axis; for KL and entropy the name's aggregation says 'per token' or 'per sequence'
    direction : whether higher or lower is better, or none
    must_agree : what two series must have in common to share an axis
    """

    id: str
    group: str
    label: str
    unit: str
    direction: str
    meaning: str
    range: str
    aggregation: str
    names: tuple[Name, ...]
    must_agree: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    unit_note: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Keys whose presence (and absence) tells framework, trainer and version window."""

    framework: str
    trainer: str | None
    versions: str | None
    if_present: tuple[str, ...]
    if_absent: tuple[str, ...] = ()
    if_config: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that is known: concepts by id, names by literal tag and by pattern, fingerprints, facts."""

    concepts: Mapping[str, Concept]
    literal: Mapping[str, tuple[Name, ...]]
    patterns: tuple[tuple[re.Pattern[str], Name], ...]
    generic: Mapping[str, str]
    fingerprints: tuple[Fingerprint, ...]
    collisions: Mapping[str, str]
    level_shifts: tuple[Mapping[str, Any], ...]
    not_logged: tuple[Mapping[str, Any], ...]


@cache
def load() -> Vocabulary:
    """Read the vocabulary; once a process."""
    root = files("analysis.vocabulary")
    concepts = {}
    for path in sorted((p for p in root.joinpath("data").iterdir() if p.name.endswith(".yaml")), key=lambda p: p.name):
        for entry in _yaml(path.read_text(encoding="utf-8")):
            concept = _concept(entry, path.name.removesuffix(".yaml"))
            concepts[concept.id] = concept
    literal: dict[str, list[Name]] = defaultdict(list)
    patterns = []
    for concept in concepts.values():
        for name in concept.names:
            if "{" in name.tag:
                patterns.append((_pattern(name.tag), name))
            else:
                literal[name.tag].append(name)
    folder = root.joinpath("frameworks")
    generic = _yaml(folder.joinpath("generic.yaml").read_text(encoding="utf-8"))
    facts = _yaml(folder.joinpath("facts.yaml").read_text(encoding="utf-8"))
    marks = _yaml(folder.joinpath("fingerprints.yaml").read_text(encoding="utf-8"))
    return Vocabulary(
        concepts,
        {tag: tuple(names) for tag, names in literal.items()},
        tuple(patterns),
        {tag: concept for concept, tags in generic.items() for tag in tags},
        tuple(_fingerprint(m) for m in marks),
        {c["tag"]: c["contents"] for c in facts["collisions"]},
        tuple(facts["level_shifts"]),
        tuple(facts["not_logged"]),
    )


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _concept(entry: Mapping[str, Any], group: str) -> Concept:
    names = tuple(
        Name(
            concept=entry["id"],
            framework=n["framework"],
            versions=str(n["versions"]),
            trainer=str(n["trainer"]),
            tag=str(n["tag"]),
            aggregation=n.get("agg"),
            estimator=n.get("est"),
            scale=n.get("scale"),
            sign=n.get("sign", 1),
            transform=n.get("transform"),
            biased=bool(n.get("biased", False)),
            unit=n.get("unit"),
            split=n.get("split"),
            note=str(n.get("note", "")),
        )
        for n in entry["names"]
    )
    return Concept(
        id=entry["id"],
        group=group,
        label=entry["label"],
        unit=entry["unit"],
        direction=entry["direction"],
        meaning=entry["meaning"],
        range=str(entry["range"]),
        aggregation=entry["aggregation"],
        names=names,
        must_agree=tuple(entry.get("compare_only_if_equal", ())),
        traps=tuple(entry.get("traps", ())),
        unit_note=entry.get("unit_note", ""),
    )


def _fingerprint(entry: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(
        entry["framework"],
        entry.get("trainer"),
        entry.get("versions"),
        tuple(entry["if_present"]),
        tuple(entry.get("if_absent", ())),
        tuple(entry.get("if_config", ())),
    )


def _pattern(tag: str) -> re.Pattern[str]:
    """`rewards/{f}/mean` -> a pattern whose groups are the filled placeholders; `{a|b}` takes one of the words."""
    parts = re.split(r"(\{[^}]*\})", tag)
    pattern = "".join(
        f"({part[1:-1]})" if "|" in part else r"(.+?)" if part.startswith("{") else re.escape(part) for part in parts
    )
    return re.compile(pattern, re.DOTALL)


def label(label: str | None, metric: str, component: str | None) -> str:
    """Name of a metric for people; parts (a reward function) stand behind a colon."""
    if not label or metric.startswith("step."):
        return label or metric
    return f"{label}: {component}" if isinstance(component, str) and component else label
