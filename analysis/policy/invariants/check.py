"""The record of a checked invariant, and how a log is held against a bound."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.records import InputError

Floats = npt.NDArray[np.float64]
State = Literal["established", "refuted", "not established", "not checked"]
Cause = Literal["logging_fault", "policy_reference_mismatch"]

FLOAT32 = 1e-5
"""Relative rounding of a mean that was taken in float32: units in the last place are 1.2e-7 of the largest summand, and
sums over some thousand tokens gather about a hundred of them."""

BFLOAT16 = 2.0**-8
"""Relative rounding of one log-probability in bfloat16, which keeps 8 bits. Means over tokens lie far below it, unless
roundings lean to one side, as they do between two kernels."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a log says of a statement that must hold in every row.

    name : identifier of the invariant
    statement : the invariant in words
    state : "established" (holds in all rows that could be checked), "refuted" (breaks by more than the tolerance),
        "not established" (breaks, but the log leaves an innocent explanation), "not checked" (nothing to check it with)
    because : why, in words
    cause : the finding that a refutation is evidence of
    steps : where it breaks, in order
    size : largest violation beyond the bound, in `unit`; 0 if there is none, NaN if nothing was checked
    tolerance : what is allowed beyond the bound, largest of the rows; and the reason for it
    n : rows checked
    """

    name: str
    statement: str
    state: State
    because: str
    cause: Cause
    steps: tuple[float, ...] = ()
    size: float = nan
    unit: str = ""
    tolerance: float = nan
    tolerance_reason: str = ""
    n: int = 0


@dataclass(frozen=True, slots=True)
class Invariant:
    """A statement to be checked: what the checks of one name share."""

    name: str
    statement: str
    cause: Cause
    unit: str

    def not_checked(self, because: str) -> Check:
        """Nothing to check it with."""
        return Check(self.name, self.statement, "not checked", because, self.cause, unit=self.unit)

    def hold(
        self, step: npt.ArrayLike, excess: npt.ArrayLike, tolerance: npt.ArrayLike, reason: str, *, innocent: str = ""
    ) -> Check:
        """Judge rows by how far they are beyond the bound.

        Parameters
        ----------
        step : (n,) rows of the last attempt
        excess : (n,) distance beyond the bound, negative where there is room; NaN where a row can't be checked
        tolerance : (n,) or one number, >= 0
        innocent : another explanation of a violation that the log does not exclude; it makes "not established" of it
        """
        steps, beyond = np.asarray(step, np.float64), np.asarray(excess, np.float64)
        allowed = np.broadcast_to(np.asarray(tolerance, np.float64), beyond.shape)
        checked = np.isfinite(beyond) & np.isfinite(allowed)
        n = int(checked.sum())
        if not n:
            return self.not_checked("no row holds finite values of all that it needs")
        broken = checked & (beyond > allowed)
        size = max(float(beyond[checked].max()), 0.0)
        where = tuple(steps[broken].tolist())
        most = float(allowed[checked].max())
        if not where:
            state: State = "established"
            because = f"holds in {n} of {n} rows"
        else:
            state = "not established" if innocent else "refuted"
            because = f"breaks in {len(where)} of {n} rows, first at step {where[0]:g}, by up to {size:.3g} {self.unit}".rstrip()
            because += f"; {innocent}" if innocent else ""
        return Check(
            self.name, self.statement, state, because, self.cause, where, size, self.unit, most, reason, n
        )  # fmt: skip

    def hold_sum(
        self,
        step: npt.ArrayLike,
        apart: npt.ArrayLike,
        size: npt.ArrayLike,
        printed: npt.ArrayLike,
        *,
        half_precision: bool | None,
        innocent: str = "",
    ) -> Check:
        """Judge an equation between means of one batch, by what rounding alone can make of it.

        Parameters
        ----------
        apart : (n,) absolute difference of the two sides
        size : (n,) largest summand
        printed : half units of the last decimals that were printed
        half_precision : whether the summands were held in bfloat16; None if not known: a difference that bfloat16
            would explain is then not established
        """
        difference, largest = np.asarray(apart, np.float64), np.asarray(size, np.float64)
        # a row near 0 is a mean that cancelled: what it sums is rounded at the log's usual size
        finite = largest[np.isfinite(largest)]
        largest = np.maximum(largest, float(np.median(finite)) if len(finite) else 0.0)
        room = np.asarray(printed, np.float64) + 1e-12
        half = 3 * BFLOAT16 * largest + room  # both sides and the sum are rounded
        kind, allowed = ("bfloat16", half) if half_precision else ("float32", FLOAT32 * largest + room)
        if half_precision is None and not innocent and not (difference > half).any():
            innocent = "rounding of summands held in bfloat16 would explain it"
        reason = f"rounding of {kind} summands, and printed decimals"
        return self.hold(step, difference, allowed, reason, innocent=innocent)


def rows(step: npt.ArrayLike, *columns: npt.ArrayLike) -> tuple[Floats, ...]:
    """Step and columns as float64, checked to be of one length.

    Raises
    ------
    InputError
        If they are not.
    """
    arrays = tuple(np.asarray(a, np.float64).ravel() for a in (step, *columns))
    if len({len(a) for a in arrays}) > 1:
        raise InputError(
            f"columns of lengths {[len(a) for a in arrays]} are not rows of one log", mend="align them by step first"
        )
    return arrays


def printed_rounding(values: npt.ArrayLike) -> float:
    """Half a unit of the last decimal that a log was printed with; 0 if it holds full numbers.

    The fewest decimals (at most 6) that give all finite values exactly; with fewer than 5 distinct values, or more
    than half of them whole, nothing is concluded.
    """
    v = np.asarray(values, np.float64)
    v = np.unique(v[np.isfinite(v)])
    if len(v) < 5 or (v == np.round(v)).mean() > 0.5:
        return 0.0
    for decimals in range(1, 7):
        if (np.abs(v - np.round(v, decimals)) <= 1e-12).all():
            return 0.5 * 10.0**-decimals
    return 0.0
