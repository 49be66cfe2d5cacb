"""python -m tests.benchmarks.diagnosis.fresh FOLDER [make|score] [--set first|second|third] [--only PREFIX]: train what is
not there yet, then score.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.benchmarks.diagnosis.fresh import score

parser = argparse.ArgumentParser(prog="fresh")
parser.add_argument("folder", type=Path)
parser.add_argument("what", nargs="*", choices=["make", "score"], default=["make", "score"])
parser.add_argument("--set", choices=["first", "second", "third"], default="first", help="which runs to train")
parser.add_argument("--only", default="", help="train those runs only whose name starts so")
options = parser.parse_args()
where = options.folder.resolve()
if "make" in options.what:
    from tests.benchmarks.diagnosis.fresh import make

    make.make(where, make.SETS[options.set], options.only)
if "score" in options.what:
    score.main(where)
