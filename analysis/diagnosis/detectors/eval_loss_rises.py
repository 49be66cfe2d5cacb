"""The loss on held-out pairs rises again while that on training pairs falls."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, Level, mean_of, noise, present, reach
from analysis.diagnosis.signals import Series, Signals

FEWEST = 3
"""Evaluations: one that was better, and one that is not the last by accident."""

LOST = 0.25
"""Share of the gain on held-out pairs that must be lost again: early stopping would win it back. Healthy runs lose a tenth
by noise and by the end of a learning-rate schedule."""


@registry.detector
class EvalLossRises(Detector):
    """Established where the held-out loss is above its best stretch beyond noise, a quarter of the gain is lost again, and
    the training loss fell on. `note` is "below start" where it ends above the loss that training began with.
    """

    name = "eval_loss_rises"
    kinds = ("reward_model",)
    about = "whether it learns the training pairs by heart"
    needs = ("rm.loss", "eval/rm.loss")

    def look(self, view: Signals) -> Sight | str:
        train, held = view.series["rm.loss"], view.series["eval/rm.loss"]
        if len(held) < FEWEST or len(train) < 2 * FEW:
            return (
                f"{len(held)} evaluations and {len(train)} rows of training; {FEWEST} and {2 * FEW} or more are needed"
            )
        began = float(train.values[0])
        best, now = _ends(train, held)
        least = int(np.argmin(held.values))
        rise, gain = now.value - best.value, max(began - best.value, 0.0)
        risen = now.low > best.high and rise > LOST * gain
        falling = _falls(train, float(held.steps[least]))
        state: State = "established" if risen and falling else "refuted" if rise <= LOST * gain else "not_established"
        statement = (
            f"The loss on held-out pairs was {held.values[least]:.3f} at step {held.steps[least]:g} and is {now.value:.3f} "
            f"({now.low:.3f} to {now.high:.3f}) now"
        )
        if state == "established":
            statement += f", while that on training pairs fell to {train.values[-FEW:].mean():.3f}"
        elif risen:
            statement += "; the training loss did not fall meanwhile"
        before = float(held.steps[least - 1]) if least else 1.0
        after = float(held.steps[min(least + 1, len(held) - 1)])
        evidence = Evidence(
            f"{statement}.", state, rise, now.low - best.high, now.high - best.low, "loss", len(held), held.tag,
            (float(held.steps[0]), now.last), "the last evaluations less the best stretch of as many",
        )  # fmt: skip
        onset = Onset(float(held.steps[least]), min(before, float(held.steps[least])), after)
        return Sight(state, (evidence,), onset, rise, "below start" if now.low > began else "")


def _ends(train: Series, held: Series) -> tuple[Level, Level]:
    """The best stretch of evaluations and the last one.

    Of few evaluations single ones, with the noise of single training rows: evaluations are of more pairs, and always the
    same ones, so theirs is smaller.
    """
    if len(held) <= FEW:
        half = noise(train) * reach(len(train), 2 * FEW)
        least, last = int(np.argmin(held.values)), len(held) - 1
        return _single(held, least, half), _single(held, last, half)
    now = mean_of(held, len(held) - FEW, len(held))
    best = min((mean_of(held, s, s + FEW) for s in range(len(held) - FEW)), key=lambda level: level.value)
    return best, now


def _single(held: Series, at: int, half: float) -> Level:
    value, step = float(held.values[at]), float(held.steps[at])
    return Level(value, value - half, value + half, half, 1, step, step)


def _falls(train: Series, since: float) -> bool:
    """Whether the training loss is established to be lower now than it was at its rows up to `since`."""
    place = max(int(np.searchsorted(train.steps, since, side="right")), FEW)
    now = present(train)
    if now is None or place > len(train) - now.n:
        return False
    then = mean_of(train, max(0, place - now.n), place)
    # the noise of rows is that of the calmer stretch: a steep fall looks like noise
    half = min(now.high - now.value, then.high - then.value)
    return then.value - now.value > 2 * half
