"""zero_signal_groups. An expert would look for: a task that is solved, a share about one half."""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise, serious, signals

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_where_nothing_is_solved(real):
    lost = changed(real("grpo-b2f0"), reward__zero_std_fraction=lambda s, v: np.clip(s / 100, 0, 0.9))
    assert "zero_signal_groups" in causes(diagnose(lost))


def test_look_alike_a_task_that_is_solved_is_a_note():
    n = 100
    score = np.clip(0.3 + 0.68 * (1 - np.exp(-np.arange(n) / 15)) + 0.005 * noise(RNG, n, 0), 0, 1)
    said = diagnose(
        signals(
            trainer="GRPO",
            reward__rm_score_mean=score,
            reward__rm_score_std=np.sqrt(score * (1 - score)),
            reward__zero_std_fraction=score**8,
        )
    )
    assert not serious(said)
    assert [f.cause for f in said.findings] == ["zero_signal_groups"]


def test_not_established_where_half_of_them_is_in_doubt(real):
    doubt = changed(real("grpo-b2f0"), reward__zero_std_fraction=lambda s, v: 0.5 + 0.05 * noise(RNG, len(v), 0.5))
    said = diagnose(doubt)
    assert "zero_signal_groups" not in causes(said)
    assert "rows in all would tell" in left_open(said, "carry a signal")
