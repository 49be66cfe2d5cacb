"""Somebody else's simulator (rl-doctor, Apache-2.0) as a source of faults that were not made with this code in mind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.benchmarks.diagnosis.labelled import base, diagnosed

EXPECTED = {
    "healthy": set(),
    "entropy_collapse": {"entropy_collapse"},
    "saturated_groups": {"zero_signal_groups"},
    "too_hard": {"zero_signal_groups", "no_learning"},
    "reward_hacking": {"reward_hacking"},
    "length_hacking": {"length_hacking", "reward_hacking"},
    "truncation": {"truncation"},
    "kl_blowup": {"kl_runaway"},
    "clip_saturation": {"lr_too_high", "clip_saturation"},
}
"""Scenarios of which this product has the cause; the others are run and printed."""

SEEDS = range(5)


def main() -> None:
    """Print what is said first of each scenario, over seeds."""
    try:
        from rl_doctor import simulate
    except ImportError:
        print("simulated scenarios: rl-doctor is not installed here (pip install rldoctor)")
        return
    print(f"{'scenario':20}{'right (any severity)':>22}   said")
    for scenario in simulate.SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            for seed in SEEDS:
                records, config = simulate.simulate(scenario, 400, seed)
                place = Path(folder) / f"{scenario}-{seed}"
                place.mkdir()
                (place / "log.jsonl").write_text("\n".join(json.dumps(r) for r in records))
                (place / "config.json").write_text(json.dumps(config))
            said = diagnosed(Path(folder))
        causes = [{base(f["cause"]): f["severity"] for f in run["findings"]} for run in said]
        wanted = EXPECTED.get(scenario)
        right = "-" if wanted is None else sum(
            bool(wanted & c.keys()) if wanted else not any(s != "info" for s in c.values()) for c in causes
        )  # fmt: skip
        told = sorted({f"{cause} {severity}" for c in causes for cause, severity in c.items()})
        print(f"{scenario:20}{f'{right} of {len(said)}':>22}   {', '.join(told) or 'nothing'}")
