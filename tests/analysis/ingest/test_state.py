"""Writing, stalled and ended runs are told apart by their own cadence and by the trainer's own word."""

from __future__ import annotations

import pytest

from analysis.ingest.state import state_of

NOW = 1.8e9
DAY = 86_400


def row(quiet: float, cadence: float | None = None, *, totalled: bool = False) -> dict[str, object]:
    nan = float("nan")
    first = nan if cadence is None else NOW - 100 * cadence - quiet
    return {
        "last_seen": NOW - quiet,
        "n_points": 1010,
        "n_metrics": 10,
        "first_time": first,
        "last_time": first if cadence is None else first + 100 * cadence,
        "totalled": totalled,
    }


@pytest.mark.parametrize(
    ("quiet", "cadence", "state"),
    [
        (10, None, "writing"),
        (59, 1, "writing"),
        (600, 1, "stalled"),
        (600, 300, "writing"),
        (1600, 300, "stalled"),
        (5 * DAY, 300, "ended"),
        (7000, 1, "ended"),
    ],
)
def test_silence_is_measured_against_the_runs_own_cadence(quiet, cadence, state):
    assert state_of(row(quiet, cadence), NOW) == state


def test_a_trainer_that_wrote_its_totals_has_ended():
    assert state_of(row(5, 1, totalled=True), NOW) == "ended"


def test_a_run_without_files_has_ended():
    assert state_of(row(5) | {"last_seen": float("nan")}, NOW) == "ended"
