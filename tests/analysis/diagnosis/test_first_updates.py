"""What the first updates tell: far too large ones, after a warm-up too, and ones that do nothing at all.

Ways to be wrong: looking for early trouble in the first ten rows alone, which a warm-up makes harmless; excusing updates far
beyond the clip range because the score happened not to fall at once; calling slow learning, or a run in its warm-up, dead;
calling a policy still whose score rises.
"""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.early import early
from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.signals import Signals
from tests.analysis.diagnosis.worlds import causes, first, signals

N = 140


def thrown(warmup: int) -> Signals:
    """The score holds while the rate climbs; then updates of ten times the clip range leave one short answer for all."""
    rng = np.random.default_rng(5)
    t = np.arange(N)
    broken = t >= warmup + 6
    kl = 0.002 * t + 8.5 * np.clip((t - warmup) / 6, 0, 1) ** 2 + rng.normal(0, 0.02, N) ** 2
    return signals(
        trainer="RLOO",
        kl_unit="nats per token",
        config={"beta": 0.05},
        learning_rate=1e-2 * np.minimum(1, t / warmup) if warmup else np.full(N, 1e-2),
        reward__rm_score_mean=0.2 + 0.2 * ~broken + rng.normal(0, 0.15, N),
        reward__rm_score_std=np.full(N, 1.4),
        kl__to_reference=kl,
        entropy__token_mean=np.where(broken, 1e-4, 1.3) + rng.uniform(0, 1e-5, N),
        response__length_mean=np.where(broken, 1.0, 13.0) + rng.uniform(0, 0.1, N),
        grad_norm=np.where(broken, 1e-12, 10.0),
    )


def test_early_rows_are_counted_from_the_end_of_the_warm_up() -> None:
    assert early(thrown(0)) == 10
    assert early(thrown(30)) == 40
    assert early(signals(kl__to_reference=np.zeros(50))) == 10


def test_a_jump_of_the_rate_in_the_middle_is_no_warm_up() -> None:
    rate = np.where(np.arange(100) < 60, 1e-4, 3e-3)
    assert early(signals(learning_rate=rate)) == 10


def test_updates_far_too_large_after_a_warm_up_are_the_learning_rate() -> None:
    for warmup in (5, 30):
        assert first(diagnose(thrown(warmup))) == "lr_too_high"


def still(kl: np.ndarray, rate: float, rise: float = 0.0, n: int = N) -> set[str]:
    """Causes of a run of n rows with a score that is noise, or rises by some SD."""
    rng = np.random.default_rng(7)
    return causes(
        diagnose(
            signals(
                kl_unit="nats per sequence",
                config={"beta": 0.05},
                learning_rate=np.full(n, rate),
                reward__rm_score_mean=rng.normal(0, 0.25, n) + rise * np.linspace(0, 1, n),
                reward__rm_score_std=np.full(n, 1.5),
                kl__to_reference=kl[:n],
                entropy__token_mean=1.3 + rng.normal(0, 0.01, n),
                response__length_mean=13 + rng.normal(0, 0.5, n),
                grad_norm=rng.uniform(0.4, 0.6, n),
            )
        )
    )


NOISE = np.abs(np.random.default_rng(9).normal(0, 1, 400))


def test_a_rate_of_zero_is_told_though_the_score_is_too_noisy_to_be_called_flat() -> None:
    assert "no_learning" in still(np.zeros(N), 0.0)


def test_a_kl_of_rounding_is_a_policy_that_stands_still() -> None:
    assert "no_learning" in still(1e-7 * NOISE, 1e-8)


def test_slow_learning_is_not_standing_still() -> None:
    """At the end of this run KL is still below what a small gain takes, and growing as learning does."""
    assert "no_learning" not in still(1e-6 * np.arange(400.0) ** 2, 1e-6, rise=0.6)


def test_few_rows_tell_nothing() -> None:
    assert "no_learning" not in still(1e-7 * NOISE, 1e-8, n=20)


def test_a_score_that_rises_was_learned_whatever_the_logged_kl_says() -> None:
    assert "no_learning" not in still(1e-7 * NOISE, 1e-4, rise=6.0)
