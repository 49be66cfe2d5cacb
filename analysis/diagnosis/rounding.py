"""How many digits the numbers of a log have: consoles print three of them, and a small KL is then 0."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.signals import Signals

MOST_DIGITS = 4
"""Behind the point, as consoles print; with five, shares of batches of 32 would seem rounded, as 1/32 ends there."""

ROWS = 64
"""Of each curve: rounding is seen in a few numbers."""

LEAST = 3
"""Numbers that are no whole ones: that three of them end at one digit by chance has odds of one in 10^7."""

NEAR, LARGEST = 1e-3, 100.0
"""How near to a digit's multiple a number must be, in that digit, and up to which size a float32 can be."""


def rounded(view: Signals) -> float:
    """The largest number that a log prints as 0: half of the last digit that its numbers have; 0 where they have them all."""
    curves = [series.values[:ROWS] for name, series in view.series.items() if not name.startswith("rollouts/")]
    numbers = np.abs(np.concatenate([np.zeros(0), *curves]))
    numbers = numbers[np.isfinite(numbers) & (numbers < LARGEST)]
    numbers = numbers[np.abs(numbers - np.round(numbers)) > NEAR]
    if len(numbers) < LEAST:
        return 0.0
    for digits in range(1, MOST_DIGITS + 1):
        ends = numbers * 10**digits
        if (np.abs(ends - np.round(ends)) < NEAR).all():
            return float(0.5 * 10**-digits)
    return 0.0
