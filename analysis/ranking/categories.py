"""Where a reward model ranks worse than elsewhere, and where it ranks worse than another one does.

Alone, a weak category is only weak: it may be hard. That a category was harmed is established against another scorer
on the same pairs, and only if the difference there is larger than the difference elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.ranking.accuracy import Accuracy, accuracy, credit
from analysis.ranking.common import Common
from analysis.ranking.compare import Difference, differences, values
from analysis.ranking.scored import ScoredPairs
from analysis.uncertainty import ALPHA, FEWEST, cluster_codes, holm, student_quantile, totals

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Contrast:
    """A mean in some pairs less the mean in all others, with its 95 % interval over prompts and two-sided p."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Category:
    """A scorer's accuracy in one category beside all others.

    contrast : accuracy here less accuracy elsewhere, share of pairs
    p_adjusted : of the contrast, among all categories (Holm)
    verdict : "reversed" (established below one half), "near chance" (established below the rest, and not established
        to differ from one half while the rest is), "below the rest", "above the rest", "as the rest" (no difference
        established), "not computable"
    """

    category: str
    accuracy: Accuracy
    rest: Accuracy
    contrast: Contrast
    p_adjusted: float
    verdict: str
    statement: str


@dataclass(frozen=True, slots=True)
class CategoryDifference:
    """Two scorers in one category.

    difference : of the two on the pairs of this category, adjusted among all categories (Holm)
    contrast : that difference less the difference elsewhere; p_adjusted among all categories
    verdict : "a" or "b" is established to rank better here; "not established" or "not computable"
    particular : whether that is established to be more than the two differ elsewhere
    """

    category: str
    difference: Difference
    contrast: Contrast
    p_adjusted: float
    verdict: str
    particular: bool
    statement: str


def categories(pairs: ScoredPairs) -> tuple[Category, ...]:
    """Accuracy of each category against the rest, the weakest first; empty with fewer than two categories."""
    ranked = pairs.once().ranked()
    place, found_names = pd.factorize(ranked.categories, sort=True)
    names = [str(name) for name in found_names]
    if len(names) < 2:
        return ()
    codes, clusters = cluster_codes(ranked.prompts)
    right = credit(ranked.margin)
    masks = [place == i for i in range(len(names))]
    contrasts = [contrast(right, m, codes, clusters, lowest=0.0) for m in masks]
    adjusted = holm([c.p for c in contrasts])
    found = []
    for name, mask, apart, p in zip(names, masks, contrasts, adjusted, strict=True):
        here, rest = (accuracy(ranked.chosen[m], ranked.rejected[m], codes[m]) for m in (mask, ~mask))
        verdict = _place(here, rest, apart, float(p))
        found.append(Category(name, here, rest, apart, float(p), verdict, _told(name, here, rest, float(p), verdict)))
    return tuple(sorted(found, key=lambda c: c.accuracy.accuracy))


def category_differences(
    common: Common, a: str, b: str, rng: np.random.Generator, *, draws: int = 2000
) -> tuple[CategoryDifference, ...]:
    """Differences of two scorers by category, the largest loss of b first; empty with fewer than two categories."""
    found = category_matrix(common, a, [b], rng, draws=draws)
    return tuple(sorted(found, key=lambda f: (np.isnan(f.difference.difference), -f.difference.difference)))


def category_matrix(
    common: Common, a: str, others: Sequence[str], rng: np.random.Generator, *, draws: int = 2000
) -> tuple[CategoryDifference, ...]:
    """A scorer beside each of several others in each category, adjusted among all cells (Holm); by scorer, then by name."""
    cells = [cell for b in others for cell in _cells(common, a, b, rng, draws)]
    p_here, p_more = holm([d.p for _, d, _ in cells]), holm([c.p for _, _, c in cells])
    found = []
    for (name, d, c), p, more in zip(cells, p_here, p_more, strict=True):
        known = d.verdict != "not computable"
        verdict = d.verdict if not known else "not established" if p > ALPHA else "a" if d.difference > 0 else "b"
        particular = bool(verdict in ("a", "b") and more <= ALPHA and c.value * d.difference > 0)
        d = replace(d, p_adjusted=float(p), verdict=verdict)
        told = _told_difference(name, d, c, float(more), particular)
        found.append(CategoryDifference(name, d, c, float(more), verdict, particular, told))
    return tuple(found)


