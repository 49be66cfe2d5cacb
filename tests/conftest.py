"""What all tests share: where real data lies, and small writers of real formats."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def shared(part: str) -> Path:
    """A folder of real logs beside the checkout; the test is skipped where it is absent."""
    path = SHARED / part
    if not path.exists():
        pytest.skip(f"needs the real logs of {part}, which are not part of the project")
    return path


@pytest.fixture(scope="session")
def real_runs() -> Path:
    return shared("real_runs")


@pytest.fixture(scope="session")
def labelled_runs() -> Path:
    return shared("labelled_runs")


@pytest.fixture(scope="session")
def rm_eval() -> Path:
    return shared("rm_eval")
