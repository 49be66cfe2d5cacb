"""From the tags of one run to concepts, units and estimators; where it can't be known, it says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from analysis.vocabulary.concepts import NOT_KNOWN, Concept, Name, Vocabulary, load

T = TypeVar("T")

HUGGING_FACE = frozenset({"trl", "hf_trainer", "llamafactory", "ms_swift", "axolotl"})
"""Frameworks whose sinks put `train/`, `eval/` or `eval_` before the trainer's own key."""

_COUNTERS = frozenset({"step.optimizer", "step.rollout", "step.episodes", "epoch", "tokens.total"})
_NOT_METRICS = re.compile(
    r"(_?timestamp|_?runtime|_step|wall_time|time|.*(_|/)runtime|.*samples_per_second|.*steps_per_second|total_flos)"
)


@dataclass(frozen=True, slots=True)
class FrameworkGuess:
    """Who wrote a set of tags. `trainer` is part of a trainer's name, "A|B" where tags leave it open."""

    framework: str
    trainer: str | None = None
    versions: str | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one tag means in its run.

    key : the tag without its sink's prefix: the same in every log of the run
    split : "train", "eval", "test", or "eval:NAME" for a named evaluation set
    component : what fills the tag's placeholder (a reward function, a data set), or None
    unit : text for an axis, "" if there is none or nobody knows
    scale : factor between the logged value and the definition (divide it out), 1.0 if none or not known
    notes : sentences to say beside the curve
    ambiguous : what else the tag may be, where versions or trainers disagree and the log doesn't tell
    step_metric : the tag counts progress (steps, episodes, tokens, epochs)
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


def guess_framework(
    tags: Iterable[str], hints: Mapping[str, str] | None = None, config: Collection[str] = ()
) -> FrameworkGuess | None:
    """Tell framework, trainer and version window from a run's tags, or None.

    Parameters
    ----------
    hints : "framework", "trainer", "version" as a log or a person says them; they win
    config : keys of the recorded trainer arguments, which tell trainers with equal tags apart
    """
    hints = hints or {}
    keys = {form for tag in tags for form in (tag, split_tag(tag)[0])}
    best, most = None, 0
    for mark in load().fingerprints:
        fits = keys.issuperset(mark.if_present) and keys.isdisjoint(mark.if_absent)
        if not fits or not set(config).issuperset(mark.if_config):
            continue
        weight = len(mark.if_present) + len(mark.if_absent) + len(mark.if_config)
        if weight > most:
            best, most = mark, weight
    said = hints.get("framework")
    if best is None or (said and said not in (best.framework, "hf_trainer")):
        return FrameworkGuess(said, hints.get("trainer"), hints.get("version"), "said") if said else None
    evidence = ", ".join((*best.if_present, *best.if_config))
    return FrameworkGuess(
        best.framework, hints.get("trainer") or best.trainer, hints.get("version") or best.versions, evidence
    )


def split_tag(tag: str) -> tuple[str, str]:
    """Key and split of a tag as Hugging Face sinks write it: `eval/loss` and `eval_loss` are ("loss", "eval")."""
    for prefix, split in (
        ("train/", "train"),
        ("eval/", "eval"),
        ("test/", "test"),
        ("eval_", "eval"),
        ("test_", "test"),
    ):
        if tag.startswith(prefix) and len(tag) > len(prefix):
            key = tag[len(prefix) :]
            return (key.removeprefix("eval_") or key) if split == "eval" else key, split
    return tag, "train"


def resolve(
    tags: Iterable[str],
    *,
    guess: FrameworkGuess | None = None,
    hints: Mapping[str, str] | None = None,
) -> dict[str, Resolution]:
    """Give every tag of one run its meaning; all tags come back, unknown ones under their own key."""
    chosen = list(dict.fromkeys(tags))
    if guess is None:
        guess = guess_framework(chosen, hints)
    vocabulary = load()
    return {tag: _resolve_one(tag, guess, vocabulary) for tag in chosen}


