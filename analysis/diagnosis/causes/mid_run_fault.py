"""Something changed in the middle of the run."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.advice import go_back
from analysis.diagnosis.early import early
from analysis.diagnosis.finding import Next, Onset, Severity
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals

JUMPS = ("lr_jump", "score_jump", "kl_jump", "score_frozen", "value_lost")


@registry.cause
class MidRunFault(Cause):
    """Predicts jumps from one row to the next after a settled stretch."""

    name = "mid_run_fault"
    title = "something changed in the middle of the run"
    kinds = ("policy",)
    requires = JUMPS
    predicts: ClassVar = {
        "score_jump": STRONG, "kl_jump": STRONG, "lr_jump": STRONG, "score_frozen": STRONG, "value_lost": STRONG, "score_fell": FAIR, "score_below_start": SLIGHT,
        "kl_runaway": SLIGHT, "value_error_rises": SLIGHT, "value_error_high": SLIGHT, "entropy_falls": SLIGHT,
        "kl_excess": SLIGHT, "left_reference": SLIGHT, "update_too_large": SLIGHT, "gradient_dead": SLIGHT,
        "length_growth": SLIGHT, "entropy_collapse": SLIGHT, "truncation_high": SLIGHT, "length_collapse": SLIGHT,
        "truncation_rises": SLIGHT, "clip_saturation": SLIGHT,
    }  # fmt: skip
    forbids: ClassVar = {"early_drop": STRONG}
    prior = STRONG
    """A jump of the score, of KL or of the learning rate after a settled stretch has hardly another explanation: what a
    run lacks of the other symptoms, which depend on what changed, must not count against it."""
    absence = 0.0  # What a predicted symptom that is refuted takes away: nothing, as each kind of change shows in its own way.

    def fits(self, view: Signals, sights: Sights) -> bool:
        """After the early rows: while the learning rate still climbs, or has just got there, updates change by themselves."""
        last = early(view)
        return any((o := sights[n].onset) is None or o.value > last for n in self._jumped(sights))

    def _jumped(self, sights: Sights) -> list[str]:
        """What changed from one row to the next. Answers that are all alike get one score for another reason."""
        alike = established(sights, "entropy_collapse", "length_collapse")
        return [n for n in established(sights, *JUMPS) if n != "score_frozen" or not alike]

    def specific(self, view: Signals, sights: Sights) -> str:
        """What changed, where that can be told."""
        if established(sights, "lr_jump"):
            return "learning_rate_jump"
        if "score_frozen" in self._jumped(sights):
            return "reward_constant"
        jumped = established(sights, "score_jump")
        went_on = sights.get("kl_jump") is not None and sights["kl_jump"].state == "refuted"
        if jumped and went_on and not self._rewritten(sights):
            return "reward_changed"
        return "values_lost" if self._jumped(sights) == ["value_lost"] else ""

    def _rewritten(self, sights: Sights) -> bool:
        """Whether the responses changed with the jump, and not only after it: then it is not the reward alone."""
        jump = sights["score_jump"].onset
        with_it = established(sights, "length_growth", "length_collapse", "truncation_high", "truncation_rises")
        return jump is not None and any((o := sights[n].onset) is not None and o.value <= jump.high for n in with_it)

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where the score has fallen for good or tells nothing any more; a jump alone may be a change that somebody wanted."""
        harmed = established(sights, "score_fell", "score_below_start", "left_reference", "gradient_dead")
        return "critical" if harmed or self.specific(view, sights) == "reward_constant" else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        at = self._onset(sights)
        told = {
            "learning_rate_jump": f"the learning rate jumped {sights['lr_jump'].value:.3g} times"
            if established(sights, "lr_jump")
            else "",
            "reward_changed": "the score jumped while the policy went on as before, so the reward itself changed",
            "values_lost": "the value model was lost while the policy went on as before",
            "reward_constant": "the score became one and the same number for all responses, so there is nothing to learn from any more",
            "": "the policy changed from one row to the next",
        }[self.specific(view, sights)]
        harm = ""
        if established(sights, "score_fell"):
            harm = f"; the score is {sights['score_fell'].value:.2g} SD below its best"
        elif established(sights, "score_jump") and self.specific(view, sights) != "reward_constant":
            harm = f"; the score moved by {sights['score_jump'].value:+.2g} SD"
        return f"At step {at.value:g} {told}{harm}." if at else f"{told[0].upper()}{told[1:]}{harm}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Find what changed, and go on from before it."""
        at = self._onset(sights)
        what = {
            "learning_rate_jump": "Mend the learning rate schedule.",
            "reward_changed": "Compare reward model, its version and its sign before and after this step.",
            "reward_constant": "Look what the reward function answered since this step: an error that is caught, a cache, a model that is not loaded.",
            "values_lost": "Look whether the value model's weights were restored at this step; freeze the policy until its error is back where it was.",
            "": "Look what changed at this step: data, reward model, settings, a restart.",
        }[self.specific(view, sights)]
        return (
            Next(what, "The change came from one row to the next."),
            *go_back(at.value if at else None, "The run was settled before."),
        )

    def _onset(self, sights: Sights) -> Onset | None:
        known = [o for n in self._jumped(sights) if (o := sights[n].onset) is not None]
        return min(known, key=lambda o: o.value, default=None)
