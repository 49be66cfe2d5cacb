"""A run is unlike the past good runs that its user chose."""

from __future__ import annotations

from math import sqrt

import numpy as np

from analysis import registry
from analysis.diagnosis import say
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import ALPHA, FEW, Level, present, reach
from analysis.diagnosis.signals import Floats, Series, Signals

TAG = "baseline"
"""Runs that carry this tag are the good ones that others of their kind are held against."""

LEAST = 4
"""Runs below which their own spread is a guess: Student's t of two degrees of freedom reaches 30 SD and more."""

PLAIN = 0.5
"""Share of the way to what would be established within which a run is like the others: what lies between may be either."""

LOOKED = (
    "score", "kl.to_reference", "kl.policy_update", "entropy.token_mean", "length", "value.mse",
    "value.explained_variance", "grad_norm", "policy.clip_fraction", "response.truncated_fraction",
    "reward.zero_std_fraction", "loss.total", "rm.loss", "rm.accuracy", "rm.margin_mean", "eval/rm.loss", "eval/rm.accuracy",
)  # fmt: skip


@registry.detector
class UnlikeCohort(Detector):
    """Established where a metric's last rows lie outside the interval in which a further run of the cohort would lie.

    mean +- t s sqrt(1 + 1 / n) over the cohort's own means of the same steps (prediction interval of a normal sample), of
    logarithms where all are positive; adjusted for the metrics that can be compared, and for looking again and again.
    """

    name = "unlike_cohort"
    kinds = ("policy", "reward_model")
    about = f"whether it goes as the runs tagged '{TAG}' went"
    needs = ()
    uses = LOOKED
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        if len(view.cohort) < LEAST:
            return f"{len(view.cohort) or 'no'} runs of this kind carry the tag '{TAG}'; give it to {LEAST} good ones or more"
        met = [found for name in LOOKED if (found := _beside(view, name)) is not None]
        if not met:
            return f"no metric is logged by {LEAST} runs tagged '{TAG}' at the same steps and in the same unit"
        told = sorted((_held(*found, len(met)) for found in met), key=lambda e: -abs(e[0]))
        out = [evidence for excess, evidence in told if abs(excess) > 1]
        state: State = "established" if out else "refuted" if abs(told[0][0]) < PLAIN else "not_established"
        if not out:
            excess, nearest = told[0]
            text = f"None of {len(met)} metrics lies where no further run of the cohort would. {nearest.statement}"
            return Sight(state, (Evidence(text, state, abs(excess), unit="of what would be outside", n=nearest.n, series=nearest.series),))  # fmt: skip
        at = float(out[0].range[0]) if out[0].range else view.now
        return Sight(state, tuple(out[:3]), Onset(at, float(view.steps[0]), at), float(len(out)))


def _beside(view: Signals, name: str) -> tuple[Series, Level, Floats] | None:
    """A curve, its present, and the cohort's means over the same steps."""
    series = view.get(name)
    now = None if series is None or len(series) < 2 * FEW else present(series)
    if series is None or now is None:
        return None
    means = []
    for run in view.cohort:
        other = run.get(name)
        if other is None or (other.unit, other.tag) != (series.unit, series.tag):
            continue  # where a unit is not known, the same name of the same framework is the same thing
        rows = other.values[(other.steps >= now.first) & (other.steps <= now.last)]
        if len(rows) >= FEW:
            means.append(float(rows.mean()))
    return (series, now, np.array(means)) if len(means) >= LEAST else None


def _held(series: Series, now: Level, means: Floats, metrics: int) -> tuple[float, Evidence]:
    """How far outside, in units of what would be established, and the sentence."""
    n, positive = len(means), bool((means > 0).all() and now.value > 0)
    values, mine = (np.log(means), np.log(now.value)) if positive else (means, now.value)
    # cohorts that agree to the last digit, as in a metric that never moves, still differ by rounding
    spread = max(float(values.std(ddof=1)), 1e-6 * max(abs(float(values.mean())), 1e-12))
    half = reach(len(series), n - 1, ALPHA / metrics) * spread * sqrt(1 + 1 / n)
    low, high = (float(np.exp(v)) if positive else float(v) for v in (values.mean() - half, values.mean() + half))
    excess = float((mine - values.mean()) / half)
    place = "inside" if abs(excess) <= 1 else "outside"
    statement = (
        f"{say.named(series.metric)[:1].upper()}{say.named(series.metric)[1:]} is {now.value:.3g} at steps {now.first:g} to "
        f"{now.last:g}, {place} {low:.3g} to {high:.3g}, where a further run of the cohort would be ({n} runs, {means.min():.3g} to {means.max():.3g})."
    )
    return excess, Evidence(
        statement, "established" if abs(excess) > 1 else "refuted", now.value, low, high, series.unit, n, series.tag,
        (now.first, now.last), "prediction interval over the cohort's means of the same steps",
    )  # fmt: skip
