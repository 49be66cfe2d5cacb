"""Most groups give no gradient."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights
from analysis.diagnosis.levels import FEW
from analysis.diagnosis.signals import Signals
from analysis.policy.advantages import zero_variance_share


@registry.cause
class ZeroSignalGroups(Cause):
    """Predicts groups whose responses all get the same reward, and no gradient, while the policy still has variety."""

    name = "zero_signal_groups"
    title = "groups without signal"
    kinds = ("policy",)
    requires = ("zero_signal",)
    predicts: ClassVar = {"zero_signal": STRONG, "gradient_dead": FAIR, "score_flat": SLIGHT, "policy_still": FAIR}
    forbids: ClassVar = {"entropy_collapse": STRONG, "spread_collapse": FAIR, "truncation_high": SLIGHT}
    absence = 0.0  # the score may have been rising before

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """A task that was learned gives no signal either: worth knowing. One that is solved, or lost, from the start is a fault."""
        return "info" if self._solved(view) else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        told = sights["zero_signal"].evidence[0].statement.rstrip(".")
        why = ": the task is solved for most prompts" if self._solved(view) else ": most of each batch is thrown away"
        return f"{told}{why}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Sample where there is something to learn."""
        return (
            Next(
                "Leave out prompts whose responses all get one reward and sample others in their place (dynamic sampling).",
                "They give no gradient.",
            ),
            Next(
                "Choose easier or harder prompts, or larger groups.",
                "A group of G has no signal with chance p^G + (1 - p)^G at pass rate p.",
            ),
        )

    def _solved(self, view: Signals) -> bool:
        """Whether a pass rate as logged, which the policy has come to, would by itself leave most groups without signal."""
        score = view.get("score")
        if score is None or score.values.min() < 0 or score.values.max() > 1:
            return False
        size = int(view.setting("num_generations") or 8)
        first, last = (float(np.mean(part)) for part in (score.values[:FEW], score.values[-FEW:]))
        begun, now = (float(zero_variance_share(p, size)) for p in (first, last))
        return last > 0.5 and now > 0.25 and begun < 0.5
