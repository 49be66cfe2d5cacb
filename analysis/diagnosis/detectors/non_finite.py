"""Numbers stop being finite."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
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
        if not hit:
            told = f"{', '.join(dict.fromkeys(passing))} had single rows that were not finite, followed by sound ones." if passing else "All numbers are finite."  # fmt: skip
            return Sight("refuted", (Evidence(told, "refuted", n=len(view.steps)),))
        at = min(first for first, _ in hit.values())
        began = sorted(tag for tag, (first, _) in hit.items() if first == at)
        statement = f"{_listed(began)} {'is' if len(began) == 1 else 'are'} not finite from step {at:g} on."
        evidence = Evidence(statement, "established", at, unit="step", n=len(view.steps), series=began[0], range=(at, view.now if np.isfinite(view.now) else at))  # fmt: skip
        return Sight("established", (evidence,), Onset(at, at, at), at, _listed(began))


def _neighbours(series: Series) -> bool:
    """Whether two rows without a finite value follow one another with no sound row between them."""
    between = np.searchsorted(series.steps, series.bad[1:]) - np.searchsorted(series.steps, series.bad[:-1])
    return bool((between == 0).any())


def _listed(names: list[str]) -> str:
    shown = list(dict.fromkeys(names))
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
