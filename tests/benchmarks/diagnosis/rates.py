"""The stated false-alarm rate held against drawn healthy runs, and power beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from analysis.diagnosis.change import ALPHA, changes
from analysis.diagnosis.engine import diagnose
from analysis.uncertainty.intervals import wilson
from tests.analysis.diagnosis.worlds import changed, ever_serious, healthy

STATED = 0.05
"""Healthy runs in which chance alone may raise a warning or worse at any time: five sequential tests of 1 % each."""

RUNS = 400

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

FAULTS = {
    "KL grows 4 % a step from step 150": {"kl__to_reference": lambda s, v: v * np.where(s > 150, 1.04 ** np.minimum(s - 150, 120), 1)},
    "score falls by 1 SD at step 150": {"reward__rm_score_mean": lambda s, v: v - _sd(v) * (s > 150)},
    "value loss grows 8 % a step from 150": {"value__loss": lambda s, v: v * np.where(s > 150, 1.08 ** np.minimum(s - 150, 100), 1)},
    "learning rate x 10 at step 150": {"learning_rate": lambda s, v: v * np.where(s > 150, 10, 1)},
}  # fmt: skip


def _sd(values: np.ndarray) -> float:
    """SD of single responses, of a batch of 32 or more: eight times the rows' noise."""
    return 8 * float(np.median(np.abs(np.diff(values, n=2))) / 0.6745 / np.sqrt(6))


def main() -> None:
    """Print the measured rate with its upper bound, and the share of faults that are found."""
    alarms = sum(ever_serious(diagnose(healthy(seed))) for seed in range(RUNS))
    _, upper = wilson(alarms, RUNS)
    print(f"false alarms: {alarms} of {RUNS} healthy runs raised a warning at any time ({100 * alarms / RUNS:.2g} %,")
    print(
        f"  upper 95 % bound {100 * upper:.2g} %); stated {100 * STATED:g} %: {'held' if upper <= 1.2 * STATED else 'NOT HELD'}"
    )
    curves()
    for what, edits in FAULTS.items():
        delays = []
        for seed in range(40):
            said = diagnose(changed(healthy(1000 + seed), **edits))
            times = [e.at for f in said.findings for e in f.events if e.change != "cleared" and e.at > 150]
            delays += [min(times) - 150] if times else []
        late = f", median delay {np.median(delays):g} steps" if delays else ""
        print(f"power: {what}: found in {len(delays)} of 40{late}")


CURVES = 20_000
"""As many as it takes: at a rate of 1 % the interval then ends at 1.15 %."""

ROWS = 400
PHI = (0.0, 0.5, 0.8, 0.9, 0.95)
NOISES = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "tails of t5": lambda rng, size: rng.standard_t(5, size) / np.sqrt(5 / 3),
}


def curves() -> None:
    """Print how often the noise of a single curve alone leaves its path, and what is found at the same correlation."""
    print(
        f"one curve of {ROWS} rows, correlation of its noise; stated {100 * ALPHA:g} % in each direction, {CURVES:,} draws"
    )
    print(
        f"{'noise':>12}{'correlation':>13}{'up':>8}{'upper':>8}{'down':>8}{'upper':>8}   found within 50 rows of a shift of 4, 8, 16 SD"
    )
    for kind, draw in NOISES.items():
        for phi in PHI:
            rng = np.random.default_rng(1)
            up = down = 0
            for y in _rows(draw, rng, phi, CURVES):
                excess = changes(y).excess
                up += bool(np.nanmax(excess) > 1)
                down += bool(np.nanmin(excess) < -1)
            rates = [100 * share for n in (up, down) for share in (n / CURVES, wilson(n, CURVES)[1])]
            power = []
            for shift in (4, 8, 16):
                step = shift * (np.arange(ROWS) >= 150)
                hits = [bool(np.nanmax(changes(y + step).excess[150:200]) > 1) for y in _rows(draw, rng, phi, 200)]
                power.append(f"{np.mean(hits):.2f}")
            held = max(rates) <= 120 * ALPHA
            print(
                f"{kind:>12}{phi:13g}"
                + "".join(f"{rate:7.2f}%" for rate in rates)
                + f"   {', '.join(power)}{'' if held else '   NOT HELD'}"
            )


def _rows(draw: Draw, rng: np.random.Generator, phi: float, count: int) -> np.ndarray:
    """`count` stretches of stationary AR(1) noise of SD 1, from innovations that are drawn."""
    settled = 200
    e = np.sqrt(1 - phi * phi) * draw(rng, (settled + ROWS, count))
    return np.asarray(lfilter([1.0], [1.0, -phi], e, axis=0)[settled:].T)
