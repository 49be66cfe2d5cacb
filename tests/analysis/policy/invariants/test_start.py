"""The start: ratio 1 and KL 0 before the first update, on a policy that is really moved, and what a log may hide.

How it could be wrong: means over later minibatches called a fault, resumed or averaged rows called a fault, bfloat16,
a KL that is 0 for ever taken for perfection, a learning rate of 0.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.policy.invariants import kl_leaves_zero, kl_starts_at_zero, ratio_starts_at_one
from tests.analysis.policy.invariants.logs import train


def test_a_policy_starts_as_its_reference():
    log = train()
    found = kl_starts_at_zero(log.step, log.k1_sum, before_update=True)
    assert (found.state, found.n) == ("established", 1)


def test_a_policy_that_starts_elsewhere_is_told_from_the_first_row():
    log = train(start=0.3)
    found = kl_starts_at_zero(log.step, log.k1_sum, before_update=True)
    assert found.state == "refuted"
    assert found.steps == (1.0,)
    assert found.cause == "policy_reference_mismatch"
    assert found.size == pytest.approx(log.k1_sum[0])


def test_a_first_row_that_may_hold_updates_decides_nothing():
    log = train(start=0.3)
    assert kl_starts_at_zero(log.step, log.k1_sum, before_update=None).state == "not established"
    assert kl_starts_at_zero(log.step, log.k1_sum, before_update=False).state == "not checked"


def test_rounding_grows_with_the_log_probabilities_that_are_rounded():
    kl, entropy = [2e-4, 1.0], [300.0, 300.0]
    assert kl_starts_at_zero([1, 2], kl, before_update=True).state == "refuted"
    assert kl_starts_at_zero([1, 2], kl, before_update=True, entropy=entropy).state == "established"
    assert (
        kl_starts_at_zero([1, 2], [0.5, 1.0], before_update=True, entropy=entropy, half_precision=True).state
        == "established"
    )


def test_the_first_finite_row_counts():
    assert kl_starts_at_zero([1, 2], [np.nan, 3.0], before_update=True).steps == (2.0,)
    assert kl_starts_at_zero([1], [np.nan], before_update=True).state == "not checked"


def test_a_batch_that_is_used_once_has_ratio_1():
    assert ratio_starts_at_one([1, 2], [1.0, 1.0 + 3e-7], updates_per_batch=1).state == "established"
    found = ratio_starts_at_one([1, 2, 3], [1.0, 1.02, 0.97], updates_per_batch=1)
    assert found.state == "refuted"
    assert found.size == pytest.approx(0.03)


def test_a_mean_over_several_updates_is_not_checked():
    log = train()
    assert ratio_starts_at_one(log.step, log.ratio, updates_per_batch=4).state == "not checked"
    assert ratio_starts_at_one(log.step, log.ratio, updates_per_batch=None).state == "not established"


def test_two_kernels_in_half_precision_may_differ_a_little():
    assert ratio_starts_at_one([1], [1.002], updates_per_batch=1).state == "refuted"
    assert ratio_starts_at_one([1], [1.002], updates_per_batch=1, half_precision=True).state == "established"


def test_a_reference_that_moves_with_the_policy():
    found = kl_leaves_zero(np.arange(20), np.zeros(20), np.full(20, 1e-5))
    assert found.state == "refuted"
    assert found.n == 19


def test_a_healthy_run_leaves_zero_and_one_stop_at_zero_is_no_fault():
    log = train()
    kl = log.k3.copy()
    kl[7] = 0.0
    assert kl_leaves_zero(log.step, kl, np.full(40, 1e-5)).state == "established"


def test_a_policy_that_is_never_updated_keeps_its_zero():
    assert kl_leaves_zero(np.arange(20), np.zeros(20), np.zeros(20)).state == "not checked"
    assert kl_leaves_zero(np.arange(20), np.zeros(20)).state == "not established"
    assert kl_leaves_zero(np.arange(20), np.zeros(20), np.full(20, 1e-5), coefficient=0).state == "not checked"
    assert kl_leaves_zero([1, 2, 3], [0.0, 0.0, 0.0], [1, 1, 1]).state == "not checked"


def test_zeros_of_a_log_that_prints_three_digits_say_nothing():
    found = kl_leaves_zero(np.arange(20), np.zeros(20), np.full(20, 1e-5), rounded=0.0005)
    assert found.state == "not checked"
    assert "below 0.0005" in found.because
    assert (
        kl_leaves_zero(np.arange(20), np.r_[np.zeros(10), np.full(10, 0.001)], np.full(20, 1e-5), rounded=0.0005).state
        == "established"
    )
