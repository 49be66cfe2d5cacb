"""Words that a reward model over-uses together, each of them too rare to be established alone.

A taste for flattery is spread over a dozen words. Which words belong together is chosen on half of the prompts and
tested on the other half, so that the choice costs nothing; several splits are combined by twice the median of their
p-values (Meinshausen, Meier and Buehlmann 2009, doi:10.1198/jasa.2009.tm08647, equation 2.3 at the median).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ranking.bias import WORDS, length_given
from analysis.ranking.excess import Excess, Found
from analysis.ranking.features import Features
from analysis.ranking.logistic import signed_rank
from analysis.ranking.scored import ScoredPairs
from analysis.uncertainty import ALPHA, cluster_codes, student_quantile

Floats = npt.NDArray[np.float64]

SPLITS = 5
"""Splits in halves: the median of five p-values hardly depends on the splits, and each costs a test of all words."""

CHOSEN = 2
"""Halves, of ten, that must choose a word for it to be named: by chance alone one word in forty is."""

METHOD = (
    "words chosen on half of the prompts (nominal 5 %), their count tested on the other half given margin and length; "
    "twice the median p-value of five splits"
)


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Words over-used together; `words` is empty where no half chose any.

    words : those that two or more of the halves chose, the most often chosen first
    p : that the labels justify what their count moves the margin by
    moves, claimed, justified : of one more of these words, as in `analysis.ranking.bias.Effect`
    cost : nats a pair that the scorer loses by them
    """

    words: tuple[str, ...]
    p: float
    moves: float
    claimed: float
    justified: float
    cost: float

    @property
    def established(self) -> bool:
        """Whether the labels do not justify it."""
        return bool(self.words) and self.p <= ALPHA


def word_group(pairs: ScoredPairs, features: Features, rng: np.random.Generator) -> WordGroup:
    """Look for words over-used together.

    Parameters
    ----------
    pairs : labelled pairs; those without a margin are left out
    features : of the same pairs, row by row
    """
    kept = np.isfinite(pairs.margin)
    margin, features = pairs.margin[kept], features.take(kept)
    codes, clusters = cluster_codes(pairs.prompts[kept])
    columns = np.flatnonzero([kind in WORDS and kind != "opening" for kind in features.kinds])
    none = WordGroup((), 1.0, *[float("nan")] * 4)
    if not len(columns) or not (margin < 0).any():
        return none
    order = np.argsort(codes, kind="stable")
    margin, codes, features = margin[order], codes[order], features.take(order)
    times = np.zeros(len(features))
    found: list[float] = []
    for _ in range(SPLITS):
        half = (rng.permutation(clusters) % 2 == 0)[codes]
        p = []
        for one in (half, ~half):
            chosen = _over_used(_tests(margin[one], codes[one], features.take(one)), features.take(one), columns)
            for f in chosen:
                times[f.column] += 1
            p.append(_tested(margin[~one], codes[~one], features.take(~one), chosen))
        found.append(min(1.0, 2 * min(p)))
    words = [int(c) for c in np.argsort(-times, kind="stable") if times[c] >= CHOSEN]
    if not words:
        return none
    tests = _tests(margin, codes, features)
    signs = {f.column: float(np.sign(f.moves)) for f in tests.test(features, np.array(words))[0]}
    together = _composite(features, signs)
    whole = tests.test(together, np.array([0]))[0]
    worth = tests.worth(together, 0)
    moves = whole[0].moves if whole else float("nan")
    p_all = min(1.0, 2 * float(np.median(found)))
    names = tuple(features.names[c] for c in words)
    return WordGroup(names, p_all, moves, worth.claimed, worth.justified, worth.cost)


def _tests(margin: Floats, codes: npt.NDArray[np.intp], features: Features) -> Excess:
    scale = float(np.sqrt(np.mean(margin**2))) or 1.0
    return Excess(np.column_stack([margin / scale, signed_rank(margin)]), length_given(features), codes)


def _over_used(tests: Excess, features: Features, columns: npt.NDArray[np.intp]) -> list[Found]:
    """Words whose part of the margin looks worth less than the rest, each at 5 %."""
    found, _ = tests.test(features, columns)
    return [
        f
        for f in found
        if f.p <= ALPHA and f.delta * f.moves < 0 and abs(f.moves) > student_quantile(0.95, f.prompts - 1) * f.error
    ]


def _tested(margin: Floats, codes: npt.NDArray[np.intp], features: Features, chosen: list[Found]) -> float:
    """P that the count of the chosen words is worth what it moves the margin by; 1 if it errs the other way."""
    if not chosen or not (margin < 0).any():
        return 1.0
    together = _composite(features, {f.column: float(np.sign(f.moves)) for f in chosen})
    found, _ = _tests(margin, codes, features).test(together, np.array([0]))
    return found[0].p if found and found[0].delta * found[0].moves < 0 else 1.0


def _composite(features: Features, signs: dict[int, float]) -> Features:
    """How many more of these words one side has, each in the direction in which it moves the margin."""
    from scipy.sparse import csc_array

    total = features.difference[:, list(signs)] @ np.array(list(signs.values()))
    return Features(("words together",), ("word",), ("word",), csc_array(np.asarray(total, np.float64)[:, None]))
