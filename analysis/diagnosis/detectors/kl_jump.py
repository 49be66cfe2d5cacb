"""KL to the reference multiplies from one row to the next, after it had a path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Floats, Signals

STAYS = 3
"""Rows that must lie above."""

FOLD = 4.0
"""KL grows with the square of the distance: four times the KL is twice as far from the reference within these rows."""

AT_ONCE = 0.8
"""Share of the rise that must lie between three rows and the next three. A jump has all of it; a KL that doubles with every
row, which is as fast as one runs away, has a fifth while it climbs and two thirds where it stops."""


@registry.detector
class KLJump(Detector):
    """Established at the first row at which KL is four times what its path would have given."""

    name = "kl_jump"
    kinds = ("policy",)
    about = "whether KL to the reference jumps"
    needs = ("kl.to_reference",)
    watches = ("kl.to_reference",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["kl.to_reference"]
        change = None if series.change is None else series.change.sudden
        if change is None or not np.isfinite(change.excess).any():
            return "too few rows for a path to leave"
        # changes are of the square root
        ratio = np.square(np.maximum(change.recent, 0)) / np.maximum(np.square(change.expected), 1e-12)
        off = (change.excess > 1) & (ratio > FOLD)
        if not off.any():
            return Sight("refuted", (Evidence("KL to the reference follows its own path, without a jump.", "refuted", n=len(series), series=series.tag),))  # fmt: skip
        steps, young = _steps(series.values), False
        for i in np.flatnonzero(off):
            first = max(0, int(i) - int(change.width[i]) + 1)
            before = float(np.square(change.expected[i]))
            up = np.flatnonzero(series.values[first : i + 1] > FOLD / 2 * before)
            at = first + int(up[0]) if len(up) else int(i)
            stays = series.values[at : at + STAYS]
            young |= at + 2 * STAYS > len(series) and bool((series.values[at:] > FOLD / 2 * before).all())
            # a spike of a batch or two is no jump, nor is a climb
            if (
                len(stays) == STAYS
                and (stays > FOLD / 2 * before).all()
                and steps.at_once(first, int(i), float(change.expected[i]))
            ):
                break
        else:
            if young:
                few = "KL to the reference has risen within the last rows; whether it jumped or climbs is open."
                return Sight("not_established", (Evidence(few, "not_established", n=len(series), series=series.tag, needed=float(len(series) + 2 * STAYS)),))  # fmt: skip
            return Sight("refuted", (Evidence("Rows of KL are off its path, but no jump that stays.", "refuted", n=len(series), series=series.tag),))  # fmt: skip
        statement = f"KL to the reference jumped from {before:.3g} to {series.values[i]:.3g} {series.unit} within {i - first + 1} rows."
        evidence = Evidence(
            statement, "established", float(ratio[i]), unit="times", n=len(series), series=series.tag,
            range=(float(series.steps[first]), float(series.steps[i])),
            method="mean of the last rows against the line before, of sqrt(KL)",
        )  # fmt: skip
        onset = Onset(float(series.steps[at]), float(series.steps[first]), float(series.steps[i]))
        return Sight("established", (evidence,), onset, float(ratio[i]))


@dataclass(frozen=True)
class _Steps:
    """The median of `STAYS` rows of sqrt(KL) from each row on, those of the rows before it and behind them; NaN at the ends."""

    before: Floats
    here: Floats
    behind: Floats

    def at_once(self, first: int, last: int, path: float) -> bool:
        """Whether the largest step across these rows is most of the rise from the path to the rows behind it."""
        rows = slice(first, last + 1)
        step = np.nan_to_num(self.here[rows] - self.before[rows], nan=-np.inf)
        k = first + int(step.argmax())
        rise = self.behind[k] - min(self.before[k], path)
        return bool(step[k - first] > AT_ONCE * rise and step[k - first] > 0)


def _steps(kl: Floats) -> _Steps:
    root = np.sqrt(np.maximum(kl, 0))
    level = np.full((3, len(root)), np.nan)
    if len(root) >= 3 * STAYS:
        medians = np.median(np.lib.stride_tricks.sliding_window_view(root, STAYS), axis=1)
        for row, shift in zip(level, (0, STAYS, 2 * STAYS), strict=True):
            row[STAYS : len(root) - 2 * STAYS + 1] = medians[shift : shift + len(root) - 3 * STAYS + 1]
    return _Steps(*level)
