"""Everything that one reward model's scores say of it, in one record: audit first, then numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.ranking.accuracy import Accuracy, accuracy
from analysis.ranking.audit import Remark, audit, audit_lists
from analysis.ranking.auroc import Discrimination, discrimination, of_pairs
from analysis.ranking.baselines import Panel, panel
from analysis.ranking.benchmarks import LIST_RULES, PAIR_RULES, BenchmarkScore
from analysis.ranking.best_of import BestOfCurve, best_of_curve
from analysis.ranking.bias import Bias, bias
from analysis.ranking.calibration import Calibration, calibration
from analysis.ranking.categories import Category, categories
from analysis.ranking.features import Features
from analysis.ranking.length import LengthSplit, length_split
from analysis.ranking.lists import ListScores, list_scores
from analysis.ranking.scored import RankedLists, ScoredPairs
from analysis.ranking.spread import Spread, spread_of_lists, spread_of_pairs
from analysis.uncertainty import FEWEST, Estimate, detectable, paired_error

SAMPLE = 20_000
"""Pairs that length, rules and features are looked at in, at most: shares are then known to 0.7 points and effects of 0.02
standard deviations show, while more would take seconds."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A model's row in a table of models; NaN where something can't be computed.

    detectable : smallest difference in accuracy to another scorer that these pairs find four times in five, if the
        two err independently; scorers that err alike are told apart from less
    ece, ece_null95 : at T = 1 where the loss makes margins log-odds (or nobody says the loss), else at the temperature
    length_baseline : the better of 'longer' and 'shorter', ties at half
    """

    name: str
    loss: str
    n: int
    n_prompts: int
    accuracy: float
    ci95: tuple[float, float]
    ties: int
    auroc_within_prompt: float
    temperature: float
    nll_calibrated: float
    ece: float
    ece_null95: float
    score_sd: float
    score_sd_within: float
    saturated_share: float
    length_baseline: float
    detectable: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One scorer on preference pairs.

    because : "" or why nothing after `audit` means anything; then only `audit`, `accuracy` and `spread` are there
    length, panel, bias : None where nothing is known of the texts; they rest on `looked_at` pairs, which are all of them or
        whole prompts drawn at random
    benchmark : the benchmark's own number, if the data set is one
    """

    scorer: str
    loss: str
    audit: tuple[Remark, ...]
    because: str
    accuracy: Accuracy
    spread: Spread
    auroc: Estimate | None = None
    calibration: Calibration | None = None
    categories: tuple[Category, ...] = ()
    length: LengthSplit | None = None
    panel: Panel | None = None
    bias: Bias | None = None
    looked_at: int = 0
    benchmark: BenchmarkScore | None = None

    @property
    def summary(self) -> Summary:
        """The row for a table of models."""
        nan = float("nan")
        found, scale = self.accuracy, self.calibration
        p = found.accuracy
        apart = detectable(paired_error(2 * p * (1 - p), found.prompts)) if found.prompts >= FEWEST else nan
        rules = [b.share for b in (self.panel.rules if self.panel else ()) if b.rule in ("longer", "shorter")]
        of = (scale.as_is or scale.scaled) if scale else None
        return Summary(
            self.scorer, self.loss, found.n, found.prompts, p, (found.low, found.high), found.ties,
            self.auroc.value if self.auroc else nan, scale.fit.temperature.value if scale else nan,
            scale.fit.nll.value if scale else nan, of.ece if of else nan, of.ece_null95 if of else nan,
            self.spread.sd, self.spread.sd_within, self.spread.saturated_share, max(rules, default=nan), apart,
        )  # fmt: skip

    @property
    def statement(self) -> str:
        """One or two sentences for the top of a page."""
        if self.because:
            return f"{self.scorer}: {self.because}"
        a = self.accuracy
        said = f"{self.scorer} ranks {a.accuracy:.1%} of {a.n:,} pairs right ({a.low:.1%} to {a.high:.1%})"
        if self.panel and self.panel.rules:
            best = self.panel.rules[0]
            verb = "ranks" if self.panel.beats_all else "is not established to rank worse:"
            said += f"; the trivial rule '{best.rule}' {verb} {best.share:.1%}"
        return said + (f". {self.calibration.statement.capitalize()}" if self.calibration else "")


