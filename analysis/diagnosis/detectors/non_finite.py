"""Numbers stop being finite."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Series, Signals

VITAL = (
    "score",
    "reward.",
    "loss.",
    "value.loss",
    "value.mse",
    "kl.",
    "entropy.",
    "grad_norm",
    "rm.",
    "dpo.",
    "policy.",
)


@registry.detector
class NonFinite(Detector):
    """Established where a loss, score, KL, entropy or gradient is NaN or infinite in the newest row that tells it, or twice in a row.

    One such row that is followed by sound ones is a skipped step (mixed precision does that); it is told, and no fault.
    """

    name = "non_finite"
    kinds = ("policy", "reward_model")
    about = "whether all numbers are finite"
    needs = ()
    uses = (
        "score",
        "reward.*",
        "loss.*",
        "value.*",
        "kl.*",
        "entropy.*",
        "grad_norm",
        "rm.*",
        "dpo.*",
        "policy.*",
        "train_loss",
    )
    alone = "critical"

    def look(self, view: Signals) -> Sight | str:
        if not any(name.startswith(VITAL) for name in view.series):
            return "no loss, score, KL, entropy or gradient norm is logged"
        hit: dict[str, tuple[float, float]] = {}
        passing: list[str] = []
        for name, series in view.series.items():
            if not name.startswith(VITAL) or not len(series.bad) or not len(series):
                continue
            newest = max(series.steps[-1], series.bad[-1])
            dead = series.bad[-1] >= newest
            twice = len(series.bad) > 1 and _neighbours(series)
            if dead or twice:
                hit[series.tag or name] = (float(series.bad[0]), float(series.bad[-1]))
            else:
                passing.append(series.tag or name)
        silent = _silent(view)
        if silent is not None:
            hit.setdefault(silent.tag or "score", (silent.after, silent.last))
        died = _died(view) if not hit else None
        if died is not None:
            return died
        if not hit:
            told = f"{', '.join(dict.fromkeys(passing))} had single rows that were not finite, followed by sound ones." if passing else "All numbers are finite."  # fmt: skip
            return Sight("refuted", (Evidence(told, "refuted", n=len(view.steps)),))
        at = min(first for first, _ in hit.values())
        began = sorted(tag for tag, (first, _) in hit.items() if first == at)
        statement = f"{_listed(began)} {'is' if len(began) == 1 else 'are'} not finite from step {at:g} on."
        if silent is not None and at == silent.after:
            statement = f"{_listed(began)} {'has' if len(began) == 1 else 'have'} no number from step {at:g} on, while the log goes on."
        evidence = Evidence(statement, "established", at, unit="step", n=len(view.steps), series=began[0], range=(at, view.now if np.isfinite(view.now) else at))  # fmt: skip
        return Sight("established", (evidence,), Onset(at, at, at), at, _listed(began))


DIED_OF = re.compile(r"\b(nan|inf|infinite|infinity|non-?finite)\b", re.IGNORECASE)
"""What exceptions name that numbers cause: `torch.multinomial` refuses probabilities with NaN, anomaly detection names it."""


def _died(view: Signals) -> Sight | None:
    """A trainer that dies of such numbers logs no row of them: a sampler refuses weights of NaN before anything is told."""
    if not DIED_OF.search(view.exception):
        return None
    at = float(view.steps[-1])
    statement = f"After step {at:g} the trainer died of numbers that are not finite: {view.exception}."
    evidence = Evidence(statement, "established", at, unit="step", n=len(view.steps), range=(at, at))
    return Sight("established", (evidence,), Onset(at, at, at), at, "weights")


@dataclass(frozen=True, slots=True)
class _Silence:
    """A score without numbers: its tag, the first row without one, and the newest row of the log."""

    tag: str
    after: float
    last: float


def _silent(view: Signals) -> _Silence | None:
    """A score that has no number any more though the log goes on: trainers leave NaN out of means, and log nothing if all are.

    The rows without it must be many for how often it is logged: four times its longest pause, and no fewer than `FEW`.
    """
    score, steps = view.get("score"), view.steps
    if score is None or len(score) < 2 * FEW or score.errors is not None:
        return None
    rows = np.searchsorted(steps, score.steps)
    behind = len(steps) - 1 - int(rows[-1])
    if behind < max(FEW, 4 * int(np.diff(rows).max())):
        return None
    return _Silence(score.tag, float(steps[rows[-1] + 1]), float(steps[-1]))


def _neighbours(series: Series) -> bool:
    """Whether two rows without a finite value follow one another with no sound row between them."""
    between = np.searchsorted(series.steps, series.bad[1:]) - np.searchsorted(series.steps, series.bad[:-1])
    return bool((between == 0).any())


def _listed(names: list[str]) -> str:
    shown = list(dict.fromkeys(names))
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
