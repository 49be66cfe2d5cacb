"""Which of the vocabulary's names a tag can be, given who wrote it; and what these names agree on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.vocabulary.concepts import NOT_KNOWN, Concept, Name, Vocabulary
from analysis.vocabulary.guessing import FrameworkGuess
from analysis.vocabulary.tags import LONGEST
from analysis.vocabulary.trainers import conditional, meets, named
from analysis.vocabulary.versions import overlap

Found = tuple[Name, str | None]
"""A name and what fills its placeholders."""

NATS_NOT_KNOWN = f"nats, per token or sequence {NOT_KNOWN}"
_CHOSEN_BY = ("kl_estimator", "kl_penalty", "kl_loss_type")
"""Arguments that choose the KL estimator in TRL and OpenRLHF, and in verl."""
_ESTIMATORS = {"kl": "k1", "kl1": "k1", "mse": "k2", "kl2": "k2", "low_var_kl": "k3", "kl3": "k3"}
_FIXED = re.compile(r"(k1|k2|k3|abs|full)(?: \((?:old - new|new - old)\))?")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a name says of the logged number; names with equal facts are one to a reader."""

    concept: str
    unit: str
    estimator: str | None
    aggregation: str | None
    scale: float | str | None
    sign: int
    transform: str | None
    biased: bool
    variant: str | None


def find(tag: str, framework: str, vocabulary: Vocabulary) -> list[Found]:
    """All names of a framework that a tag matches; literal ones hide patterns."""
    if literal := vocabulary.literal.get((framework, tag)):
        return [(name, None) for name in literal]
    if len(tag) > LONGEST:
        return []
    return [
        # in console lines the placeholder {x} holds the value, not a part of the metric
        (name, None if "{x}" in name.tag else "/".join(match.groups()))
        for pattern, name in vocabulary.patterns.get(framework, ())
        if (match := pattern.fullmatch(tag))
    ]


def select(names: Sequence[Name], guess: FrameworkGuess | None) -> tuple[list[Name], list[Name]]:
    """Names that fit trainer and versions, and those that would under a setting the log doesn't tell.

    A name of the very trainer beats one of "every trainer". Where nothing fits, all stay: the tag is there after all.
    """
    trainer = named(guess.trainer) if guess and guess.trainer else frozenset()
    if trainer:
        own = [n for n in names if meets(trainer, named(n.trainer), strict=True)]
        own = own or [n for n in names if meets(trainer, named(n.trainer), strict=False)]
        general = [n for n in names if not named(n.trainer)]
        pool = _in_window(own, guess) or _in_window(general, guess) or own or general or list(names)
    else:
        pool = _in_window(names, guess) or list(names)
    plain = [n for n in pool if not conditional(n.trainer)]
    return (plain, [n for n in pool if conditional(n.trainer)]) if plain else (pool, [])


def _in_window(names: Sequence[Name], guess: FrameworkGuess | None) -> list[Name]:
    if guess is None or not guess.versions:
        return list(names)
    return [n for n in names if overlap(n.versions, guess.versions)]


def one_concept(names: Sequence[Name]) -> str | None:
    """The concept of names that may disagree: None where they belong to different families of metrics.

    A name that every trainer writes stands for all; within a family (two kinds of reward spread) the first wins and
    the others are told as ambiguous.
    """
    general = [n for n in names if not named(n.trainer)]
    if general:
        return general[0].concept
    families = {n.concept.partition(".")[0] for n in names}
    return names[0].concept if len(families) == 1 else None


def facts(name: Name, concept: Concept, hints: Mapping[str, str]) -> Facts:
    """What a name says, with its unit spelt for an axis."""
    return Facts(
        concept=name.concept,
        unit=_unit(name, concept),
        estimator=_estimator(name.estimator, hints),
        aggregation=name.aggregation,
        scale=name.scale,
        sign=name.sign,
        transform=name.transform,
        biased=name.biased,
        variant=name.variant,
    )


def agreed(all_facts: Sequence[Facts]) -> Facts:
    """The first facts, with None (or 'not known') wherever the others differ."""
    first = all_facts[0]

    def same(field: str) -> bool:
        return len({getattr(f, field) for f in all_facts}) == 1

    return replace(
        first,
        unit=first.unit if same("unit") else _open_unit([f.unit for f in all_facts]),
        estimator=first.estimator if same("estimator") else None,
        aggregation=first.aggregation if same("aggregation") else None,
        scale=first.scale if same("scale") else None,
        sign=first.sign if same("sign") else 1,
        transform=first.transform if same("transform") else None,
        biased=first.biased if same("biased") else False,
        variant=first.variant if same("variant") else None,
    )


def describe(name: Name, said: Facts) -> str:
    """`trl RLOOTrainer 0.22.0..1.16.0: kl.to_reference (k1, token_mean)`."""
    details = ", ".join(str(d) for d in (said.estimator, said.aggregation, said.variant) if d)
    return f"{name.framework} {name.trainer} {name.versions}: {name.concept}" + (f" ({details})" if details else "")


def _estimator(words: str | None, hints: Mapping[str, str]) -> str | None:
    """k1, k2, k3, abs or full where the framework or the run's arguments fix it, else None."""
    if words is None:
        return None
    if fixed := _FIXED.fullmatch(words):
        return fixed[1]
    if words.startswith("config"):
        for argument in _CHOSEN_BY:
            chosen = hints.get(argument, "")
            chosen = _ESTIMATORS.get(chosen, chosen)
            offered = set(re.findall(r"k[123]|abs|full", words.partition("default")[0]))
            if _FIXED.fullmatch(chosen) and (chosen in offered or not offered):
                return chosen
    return None


def _unit(name: Name, concept: Concept) -> str:
    how = name.aggregation or ""
    if name.unit:
        return name.unit
    if how in ("count", "percent"):
        return {"count": "groups", "percent": "percent"}[how]
    if concept.unit in ("nats", "nats per token"):
        return _nats(how, concept)
    if concept.unit == "reward units" and concept.id in ("reward.total_mean", "reward.kl_penalty_mean"):
        return "reward units per token" if "tok" in how else "reward units"
    if concept.unit == "squared reward units" and name.transform == "sqrt":
        return "reward units"
    return concept.unit


def _nats(how: str, concept: Concept) -> str:
    if how.startswith(("seq_sum", "seq_level")):
        return "nats per sequence"
    if "tok" in how or "pad" in how:
        return "nats per token"
    # a configuration may choose a sum over the sequence
    return NATS_NOT_KNOWN if concept.unit == "nats" or how.startswith("by") else concept.unit


def _open_unit(units: Sequence[str]) -> str:
    if all(unit.startswith("nats") for unit in units):
        return NATS_NOT_KNOWN
    return f"{NOT_KNOWN}: {' or '.join(dict.fromkeys(unit or 'none' for unit in units))}"
