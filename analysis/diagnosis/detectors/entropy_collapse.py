"""The policy has lost its variety."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, TENFOLD, crossing, mean_of
from analysis.diagnosis.numbers import percent
from analysis.diagnosis.signals import Signals


@registry.detector
class EntropyCollapse(Detector):
    """Established where entropy has fallen to a tenth of its start. A note by itself: good runs lose most of theirs."""

    name = "entropy_collapse"
    kinds = ("policy",)
    about = "whether the policy keeps its variety"
    needs = ()
    uses = ("entropy.token_mean", "entropy.sequence", "entropy.sampled_estimate")
    alone = "info"

    def look(self, view: Signals) -> Sight | str:
        found = [
            s for n in self.uses if (s := view.get(n)) is not None and len(s) >= 2 * FEW and s.values[:FEW].mean() > 0
        ]
        if not found:
            return "no entropy is logged, or for too few rows"
        series = found[0]
        start = mean_of(series, 0, FEW)
        width = max(FEW, len(series) // 8)
        rows = series.values[-width:] / start.value
        share, high = float(np.median(rows)), float(np.quantile(rows, 0.75))
        state: State = "established" if high < 1 / TENFOLD else "refuted" if share > 2 / TENFOLD else "not_established"
        statement = f"Entropy is {percent(share)} of what it was at the start ({start.value:.3g}, now {share * start.value:.3g} {series.unit})."
        if state == "not_established":
            statement = f"{statement[:-1]}; most rows are not below a tenth."
        evidence = Evidence(
            statement, state, share, None, high, "of the start's", width, series.tag,
            (float(series.steps[-width]), float(series.steps[-1])),
            "median of the last rows over the mean of the first; three quarters of them are below its upper end",
        )  # fmt: skip
        at = crossing(series, start.value / TENFOLD, below=True) if state == "established" else float(series.steps[-1])
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), share)
