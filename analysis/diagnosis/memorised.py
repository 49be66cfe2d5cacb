"""What was learned on training pairs and does not hold on others: a held-out loss that rises again, an accuracy that stays behind.

Of reward models and of preference optimisation alike.
"""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Sight
from analysis.diagnosis.levels import FEW, error_of, mean_of, noise, present, reach
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Series

FEWEST = 3
"""Evaluations: one that was better, and one that is not the last by accident."""

LOST = 0.25
"""Share of the gain on held-out pairs that must be lost again: early stopping would win it back. Healthy runs lose a tenth
by noise and by the end of a learning-rate schedule."""


def rises_again(train: Series, held: Series) -> Sight | str:
    """Whether the held-out loss is above its best beyond noise, a quarter of the gain is lost again, and the training loss fell on.

    `note` is "below start" where it ends above the loss that training began with.
    """
    if len(held) < FEWEST or len(train) < 2 * FEW:
        return f"{len(held)} evaluations and {len(train)} rows of training; {FEWEST} and {2 * FEW} or more are needed"
    began, least = float(train.values[0]), int(np.argmin(held.values))
    best, now, half, rows = _rise(train, held)
    rise, gain = now - best, max(began - best, 0.0)
    bound = LOST * gain
    risen = rise > half and rise > bound
    falling = _falls(train, float(held.steps[least]))
    state: State = "not_established"
    if risen and falling:
        state = "established"
    elif rise <= 0 or rise + half <= bound or (risen and not falling):
        state = "refuted"
    over = f"over the last {rows} evaluations" if rows > 1 else "now"
    statement = (
        f"The loss on held-out pairs was {held.values[least]:.3f} at step {held.steps[least]:g} and is {now:.3f} {over}"
    )
    if state == "established":
        statement += f", while that on training pairs fell to {train.values[-FEW:].mean():.3f}"
    elif risen:
        statement += "; the training loss did not fall meanwhile"
    elif rise <= 0:
        statement = f"The loss on held-out pairs is at its best ({now:.3f})"
    elif state == "refuted":
        statement += f": {100 * rise / max(gain, 1e-12):.0f} % of the gain is lost again"
    else:
        statement += f"; noise alone may make up to {half:.2g} of it, and a quarter of the gain is {bound:.2g}"
    before = float(held.steps[least - 1]) if least else 1.0
    after = float(held.steps[min(least + 1, len(held) - 1)])
    evidence = Evidence(
        f"{statement}.", state, rise, rise - half, rise + half, "nats", len(held), held.tag,
        (float(held.steps[0]), float(held.steps[-1])), f"the last {rows} of the evaluations less the best",
    )  # fmt: skip
    onset = Onset(float(held.steps[least]), min(before, float(held.steps[least])), after)
    return Sight(state, (evidence,), onset, rise, "below start" if now - half > began else "")


def _rise(train: Series, held: Series) -> tuple[float, float, float, int]:
    """The best, the present, half of the interval of their difference, and the evaluations of the present.

    Of few evaluations the best is a single one. Their noise is at most that of single training rows, as they are of
    more pairs, and always the same ones; where three or more follow the best, their own scatter tells it closer.
    """
    n, least = len(held), int(np.argmin(held.values))
    if n > 2 * FEW:
        means = np.convolve(held.values, np.full(FEW, 1 / FEW), "valid")
        # one noise for both means: that since the best, as the fall before it is another slope
        since = held.values[min(least, n - 2 * FEW) :]
        half = reach(n, len(since) - 2) * error_of(since, FEW) * float(np.sqrt(2))
        return float(means[:-1].min()), float(means[-1]), half, FEW
    lowest, later = float(held.values[least]), held.values[least + 1 :]
    half = 2 * noise(train) * reach(len(train), 2 * FEW)
    if len(later) >= FEWEST:
        own = reach(n, len(later) - 1) * float(later.std(ddof=1)) * float(np.sqrt(1 + 1 / len(later)))
        if own < half:
            return lowest, float(later.mean()), own, len(later)
    return lowest, float(held.values[-1]), half, 1


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


def carries_little(training: Series, others: Series) -> Sight | str:
    """Whether training accuracy leads held-out accuracy by more than half of what it is above chance."""
    train, held = present(training), present(others)
    if train is None or held is None:
        return f"fewer than {FEW} rows of accuracy in training or on held-out pairs"
    learned, gap = train.value - 0.5, train.value - held.value
    sure, most = train.low - held.high, train.high - held.low
    there = train.low > 0.5 and sure > learned / 2
    state: State = "established" if there else "refuted" if most < learned / 2 else "not_established"
    statement = (
        f"Training pairs are ranked right in {100 * train.value:.1f} %, held-out ones in {100 * held.value:.1f} % "
        f"({100 * held.low:.1f} to {100 * held.high:.1f})"
    )
    needed = None
    if state == "refuted":
        statement += ": most of what was learned holds"
    elif state == "not_established":
        statement += "; whether most of what was learned holds is open"
        needed = rows_needed(train.n, (most - sure) / 2, gap, learned / 2)
    evidence = Evidence(
        f"{statement}.", state, 100 * gap, 100 * sure, 100 * most, "points", held.n, others.tag, (held.first, held.last),
        "means of the last eighth of both curves", needed,
    )  # fmt: skip
    return Sight(state, (evidence,), None, gap)
