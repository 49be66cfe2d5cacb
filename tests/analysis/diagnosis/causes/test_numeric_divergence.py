"""numeric_divergence. An expert would look for: a skipped step of mixed precision, cells that are empty because nothing was measured,
a log that holds nothing which could be infinite.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, serious, signals

pytestmark = needs_labelled


def test_fires_at_the_row_where_nan_begins(real):
    found = diagnose(real("ppo-97ed")).findings[0]
    assert (found.cause, found.severity, found.detected.value) == ("numeric_divergence", "critical", 81)
    assert "reward model" in found.summary


def test_look_alike_one_skipped_step(real):
    assert not serious(diagnose(changed(real("grpo-b2f0"), grad_norm=lambda s, v: np.where(s == 50, np.inf, v))))


def test_look_alike_missing_evaluations(real):
    gaps = np.where(np.arange(200) % 10, np.nan, 1.0)
    assert "numeric_divergence" not in causes(diagnose(changed(real("grpo-b2f0"), eval__score_mean=gaps)))


def test_not_established_where_nothing_is_logged_that_could_be_infinite():
    said = diagnose(signals(learning_rate=np.full(60, 1e-5)))
    assert "numeric_divergence" not in causes(said)
    assert "no loss" in left_open(said, "finite")
