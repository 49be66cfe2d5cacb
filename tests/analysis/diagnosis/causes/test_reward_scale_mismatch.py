"""reward_scale_mismatch. An expert would look for: another scale of everything, which changes nothing, and a penalty that nobody logged."""

import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, serious

pytestmark = needs_labelled


def test_fires_on_a_real_run_with_the_factor(real):
    found = diagnose(real("ppo-4452")).findings[0]
    assert (found.cause, found.severity) == ("reward_scale_mismatch", "warning")
    assert next(n.size for n in found.next).new == pytest.approx(1 / 10.3, rel=0.2)


def test_look_alike_scores_that_are_rescaled_with_everything_else(real):
    run = real("ppo-8e81")
    rows = run.rollouts.assign(score=run.rollouts["score"] * 15)
    scaled = changed(
        run, rollouts=rows, config={"kl_coef": 1.5, "cliprange_value": 3.0}, value__loss=lambda s, v: v * 225,
        **{f"reward__{m}": (lambda s, v: v * 15) for m in ("rm_score_mean", "total_mean", "kl_penalty_mean")},
    )  # fmt: skip
    assert not serious(diagnose(scaled))
    alone = changed(
        run, rollouts=rows, reward__rm_score_mean=lambda s, v: v * 15, without=("reward.total", "reward.kl")
    )
    assert "reward_scale_mismatch" in causes(diagnose(alone))


def test_not_established_without_a_kl_coefficient(real):
    run = changed(real("ppo-8e81"), without=("reward.kl_penalty_mean",), config={"kl_coef": None})
    assert "KL coefficient" in left_open(diagnose(run), "in proportion")


def test_look_alike_a_penalty_that_is_small_on_purpose(real):
    """Its optimum is far away, as in most runs, and the run is ended before it gets there."""
    run = real("rloo-4a50")
    assert not serious(diagnose(changed(run, config={"beta": run.setting("beta") / 2})))


def test_rollouts_scored_on_another_scale_are_no_unit_of_the_log(real):
    """A probe that scores by the bare reward model, beside a log of what training multiplied by eight."""
    run = real("ppo-4452")
    other = run.rollouts.assign(score=run.rollouts["score"] / 8)
    said = diagnose(changed(run, rollouts=other))
    assert serious(said)[0] == ("warning", "reward_scale_mismatch")
    assert "lr_too_high" not in causes(said)
