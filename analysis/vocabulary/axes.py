"""Which series may share an axis, and which of several series of one metric is the main one."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.vocabulary.concepts import NOT_KNOWN, load
from analysis.vocabulary.resolver import Resolution

_FIELDS = {
    "agg": "aggregation",
    "est": "estimator",
    "scale": "scale",
    "sign": "sign",
    "transform": "transform",
    "split": "split",
    "biased": "biased",
    "ties": "variant",
    "rule": "variant",
    "scope": "variant",
    "formula": "variant",
}
"""Words of `compare_only_if_equal` -> fields of a resolution."""


def comparable(a: Resolution, b: Resolution) -> str | None:
    """None if two series may share an axis, else the reason why they may not.

    Both must be one metric in one unit that is known, and agree in what the concept asks for (estimator, aggregation,
    scale, split ...). Where the log leaves an estimator or aggregation open for both, the same candidates must be left.
    """
    if a.concept is None or b.concept is None or a.concept != b.concept:
        return "they are different metrics"
    if a is b:
        return None
    if NOT_KNOWN in a.unit or NOT_KNOWN in b.unit:
        return f"unit {NOT_KNOWN}: {a.unit} and {b.unit}"
    if a.unit != b.unit:
        return f"different unit: {a.unit or NOT_KNOWN} and {b.unit or NOT_KNOWN}"
    for word in load().concepts[a.concept].must_agree:
        field = _FIELDS[word]
        mine, theirs = getattr(a, field), getattr(b, field)
        if mine != theirs:
            return f"different {field}: {_told(mine)} and {_told(theirs)}"
        if mine is None and a.ambiguous != b.ambiguous:
            return f"{field} {NOT_KNOWN} for at least one of them"
    return None


def primary(resolutions: Mapping[str, Resolution]) -> dict[str, str]:
    """Of several tags with one concept, the main one: concept -> key of `resolutions`.

    The order of the vocabulary decides; names of known frameworks come before generic ones, splits "train" first.
    """
    ranks = load().rank
    best: dict[str, tuple[bool, int, str]] = {}
    for label, r in resolutions.items():
        if r.concept is None:
            continue
        order = ranks.get(r.concept, {})
        place = min(order.get(r.tag, len(order)), order.get(r.key, len(order)))
        best[r.concept] = min(best.get(r.concept, (True, len(order) + 1, label)), (r.split != "train", place, label))
    return {concept: label for concept, (_, _, label) in best.items()}


def _told(value: object) -> object:
    return NOT_KNOWN if value is None else value
