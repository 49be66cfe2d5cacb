"""From the tags of one run to concepts, units and estimators; where it can't be known, it says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.vocabulary.candidates import (
    NATS_NOT_KNOWN,
    Facts,
    Found,
    agreed,
    describe,
    facts,
    find,
    one_concept,
    select,
)
from analysis.vocabulary.concepts import NOT_KNOWN, Name, Vocabulary, load
from analysis.vocabulary.guessing import FrameworkGuess, guess_framework
from analysis.vocabulary.sentences import notes
from analysis.vocabulary.tags import LONGEST, evaluation_sets, named_set, split_tag

HUGGING_FACE = frozenset({"trl", "hf_trainer", "llamafactory", "ms_swift", "axolotl"})
"""Frameworks whose sinks put `train/`, `eval/` or `eval_` before the trainer's own key."""

_COUNTERS = frozenset(
    {
        "step.optimizer",
        "step.rollout",
        "step.episodes",
        "step.log",
        "epoch",
        "tokens.total",
        "time.wall",
        "time.elapsed",
        "time.run",
        "throughput.samples_per_second",
        "throughput.steps_per_second",
        "compute.flos",
    }
)
"""Concepts that count progress or keep the books of a run, and are no metric of it."""
_BOOKS = re.compile(r"(.*(_|/))?(runtime|samples_per_second|steps_per_second)")
_OWN_EVALUATION = re.compile(r"(?:(?:val|valid|validation|dev)[/_](.+)|(.+)/(?:val|valid|validation|eval|test))")
_WHOLE_RUN = frozenset({"loss.total", "rm.accuracy", "rm.loss", "rm.margin_mean", "eval.gold_score_mean"})
"""What hand-written loops log on a held-out set; elsewhere `val/` may stand for the value function."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one tag means in its run.

    tag : as logged
    key : the tag without its sink's prefix: the same in every log of the run
    split : "train", "eval", "test", or "eval:NAME" for an evaluation set whose name the run proves
    concept : id of the canonical metric, or None where nobody knows or where it may be metrics of different families
    component : what fills the tag's placeholder (a reward function, a data set), or None
    unit : text for an axis, "" if there is none or nobody knows; says "not known" where candidates disagree
    estimator : k1, k2, k3, abs, full, or None if none or not known
    aggregation : how tokens, sequences and ranks are averaged, None if not known
    scale : factor between the logged value and the definition (divide it out), 1.0 if none or not a number
    sign : -1: multiply by -1 (fractions: take 1 - x) to reach the definition
    transform : sqrt, log or exp to invert, or None
    biased : known to be wrong in every version that fits
    notes : sentences to say beside the curve
    ambiguous : what the tag may be, where versions or trainers disagree and the log doesn't tell
    step_metric : the tag counts progress or keeps the books (steps, tokens, time), and is no metric
    variant : what else must agree to compare ("ties: wrong", "rule: binds"), or None
    """

    tag: str
    key: str
    split: str
    concept: str | None = None
    component: str | None = None
    unit: str = ""
    estimator: str | None = None
    aggregation: str | None = None
    scale: float = 1.0
    sign: int = 1
    transform: str | None = None
    biased: bool = False
    notes: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    step_metric: bool = False
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """What is known of all tags together."""

    guess: FrameworkGuess | None
    hints: Mapping[str, str]
    sets: frozenset[str]
    vocabulary: Vocabulary


def resolve(
    tags: Iterable[str],
    *,
    guess: FrameworkGuess | None = None,
    hints: Mapping[str, str] | None = None,
) -> dict[str, Resolution]:
    """Give every tag of one run its meaning; all tags come back, unknown ones under their own key.

    Parameters
    ----------
    tags : all tags of one run or log; they are told together, since one tag alone rarely says who wrote it
    guess : who wrote them, if that is known from more than these tags
    hints : "framework", "trainer", "version"; also arguments that choose an estimator (`kl_estimator`)
    """
    chosen = list(dict.fromkeys(tags))
    if guess is None:
        guess = guess_framework(chosen, hints)
    family = guess.framework if guess else None
    sets = evaluation_sets(chosen) if family is None or family in HUGGING_FACE else frozenset()
    run = _Run(guess, hints or {}, sets, load())
    return {tag: _resolve_one(tag, run) for tag in chosen}


def _resolve_one(tag: str, run: _Run) -> Resolution:
    family = run.guess.framework if run.guess else None
    key, split = split_tag(tag)
    own_prefix = family is not None and family not in HUGGING_FACE
    if own_prefix:
        # the prefix is part of this framework's own tags
        key, split = tag, _declared_split(tag)
    if found := _find(key, split, run):
        return _known(tag, key, split, found, run)
    if key in run.vocabulary.concepts:
        return _as_defined(tag, key, split, run.vocabulary)
    generic = _generic(tag, key, split, run)
    if generic.concept is not None or own_prefix:
        return generic
    if split == "eval" and (parts := named_set(key, run.sets)):
        inner = _resolve_one(f"eval_{parts[1]}", run)
        return replace(inner, tag=tag, key=parts[1], split=f"eval:{parts[0]}")
    return generic


