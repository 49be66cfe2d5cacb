"""python -m tests.benchmarks.diagnosis [labelled] [peers] [scenarios] [rates] [robustness] [speed]: one table for each; all without words."""

from __future__ import annotations

import sys

from tests.benchmarks.diagnosis import labelled, peers, rates, robustness, scenarios, speed

PARTS = {
    "labelled": labelled.main,
    "peers": peers.main,
    "scenarios": scenarios.main,
    "rates": rates.main,
    "robustness": robustness.main,
    "speed": speed.main,
}

for word in sys.argv[1:] or PARTS:
    PARTS[word]()
    print()