def primary(resolutions: Mapping[str, Resolution]) -> dict[str, str]:
    """Of several tags with one concept, the main one: concept -> key of `resolutions`.

    The order of the vocabulary decides; names of known frameworks come before generic ones, splits "train" first.
    """
    chosen: dict[str, str] = {}
    rank: dict[str, tuple[bool, int, str]] = {}
    concepts = load().concepts
    for label, r in resolutions.items():
        if r.concept is None:
            continue
        order = [n.tag for n in concepts[r.concept].names] if r.concept in concepts else []
        place = next((i for i, tag in enumerate(order) if tag in (r.tag, r.key)), len(order))
        mine = (r.split != "train", place, label)
        if r.concept not in rank or mine < rank[r.concept]:
            rank[r.concept], chosen[r.concept] = mine, label
    return chosen


def comparable(a: Resolution, b: Resolution) -> str | None:
    """None if two series may share an axis, else the reason why they may not."""
    if a.concept is None or b.concept is None or a.concept != b.concept:
        return "they are different metrics"
    fields: dict[str, tuple[object, object]] = {
        "unit": (a.unit, b.unit),
        "agg": (a.aggregation, b.aggregation),
        "est": (a.estimator, b.estimator),
        "scale": (a.scale, b.scale),
        "sign": (a.sign, b.sign),
        "split": (a.split, b.split),
        "biased": (a.biased, b.biased),
    }
    names = {"agg": "aggregation", "est": "estimator"}
    for name in ("unit", *load().concepts[a.concept].must_agree):
        mine, theirs = fields.get(name, (None, None))
        if mine != theirs:
            return f"different {names.get(name, name)}: {mine or NOT_KNOWN} and {theirs or NOT_KNOWN}"
    return None


# -- one tag


def _resolve_one(tag: str, guess: FrameworkGuess | None, vocabulary: Vocabulary) -> Resolution:
    family = guess.framework if guess else None
    key, split = split_tag(tag)
    if family is not None and family not in HUGGING_FACE and (names := _names(tag, family, vocabulary)):
        return _known(tag, tag, _declared_split(names[0][0], tag), names, guess, vocabulary)
    accepted = {family, "hf_trainer"} if family in HUGGING_FACE else {family}
    for framework in sorted(f for f in accepted if f):
        # an evaluation key may have a name of its own, or that of the training key, by version
        names = _names(f"eval_{key}", framework, vocabulary) if split == "eval" else []
        names += _names(key, framework, vocabulary) or ([] if names else _names(f"eval_{key}", framework, vocabulary))
        if names:
            return _known(tag, key, split, names, guess, vocabulary)
    generic = _generic(tag, key, split, vocabulary)
    if generic.concept is not None:
        return generic
    if split == "eval" and "_" in key and (named := _named_set(key, accepted, vocabulary)):
        name, rest = named
        return _resolve_named(tag, rest, name, guess, vocabulary)
    return generic


def _names(tag: str, framework: str, vocabulary: Vocabulary) -> list[tuple[Name, str | None]]:
    found: list[tuple[Name, str | None]] = [
        (name, None) for name in vocabulary.literal.get(tag, ()) if name.framework == framework
    ]
    if found:
        return found
    for pattern, name in vocabulary.patterns:
        if name.framework == framework and (match := pattern.fullmatch(tag)):
            found.append((name, "/".join(match.groups())))
    return found


def _declared_split(name: Name, tag: str) -> str:
    return name.split or ("eval" if tag.startswith(("eval/", "val")) and name.concept.startswith("eval.") else "train")


def _named_set(key: str, accepted: Collection[str | None], vocabulary: Vocabulary) -> tuple[str, str] | None:
    """`helpful_loss` -> ("helpful", "loss"), if the rest is a key that the framework logs in evaluations."""
    for i, letter in enumerate(key):
        if letter == "_" and i:
            rest = key[i + 1 :]
            known = vocabulary.literal.get(rest, ()) + vocabulary.literal.get(f"eval_{rest}", ())
            if any(n.framework in accepted for n in known):
                return key[:i], rest
    return None