def _as_defined(tag: str, concept: str, split: str, vocabulary: Vocabulary) -> Resolution:
    """A tag that is a concept's own id: the user named his column so, or logs what the vocabulary defines."""
    unit = vocabulary.concepts[concept].unit
    return Resolution(tag, concept, split, concept, unit=unit, step_metric=concept in _COUNTERS)


def _declared_split(tag: str) -> str:
    return "eval" if tag.startswith(("eval/", "validation", "val-", "val/test_score/")) else "train"


def _find(key: str, split: str, run: _Run) -> list[Found]:
    """Names of the framework for a key, and of the Hugging Face Trainer and TRL where it builds on them."""
    family = run.guess.framework if run.guess else None
    if family is None:
        return []
    order = [family]
    if family in HUGGING_FACE:
        order += [f for f in ("hf_trainer", *(["trl"] if family == "axolotl" else [])) if f != family]
    for framework in order:
        found = find(f"{split}_{key}", framework, run.vocabulary) if split != "train" else []
        if found := found + find(key, framework, run.vocabulary):
            return found
    return []


def _known(tag: str, key: str, split: str, found: Sequence[Found], run: _Run) -> Resolution:
    parts = dict(found)
    names, settings = select(list(parts), run.guess)
    if all(n.catch_all for n in names):
        return _caught(tag, key, split, names, run)
    rivals = [n for n in _rivals(key, run) if n not in parts]
    concept = one_concept(names)
    said = [facts(n, run.vocabulary.concepts[n.concept], run.hints) for n in names]
    others = [facts(n, run.vocabulary.concepts[n.concept], run.hints) for n in (*rivals, *settings)]
    differing = len({*said, *others}) > 1
    ambiguous = tuple(
        describe(n, f) for n, f in zip((*names, *rivals, *settings), (*said, *others), strict=True) if differing
    )
    told = notes(names, said, settings)
    if concept is None:
        return Resolution(tag, key, split, notes=told, ambiguous=tuple(dict.fromkeys(ambiguous)))
    same = [f for f in (*said, *others[: len(rivals)]) if f.concept == concept]
    one = agreed(same)
    return Resolution(
        tag=tag,
        key=key,
        split=names[0].split or split,
        concept=concept,
        component=next(parts[n] for n in names if n.concept == concept),
        unit=one.unit,
        estimator=one.estimator,
        aggregation=one.aggregation,
        scale=_number(one),
        sign=one.sign,
        transform=one.transform,
        biased=one.biased,
        notes=told,
        ambiguous=tuple(dict.fromkeys(ambiguous)),
        step_metric=concept in _COUNTERS,
        variant=one.variant,
    )


def _rivals(key: str, run: _Run) -> list[Name]:
    """What the key would be if another framework, whose tags are the same, wrote the run."""
    found: list[Name] = []
    for rival in run.guess.alternatives if run.guess else ():
        found += select([name for name, _ in find(key, rival.framework, run.vocabulary)], rival)[0]
    return found


def _number(said: Facts) -> float:
    return float(said.scale) if isinstance(said.scale, int | float) else 1.0


def _caught(tag: str, key: str, split: str, names: Sequence[Name], run: _Run) -> Resolution:
    """A tag that only "anything the user logs" matches: known under a usual name, or not known."""
    generic = _generic(tag, key, split, run)
    if generic.concept is not None or generic.step_metric:
        return generic
    said = [describe(n, facts(n, run.vocabulary.concepts[n.concept], run.hints)) for n in names]
    why = f"Not in the vocabulary; {names[0].framework} logs whatever a reward function returns under such a name."
    return replace(generic, notes=(why,), ambiguous=tuple(said))


def _generic(tag: str, key: str, split: str, run: _Run) -> Resolution:
    """Names of hand-written loops: a concept, and nothing that the log does not say."""
    bare = split_tag(key)[0]
    concept = _generic_concept(bare, run.vocabulary)
    if concept is None and run.guess is None and len(key) <= LONGEST and (own := _OWN_EVALUATION.fullmatch(key)):
        rest = own[1] or own[2]
        if (held := _generic_concept(rest, run.vocabulary)) in _WHOLE_RUN:
            key, split, concept = rest, "eval", held
    if concept is None and run.guess is None and key.endswith("/train"):
        rest = key.removesuffix("/train")
        if (held := _generic_concept(rest, run.vocabulary)) in _WHOLE_RUN:
            key, concept = rest, held
    if concept is None:
        books = len(key) <= LONGEST and bool(_BOOKS.fullmatch(key))
        return Resolution(tag, key, split, step_metric=books)
    entry = run.vocabulary.concepts[concept]
    unit = entry.unit
    said: tuple[str, ...] = ()
    if entry.unit == "nats" or concept == "entropy.token_mean":
        unit, said = (
            NATS_NOT_KNOWN,
            (f"Whether this is per token or per sequence is {NOT_KNOWN}: the log does not say.",),
        )
    if "est" in entry.must_agree:
        said = (*said, f"Estimator {NOT_KNOWN}: the log does not say.")
    return Resolution(tag, key, split, concept, unit=unit, notes=said, step_metric=concept in _COUNTERS)


def _generic_concept(key: str, vocabulary: Vocabulary) -> str | None:
    return vocabulary.generic.get(key) or vocabulary.generic.get(key.lower())
