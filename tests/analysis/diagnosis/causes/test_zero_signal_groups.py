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


def rloo(rate, *, size=64, logged=0.0, seed=3):
    """Rewards of 0 and 1 of `size` responses a step, in groups of 8, as RLOO logs them: its own count of groups is always 0."""
    rng = np.random.default_rng(seed)
    drawn = rng.random((len(rate), size)) < np.asarray(rate)[:, None]
    return signals(
        trainer="RLOOTrainer", config={"num_generations": 8}, reward__rm_score_mean=drawn.mean(1),
        reward__rm_score_std=drawn.std(1, ddof=1), reward__zero_std_fraction=np.full(len(rate), logged),
    )  # fmt: skip


def test_fires_on_prompts_that_are_too_easy_from_the_start_whatever_rloo_counts():
    said = diagnose(rloo(np.full(120, 0.98)))
    assert causes(said) == {"zero_signal_groups"}
    assert said.findings[0].onset.value < 5


def test_fires_on_a_verifier_that_passes_nothing():
    assert "zero_signal_groups" in causes(diagnose(rloo(np.full(120, 0.004))))


def test_look_alike_a_pass_rate_that_leaves_a_signal():
    said = diagnose(rloo(np.full(120, 0.6)))
    assert "zero_signal_groups" not in causes(said)
    assert any("carry a signal" in check for check in said.checked)


def test_look_alike_a_score_between_0_and_1_that_is_no_count():
    rng = np.random.default_rng(1)
    graded = signals(
        trainer="RLOOTrainer", config={"num_generations": 8}, reward__rm_score_mean=0.97 + 0.003 * rng.standard_normal(120),
        reward__rm_score_std=np.full(120, 0.02), reward__zero_std_fraction=np.zeros(120),
    )  # fmt: skip
    said = diagnose(graded)
    assert "zero_signal_groups" not in causes(said)
    assert "groups" in left_open(said, "carry a signal")
