"""Policy and reference, or trainer and sampler, are not one and the same where they must be."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import present
from analysis.diagnosis.rounding import rounded
from analysis.diagnosis.signals import Floats, Series, Signals
from analysis.policy.invariants import Check, kl_leaves_zero, kl_starts_at_zero, ratio_starts_at_one
from analysis.policy.invariants.check import Invariant

KL_STAYS_NEGATIVE = Invariant(
    "k1_not_below_zero",
    "A KL is not negative: an estimate that stays below 0 was taken of tokens that another policy sampled.",
    "policy_reference_mismatch",
    "nats",
)


@registry.detector
class StartMismatch(Detector):
    """Established where an invariant of the start breaks (see `analysis.policy.invariants.start`), or KL stays negative."""

    name = "start_mismatch"
    kinds = ("policy",)
    about = "whether policy and reference are the same before the first update"
    needs = ()
    uses = ("kl.to_reference", "ratio.mean", "learning_rate", "grad_norm", "entropy.sequence", "entropy.token_mean")

    def look(self, view: Signals) -> Sight | str:
        checks: list[Check] = []
        half = bool(view.config.get("bf16") or view.config.get("fp16"))
        kl, ratio, rate = (view.get(n) for n in ("kl.to_reference", "ratio.mean", "learning_rate"))
        if kl is not None:
            entropy = view.get("entropy.sequence" if kl.unit.endswith("sequence") else "entropy.token_mean")
            aligned = None if entropy is None else np.full(len(kl), abs(float(entropy.values[0])))
            begins = kl.steps[0] <= 1 and not len(kl.bad)
            checks.append(
                kl_starts_at_zero(kl.steps, kl.values, before_update=_before(view) if begins else False, entropy=aligned, half_precision=half)
            )  # fmt: skip
            if rate is not None:
                moved = _at(rate, kl.steps)
                gradient = view.get("grad_norm")
                if gradient is not None and len(gradient):
                    moved = moved * (_at(gradient, kl.steps) != 0)  # without a gradient nothing moves at any rate
                coefficient = view.setting("kl_coef", "beta")
                checks.append(kl_leaves_zero(kl.steps, kl.values, moved, coefficient, rounded(view)))
            now = present(kl)
            if now is not None and now.high < 0:
                # a KL is not negative; a batch's k1 may be, its mean over rows may not
                checks.append(KL_STAYS_NEGATIVE.hold(kl.steps, np.where(kl.steps >= now.first, -now.high, np.nan), 0.0, "noise of the rows"))  # fmt: skip
        if ratio is not None:
            epochs, parts = (
                view.setting("num_ppo_epochs", "num_iterations", "ppo_epochs"),
                view.setting("num_mini_batches"),
            )
            updates = None if epochs is None else int(epochs * (parts or 1))
            checks.append(
                ratio_starts_at_one(ratio.steps, ratio.values, updates_per_batch=updates, half_precision=half)
            )
        made = [c for c in checks if c.state != "not checked"]
        if not made:
            return "; ".join(dict.fromkeys(c.because for c in checks)) or "neither KL nor probability ratio is logged"
        broken = [c for c in made if c.state == "refuted"]
        if not broken:
            return Sight(
                "refuted", tuple(Evidence(f"{c.statement} It {c.because}.", "refuted", c.size, n=c.n) for c in made)
            )
        found = tuple(
            Evidence(f"{c.statement} It {c.because}.", "established", c.size, unit=c.unit, n=c.n, range=(c.steps[0], c.steps[-1]), method=c.tolerance_reason)
            for c in broken
        )  # fmt: skip
        begins = min(c.steps[0] for c in broken)
        return Sight("established", found, Onset(begins, begins, begins), broken[0].size)


def _at(series: Series, steps: Floats) -> Floats:
    """The value of each step's row, or of the last row before it."""
    rows = np.searchsorted(series.steps, steps, side="right") - 1
    return np.asarray(series.values[np.maximum(rows, 0)])


def _before(view: Signals) -> bool | None:
    """Whether the first row was measured before any update: known of TRL's on-policy trainers that log each update."""
    every = view.setting("logging_steps")
    if "PPO" in view.trainer:
        return True if view.framework == "trl" else None
    return True if view.framework == "trl" and every == 1 else None
