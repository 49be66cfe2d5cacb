"""python -m tests.benchmarks.diagnosis.fresh FOLDER [make|score]: train what is not there yet, then score."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.diagnosis.fresh import score

where, what = Path(sys.argv[1]).resolve(), sys.argv[2:] or ["make", "score"]
if "make" in what:
    from tests.benchmarks.diagnosis.fresh import make

    make.make(where)
if "score" in what:
    score.main(where)
