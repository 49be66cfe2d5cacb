"""kl_too_strong. An expert would look for: a strong penalty under which the score rises all the same, a coefficient nobody knows, a
spread that is only guessed.
"""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_where_the_penalty_leaves_no_room(real):
    run = real("grpo-b2f0")
    flat = changed(
        run, rollouts=None, config={"beta": 50.0}, reward__rm_score_mean=lambda s, v: 0.5 + 0.05 * noise(RNG, len(v), 0)
    )
    found = diagnose(flat).findings[0]
    assert found.cause == "kl_too_strong"
    assert next(n.size for n in found.next).new < 50


def test_look_alike_a_strong_penalty_under_which_the_score_rises(real):
    assert "kl_too_strong" not in causes(diagnose(changed(real("ppo-8e81"), config={"kl_coef": 0.3})))


def test_not_established_without_the_coefficient(real):
    said = diagnose(changed(real("grpo-b2f0"), config={"beta": None}))
    assert "KL coefficient" in left_open(said, "room for a gain")


def test_not_established_where_the_spread_of_scores_is_a_guess(real):
    """Read off the noise of batch means alone it may be twice as large or next to nothing."""
    run = changed(
        real("ppo-8e81"),
        rollouts=None,
        without=("reward.total", "reward.kl"),
        config={"kl_coef": 3.0, "batch_size": None},
    )
    said = diagnose(run)
    assert "kl_too_strong" not in causes(said)
    assert "too little known" in left_open(said, "room for a gain")


def test_fires_where_a_third_of_an_sd_is_all_there_is_to_gain(real):
    """The coefficient is three times the spread of the scores: the score stays within the noise of its rows."""
    run = real("ppo-8e81")
    sd = float(run.get("rollouts/score_sd").values[0])
    held = changed(
        run, rollouts=None, without=("reward.total", "reward.kl", "value."), config={"kl_coef": 3 * sd},
        reward__rm_score_std=np.full(160, sd), reward__rm_score_mean=lambda s, v: 0.5 + sd * (0.1 * (1 - np.exp(-s / 30)) + noise(RNG, len(v), 0) / 8),
        kl__to_reference=lambda s, v: 0.05 * (1 - np.exp(-s / 30)) + 0.005 * np.abs(noise(RNG, len(v), 0)),
    )  # fmt: skip
    assert "kl_too_strong" in causes(diagnose(held))
