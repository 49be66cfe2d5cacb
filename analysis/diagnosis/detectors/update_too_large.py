"""Single updates move the policy far beyond the trust region that the trainer sets itself."""

from __future__ import annotations

from math import log

import numpy as np

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import TENFOLD
from analysis.diagnosis.signals import Floats, Signals


@registry.detector
class UpdateTooLarge(Detector):
    """Established at the first update whose KL per token is ten times that of a policy all of whose ratios are at the clip.

    With every ratio at 1 + eps, (log ratio)^2 / 2 is log(1 + eps)^2 / 2: 0.017 nats per token for 0.2. Logged is the KL of
    an update, or what it added to the distance sqrt(KL) to the reference, in which steps of one direction add up.
    """

    name = "update_too_large"
    kinds = ("policy",)
    about = "whether updates stay within the clip range"
    needs = ()
    uses = ("kl.policy_update", "kl.per_token", "kl.per_sequence", "length")

    def look(self, view: Signals) -> Sight | str:
        eps = _clip_range(view)
        bound = log(1 + eps) ** 2 / 2
        found: list[tuple[float, float, str]] = []
        largest, looked = 0.0, 0
        update = view.get("kl.policy_update")
        walked = _walked(view)
        for steps, size, tag in (() if update is None else ((update.steps, np.abs(update.values), update.tag),)) + (
            () if walked is None else (walked,)
        ):
            looked += len(size)
            largest = max(largest, float(size.max(initial=0.0)) / bound)
            found += [(float(s), float(v), tag) for s, v in zip(steps, size, strict=True) if v > TENFOLD * bound]
        if not looked:
            return "neither the KL of an update nor KL per token to the reference is logged"
        if not found:
            statement = f"The largest update moved the policy {largest:.2g} times as far as the clip range of {eps:g} stands for, less than {TENFOLD:g} times."
            return Sight("refuted", (Evidence(statement, "refuted", largest, unit="times the clip range", n=looked),))
        at, first, tag = min(found)
        worst = max(v for _, v, _ in found)
        statement = (
            f"The update at step {at:g} moved the policy by {first:.3g} nats per token, {first / bound:.3g} times what the clip "
            f"range of {eps:g} stands for; {len(found)} of {looked} updates were ten times too large."
        )
        evidence = Evidence(
            statement, "established", worst / bound, unit="times the clip range", n=looked, series=tag, range=(at, at),
            method=f"KL of one update per token, against log(1 + {eps:g})^2 / 2 = {bound:.3g}",
        )  # fmt: skip
        return Sight("established", (evidence,), Onset(at, at, at), worst / bound, ONCE if len(found) == 1 else "")


ONCE = "once"
"""Note of a sight that rests on one update alone."""

LEAST = 0.01
"""Clip ranges of the ratio of a token are from 0.1 to 0.3. An `epsilon` of a hundredth of that is Adam's, or that of a
ratio of whole sequences (GSPO: 0.0003), which bounds no token."""


def _clip_range(view: Signals) -> float:
    """The clip range that the trainer was told, or the usual one."""
    told = (view.setting(name) for name in ("cliprange", "epsilon", "clip_range", "eps_clip"))
    return next((eps for eps in told if eps is not None and LEAST <= eps < 1), 0.2)


def _walked(view: Signals) -> tuple[Floats, Floats, str] | None:
    """KL per token that each logged row added as distance: (difference of sqrt(KL))^2, per row."""
    series = view.get("kl.per_token")
    if series is not None:
        steps, kl, tag = series.steps, series.values, series.tag
    else:
        whole, length = view.get("kl.per_sequence"), view.get("length")
        if whole is None or length is None or whole.errors is not None:
            return None
        # lengths of rollouts are known at some steps: the last known one counts
        place = np.searchsorted(length.steps, whole.steps, side="right") - 1
        tokens = np.maximum(length.values[np.maximum(place, 0)], 1.0)
        steps, kl, tag = whole.steps, whole.values / tokens, whole.tag
    if len(kl) < 2:
        return None
    d = np.sqrt(np.maximum(kl, 0.0))
    # far from the reference the estimate itself jumps from batch to batch: four times its usual step is taken off
    usual = 4 * 1.48 * float(np.median(np.abs(np.diff(d)))) if len(d) > 16 else 0.0
    rows = np.maximum(np.diff(steps) / np.median(np.diff(steps)), 1.0)
    # outward steps only: noise of a batch goes both ways, and the way back is no overshoot
    return steps[1:], np.square(np.maximum(np.diff(d) - usual, 0.0) / rows), tag
