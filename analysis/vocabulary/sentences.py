"""What a reader of a curve must be told: slips of scale and sign, biases, and what the log leaves open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analysis.vocabulary.candidates import Facts
from analysis.vocabulary.concepts import NOT_KNOWN, Name

_SPELLING = frozenset(
    {
        "plural",
        "singular",
        "console",
        "console only",
        "double f",
        "no namespace",
        "no train/ prefix",
        "not learning_rate",
        "tag has no prefix",
        "unprefixed tag",
        "doubled eval",
        "nested namespace train/critic/",
    }
)
"""Notes on how a tag is spelt: for the vocabulary's authors, not for who reads a curve."""
_MOST = 3
"""More notes than these are no help; the differences of versions are then told as ambiguous."""


def notes(names: Sequence[Name], said: Sequence[Facts], under_settings: Sequence[Name]) -> tuple[str, ...]:
    """Sentences for the names that a tag can be; `said` are their facts, in the same order."""
    found = _slips(names, said)
    found += _what_is_open(names, said)
    plain = [n for n in names if not _slipped(n)]
    found += _remarks(plain, every=len(plain) == len(names))
    for name in under_settings:
        setting = name.trainer.partition(" with ")[2]
        found.append(_sentence(f"with {setting} this is something else: {name.note or name.concept}"))
    return tuple(dict.fromkeys(found))


def _slipped(name: Name) -> bool:
    zero = name.aggregation == "constant 0" or name.note == "zeros"
    return name.scale is not None or name.sign != 1 or name.transform is not None or name.biased or zero


def _slips(names: Sequence[Name], said: Sequence[Facts]) -> list[str]:
    """Slips by content, each with the versions it holds for, unless it holds for all."""
    groups: dict[str, list[Name]] = defaultdict(list)
    for name, fact in zip(names, said, strict=True):
        if _slipped(name):
            groups[_slip(name, fact)].append(name)
    found = []
    for slip, members in groups.items():
        details = next((n.note for n in members if n.note not in ("", "zeros", "complement")), "")
        text = slip + (f" ({details})" if details else "")
        found.append(_sentence(text) if len(members) == len(names) else f"{_when(members)}: {_sentence(text)}")
    return found


def _slip(name: Name, said: Facts) -> str:
    parts = []
    if name.aggregation == "constant 0" or name.note == "zeros":
        parts.append("constant zero: not computed by this trainer")
    if isinstance(name.scale, int | float):
        parts.append(f"logged times {name.scale}")
    elif name.scale is not None:
        parts.append(f"scale: {name.scale}")
    if name.sign != 1:
        whole = {"fraction": "logged as the complement: 1 - x", "percent": "logged as the complement: 100 - x"}
        parts.append(whole.get(said.unit, "logged with the opposite sign"))
    if name.transform:
        parts.append(f"logged as {name.transform}")
    if name.biased:
        parts.append("known to be biased")
    return "; ".join(parts)


def _what_is_open(names: Sequence[Name], said: Sequence[Facts]) -> list[str]:
    found = []
    estimators = list(dict.fromkeys(f.estimator for f in said))
    if any(n.estimator for n in names) and (len(estimators) > 1 or estimators == [None]):
        words = sorted({f.estimator or n.estimator or NOT_KNOWN for n, f in zip(names, said, strict=True)})
        by = ", by trainer and version" if len(words) > 1 else ""
        found.append(f"Estimator {NOT_KNOWN}: {' or '.join(words)}{by}.")
    units = list(dict.fromkeys(f.unit for f in said))
    if len(units) > 1:
        found.append(f"Unit {NOT_KNOWN}: {' or '.join(u or 'none' for u in units)}, by trainer and version.")
    if all(n.aggregation in ("by_config", "by loss_agg_mode") for n in names):
        found.append("How it is averaged is a setting of the run.")
    if all("mean_incl_pad" in (n.aggregation or "") for n in names):
        found.append("Averaged over padding too: diluted by the share of padding.")
    others = list(dict.fromkeys(f.concept for f in said[1:] if f.concept != said[0].concept))
    if others:
        found.append(f"The log does not tell {said[0].concept} from {' or '.join(others)}.")
    variants = list(dict.fromkeys(f.variant for f in said if f.variant))
    if len(variants) > 1:
        found.append(f"By version: {' or '.join(variants)}.")
    elif variants and variants[0].startswith("ties"):
        found.append(f"In this accuracy {variants[0].replace(':', ' count as').replace('as dropped', 'as not there')}.")
    return found


def _remarks(names: Sequence[Name], *, every: bool) -> list[str]:
    """Notes of names without a slip, with their versions where they don't hold for all."""
    groups: dict[str, list[Name]] = defaultdict(list)
    for name in names:
        if name.note and name.note.lower() not in _SPELLING:
            groups[name.note].append(name)
    if len(groups) > _MOST:
        return []
    return [
        _sentence(note) if every and len(members) == len(names) else f"{_when(members)}: {_sentence(note)}"
        for note, members in groups.items()
    ]


def _when(names: Sequence[Name]) -> str:
    windows = dict.fromkeys(f"{n.framework} {n.trainer} {n.versions}" for n in names)
    return f"In {', '.join(windows)}"


def _sentence(text: str) -> str:
    # a first word such as kl_estimator is a name and stays as it is
    start = text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]
    return start + ("" if start.endswith(".") else ".")
