"""A score that the policy is not trained on, and how much of the gain in the score it shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.diagnosis.finding import State
from analysis.diagnosis.levels import FEW, Spread, mean_of, noise, reach, scatter, score_spread
from analysis.diagnosis.reward_kind import PARTS, bounded
from analysis.diagnosis.signals import Series, Signals

TRUSTED = (
    "eval.gold_score_mean", "eval.score_mean", "eval.pass_at_k", "eval/eval.score_mean", "eval/score", "eval/accuracy",
    "eval/rm.accuracy", "eval_score", "rollouts/gold",
)  # fmt: skip
"""Scores that the policy is not trained on, the most trusted first; hand-written loops call them by their own names."""

USES = ("score", "score.sd", "rollouts/*", f"{PARTS}*", *TRUSTED)

LARGE = 0.8
"""A large effect, in SD of single responses (Cohen 1988): a smaller gain may well be of the training prompts alone."""


def trusted(view: Signals) -> tuple[Series | None, list[float]]:
    """The trusted score there is, and standard errors where rollouts tell them."""
    found = next((s for name in TRUSTED if (s := view.get(name)) is not None), None)
    return found, [] if found is None or found.errors is None else [float(e) for e in found.errors]


@dataclass(frozen=True, slots=True)
class Lag:
    """Whether less than half of a large gain is found again: gain of the score, rise of gold and its upper end."""

    state: State
    gain: float
    sd: Spread
    rise: float
    high: float
    gold: Series
    score: Series


def lag(view: Signals) -> Lag | str:
    """Hold the gain since the first trusted score against that score's own; or why that can't be done.

    Both must count solved tasks, from 0 to 1, or they have no unit in common. Where several parts make the reward, each of
    them must have risen more than twice as far as the trusted score: a format that is learned beside an answer that is
    not leaves the answer's own part where the trusted score is.
    """
    gold, error = trusted(view)
    score, sd = view.get("score"), score_spread(view)
    if gold is None or error or gold.values.min() < 0 or gold.values.max() > 1:
        return "no trusted score that counts solved tasks is logged"
    if not bounded(view):
        return "the reward is no count of solved tasks: the trusted score has no unit in common with it"
    if score is None or sd is None or len(gold) < FEW or len(score) < 4 * FEW:
        return "too few rows"
    since = float(gold.steps[0])
    parts = [s for name, s in view.series.items() if name.startswith(PARTS) and len(s)]
    whole = _gain(score, since)
    gains = [g for p in (parts if len(parts) > 1 else [score]) if (g := _gain(p, since)) is not None]
    if whole is None or not gains:
        return "too few rows since the first trusted score"
    w = max(3, len(gold) // 8)
    rise = float(gold.values[-w:].mean() - gold.values[0])
    own = max(noise(gold), scatter(gold)) * sqrt(1 + 1 / w)
    half = reach(len(gold), max(len(gold) - 2, 4)) * own
    high = max(rise + half, 0.0)
    state: State = "not_established"
    if whole[1] > LARGE * sd.value and min(low for _, low, _ in gains) > 2 * high:
        state = "established"
    elif rise - half > min(most for _, _, most in gains) / 2:
        state = "refuted"
    return Lag(state, whole[0], sd, rise, high, gold, score)


def _gain(series: Series, since: float) -> tuple[float, float, float] | None:
    """Gain from the rows after a step to the present, with its interval."""
    n, begin = len(series), int(np.searchsorted(series.steps, since))
    w = max(FEW, n // 8)
    if n - begin < 2 * w:
        return None
    first, last = mean_of(series, begin, begin + FEW), mean_of(series, n - w, n)
    half = reach(n, 16) * float(np.hypot(first.error, last.error))
    gained = last.value - first.value
    return gained, gained - half, gained + half
