"""Tags of real logs: what trainers, trackers and hand-written loops really wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "../shared"

Tags = Callable[[str], list[str]]


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """A file of the collection beside the checkout; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {name} of the shared collection, which is not part of the project")
        return path

    return find


@pytest.fixture(scope="session")
def logged_tags(shared_file: Callable[[str], Path]) -> Tags:
    """Tags of a log of the shared collection, in the order in which they first appear."""
    return lambda name: list(dict.fromkeys(_tags(shared_file(name))))


def _tags(path: Path) -> list[str]:
    if path.is_dir():
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        events = accumulator.EventAccumulator(str(path))
        events.Reload()
        return list(events.Tags()["scalars"])
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return next(csv.reader(file))
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        rows = json.loads(path.read_text())
        rows = rows["log_history"] if isinstance(rows, dict) else rows
    return [tag for row in rows for tag in row]
