"""Which features move a reward model's margin beyond what the labels justify.

A feature that moves the margin is no bias if the labels follow it as well. The question is whether a margin is worth
less where it comes from the feature: among pairs of equal margin, does the side with more of the feature win less
often? In logit P(chosen) = L(margin) + delta * x that is delta against the direction in which x moves the margin. A
model whose margins are right needs no delta, whatever its features; one that ranks with noise only errs the other
way, as features that matter are then used too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.ranking.excess import SCALED, SUPPORT, Excess, Found
from analysis.ranking.features import Features, Kind
from analysis.ranking.logistic import signed_rank
from analysis.ranking.scored import ScoredPairs
from analysis.uncertainty import ALPHA, cluster_codes, holm, student_quantile

Floats = npt.NDArray[np.float64]

Verdict = Literal["over-used", "under-used", "as the labels have it", "not computable"]

METHOD = (
    "score test of the feature in the logistic model of the labels given the margin (its value and its signed rank), "
    "clustered by prompt; words and openings also given length; Holm within words and within all other features, "
    "times two"
)


@dataclass(frozen=True, slots=True)
class Effect:
    """One feature. A unit is one more of it (of words, headings), or one standard deviation (of lengths, columns).

    pairs, prompts : those whose sides differ in it
    moves, low, high : standard deviations of the margin that a unit moves it by, with its 95 % interval
    claimed : log-odds a unit brings by way of the margin, if a margin from this feature were worth as much as any other
    justified : log-odds a unit brings by the labels; both are NaN if not computed (no finding, and not structural)
    p, p_adjusted : that they differ, alone and among all features
    cost : nats a pair that the scorer loses by it; log 2 less its calibrated likelihood is all that it knows
    verdict : "over-used": it moves the margin, and the labels justify less or the reverse; "under-used": the labels
        follow it more than the margin does
    """

    name: str
    kind: Kind
    unit: str
    pairs: int
    prompts: int
    moves: float
    low: float
    high: float
    claimed: float
    justified: float
    p: float
    p_adjusted: float
    cost: float
    verdict: Verdict
    statement: str


@dataclass(frozen=True, slots=True)
class Bias:
    """All features of a scorer's pairs, over-used ones first, by what they cost.

    tested : features that stood in enough prompts; `untested` did not
    because : "" or why nothing could be tested
    """

    n: int
    prompts: int
    tested: int
    untested: int
    effects: tuple[Effect, ...]
    method: str = METHOD
    because: str = ""

    def having(self, verdict: Verdict) -> tuple[Effect, ...]:
        """Effects with one verdict."""
        return tuple(e for e in self.effects if e.verdict == verdict)


def bias(pairs: ScoredPairs, features: Features) -> Bias:
    """Test every feature that the sides of enough prompts differ in.

    Parameters
    ----------
    pairs : labelled pairs; those without a margin are left out
    features : of the same pairs, row by row
    """
    kept = np.isfinite(pairs.margin)
    margin, features = pairs.margin[kept], features.take(kept)
    codes, clusters = cluster_codes(pairs.prompts[kept])
    order = np.argsort(codes, kind="stable")
    margin, codes, features = margin[order], codes[order], features.take(order)
    n = len(margin)
    why = _why_not(margin, clusters)
    if why:
        return Bias(n, clusters, 0, len(features), (), because=why)
    scale = float(np.sqrt(np.mean(margin**2)))
    base = np.column_stack([margin / scale, signed_rank(margin)])
    words = np.array([kind in WORDS for kind in features.kinds], bool)
    effects: list[Effect] = []
    untested = 0
    for family, given in ((words, length_given(features)), (~words, None)):
        tests = Excess(base, given, codes)
        found, skipped = tests.test(features, np.flatnonzero(family))
        untested += skipped
        adjusted = np.minimum(2 * holm([f.p for f in found]), 1.0)
        effects += [_effect(tests, features, f, float(p)) for f, p in zip(found, adjusted, strict=True)]
    rank = {"over-used": 0, "under-used": 1, "as the labels have it": 2}
    effects.sort(key=lambda e: (rank[e.verdict], -e.cost if np.isfinite(e.cost) else 0.0, e.p))
    return Bias(n, clusters, len(effects), untested, tuple(effects))


WORDS: tuple[Kind, ...] = ("word", "opening")
"""Kinds of which there are thousands: a family of their own, tested beside length, as long texts have more of each."""


def _effect(tests: Excess, features: Features, found: Found, p: float) -> Effect:
    name, kind = features.names[found.column], features.kinds[found.column]
    half = student_quantile(0.95, found.prompts - 1) * found.error
    verdict: Verdict = "as the labels have it"
    claimed = justified = cost = float("nan")
    if p <= ALPHA or kind not in WORDS:
        worth = tests.worth(features, found.column)
        claimed, justified, cost = worth.claimed, worth.justified, worth.cost
    if p <= ALPHA:
        against = found.delta * found.moves < 0 and abs(found.moves) > half
        verdict = "over-used" if against else "under-used"
    what = (
        f"one standard deviation of {name}" if kind in SCALED else name if kind == "opening" else f"one more of {name}"
    )
    told = (
        f"{what} moves the margin by {found.moves:+.2f} SD ({found.moves - half:+.2f} to {found.moves + half:+.2f}); "
    )
    if p <= ALPHA:
        told += (
            f"the labels justify {justified:+.2f} log-odds where the margin claims {claimed:+.2f} (adjusted p {p:.2g})"
        )
    else:
        told += f"that the labels justify another effect is not established (adjusted p {p:.2g})"
    return Effect(
        name, kind, "standard deviation" if kind in SCALED else features.units[found.column], found.pairs, found.prompts,
        found.moves, found.moves - half, found.moves + half, claimed, justified, found.p, p, cost, verdict, told,
    )  # fmt: skip


def length_given(features: Features) -> Floats | None:
    """Difference in length, the first that there is, in its standard deviations; None if sides never differ in it."""
    place = next((i for i, kind in enumerate(features.kinds) if kind == "length"), None)
    if place is None:
        return None
    x = features.column(features.names[place])
    spread = float(np.sqrt(np.mean(x**2)))
    return x / spread if spread > 0 else None


def _why_not(margin: Floats, clusters: int) -> str:
    if clusters < SUPPORT:
        return f"{clusters} prompts with scored pairs: features can be tested with {SUPPORT} or more"
    if not margin.any():
        return "every pair is tied: no feature moves the margin"
    if not (margin < 0).any():
        return "every pair is ranked right: nothing is left that a feature could explain; harder pairs would do"
    return ""
