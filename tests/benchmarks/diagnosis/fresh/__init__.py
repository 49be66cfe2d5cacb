"""Runs trained for the occasion, with other seeds, settings and causes than any that the diagnosis was written beside.

The programs of `sample_runs/` are used: the same toy language and the same hidden gold score, but other base models,
reward models, trainers, settings and faults. `python -m tests.benchmarks.diagnosis.fresh FOLDER` trains what is not
there yet and scores the diagnosis on all of it. There are three sets (`--set`), each for a folder of its own. The PPO runs
of the second and the third (`--only q`, `--only u`) need trl==1.12.0, the last TRL with that trainer; all else is
trained with a newer TRL.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "sample_runs"))
