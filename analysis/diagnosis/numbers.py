"""Numbers in sentences."""

from __future__ import annotations

from math import ceil


def percent(share: float) -> str:
    """A share as "0.43 %", "8.5 %", "86 %" or "180 %": two digits, and never a power of ten."""
    value = 100 * share
    return f"{value:.2g} %" if abs(value) < 9.95 else f"{value:.0f} %"


def rows_needed(rows: int, half: float, value: float, bound: float, *, of: int = 8) -> float | None:
    """Rows in all at which the interval of a mean would leave a bound out, if the value stays.

    Parameters
    ----------
    rows : of the mean
    half : half of its interval, which falls with the root of the rows
    of : rows of the curve for each row of the mean: 8 for the present (see `levels.present`)

    Returns None where the value is at the bound.
    """
    gap = abs(value - bound)
    return float(of * ceil(rows * (half / gap) ** 2)) if gap > 0 and half > 0 else None
