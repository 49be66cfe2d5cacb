"""Preference optimisation does not tell chosen from rejected."""

from __future__ import annotations

from scipy.stats import norm

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, present
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals

LEAST = 8 * FEW
"""Rows before 'nothing is learned' is said, as of scores."""

BOUND = float(norm.cdf(SMALL))
"""Share of positive margins where their mean is a small effect, 0.2 of their SD: 58 %."""


@registry.detector
class PreferencesFlat(Detector):
    """Established where the implicit accuracy on training pairs is at chance, margins of a small effect ruled out."""

    name = "preferences_flat"
    kinds = ("policy",)
    about = "whether the policy learns to tell chosen from rejected"
    needs = ("dpo.accuracy",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["dpo.accuracy"]
        now = present(series)
        if now is None or len(series) < LEAST:
            return f"fewer than {LEAST} rows"
        if now.value > 1:
            return "the accuracy is no share between 0 and 1"
        state: State = "established" if now.high < BOUND else "refuted" if now.low > BOUND else "not_established"
        statement = (
            f"After {len(series)} rows the policy prefers chosen to rejected in {100 * now.value:.0f} % of the training pairs "
            f"({100 * now.low:.0f} to {100 * now.high:.0f} %; chance is 50 %, a small effect {100 * BOUND:.0f} %)."
        )
        evidence = Evidence(
            statement, state, now.value, now.low, now.high, "of pairs", now.n, series.tag, (now.first, now.last),
            "mean of the last rows",
            needed=rows_needed(now.n, now.high - now.value, now.value, BOUND) if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), Onset(*(float(series.steps[0]),) * 3), now.value)
