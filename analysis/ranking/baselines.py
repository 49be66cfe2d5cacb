"""Trivial rules on the same pairs: what a reward model must beat to have learned anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ranking.accuracy import credit
from analysis.ranking.common import Common
from analysis.ranking.compare import Difference, differences
from analysis.ranking.excess import SUPPORT
from analysis.ranking.features import Features
from analysis.ranking.scored import ScoredPairs
from analysis.uncertainty import ALPHA, Estimate, cluster_codes, clustered_wilson, holm, totals

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A rule that knows one feature, on the pairs that the scorer ranked; ties count half, for both.

    rule : "longer", "shorter", "constant", or "more" of a feature
    share : pairs that it ranks right
    agreement : of the pairs that both decide, those in which they decide alike, 0 to 1; NaN if there are none
    difference : scorer less rule; p_adjusted among all rules (Holm)
    verdict : "scorer" or "rule" is established to rank better, "not established", or "not computable"
    """

    rule: str
    share: float
    agreement: float
    difference: Difference
    verdict: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A scorer beside every trivial rule, the strongest rule first.

    scorer : its own share with ties at half
    beats_all : whether it is established to rank better than each rule
    by_category : share that the strongest rule ranks right in each category
    """

    scorer: Estimate
    rules: tuple[Baseline, ...]
    beats_all: bool
    by_category: Mapping[str, float]
    statement: str


def panel(pairs: ScoredPairs, features: Features, rng: np.random.Generator, *, draws: int = 2000) -> Panel:
    """Compare a scorer with rules on length, Markdown and turns of phrase, and with a constant.

    Parameters
    ----------
    features : of the same pairs, row by row; words are left out, as nobody would rank by one word
    """
    kept = np.isfinite(pairs.margin)
    pairs, features = pairs.take(kept), features.take(kept)
    codes, clusters = cluster_codes(pairs.prompts)
    own = _own(pairs.margin, codes, clusters)
    rules = _rules(features, codes, clusters)
    found = [(name, margin, _against(pairs, name, margin, codes, clusters, rng, draws)) for name, margin in rules]
    adjusted = holm([d.p for _, _, d in found])
    baselines = []
    for (name, margin, d), p in zip(found, adjusted, strict=True):
        decided = (margin != 0) & (pairs.margin != 0)
        alike = float((np.sign(margin) == np.sign(pairs.margin))[decided].mean()) if decided.any() else float("nan")
        share = float(np.where(margin > 0, 1.0, np.where(margin < 0, 0.0, 0.5)).mean()) if len(margin) else float("nan")
        computable = d.verdict != "not computable"
        verdict = (
            d.verdict
            if not computable
            else "not established"
            if p > ALPHA
            else "scorer"
            if d.difference > 0
            else "rule"
        )
        baselines.append(Baseline(name, share, alike, d, verdict))
    baselines.sort(key=lambda b: -b.share)
    beats = bool(baselines) and all(b.verdict == "scorer" for b in baselines)
    by = _by_category(dict(rules)[baselines[0].rule], pairs.categories) if len(pairs) else {}
    return Panel(own, tuple(baselines), beats, by, _told(own, baselines, beats))


def _by_category(margin: Floats, categories: npt.NDArray[np.generic]) -> dict[str, float]:
    worth = credit(margin, "half")
    return {str(name): float(worth[categories == name].mean()) for name in dict.fromkeys(categories)}


def _own(margin: Floats, codes: npt.NDArray[np.intp], clusters: int) -> Estimate:
    method = "wins with ties at half, Wilson interval over prompts"
    if not len(margin):
        return Estimate.missing("there are no scored pairs", unit="share", method=method)
    worth = credit(margin, "half")
    low, high, _ = clustered_wilson(totals(codes, clusters, worth), totals(codes, clusters, np.ones(len(margin))))
    return Estimate(float(worth.mean()), low, high, len(margin), clusters, "share", method)


def _rules(features: Features, codes: npt.NDArray[np.intp], clusters: int) -> list[tuple[str, Floats]]:
    rules = [("constant", np.zeros(len(codes)))]
    for name, kind in zip(features.names, features.kinds, strict=True):
        if kind in ("word", "opening"):
            continue
        x = features.column(name)
        prompts = len(np.unique(codes[x != 0]))
        if prompts < (1 if kind == "length" else min(SUPPORT, clusters)):
            continue
        if kind == "length":
            first = not any(rule == "longer" for rule, _ in rules)
            unit = "" if first else f" ({name})"
            rules += [(f"longer{unit}", x), (f"shorter{unit}", -x)]
        else:
            rules.append((f"more {name}", x))
    return rules


def _against(
    pairs: ScoredPairs, name: str, margin: Floats, codes: npt.NDArray[np.intp], clusters: int, rng: np.random.Generator,
    draws: int,
) -> Difference:  # fmt: skip
    both = np.column_stack([pairs.margin, margin])
    common = Common((pairs.scorer, name), pairs.keys, pairs.categories, codes, clusters, both, (), {})
    return differences(common, rng, measure="half_credit", draws=draws)[0]


def _told(own: Estimate, rules: list[Baseline], beats: bool) -> str:
    if not own.computable:
        return own.because
    best = rules[0]
    head = f"ranks {own.value:.1%} of pairs right ({own.low:.1%} to {own.high:.1%}, ties at half)"
    if beats:
        return f"{head}; the strongest trivial rule, '{best.rule}', {best.share:.1%}"
    worst = next(b for b in rules if b.verdict != "scorer")
    if worst.verdict == "not computable":
        return f"{head}; {worst.difference.statement}"
    if worst.verdict == "rule":
        return f"{head}; the rule '{worst.rule}' ranks better: {worst.share:.1%}"
    return (
        f"{head}; that this is better than the rule '{worst.rule}' ({worst.share:.1%}) is not established: "
        f"{100 * worst.difference.difference:.1f} points ({100 * worst.difference.low:.1f} to "
        f"{100 * worst.difference.high:.1f}), deciding alike in {worst.agreement:.0%} of pairs"
    )
