"""The score dropped below its start in the very first updates."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.early import early
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import SMALL, batch_error, score_spread
from analysis.diagnosis.signals import Signals


@registry.detector
class EarlyDrop(Detector):
    """Established where two neighbouring early rows lie below the start by more than a batch's noise allows."""

    name = "early_drop"
    kinds = ("policy",)
    about = "whether the first updates lower the score"
    needs = ("score",)
    uses = ("score.sd", "rollouts/*", "learning_rate")

    def look(self, view: Signals) -> Sight | str:
        series, sd = view.series["score"], score_spread(view)
        if sd is None or len(series) < 3:
            return "too few rows, or no spread of single scores"
        rows = int(np.searchsorted(series.steps, early(view), side="right"))
        v = series.values[:rows]
        pairs = (v[1:] + v[:-1])[1:] / 2  # of rows after the first
        low = int(pairs.argmin()) if len(pairs) else 0
        drop = (v[0] - pairs[low]) / sd.value if len(pairs) else 0.0
        bound = max(4 * batch_error(view, sd) / sd.value, SMALL)
        state: State = "established" if drop > bound else "refuted" if len(series) > rows else "not_established"
        at = float(series.steps[min(low + 1, len(v) - 1)])
        statement = f"Within the first {len(v)} rows the score fell {drop:.2g} SD of single responses below its start"
        statement += "." if state == "established" else f", no more than the noise of a batch allows ({bound:.2g} SD)."
        if drop <= 0:
            statement = f"In the first {len(v)} rows the score did not fall below its start."
        evidence = Evidence(
            statement, state, drop, unit="SD", n=len(v), series=series.tag,
            range=(float(series.steps[0]), float(series.steps[len(v) - 1])), method="lowest mean of two neighbouring rows",
        )  # fmt: skip
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), drop)
