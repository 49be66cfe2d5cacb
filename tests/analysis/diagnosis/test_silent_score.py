"""A score that is all NaN: trainers leave NaN out of their means, and log nothing where nothing is left.

Ways to be wrong: taking the missing rows for a log that tells less; calling a reward that is logged every second row, or
every tenth, silent between its rows, or at the end of the log.
"""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.finding import Diagnosis
from tests.analysis.diagnosis.worlds import causes, first, signals

N = 140


def run(rows: np.ndarray) -> Diagnosis:
    """A run that learns, with a score in some of its rows."""
    rng = np.random.default_rng(2)
    t = np.arange(N) / N
    score = 1 - np.exp(-4 * t) + rng.normal(0, 0.1, N)
    return diagnose(
        signals(
            reward__rm_score_mean=(rows + 1, score[rows]),
            reward__rm_score_std=(rows + 1, np.full(len(rows), 1.0)),
            kl__to_reference=3 * t + rng.uniform(0, 0.1, N),
            grad_norm=rng.uniform(0.8, 1.2, N),
            learning_rate=np.full(N, 1e-5),
        )
    )


def test_a_score_that_stops_while_the_log_goes_on_is_no_number_any_more() -> None:
    said = run(np.arange(80))
    assert first(said) == "numeric_divergence"
    finding = said.findings[0]
    assert finding.onset is not None
    assert finding.onset.value == 81
    assert "no number from step 81" in finding.summary


def test_a_score_of_every_few_rows_is_not_silent() -> None:
    for every in (1, 2, 10):
        assert "numeric_divergence" not in causes(run(np.arange(0, N, every)))


def test_the_last_rows_alone_tell_nothing() -> None:
    assert "numeric_divergence" not in causes(run(np.arange(N - 3)))
