"""How likely each cause is, given what is seen: weights of evidence add up, and candidates share what is likely."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp

from analysis.diagnosis.leaf import Cause, Sights
from analysis.diagnosis.signals import Signals

NONE = 0.0
"""Weight of 'none of these': a cause with nothing but its prior is as likely as something that nobody thought of."""

DAMPED = 0.75
"""Symptoms of one cause are not independent: their summed weight is read at three quarters of its size, as of evidence
whose parts share a quarter of what they say."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A cause and what speaks for it.

    weight : nats of evidence; confidence : its share among the causes that compete for the same symptoms
    explains : established symptoms that it predicts or requires
    rivals : other candidates for these symptoms with their confidence, the likeliest first
    """

    cause: Cause
    weight: float
    confidence: float
    explains: frozenset[str]
    rivals: tuple[tuple[Cause, float], ...] = ()


def weight(cause: Cause, sights: Sights) -> float:
    """Nats of evidence for a cause."""
    total = 0.0
    for name, w in cause.predicts.items():
        if name in sights:
            total += {"established": w, "refuted": -w * cause.absence}.get(sights[name].state, 0.0)
    total -= sum(w for name, w in cause.forbids.items() if name in sights and sights[name].there)
    return cause.prior + DAMPED * total


def candidates(causes: Iterable[Cause], view: Signals, sights: Sights) -> list[Cause]:
    """Causes that are possible at all."""
    return [
        c for c in causes if any(name in sights and sights[name].there for name in c.requires) and c.fits(view, sights)
    ]


def opinions(causes: Iterable[Cause], view: Signals, sights: Sights) -> list[Opinion]:
    """The causes that together explain what is seen, the likeliest first.

    The likeliest cause takes the symptoms it explains; the next must explain something that is left, and so on. Those
    that would explain nothing new are its rivals. A cause against which more speaks than for it is no explanation.
    """
    seen = {name for name, sight in sights.items() if sight.there}
    weighed = sorted(
        ((weight(c, sights), c) for c in candidates(causes, view, sights)), key=lambda x: (-x[0], x[1].name)
    )
    explained: set[str] = set()
    found: list[Opinion] = []
    for w, cause in weighed:
        explains = frozenset(seen & (cause.predicts.keys() | set(cause.requires)))
        key = seen & set(cause.requires)
        if key <= explained:
            continue
        shared = [(v, c) for v, c in weighed if c is not cause and seen & set(c.requires) & explains]
        if w < NONE:
            continue  # likelier something that nobody thought of
        confidence = _share(w, [v for v, _ in shared])
        if confidence < 0.5 and any(o.cause is c for _, c in shared for o in found):
            continue  # a likelier cause already stands for what it would rest on
        rivals = tuple((c, _share(v, [w, *(u for u, d in shared if d is not c)])) for v, c in shared[:3])
        found.append(Opinion(cause, w, confidence, explains, rivals))
        explained |= explains
    return found


def _share(mine: float, others: Sequence[float]) -> float:
    top = max([mine, NONE, *others])
    return exp(mine - top) / (exp(mine - top) + exp(NONE - top) + sum(exp(o - top) for o in others))