def _cells(
    common: Common, a: str, b: str, rng: np.random.Generator, draws: int
) -> list[tuple[str, Difference, Contrast]]:
    """Difference and contrast of two scorers in each category, not yet adjusted."""
    columns = [common.scorers.index(name) for name in (a, b)]
    couple = replace(common, scorers=(a, b), margins=common.margins[:, columns])
    couple = couple.within(np.asarray(np.isfinite(couple.margins).all(axis=1), bool))
    names = sorted({str(c) for c in couple.categories})
    if len(names) < 2:
        return []
    worth = values(couple.margins, "accuracy")
    apart = worth[:, 0] - worth[:, 1]
    masks = [np.asarray(couple.categories == name, bool) for name in names]
    contrasts = [contrast(apart, m, couple.prompts, couple.clusters, lowest=-1.0) for m in masks]
    here = [differences(couple.within(m), rng, draws=draws)[0] for m in masks]
    return list(zip(names, here, contrasts, strict=True))


def contrast(worth: Floats, inside: Mask, codes: npt.NDArray[np.intp], clusters: int, *, lowest: float) -> Contrast:
    """Mean of `worth` (n,) inside less outside.

    Both parts get two more values, the least possible (`lowest`) and 1, before the error is taken (Agresti and Caffo
    2000, doi:10.1080/00031305.2000.10474560): equal values in a small part are no certainty. Errors are over prompts,
    also where one prompt has pairs on both sides; Student's distribution has the freedom of the smaller part.
    """
    ones = np.ones(len(worth))
    influence, centre, value, freedom = np.zeros(clusters), 0.0, 0.0, np.inf
    extra = 0.0
    for part, sign in ((inside, 1.0), (~inside, -1.0)):
        sizes = totals(codes[part], clusters, ones[part])
        sums = totals(codes[part], clusters, worth[part])
        there = int((sizes > 0).sum())
        if there < FEWEST:
            return Contrast(*[float("nan")] * 4)
        n = float(sizes.sum())
        mean = (sums.sum() + lowest + 1) / (n + 2)
        influence += sign * (sums - mean * sizes) / (n + 2)
        extra += ((lowest - mean) ** 2 + (1 - mean) ** 2) / (n + 2) ** 2
        centre += sign * mean
        value += sign * float(worth[part].mean())
        freedom = min(freedom, there - 1)
    from scipy.special import stdtr  # here, as a board opens without scipy

    error = float(np.sqrt((influence**2).sum() + extra))
    half = student_quantile(0.95, freedom) * error
    return Contrast(value, float(centre - half), float(centre + half), float(2 * stdtr(freedom, -abs(centre) / error)))


def _place(here: Accuracy, rest: Accuracy, apart: Contrast, p: float) -> str:
    if np.isnan(p):
        return "not computable"
    if here.high < 0.5:
        return "reversed"
    if p > ALPHA:
        return "as the rest"
    if apart.value > 0:
        return "above the rest"
    return "near chance" if here.low <= 0.5 < rest.low else "below the rest"


def _told(name: str, here: Accuracy, rest: Accuracy, p: float, verdict: str) -> str:
    if verdict == "not computable":
        return f"{name}: {here.n:,} pairs of {here.prompts:,} prompts, {FEWEST} prompts or more are needed"
    numbers = (
        f"{here.accuracy:.1%} ({here.low:.1%} to {here.high:.1%}) of {here.n:,} pairs against {rest.accuracy:.1%} "
        f"elsewhere, adjusted p {p:.2g}"
    )
    words = {
        "reversed": f"ranks {name} the wrong way round: {numbers}",
        "near chance": f"near chance in {name}: {numbers}; the category may just be hard, which another scorer on the "
        "same pairs would tell",
        "below the rest": f"{name} is weaker than the rest: {numbers}",
        "above the rest": f"{name} is stronger than the rest: {numbers}",
        "as the rest": f"{name} is not established to differ from the rest: {numbers}",
    }
    return words[verdict]


def _told_difference(name: str, d: Difference, c: Contrast, more: float, particular: bool) -> str:
    if d.verdict == "not computable":
        return f"{name}: {d.statement}"
    if d.verdict == "not established":
        numbers = f"{100 * d.difference:.1f} points ({100 * d.low:.1f} to {100 * d.high:.1f}) on {d.n:,} pairs"
        return f"{name}: {d.a} and {d.b} can't be told apart, {numbers}; {100 * d.mde:.1f} points would show"
    winner, loser, sign = (d.a, d.b, 1) if d.verdict == "a" else (d.b, d.a, -1)
    low, high = sorted((sign * d.low, sign * d.high))
    told = (
        f"{name}: {loser} ranks worse than {winner} by {100 * sign * d.difference:.1f} points ({100 * low:.1f} to "
        f"{100 * high:.1f}) on {d.n:,} pairs, adjusted p {d.p_adjusted:.2g}"
    )
    if particular:
        elsewhere = 100 * sign * (d.difference - c.value)
        return f"{told}; elsewhere by {elsewhere:.1f}, so it is this category (adjusted p {more:.2g})"
    return f"{told}; that is not established to be more than elsewhere"
