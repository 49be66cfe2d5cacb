"""Preference optimisation does not tell chosen from rejected."""

from __future__ import annotations

from math import log

from scipy.special import entr, ndtr

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, SMALL, TENFOLD, present
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals

LEAST = 8 * FEW
"""Rows before 'nothing is learned' is said, as of scores."""

BOUND = float(ndtr(SMALL))
"""Share of positive margins where their mean is a small effect, 0.2 of their SD: 58 %."""

LEARNED = log(2) - float(entr(BOUND) + entr(1 - BOUND))
"""Nats of loss a pair that such preferences are worth: what is known of labels of which 58 % can be told."""


@registry.detector
class PreferencesFlat(Detector):
    """Established where the implicit accuracy on training pairs is at chance, margins of a small effect ruled out, or where
    margins are next to nothing, whatever their signs.

    A margin of m lowers the loss by m / 2 at most (the slope of -log sigmoid at 0), and margins grow no faster than with the
    square of the steps. Where a run ten times as long would not have learned a small effect, it is no slow learning.
    """

    name = "preferences_flat"
    kinds = ("policy",)
    about = "whether the policy learns to tell chosen from rejected"
    needs = ("dpo.accuracy",)
    uses = ("dpo.margin_mean",)

    def look(self, view: Signals) -> Sight | str:
        series = view.series["dpo.accuracy"]
        now = present(series)
        if now is None or len(series) < LEAST:
            return f"fewer than {LEAST} rows"
        if now.value > 1:
            return "the accuracy is no share between 0 and 1"
        still = _still(view)
        if still is not None:
            return still
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


def _still(view: Signals) -> Sight | None:
    """Margins that can't have learned anything: their signs say no more than how numbers are rounded."""
    series = view.get("dpo.margin_mean")
    now = None if series is None else present(series)
    if series is None or now is None or len(series) < LEAST:
        return None
    most, bound = max(abs(now.low), abs(now.high)) / 2, LEARNED / TENFOLD**2
    if most >= bound:
        return None
    statement = (
        f"After {len(series)} rows the margin of implicit rewards is {now.value:.2g} nats, which lowers the loss by "
        f"{most:.2g} nats a pair at most; a small effect takes {LEARNED:.2g}."
    )
    evidence = Evidence(
        statement, "established", now.value, now.low, now.high, "nats", now.n, series.tag, (now.first, now.last),
        "half of the margin, against a hundredth of what a small effect takes",
    )  # fmt: skip
    return Sight("established", (evidence,), Onset(*(float(series.steps[0]),) * 3), now.value)
