"""Time and memory of a diagnosis of a long run: from arrays, and from the store in a process that never saw it before."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from analysis.board import Board
from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.signals import Series, Signals
from tests.benchmarks.bench_pages import write_wide

ROWS = 1_000_000
METRICS = (
    "reward.rm_score_mean", "reward.rm_score_std", "kl.to_reference", "kl.policy_update", "entropy.token_mean",
    "response.length_mean", "value.loss", "value.explained_variance", "grad_norm", "learning_rate", "policy.clip_fraction",
    "loss.policy", "ratio.mean", "reward.zero_std_fraction", "response.truncated_fraction",
)  # fmt: skip
TAGS = [
    "objective/scores", "objective/kl", "objective/entropy", "objective/non_score_reward", "objective/rlhf_reward",
    "policy/approxkl_avg", "policy/clipfrac_avg", "policy/entropy_avg", "loss/policy_avg", "loss/value_avg",
    "val/clipfrac_avg", "val/ratio", "val/num_eos_tokens", "lr", "grad_norm",
]  # fmt: skip

DIAGNOSE = r"""
import json, re, sys, time
from pathlib import Path
from analysis.board import Board
with Board.open(sys.argv[1]) as board:
    run = board.runs()["run"][0]
    begun, used = time.perf_counter(), time.process_time()
    verdict = board.diagnose(run).verdict
    print(json.dumps({
        "wall": time.perf_counter() - begun, "used": time.process_time() - used, "verdict": verdict,
        "peak": int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024,
    }))
"""

"""`ru_maxrss` would be the parent's where that was larger: it outlives fork and exec."""


def main() -> None:
    """Print both."""
    arrays()
    store()


def arrays() -> None:
    """Print time and memory from arrays."""
    rng = np.random.default_rng(0)
    steps = np.arange(ROWS, dtype=np.float64)
    columns = {name: np.abs(rng.standard_normal(ROWS) * 0.1 + 0.3) for name in METRICS}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    series = {name: Series.of(name, steps, values, tag=name) for name, values in columns.items()}
    diagnose(Signals("long", "policy", series=series))
    took = time.process_time() - begin
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{ROWS:,} steps of {len(METRICS)} metrics: {took:.1f} s of processor time, {more:.0f} MB beyond the data")


def store() -> None:
    """Print time and memory through the store: read and diagnosed by a process that does nothing else."""
    with tempfile.TemporaryDirectory() as work:
        write_wide(Path(work, "logs", "long", "metrics.parquet"), ROWS, TAGS)
        with Board.open(f"{work}/store.duckdb") as board:
            board.ingest(f"{work}/logs")
        for turn in ("first", "again"):
            command = [sys.executable, "-c", DIAGNOSE, f"{work}/store.duckdb"]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"through the store, {turn}: {told['wall']:.2f} s, {told['used']:.2f} s of processor time, "
                f"{told['peak']:.0f} MB at most, all of the process; verdict {told['verdict']}"
            )
