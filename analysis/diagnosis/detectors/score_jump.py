"""The score jumps from one row to the next."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import SMALL, score_spread
from analysis.diagnosis.signals import Signals

STAYS = 3
"""Rows that must lie at the new level."""

SETTLED = 8
"""Rows after them in which it must not go on in the same direction at a pace like that of the jump: then it slides."""


@registry.detector
class ScoreJump(Detector):
    """Established at the first row whose neighbours leave the path before them within a few rows, by more than a small effect."""

    name = "score_jump"
    kinds = ("policy",)
    about = "whether the score jumps"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*")
    watches = ("score",)
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        series, sd = view.series["score"], score_spread(view)
        change = None if series.change is None else series.change.sudden
        if change is None or sd is None or not np.isfinite(change.excess).any():
            return "too few rows for a path to leave"
        size = (change.recent - change.expected) / sd.value
        # learning bends curves down over many rows: only what is sudden counts
        off = (np.abs(change.excess) > 1) & (np.abs(size) > SMALL)
        if not off.any():
            most = float(np.nanmax(np.abs(change.excess)))
            return Sight("refuted", (Evidence("The score follows its own path, without a jump.", "refuted", most, n=len(series), series=series.tag),))  # fmt: skip
        # where it leaves its path: later rows are held against a line that has already taken in the change
        begins = off & ~np.concatenate([[False], off[:-1]])
        for i in (j for b in np.flatnonzero(begins).tolist() for j in range(b, min(b + STAYS + 1, len(off))) if off[j]):
            first = max(0, int(i) - int(change.width[i]) + 1)
            before, after = change.expected[i], change.recent[i]
            at = _where(series.values, first, int(i), before, after)
            stays = series.values[at : at + STAYS]
            earlier = series.values[max(at - STAYS, 0) : at]
            if not len(earlier) or abs(earlier.mean() - before) > abs(after - before) / 4:
                continue  # it was on its way already
            edge = abs(series.values[at : at + 2].mean() - series.values[max(at - 2, 0) : at].mean())
            sharp = edge > abs(after - before) / 2  # most of it from one row to the next: a slide over rows is none
            if _slides(series.values[at + STAYS : at + STAYS + SETTLED], before, after):
                continue
            if sharp and len(stays) == STAYS and (np.abs(stays - after) < np.abs(stays - before)).all():
                break  # a spike of a batch or two is no jump
        else:
            return Sight("refuted", (Evidence("Rows of the score are off its path, but no jump that stays.", "refuted", n=len(series), series=series.tag),))  # fmt: skip
        way = "up" if after > before else "down"
        statement = f"The score jumped from {before:.3g} to {after:.3g} at step {series.steps[at]:g} ({size[i]:+.2g} SD of single responses)."
        evidence = Evidence(
            statement, "established", float(size[i]), unit="SD", n=len(series), series=series.tag,
            range=(float(series.steps[max(0, first - 16)]), float(series.steps[i])),
            method=f"mean of {change.width[i]:.0f} rows against the line before, {abs(change.excess[i]):.1f} times the bound",
        )  # fmt: skip
        onset = Onset(float(series.steps[at]), float(series.steps[first]), float(series.steps[i]))
        return Sight("established", (evidence,), onset, float(size[i]), way)


def _where(values: np.ndarray, first: int, last: int, before: float, after: float) -> int:
    """The first row that is nearer to the new level than to the old one."""
    part = values[first : last + 1]
    near = np.flatnonzero(np.abs(part - after) < np.abs(part - before))
    return first + int(near[0]) if len(near) else last


def _slides(later: np.ndarray, before: float, after: float) -> bool:
    """Whether the score goes on from the new level as it came to it: in two rows or more, each row by half of the jump.

    A policy that learns under another reward than before goes on as well, by far less a row.
    """
    further = (later - after) / (after - before)
    paced = further / np.arange(1, len(further) + 1)
    return bool(((further > 0.5) & (paced > PACE)).sum() > 1)


PACE = 0.25
"""Of the jump a row: what slides by a quarter of its jump in each row has been sliding before, and shows no edge."""
