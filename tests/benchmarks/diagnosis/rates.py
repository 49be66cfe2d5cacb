"""The stated false-alarm rate held against drawn healthy runs, power beside it, and time and memory on a long run."""

from __future__ import annotations

import resource
import time

import numpy as np

from analysis.diagnosis.change import ALPHA, changes
from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.signals import Series, Signals
from analysis.uncertainty.intervals import wilson
from tests.analysis.diagnosis.worlds import changed, ever_serious, healthy, noise

STATED = 0.05
"""Healthy runs in which chance alone may raise a warning or worse at any time: five sequential tests of 1 % each."""

RUNS = 400
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


CURVES = 1500
PHI = (0.0, 0.5, 0.8, 0.9, 0.95)


def curves() -> None:
    """Print how often the noise of a single curve alone leaves its path upwards, and what is found at the same correlation."""
    print(f"one curve of 400 rows, correlation of its noise; stated {100 * ALPHA:g} % upwards")
    print(
        f"{'correlation':>12}{'false alarms':>14}{'upper 95 %':>12}   found within 50 rows of a shift of 4, 8, 16 SD of the noise"
    )
    for phi in PHI:
        rng = np.random.default_rng(1)
        alarms = sum(bool(np.nanmax(changes(noise(rng, 400, phi)).excess) > 1) for _ in range(CURVES))
        _, upper = wilson(alarms, CURVES)
        power = []
        for shift in (4, 8, 16):
            step = shift * (np.arange(300) >= 150)
            hits = [bool(np.nanmax(changes(noise(rng, 300, phi) + step).excess[150:200]) > 1) for _ in range(100)]
            power.append(f"{np.mean(hits):.2f}")
        print(f"{phi:12g}{100 * alarms / CURVES:12.2g} %{100 * upper:10.2g} %   {', '.join(power)}")


def speed(rows: int = 1_000_000, metrics: int = 15) -> None:
    """Print time and memory of a diagnosis of a long run, from arrays."""
    rng = np.random.default_rng(0)
    steps = np.arange(rows, dtype=np.float64)
    names = (
        "reward.rm_score_mean", "reward.rm_score_std", "kl.to_reference", "kl.policy_update", "entropy.token_mean",
        "response.length_mean", "value.loss", "value.explained_variance", "grad_norm", "learning_rate", "policy.clip_fraction",
        "loss.policy", "ratio.mean", "reward.zero_std_fraction", "response.truncated_fraction",
    )  # fmt: skip
    columns = {name: np.abs(rng.standard_normal(rows) * 0.1 + 0.3) for name in names[:metrics]}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    series = {name: Series.of(name, steps, values, tag=name) for name, values in columns.items()}
    diagnose(Signals("long", "policy", series=series))
    took = time.process_time() - begin
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{rows:,} steps of {metrics} metrics: {took:.1f} s of processor time, {more:.0f} MB beyond the data")
