"""The score pays for length, and length explains the gain."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.lengths import USES, length_shift
from analysis.diagnosis.levels import FEW, gain, reach
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.samples import slope
from analysis.diagnosis.signals import Signals


@registry.detector
class LengthPaid(Detector):
    """Established where the price of a token, read among responses of one step, explains most of the gain in score.

    Price: slope of score on length among the rollouts of the first step (one policy, so that nothing but the responses
    differs); without rollouts, slope of the changes of batch means from row to row. Share of the gain: price times the
    growth of length over the gain (Singhal et al. 2023, arXiv 2310.03716, where 70 to 90 % of PPO's gain was length).
    """

    name = "length_paid"
    kinds = ("policy",)
    about = "whether the gain in score is a gain in length"
    needs = ("score", "length")
    uses = USES

    def look(self, view: Signals) -> Sight | str:
        found, shift = gain(view), length_shift(view)
        if found is None or shift is None:
            return "too few rows"
        told = view.get("rollouts/token_price")
        price = None
        if told is not None and told.errors is not None:
            price = float(told.values[0]), float(told.errors[0])
        how = "slope among rollouts of the first step"
        if price is None and view.series["length"].errors is None:
            price, how = _between(view), "slope of changes from row to row"
        if price is None:
            return "no rollouts with lengths, and too few rows with both score and length"
        one, error = price
        n = len(view.series["score"])
        half = reach(n, 30) * error
        growth = shift.now.value - shift.start
        # a gain or growth that is not there can't be shared out
        if found.low <= 0 or abs(shift.low + shift.high) < shift.high - shift.low:
            pays = one - half > 0
            words = f"A token more is worth {one:.2g} reward units ({one - half:.2g} to {one + half:.2g})"
            state: State = "not_established" if pays else "refuted"
            return Sight(state, (Evidence(f"{words}; length has brought no gain so far.", state, one, one - half, one + half, "reward units per token", n, method=how),), value=one)  # fmt: skip
        share, low, high = (s * growth / found.raw for s in (one, one - half, one + half))
        low, high = min(low, high), max(low, high)
        # shorter answers may be the right ones: only growth that is paid is told here
        state = "established" if low > 0.5 and growth > 0 else "refuted" if high < 0.5 else "not_established"
        needed = None
        if state == "not_established" and not how.endswith("step"):  # rollouts do not grow with the log
            needed = rows_needed(n, (high - low) / 2, share, 0.5, of=1)
        statement = (
            f"A token more is worth {one:.2g} reward units, so that {growth:+.3g} tokens make {100 * share:.0f} % of the gain "
            f"({100 * low:.0f} to {100 * high:.0f} %)."
        )
        evidence = Evidence(
            statement, state, share, low, high, "of the gain", n, "rollouts" if how.endswith("step") else view.series["length"].tag,
            (shift.now.first, shift.now.last), how, needed,
        )  # fmt: skip
        at = float(view.series["score"].steps[0])
        return Sight(state, (evidence,), Onset(at, at, at), share)


def _between(view: Signals) -> tuple[float, float] | None:
    _, score, length = together(view.series["score"], view.series["length"])
    # changes, as both curves drift while training goes on
    return slope(np.diff(length), np.diff(score)) if len(score) > 3 * FEW else None
