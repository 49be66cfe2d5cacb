"""Runs trained for the occasion, with other seeds, settings and causes than any that the diagnosis was written beside.

The programs of `sample_runs/` are used: the same toy language and the same hidden gold score, but other base models,
reward models, trainers, settings and faults. `python -m tests.benchmarks.diagnosis.fresh FOLDER` trains what is not
there yet and scores the diagnosis on all of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "sample_runs"))