def _resolve_named(tag: str, rest: str, name: str, guess: FrameworkGuess | None, vocabulary: Vocabulary) -> Resolution:
    inner = _resolve_one(f"eval_{rest}", guess, vocabulary)
    return Resolution(
        tag, rest, f"eval:{name}", inner.concept, inner.component, inner.unit, inner.estimator, inner.aggregation,
        inner.scale, inner.sign, inner.transform, inner.biased, inner.notes, inner.ambiguous, inner.step_metric,
    )  # fmt: skip


def _generic(tag: str, key: str, split: str, vocabulary: Vocabulary) -> Resolution:
    concept = vocabulary.generic.get(key) or vocabulary.generic.get(key.lower())
    if concept is None:
        return Resolution(tag, key, split, step_metric=bool(_NOT_METRICS.fullmatch(key)))
    entry = vocabulary.concepts[concept]
    unit = entry.unit
    notes: tuple[str, ...] = ()
    if concept == "kl.to_reference":
        unit = f"nats, per token or sequence {NOT_KNOWN}"
        notes = ("The log does not say which estimator this is, nor whether it is per token or per sequence.",)
    elif concept == "entropy.token_mean":
        unit = f"nats, per token or sequence {NOT_KNOWN}"
    return Resolution(tag, key, split, concept, unit=unit, notes=notes, step_metric=concept in _COUNTERS)


def _known(
    tag: str,
    key: str,
    split: str,
    names: Sequence[tuple[Name, str | None]],
    guess: FrameworkGuess | None,
    vocabulary: Vocabulary,
) -> Resolution:
    fitting = _fitting([name for name, _ in names], guess)
    component = next(part for name, part in names if name is fitting[0])
    concept = vocabulary.concepts[fitting[0].concept]
    candidates = [n for n in fitting if n.concept == concept.id]
    estimator, estimators = _agreed(candidates, lambda n: _estimator(n.estimator))
    aggregation, aggregations = _agreed(candidates, lambda n: n.aggregation)
    unit, units = _agreed(candidates, lambda n: _unit(n, concept))
    scale, _ = _agreed(candidates, lambda n: n.scale if isinstance(n.scale, int | float) else 1.0)
    sign, _ = _agreed(candidates, lambda n: n.sign)
    transform, _ = _agreed(candidates, lambda n: n.transform)
    ambiguous = tuple(
        f"{n.framework} {n.trainer} {n.versions}: {n.concept}" for n in fitting if n.concept != concept.id
    )
    notes = _notes(candidates, estimators, aggregations, units)
    return Resolution(
        tag=tag,
        key=key,
        split=split,
        concept=concept.id,
        component=component,
        unit=unit if unit is not None else f"{concept.unit}, {NOT_KNOWN} which",
        estimator=estimator,
        aggregation=aggregation,
        scale=float(scale) if scale is not None else 1.0,
        sign=int(sign) if sign is not None else 1,
        transform=transform,
        biased=all(n.biased for n in candidates),
        notes=notes,
        ambiguous=ambiguous,
        step_metric=concept.id in _COUNTERS,
    )


def _fitting(names: Sequence[Name], guess: FrameworkGuess | None) -> list[Name]:
    """Names whose trainer and version window agree with the guess; all, where none does."""
    kept = list(names)
    if guess and guess.trainer:
        words = guess.trainer.split("|")
        kept = [n for n in kept if any(_same_trainer(w, n.trainer) for w in words)] or kept
    if guess and guess.versions:
        kept = [n for n in kept if _overlap(n.versions, guess.versions)] or kept
    return kept


def _same_trainer(word: str, trainer: str) -> bool:
    word, trainer = word.lower(), trainer.lower()
    if "async" in trainer and "async" not in word:
        return False
    return word in trainer or word.removesuffix("trainer") in trainer or trainer in ("any", "all")


