"""Does a curve leave the path it was on? A sequential test on every row, each using nothing but the rows before it.

For each row the mean of the last w rows is held against the line through the m rows before them. The line's own error,
and that neighbouring rows share their noise, are part of the interval; the error that all rows of a run may make
together is spent over doublings of the run's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.uncertainty import student_quantile

Floats = npt.NDArray[np.float64]

WINDOWS = ((2, 16), (4, 16), (8, 32), (16, 64))
"""Recent rows and rows of the line before them. Doubling windows see sudden and slow departures alike, each within about
its own length; a line of at least four windows is not bent by them."""

NARROW = 8
"""Widest window in which a change counts as sudden."""

ALPHA = 0.01
"""False alarms of one curve in a whole run, in one direction: normal noise or tails of a t of 5, correlation up to 0.95."""

MEMORY = 128
"""Rows over which the correlation of neighbouring noise is estimated; it may change as training goes on."""


@dataclass(frozen=True, slots=True)
class Change:
    """For every row how far the curve is from its path; NaN where there are too few rows to say.

    excess : (n,) departure in units of what would be established: beyond 1 (or -1) it is
    expected : (n,) mean that the path before would have given, and `recent` what it is, of the widest departure
    width : (n,) rows of that recent mean
    sudden : the same of the narrow windows alone, which a jump shows in; None in itself
    """

    excess: Floats
    expected: Floats
    recent: Floats
    width: Floats
    sudden: Change | None = None

    def until(self, n: int) -> Change:
        """What the first n rows tell."""
        sudden = None if self.sudden is None else self.sudden.until(n)
        return Change(self.excess[:n], self.expected[:n], self.recent[:n], self.width[:n], sudden)


def changes(values: npt.ArrayLike, alpha: float = ALPHA) -> Change:
    """Hold every row against the path before it; O(n) in time and memory."""
    y = np.asarray(values, np.float64)
    n = len(y)
    narrow = _nothing(n, None)
    best = _nothing(n, narrow)
    if n < WINDOWS[0][0] + WINDOWS[0][1]:
        return best
    phi = correlation(y)
    rows = np.arange(n)
    k = np.maximum(np.floor(np.log2(np.maximum(rows, 2))), 1)
    # sums of y, t y and y squared up to each row, on values without their size so that digits are kept
    centre = y[: WINDOWS[0][1]].mean()
    z = y - centre
    sums = [np.concatenate([[0.0], np.cumsum(v)]) for v in (z, rows * z, z * z)]
    for w, m in WINDOWS:
        at = rows[w + m - 1 :]
        if not len(at):
            break
        a, b = at - w - m + 1, at - w + 1  # the line is over rows a .. b - 1, the recent ones are b .. at
        sy, sty, syy = ((s[b] - s[a]) for s in sums)
        middle = a + (m - 1) / 2
        sxx = m * (m * m - 1) / 12
        slope = (sty - middle * sy) / sxx
        residual = np.maximum(syy - sy * sy / m - slope * slope * sxx, 0.0)
        recent = (sums[0][at + 1] - sums[0][b]) / w
        ahead = (m + w) / 2
        expected = sy / m + slope * ahead
        f = phi[b - 1]  # as it was known before the recent rows
        # residuals of a line through correlated noise are smaller than the noise
        variance = residual / np.maximum(m - 2 * _inflation(m, f), 2.0)
        error = np.sqrt(variance * (_inflation(w, f) / w + _inflation(m, f) * (1 / m + ahead * ahead / sxx)))
        error = np.maximum(error, 1e-12 * np.maximum(np.abs(y[at]), np.abs(expected + centre)))
        reach = _reach(k[at].astype(int), f, w, m, alpha)
        excess = (recent - expected) / (np.maximum(error, 1e-300) * reach)
        for kept in (best, narrow) if w <= NARROW else (best,):
            wider = ~(np.abs(kept.excess[at]) >= np.abs(excess))
            place = at[wider]
            kept.excess[place] = excess[wider]
            kept.expected[place] = expected[wider] + centre
            kept.recent[place] = recent[wider] + centre
            kept.width[place] = w
    return best


def _nothing(n: int, sudden: Change | None) -> Change:
    return Change(np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), sudden)


LAG = 8
"""Rows that are held against each other for the correlation of slow noise; a sixteenth of `MEMORY`."""

MOST = 0.98
"""Largest correlation that is told from a wandering curve: noise that is forgotten within 50 rows."""

_PHI = np.linspace(0.0, MOST, 197)
_GROWTH = (1 - _PHI**LAG) / (1 - _PHI)
"""Variance of y(t) - y(t - LAG) over that of y(t) - y(t - 1), for an autoregression of order 1."""


def correlation(y: Floats) -> Floats:
    """(n,) correlation of neighbouring noise as known at each row, 0 to `MOST`, whatever the trend.

    The larger of two estimates over the last `MEMORY` rows, each one standard error above itself, since too low a value
    promises more than there is. First differences of a trend plus an autoregression have correlation -(1 - phi) / 2,
    which tells weak correlation well; of strong ones it knows little, and half of its errors are too low. Differences over
    `LAG` rows grow with the correlation: their variance over that of first ones is (1 - phi^LAG) / (1 - phi).
    """
    d = np.diff(y, prepend=y[:1])
    d = d - _running(d)
    products = np.concatenate([[0.0], d[1:] * d[:-1]])
    top, bottom = _running(products), _running(d * d)
    rho = np.divide(top, bottom, out=np.full(len(y), -0.5), where=bottom > 0)
    held = np.minimum(np.arange(1, len(y) + 1), MEMORY)
    near = 1 + 2 * (rho + 1 / np.sqrt(held) / 2)
    far = np.zeros(len(y))
    far[LAG:] = y[LAG:] - y[:-LAG]
    kept = np.maximum(held - LAG, 1) / held  # the first rows have no difference over so many
    spread = np.maximum(_running(far * far) / kept - np.square(_running(far) / kept), 0.0)
    growth = np.divide(spread, bottom, out=np.ones(len(y)), where=bottom > 0)
    # relative error of this variance (Lo and MacKinlay 1988, doi:10.1093/rfs/1.1.41, equation 14, about sqrt(4 k / 3 n))
    error = np.minimum(np.sqrt(LAG / held), 1.0)
    known = growth * (1 - error) > 1  # where noise is shown to be slow at all: of fast noise the neighbours know more
    wide = np.where(known, np.interp(growth * (1 + error), _GROWTH, _PHI), 0.0)
    return np.asarray(np.clip(np.maximum(near, wide), 0.0, MOST))


def _running(v: Floats) -> Floats:
    """Mean of the last `MEMORY` rows at each row."""
    total = np.concatenate([[0.0], np.cumsum(v)])
    ends = np.arange(1, len(v) + 1)
    starts = np.maximum(ends - MEMORY, 0)
    return np.asarray((total[ends] - total[starts]) / (ends - starts))


def _inflation(w: int, phi: Floats) -> Floats:
    """Variance of a mean of w rows of AR(1) noise, over that of independent rows."""
    return np.asarray((1 + phi) / (1 - phi) - 2 * phi * (1 - phi**w) / (w * (1 - phi) ** 2))


def _reach(k: npt.NDArray[np.int_], phi: Floats, w: int, m: int, alpha: float) -> Floats:
    """Standard errors beyond which a row's departure is established, for doubling k of the run's length.

    Student's t knows that the SD is from few rows, not that they are correlated: as for their variance they are worth
    (1 - phi^2) / (1 + phi^2) as many (Bartlett 1946, doi:10.2307/2983611), and a row may make an error as much seldomer.
    What that leaves is held against simulation by `python -m tests.benchmarks.diagnosis rates`.
    """
    halvings = np.ceil(np.log2((1 + phi**2) / (1 - phi**2))).astype(int)  # in whole halvings: few quantiles are kept
    every = np.array(
        [[_quantile(i, j, w, m, alpha) for j in range(int(halvings.max()) + 1)] for i in range(int(k.max()) + 1)]
    )
    return np.asarray(every[k, halvings])


@lru_cache(maxsize=8192)
def _quantile(k: int, halvings: int, w: int, m: int, alpha: float) -> float:
    # doubling k holds 2^k rows: about 2^k / w of its recent means are independent
    k = max(k, 1)
    error = alpha / (k * (k + 1)) / len(WINDOWS) / max(2**k / w, 1.0) / 2**halvings
    return student_quantile(1 - 2 * error, m - 2)
