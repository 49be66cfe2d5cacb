"""All responses get the same score."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, TENFOLD, crossing, score_spread
from analysis.diagnosis.numbers import percent
from analysis.diagnosis.reward_kind import bounded
from analysis.diagnosis.signals import Signals


@registry.detector
class SpreadCollapse(Detector):
    """Established where the spread of scores has fallen to a tenth of the start's, in the log or in the rollouts.

    Rewards with few values, as of a verifier, are left out: their spread falls with every task that is solved.
    """

    name = "spread_collapse"
    kinds = ("policy",)
    about = "whether responses still get different scores"
    needs = ("score",)
    uses = ("reward.component_mean/*", "score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        begin = score_spread(view)
        series = view.get("score.sd")
        if series is None:
            series = view.get("rollouts/score_sd")
        if begin is None or series is None or len(series) < 2:
            return "no spread of scores is logged, and no rollouts at two steps"
        if bounded(view):
            return "the reward has few values: its spread says how many tasks are solved"
        sampled = series.errors is not None
        if not sampled and len(series) < 2 * FEW:
            return "too few rows"
        width = 1 if sampled else max(FEW, len(series) // 8)
        start = float(series.values[0]) if sampled else begin.value
        if start <= 0 or not (sampled or series.values[:FEW].any()):
            return "no spread of scores at the start"  # what rollouts are scored by may be another reward
        rows = series.values[-width:] / start
        # spreads of batches are skewed: most of the rows decide, no mean
        share, high = float(np.median(rows)), float(np.quantile(rows, 0.75))
        state: State = "established" if high < 1 / TENFOLD else "refuted" if share > 2 / TENFOLD else "not_established"
        statement = f"The spread of scores is {percent(share)} of what it was at the start ({start:.3g}, now {share * start:.3g} reward units)."
        if state == "not_established":
            statement = f"{statement[:-1]}; most rows are not below a tenth."
        evidence = Evidence(
            statement, state, share, None, high, "of the start's", width, series.tag,
            (float(series.steps[-width]), float(series.steps[-1])),
            "median of the last rows over the first; three quarters of them are below its upper end",
        )  # fmt: skip
        at = crossing(series, start / TENFOLD, below=True) if state == "established" else float(series.steps[-1])
        return Sight(state, (evidence,), Onset(at, float(series.steps[0]), at), share)
