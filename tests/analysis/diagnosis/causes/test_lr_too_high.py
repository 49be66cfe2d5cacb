"""lr_too_high. An expert would look for: the clipping of a usual start, Adam's epsilon taken for the clip range, a log without KL."""

import numpy as np

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise, serious, signals

pytestmark = needs_labelled


def test_fires_on_real_runs_within_their_first_updates(real):
    for name in ("ppo-3d53", "grpo-cec4"):
        found = diagnose(real(name)).findings[0]
        assert (found.cause, found.severity) == ("lr_too_high", "critical")
        assert found.detected.value <= 6


def test_look_alike_clipping_of_a_usual_start(real):
    strong = changed(real("ppo-8e81"), policy__clip_fraction=lambda s, v: v * 1.5, kl__policy_update=lambda s, v: v * 2)
    assert not serious(diagnose(strong))


def test_not_established_without_any_kl(real):
    run = changed(real("grpo-b2f0"), without=("kl.",))
    assert "KL" in left_open(diagnose(run), "clip range")


def test_look_alike_an_epsilon_that_bounds_no_token():
    """Adam's 1e-8, or the clip of whole sequences in GSPO, 3e-4, would make every update ten times too large."""
    for epsilon in (1e-8, 3e-4):
        said = diagnose(
            signals(
                config={"epsilon": epsilon}, kl_unit="nats per token", kl__to_reference=1e-4 * np.arange(100),
                reward__rm_score_mean=0.01 * np.arange(100), reward__rm_score_std=np.ones(100),
            )
        )  # fmt: skip
        assert "lr_too_high" not in causes(said)
        assert "whether updates stay within the clip range" in said.checked


def test_look_alike_one_large_update_that_does_no_harm(real):
    """A single row at the edge of what the clip range stands for is a note."""
    run = real("ppo-8e81")
    once = changed(run, kl__policy_update=lambda s, v: np.where(s == 6, 0.18, v))
    assert "lr_too_high" not in causes(diagnose(once))
    often = changed(run, kl__policy_update=lambda s, v: np.where((s > 4) & (s < 12), 0.18, v))
    assert "lr_too_high" in causes(diagnose(often))


def test_one_large_update_after_which_all_answers_are_alike_is_critical(real):
    """Thrown into a corner: short answers without variety and a gradient of 0, while the score has no room to fall."""
    run = real("ppo-8e81")
    n = len(run.get("reward.rm_score_mean").values)
    gone = np.arange(n) > 6
    said = diagnose(
        changed(
            run, rollouts=None, without=("reward.", "value."), kl__policy_update=lambda s, v: np.where(s == 6, 0.4, np.where(s > 6, 1e-9, v)),
            entropy__token_mean=np.where(gone, 1e-3, 1.5), grad_norm=np.where(np.arange(n) > 40, 1e-10, 1.0),
            reward__rm_score_mean=0.5 + 0.05 * noise(np.random.default_rng(3), n, 0.1), reward__rm_score_std=np.ones(n),
        )
    )  # fmt: skip
    assert ("lr_too_high", "critical") in [(f.cause, f.severity) for f in said.findings]
