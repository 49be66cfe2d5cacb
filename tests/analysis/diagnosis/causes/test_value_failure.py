"""value_failure. An expert would look for: a value model that starts badly and learns, whitened advantages that hide it, a log
without its loss or without a spread of scores.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import changed, first, left_open, needs_labelled, serious

pytestmark = needs_labelled


def test_fires_on_real_runs_and_is_critical_where_the_score_fell(real):
    harmed, unharmed = (diagnose(real(name)).findings[0] for name in ("ppo-d7a0", "ppo-aee4"))
    assert (harmed.cause, harmed.severity) == ("value_failure", "critical")
    assert (unharmed.cause, unharmed.severity) == ("value_failure", "warning")  # whitened advantages saved the policy


def test_fires_on_explained_variance_below_zero(real):
    run = changed(real("ppo-8e81"), without=("value.loss",), value__explained_variance=np.full(160, -0.4))
    assert first(diagnose(run)) == "value_failure"


def test_look_alike_a_value_model_that_only_starts_badly(real):
    assert not serious(diagnose(real("ppo-7693")))


def test_not_established_without_a_value_loss(real):
    run = changed(real("ppo-8e81"), without=("value.",))
    assert "value loss" in left_open(diagnose(run), "value model is better")
