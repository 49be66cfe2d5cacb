"""The reward model has learned its training pairs by heart."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.finding import Next, Severity, Size
from analysis.diagnosis.leaf import FAIR, SLIGHT, STRONG, Cause, Sights, established
from analysis.diagnosis.signals import Signals


@registry.cause
class RmOverfit(Cause):
    """Predicts a held-out loss that rises while the training loss falls, accuracy that does not carry over, margins too sure."""

    name = "rm_overfit"
    title = "overfitting of the reward model"
    kinds = ("reward_model",)
    requires = ("eval_loss_rises",)
    predicts: ClassVar = {
        "eval_loss_rises": STRONG,
        "little_carries_over": STRONG,
        "over_confident": FAIR,
        "pairs_near_chance": SLIGHT,
    }
    forbids: ClassVar = {"training_near_chance": STRONG}

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical where the held-out loss is above where training began, and a second signal agrees."""
        worse = sights["eval_loss_rises"].note == "below start"
        return "critical" if worse and established(sights, "little_carries_over", "pairs_near_chance") else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        sight = sights["eval_loss_rises"]
        at = f"{sight.onset.value:g}" if sight.onset else "the best evaluation"
        return (
            f"Since step {at} the loss on held-out pairs has risen by {sight.value or 0.0:.3g} while that on training pairs fell: "
            "the model learns pairs by heart."
        )

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Go back, then train less on more."""
        onset = sights["eval_loss_rises"].onset
        at = onset.value if onset else None
        back = (
            (
                Next(
                    f"Take the checkpoint of step {at:g}.",
                    "The held-out loss was lowest there.",
                    Size("checkpoint", None, at),
                ),
            )
            if at
            else ()
        )
        epochs = view.setting("num_train_epochs")
        fewer = Size("num_train_epochs", epochs, 1.0) if epochs and epochs > 1 else None
        return (
            *back,
            Next(
                "Train for fewer epochs, or on more pairs; stop when the held-out loss rises.",
                "More passes over the same pairs teach the pairs.",
                fewer,
            ),
        )
