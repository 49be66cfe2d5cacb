"""What the pair scores of a reward model say, as its detectors read it: worked out once, by `analysis.ranking`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from scipy.special import ndtri

from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.signals import Signals
from analysis.ranking.calibration import LOG_ODDS
from analysis.ranking.categories import Category, CategoryDifference
from analysis.ranking.evaluate import Evaluation
from analysis.ranking.features import Features
from analysis.ranking.scored import ScoredPairs
from analysis.ranking.temperature import LOG_TWO
from analysis.uncertainty import ALPHA

T = TypeVar("T")

MARGIN = 0.1
"""Share of pairs that a model which has learned to read must rank right beyond a rule that reads nothing: with less, four
of five decisions that the model turns over against the rule come out even, and a policy gains nothing from it."""

CONFOUNDED = 0.75
"""Where a trivial rule ranks more than this share right, half way from chance to certainty, most of what can be ranked is
told by the rule, and the pairs can't tell whether a model reads."""

MATERIAL = 0.05
"""Share of what a model knows (log 2 less its calibrated likelihood) that a bias must cost to be worth a warning: in many
pairs a bias is established long before it matters."""

CURVES = ("rm.loss", "rm.margin_mean", "rm.accuracy", "eval/rm.loss", "eval/rm.accuracy")
"""Training curves of reward models that their detectors read."""


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """The pair scores of a run's last checkpoint.

    evaluation : what they say; its costly parts rest on at most `analysis.ranking.evaluate.SAMPLE` pairs
    looked_into : those pairs and what their sides differ in (None: nothing is known of the texts)
    beside : this model less each other one that scored the same pairs, by category; empty if there is none
    """

    evaluation: Evaluation
    looked_into: Callable[[], tuple[ScoredPairs, Features | None]]
    beside: Callable[[], tuple[CategoryDifference, ...]]

    def settled(self) -> Examined:
        """The same with everything worked out, so that another process can read it."""
        return Examined(self.evaluation, partial(_given, self.looked_into()), partial(_given, self.beside()))


def _given(value: T) -> T:
    return value


def evaluation_of(view: Signals) -> Evaluation | str:
    """The evaluation, or why nothing can be told."""
    if view.examined is None:
        return "no preference pairs with labels are scored"
    found: Evaluation = view.examined.evaluation
    return found.because or found


def from_start(view: Signals) -> Onset | None:
    """A fault of the data that was trained on: it was there from the first step."""
    return Onset(1.0, 1.0, float(view.steps[0])) if len(view.steps) else None


def knows(found: Evaluation) -> float:
    """Nats a pair that a scorer knows beyond chance, at its best scale; 0 if it knows nothing."""
    nll = found.calibration.fit.nll.value if found.calibration else float("nan")
    return max(0.0, LOG_TWO - nll) if np.isfinite(nll) else 0.0


def share_lost(cost: float, found: Evaluation) -> float:
    """Share of what a scorer knows and loses that `cost` nats a pair are: 0 to 1."""
    whole = knows(found) + cost
    return cost / whole if whole > 0 else 0.0


def unseen(found: Evaluation, pairs: int, z: float, tests: int = 1) -> tuple[float, float | None]:
    """Largest share of what a scorer knows that something may cost without having shown, and pairs that would show `MATERIAL`.

    A term that is left out of a logistic model of n pairs costs z^2 / (2 n) nats a pair, where z is its score statistic;
    what is there may be larger than what is seen by two errors, or by as many as the best of several tests takes.

    Parameters
    ----------
    z : of what is seen; 0 for nothing
    tests : among which the largest was looked for
    """
    reach = float(ndtri(1 - ALPHA / 2 / tests)) if tests > 1 else 0.0
    reach += float(ndtri(1 - ALPHA / 2))
    whole = knows(found)
    most = (abs(z) + reach) ** 2 / (2 * max(pairs, 1))
    bound, seen = np.sqrt(2 * MATERIAL / (1 - MATERIAL) * whole), abs(z) / np.sqrt(max(pairs, 1))
    needed = float(np.ceil((reach / (bound - seen)) ** 2)) if bound > seen else None
    return (most / (whole + most) if whole + most > 0 else 1.0), needed


def weak_categories(found: Evaluation) -> tuple[Category, ...]:
    """Categories in which a scorer is at chance or below, and that are worse than the rest."""
    return tuple(c for c in found.categories if c.verdict in ("near chance", "reversed"))


def log_odds(view: Signals, found: Evaluation) -> bool:
    """Whether margins are log-odds: the loss says so, or the log does.

    A Bradley-Terry loss begins at log 2 where margins are still near 0; squared errors and hinges begin elsewhere.
    """
    if found.loss:
        return found.loss in LOG_ODDS
    loss = view.get("rm.loss")
    return loss is not None and bool(abs(loss.values[0] - LOG_TWO) < 0.1 * LOG_TWO)


def said(
    statement: str, state: State, method: str, *, value: float | None = None, low: float | None = None,
    high: float | None = None, unit: str = "", n: int | None = None, needed: float | None = None,
) -> Evidence:  # fmt: skip
    """Evidence from pair scores."""
    text = f"{statement[:1].upper()}{statement[1:]}{'' if statement.endswith('.') else '.'}"
    return Evidence(text, state, value, low, high, unit, n, "pairs", None, method, needed)
