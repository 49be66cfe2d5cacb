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
    variant : what else decides whether two series compare: "ties: wrong", "rule: binds", "scope: step"
    catch_all : the tag holds anything a user cares to log, so that a match proves nothing
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
    variant: str | None = None
    catch_all: bool = False


@dataclass(frozen=True, slots=True)
class Concept:
    """One canonical metric.

    unit : short text for an axis; for KL and entropy the name's aggregation says 'per token' or 'per sequence'
    direction : whether higher or lower is better, or none
    per : what one value belongs to (token, sequence, pair, group, update ...); None where the name decides
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
    per: str | None = None
    must_agree: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    unit_note: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Keys whose presence (and absence) tells framework, trainer and version window.

    rivals : (framework, trainer, versions) of others that write these very tags
    """

    framework: str
    trainer: str | None
    versions: str | None
    if_present: tuple[str, ...]
    if_absent: tuple[str, ...] = ()
    if_config: tuple[str, ...] = ()
    rivals: tuple[tuple[str, str | None, str | None], ...] = ()
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that is known: concepts by id, names by literal tag and by pattern, fingerprints, facts.

    literal : (framework, tag) -> names
    patterns : framework -> names with placeholders
    generic : tag of hand-written loops -> concept
    rank : concept -> tag -> place: which of several series of a concept comes first
    """

    concepts: Mapping[str, Concept]
    literal: Mapping[tuple[str, str], tuple[Name, ...]]
    patterns: Mapping[str, tuple[tuple[re.Pattern[str], Name], ...]]
    generic: Mapping[str, str]
    rank: Mapping[str, Mapping[str, int]]
    fingerprints: tuple[Fingerprint, ...]
    facts: Mapping[str, Any]

    @property
    def collisions(self) -> Mapping[str, str]:
        """Tags that mean different things to different writers, and what."""
        return {c["tag"]: c["contents"] for c in self.facts["collisions"]}

    @property
    def level_shifts(self) -> tuple[Mapping[str, Any], ...]:
        """Changes of version that alone move a curve."""
        return tuple(self.facts["level_shifts"])

    @property
    def not_logged(self) -> tuple[Mapping[str, Any], ...]:
        """What a framework never logs: its absence is no zero."""
        return tuple(self.facts["not_logged"])

    @property
    def sink_prefixes(self) -> Mapping[str, str]:
        """What each sink puts before a tag."""
        return dict(self.facts["sink_prefixes"])


@cache
def load() -> Vocabulary:
    """Read the vocabulary; once a process."""
    root = files("analysis.vocabulary")
    concepts = {}
    for path in sorted((p for p in root.joinpath("data").iterdir() if p.name.endswith(".yaml")), key=lambda p: p.name):
        for entry in _yaml(path.read_text(encoding="utf-8")):
            concept = _concept(entry, path.name.removesuffix(".yaml"))
            concepts[concept.id] = concept
    literal: dict[tuple[str, str], list[Name]] = defaultdict(list)
    patterns: dict[str, list[tuple[re.Pattern[str], Name]]] = defaultdict(list)
    for concept in concepts.values():
        for name in concept.names:
            if "{" in name.tag:
                patterns[name.framework].append((pattern(name.tag), name))
            else:
                literal[name.framework, name.tag].append(name)
    generic, facts, marks = (
        _yaml(root.joinpath("frameworks", f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("generic", "facts", "fingerprints")
    )
    return Vocabulary(
        concepts,
        {tag: tuple(names) for tag, names in literal.items()},
        {framework: tuple(found) for framework, found in patterns.items()},
        {tag: concept for concept, tags in generic.items() for tag in tags},
        {c.id: _rank(c, generic.get(c.id, ())) for c in concepts.values()},
        tuple(_fingerprint(m) for m in marks),
        facts,
    )


def pattern(tag: str) -> re.Pattern[str]:
    """`rewards/{f}/mean` -> a pattern whose groups are the filled placeholders; `{a|b}` takes one of the words."""
    parts = re.split(r"(\{[^}]*\})", tag)
    text = "".join(
        f"({part[1:-1]})" if "|" in part else r"(.+?)" if part.startswith("{") else re.escape(part) for part in parts
    )
    return re.compile(text, re.DOTALL)


def label(label: str | None, metric: str, component: str | None) -> str:
    """Name of a metric for people; parts (a reward function) stand behind a colon."""
    if not label or metric.startswith("step."):
        return label or metric
    return f"{label}: {component}" if isinstance(component, str) and component else label


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _rank(concept: Concept, generic: list[str]) -> dict[str, int]:
    tags = dict.fromkeys([*(n.tag for n in concept.names), *generic])
    return {tag: place for place, tag in enumerate(tags)}


def _name(concept: str, n: Mapping[str, Any]) -> Name:
    variants = [f"{word}: {n[word]}" for word in ("ties", "rule", "scope", "formula") if word in n]
    return Name(
        concept=concept,
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
        variant=", ".join(variants) or None,
        catch_all=bool(n.get("catch_all", False)),
    )


def _concept(entry: Mapping[str, Any], group: str) -> Concept:
    return Concept(
        id=entry["id"],
        group=group,
        label=entry["label"],
        unit=entry["unit"],
        direction=entry["direction"],
        meaning=entry["meaning"],
        range=str(entry["range"]),
        aggregation=entry["aggregation"],
        names=tuple(_name(entry["id"], n) for n in entry["names"]),
        per=entry.get("per"),
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
        tuple((r["framework"], r.get("trainer"), r.get("versions")) for r in entry.get("or", ())),
        entry.get("caveat", ""),
    )
