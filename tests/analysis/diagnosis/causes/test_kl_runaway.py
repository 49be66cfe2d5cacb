"""kl_runaway. An expert would look for: a spike of one batch, KL that the score pays for, a run too short to have a path."""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import changed, left_open, needs_labelled, serious

pytestmark = needs_labelled


def test_fires_on_growth_that_is_put_into_a_real_log(real):
    def grow(s, v):
        return v * np.where(s > 100, 1.06 ** (s - 100), 1.0)

    events = [
        e for f in diagnose(changed(real("grpo-b2f0"), rollouts=None, kl__to_reference=grow)).findings for e in f.events
    ]
    raised = next(e for e in events if e.cause == "kl_runaway")
    assert raised.severity == "warning"  # KL alone
    assert 100 < raised.at <= 125


def test_look_alike_kl_that_the_score_pays_for(real):
    assert not serious(diagnose(real("rloo-4a50")))


def test_look_alike_one_spike(real):
    spiked = changed(real("grpo-b2f0"), kl__to_reference=lambda s, v: np.where(s == 120, 20 * v, v))
    assert not serious(diagnose(spiked))


def test_not_established_in_the_first_rows(real):
    run = real("grpo-b2f0")
    assert "too few rows" in left_open(diagnose(changed(run).until(10.0)), "runs away")