def _agreed(names: Sequence[Name], of: Callable[[Name], T]) -> tuple[T | None, list[T]]:
    """The value that all names share, or None; and all values."""
    values = list(dict.fromkeys(of(n) for n in names))
    return (values[0] if len(values) == 1 else None), values


def _estimator(words: str | None) -> str | None:
    """k1, k2, k3, abs or full where the framework fixes it; None where a configuration decides."""
    return words if words in ("k1", "k2", "k3", "abs", "full") else None


def _unit(name: Name, concept: Concept) -> str:
    if name.unit:
        return name.unit
    if concept.unit in ("nats", "nats per token") and name.aggregation:
        if name.aggregation.startswith(("seq_sum", "sqrt seq_sum")):
            return "nats per sequence"
        if "tok" in name.aggregation or "pad" in name.aggregation:
            return "nats per token"
    return f"nats, per token or sequence {NOT_KNOWN}" if concept.unit == "nats" else concept.unit


def _notes(
    names: Sequence[Name], estimators: Sequence[object], aggregations: Sequence[object], units: Sequence[object]
) -> tuple[str, ...]:
    """What a reader of the curve must know: slips of scale and sign, bias, and what the log leaves open."""
    said: list[str] = []
    slips = [n for n in names if n.scale is not None or n.sign != 1 or n.transform or n.biased]
    for n in slips:
        when = "" if len(slips) == len(names) else f"In {n.framework} {n.versions}: "
        said.append(when + _slip(n))
    if len(estimators) > 1 or (names[0].estimator and list(estimators) == [None]):
        words = sorted({n.estimator for n in names if n.estimator})
        said.append(f"Estimator {NOT_KNOWN}: {' or '.join(words)}, by trainer and version." if len(words) > 1
                    else f"Estimator {NOT_KNOWN}: {words[0]}." if words else f"Estimator {NOT_KNOWN}.")  # fmt: skip
    if len(units) > 1:
        said.append(f"Unit {NOT_KNOWN}: {' or '.join(str(u) for u in units)}, by trainer and version.")
    elif "mean_incl_pad" in aggregations:
        said.append("Averaged over padding too: diluted by the share of padding.")
    if len(names) == 1 and names[0].note and not slips:
        said.append(_sentence(names[0].note))
    return tuple(dict.fromkeys(said))


def _slip(name: Name) -> str:
    parts = []
    if name.scale is not None:
        parts.append(f"logged times {name.scale}" if isinstance(name.scale, int | float) else f"scale: {name.scale}")
    if name.sign != 1:
        parts.append("logged with the opposite sign")
    if name.transform:
        parts.append(f"logged as {name.transform}")
    if name.biased:
        parts.append("known to be biased")
    return _sentence("; ".join(parts) + (f" ({name.note})" if name.note else ""))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _overlap(a: str, b: str) -> bool:
    """Whether two version windows can hold a common version; True where one of them is not numbers."""
    one, two = _window(a), _window(b)
    if one is None or two is None:
        return True
    return one[0] <= two[1] and two[0] <= one[1]


_FIRST: tuple[int, ...] = (0,)
_LAST: tuple[int, ...] = (1 << 30,)


def _window(text: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """`0.9.3..1.12.0`, `0.6.0..`, `..2025-11` or a single version as a pair of comparable ends."""
    low, dots, high = text.partition("..")
    ends = [_version(low), _version(high) if dots else _version(low)]
    if not dots and ends[0] is None:
        return None
    start = ends[0] if low.strip() else _FIRST
    stop = ends[1] if (high if dots else low).strip() else _LAST
    if start is None or stop is None:
        return None
    # an end such as 0.6 stands for every 0.6.x
    return start, (*stop, 1 << 20)


def _version(text: str) -> tuple[int, ...] | None:
    match = re.match(r"\s*v?(\d+(?:[.-]\d+)*)", text)
    return tuple(int(n) for n in re.split(r"[.-]", match[1])) if match else None