@dataclass(frozen=True, slots=True, eq=False)
class ListEvaluation:
    """One scorer on one-to-many sets; `curve` is best-of-k by its own scores, gold being the labels."""

    scorer: str
    loss: str
    audit: tuple[Remark, ...]
    scores: ListScores
    discrimination: Discrimination
    curve: BestOfCurve
    spread: Spread
    benchmark: BenchmarkScore | None = None

    @property
    def summary(self) -> Summary:
        """The row for a table of models: accuracy is a strict top-1 hit; margins of lists have no temperature."""
        nan, top1 = float("nan"), self.scores.top1
        p = top1.value
        apart = detectable(paired_error(2 * p * (1 - p), top1.n)) if top1.n >= FEWEST else nan
        return Summary(
            self.scorer, self.loss, self.scores.lists, top1.n, p, (top1.low, top1.high), self.scores.tied_lists,
            self.discrimination.within.value, nan, nan, nan, nan, self.spread.sd, self.spread.sd_within, nan, nan, apart,
        )  # fmt: skip


def evaluate(
    pairs: ScoredPairs,
    rng: np.random.Generator,
    *,
    features: Features | None = None,
    rows: npt.NDArray[np.intp] | None = None,
    benchmark: str = "",
) -> Evaluation:
    """Evaluate a scorer's labelled pairs.

    Parameters
    ----------
    features : where lengths or texts are known, of the same pairs row by row, or of some `rows` of them
    benchmark : name of the data set, if it is a benchmark with rules of its own (see `PAIR_RULES`)
    """
    pairs = pairs.numbered()
    remarks = audit(pairs)
    first = pairs.first()
    once = pairs.take(first)
    found = accuracy(once.chosen, once.rejected, once.prompts)
    because = next((r.statement for r in remarks if r.blocks), "")
    if because:
        return Evaluation(pairs.scorer, pairs.loss, remarks, because, found, spread_of_pairs(once))
    done = Evaluation(
        pairs.scorer, pairs.loss, remarks, "", found, spread_of_pairs(once), of_pairs(once),
        calibration(once.margin, once.prompts, rng, loss=pairs.loss), categories(once),
        benchmark=PAIR_RULES[benchmark](once) if benchmark in PAIR_RULES else None,
    )  # fmt: skip
    if features is None:
        return done
    rows = np.arange(len(pairs)) if rows is None else rows
    kept = first[rows]
    return _looked_into(done, once.take((np.cumsum(first) - 1)[rows[kept]]), features.take(kept), rng)


def _looked_into(done: Evaluation, pairs: ScoredPairs, features: Features, rng: np.random.Generator) -> Evaluation:
    """What the sides of these pairs differ in: length, rules, and what moves the margin."""
    some = pairs.some(SAMPLE, rng)
    pairs, features = pairs.take(some), features.take(some)
    length = next((n for n, k in zip(features.names, features.kinds, strict=True) if k == "length"), "")
    unit = length.removeprefix("length in ")
    return replace(
        done,
        length=length_split(pairs.margin, features.column(length), pairs.prompts, rng, unit=unit) if length else None,
        panel=panel(pairs, features, rng),
        bias=bias(pairs, features),
        looked_at=len(pairs),
    )


def evaluate_lists(lists: RankedLists, rng: np.random.Generator, *, benchmark: str = "") -> ListEvaluation:
    """Evaluate a scorer's lists of candidates; `benchmark` as in `evaluate` (see `LIST_RULES`)."""
    return ListEvaluation(
        lists.scorer, lists.loss, audit_lists(lists), list_scores(lists, rng), discrimination(lists),
        best_of_curve(lists, rng), spread_of_lists(lists), LIST_RULES[benchmark](lists) if benchmark in LIST_RULES else None,
    )  # fmt: skip
