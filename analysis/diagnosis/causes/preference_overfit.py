"""Preference optimisation has learned its pairs by heart."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class PreferenceOverfit(Cause):
    """Predicts a held-out loss that rises while the training loss falls, and accuracy that does not carry over."""

    name = "preference_overfit"
    title = "overfitting of the preferences"
    kinds = ("policy",)
    requires = ("preference_loss_rises",)
    predicts: ClassVar = {"preference_loss_rises": STRONG, "preferences_carry_little": FAIR}
    forbids: ClassVar = {"preferences_flat": STRONG}
    absence = 0.0  # margins may grow too sure while the ranking of other pairs holds

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where the held-out loss is above where training began, and accuracy does not carry over either."""
        worse = sights["preference_loss_rises"].note == "below start"
        return "critical" if worse and established(sights, "preferences_carry_little") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        sight = sights["preference_loss_rises"]
        at = f"{sight.onset.value:g}" if sight.onset else "the best evaluation"
        why = (
            "pairs are learned by heart"
            if established(sights, "preferences_carry_little")
            else "margins grow surer than right"
        )
        return f"Since step {at} the loss on held-out pairs has risen by {sight.value or 0.0:.3g} while that on training pairs fell: {why}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Go back, then train less or hold it closer."""
        onset = sights["preference_loss_rises"].onset
        back: tuple[Next, ...] = ()
        if onset is not None:
            back = (
                Next(f"Take the checkpoint of step {onset.value:g}.", "The held-out loss was lowest there.", Size("checkpoint", None, onset.value)),
            )  # fmt: skip
        epochs, beta = view.setting("num_train_epochs"), view.setting("beta")
        return (
            *back,
            Next("Train for fewer epochs, or on more pairs.", "More passes over the same pairs teach the pairs.", Size("num_train_epochs", epochs, 1.0) if epochs and epochs > 1 else None),
            Next("Raise beta, or smooth the labels.", "Both bound how sure margins become.", Size("beta", beta, None)),
        )  # fmt: skip
