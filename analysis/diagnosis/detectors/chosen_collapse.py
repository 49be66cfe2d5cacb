"""The chosen responses have become far less likely than they were under the reference."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, mean_of, present
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Series, Signals


@registry.detector
class ChosenCollapse(Detector):
    """Established where the log-probability of chosen is twice what it was: every token has the square of its probability.

    With beta known, the implicit reward tells the reference's log-probability of the same responses, so that batches of other
    lengths do not matter; otherwise the first rows stand for it.
    """

    name = "chosen_collapse"
    kinds = ("policy",)
    about = "whether the chosen responses stay likely"
    needs = ("dpo.logp_chosen",)
    uses = ("dpo.reward_chosen",)
    alone = "warning"

    def look(self, view: Signals) -> Sight | str:
        told = _ratio(view)
        if told is None:
            return "too few rows, or log-probabilities that are not negative"
        curve, how = told
        now = present(curve)
        assert now is not None
        state: State = "established" if now.low > 2 else "refuted" if now.high < 2 else "not_established"
        statement = (
            f"The log-probability of the chosen responses is {now.value:.2g} times what it was ({now.low:.2g} to {now.high:.2g}): "
            f"a token that had probability 0.5 now has {0.5**now.value:.2g}"
        )
        if state != "established":
            statement += f", {'which is less' if state == 'refuted' else 'which is not shown to be more'} than twice"
        evidence = Evidence(
            f"{statement}.", state, now.value, now.low, now.high, "times", now.n, view.series["dpo.logp_chosen"].tag,
            (now.first, now.last), how,
            needed=rows_needed(now.n, now.high - now.value, now.value, 2.0) if state == "not_established" else None,
        )  # fmt: skip
        at = crossing(curve, 2.0) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(at, float(curve.steps[0]), at), now.value)


def _ratio(view: Signals) -> tuple[Series, str] | None:
    """Log-probability of chosen over that under the reference, row by row, and how that is known."""
    logp, reward, beta = view.series["dpo.logp_chosen"], view.get("dpo.reward_chosen"), view.setting("beta")
    if len(logp) < 4 * FEW or logp.values.max() >= 0:
        return None
    if reward is not None and beta:
        at, p, r = together(logp, reward)
        reference = p - r / beta
        if len(at) >= 4 * FEW and reference.max() < 0:
            return Series(
                "chosen", at, p / reference
            ), f"log-probability less implicit reward over beta {beta:g} is the reference's"
    start = mean_of(logp, 0, 2 * FEW)
    # what the first rows leave open is taken off: their least size stands for it
    least = min(start.low, start.value)
    return Series(
        "chosen", logp.steps, np.asarray(logp.values / least)
    ), "over the first rows, lower end of their interval"
