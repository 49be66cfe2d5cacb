"""Invariants of the start: before the first update the policy is the reference, and afterwards it is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.policy.invariants.check import BFLOAT16, FLOAT32, Check, Invariant, rows

RATIO_STARTS_AT_ONE = Invariant(
    "ratio_starts_at_one",
    "On the first minibatch after a rollout the new policy is the old one: the probability ratio is 1.",
    "policy_reference_mismatch",
    "",
)
KL_STARTS_AT_ZERO = Invariant(
    "kl_starts_at_zero",
    "Before the first update the policy is the reference: KL to the reference is 0.",
    "policy_reference_mismatch",
    "nats",
)
KL_LEAVES_ZERO = Invariant(
    "kl_leaves_zero",
    "Once updates have moved the policy, KL to the reference is not exactly 0.",
    "policy_reference_mismatch",
    "rows",
)


def ratio_starts_at_one(
    step: npt.ArrayLike, ratio: npt.ArrayLike, *, updates_per_batch: int | None, half_precision: bool = False
) -> Check:
    """Hold the mean ratio against 1 where each batch is used once.

    Otherwise dropout is on, log-probabilities were recomputed at another temperature, precision or mask, or the
    rollout engine is not the trainer.

    Parameters
    ----------
    step, ratio : (n,) mean probability ratio, new over old
    updates_per_batch : optimiser steps on one batch (epochs times minibatches); None if not known. With more than one
        the logged mean also holds later minibatches, whose ratio may differ from 1
    half_precision : whether log-probabilities were computed in bfloat16
    """
    s, r = rows(step, ratio)
    if updates_per_batch is not None and updates_per_batch > 1:
        return RATIO_STARTS_AT_ONE.not_checked(
            f"the logged ratio is a mean over {updates_per_batch} updates of a batch, of which only the first has ratio 1"
        )
    innocent = "" if updates_per_batch == 1 else "the log does not say whether a batch is used more than once"
    tolerance = BFLOAT16 if half_precision else FLOAT32
    reason = f"rounding of the same weights in {'bfloat16' if half_precision else 'float32'}"
    return RATIO_STARTS_AT_ONE.hold(s, np.abs(r - 1), tolerance, reason, innocent=innocent)


def kl_starts_at_zero(
    step: npt.ArrayLike,
    kl: npt.ArrayLike,
    *,
    before_update: bool | None,
    entropy: npt.ArrayLike | None = None,
    half_precision: bool = False,
) -> Check:
    """Hold the first KL of a run against 0.

    A run that starts from another checkpoint than its reference breaks it on purpose; then it is worth knowing that
    no KL of this run starts at 0.

    Parameters
    ----------
    step, kl : (n,) KL to the reference, rows of the first attempt from the start of training
    before_update : whether the first row was measured before any update (PPO: its rollouts are; with a row that is a
        mean over several updates it is not). None if not known
    entropy : (n,) entropy or summed -log-probability in the unit of `kl`, which tells what log-probabilities are rounded
    half_precision : whether log-probabilities were computed in bfloat16
    """
    s, k = rows(step, kl)
    finite = np.flatnonzero(np.isfinite(k))
    if not len(finite):
        return KL_STARTS_AT_ZERO.not_checked("no finite KL")
    if before_update is False:
        return KL_STARTS_AT_ZERO.not_checked("the first row already holds updates")
    first = finite[0]
    # log-probabilities of about the entropy's size are rounded to 8 bits in bfloat16, to 24 in float32
    size = 1.0
    if entropy is not None:
        told = np.asarray(entropy, np.float64)[first]
        size = max(size, abs(float(told))) if np.isfinite(told) else size
    tolerance = (BFLOAT16 if half_precision else FLOAT32) * size
    reason = f"rounding of {'bfloat16' if half_precision else 'float32'} log-probabilities of {size:.3g} nats"
    innocent = "" if before_update else "the log does not say whether the first row was measured before any update"
    return KL_STARTS_AT_ZERO.hold(
        s[first : first + 1], np.abs(k[first : first + 1]), tolerance, reason, innocent=innocent
    )


def kl_leaves_zero(
    step: npt.ArrayLike,
    kl: npt.ArrayLike,
    learning_rate: npt.ArrayLike | None = None,
    coefficient: float | None = None,
    rounded: float = 0.0,
) -> Check:
    """A KL of exactly 0 in every later row: the reference is the policy itself, or there is none and 0 stands for missing.

    Parameters
    ----------
    step, kl : (n,) KL to the reference
    learning_rate : (n,) tells which rows were preceded by an update; None if not logged
    coefficient : coefficient of the KL; with 0 many trainers hold no reference, and log 0
    rounded : largest KL that the log writes as 0
    """
    s, k = rows(step, kl)
    if coefficient == 0:
        return KL_LEAVES_ZERO.not_checked("the KL coefficient is 0: the trainer may hold no reference")
    moved = np.arange(len(s)) > 0
    innocent = "the log does not show a learning rate, so the policy may stand still"
    if learning_rate is not None:
        _, rate = rows(s, learning_rate)
        moved &= np.cumsum(np.nan_to_num(rate)) - np.nan_to_num(rate) > 0
        innocent = ""
    later = moved & np.isfinite(k)
    if later.sum() < 3:
        return KL_LEAVES_ZERO.not_checked("fewer than three rows after an update")
    # one row of exactly 0 may be an early stop; all of them can't be chance
    zero = bool((k[later] == 0).all())
    if zero and rounded:
        return KL_LEAVES_ZERO.not_checked(f"the log is rounded: a KL below {rounded:g} is 0 in it")
    excess = np.full(int(later.sum()), 1.0 if zero else -1.0)
    return KL_LEAVES_ZERO.hold(s[later], excess, 0.0, "exactly 0 is no estimate", innocent=innocent)
