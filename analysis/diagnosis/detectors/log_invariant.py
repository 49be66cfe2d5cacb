"""The log contradicts itself."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, ROOM, scatter
from analysis.diagnosis.signals import Floats, Series, Signals
from analysis.policy import invariants
from analysis.policy.invariants import Check

GRAZED = "grazed"
"""Note of a sight all of whose breaks lie within the metric's own noise."""

SHARES = ("policy.clip_fraction", "value.clip_fraction", "reward.zero_std_fraction", "response.truncated_fraction")


@registry.detector
class LogInvariant(Detector):
    """Established where a bound or an identity of logged numbers is broken (see `analysis.policy.invariants`).

    A metric that passes its bound by no more than its own rows scatter, and keeps it on average, is an estimate with noise
    beside its bound: no such number exists, but the curve can be read. It is noted as `GRAZED`.
    """

    name = "log_invariant"
    kinds = ("policy",)
    about = "whether the log agrees with itself"
    needs = ()
    uses = (
        "score", "reward.rm_score_mean", "reward.kl_penalty_mean", "reward.total_mean", "value.explained_variance",
        "kl.to_reference", "kl.per_sequence", "entropy.token_mean", "entropy.sequence_nll", "score.sd", "grad_norm",
        "dpo.reward_chosen", "dpo.reward_rejected", "dpo.margin_mean", *SHARES,
    )  # fmt: skip

    def look(self, view: Signals) -> Sight | str:
        made = [(c, s) for c, s in _checks(view) if c.state != "not checked"]
        if not made:
            return "nothing is logged that could contradict itself"
        broken = [c for c, _ in made if c.state == "refuted"]
        if not broken:
            held = len(made)
            return Sight("refuted", (Evidence(f"{held} identities and bounds of the log hold.", "refuted", n=held),))
        found = tuple(
            Evidence(f"{c.statement} It {c.because}.", "established", c.size, unit=c.unit, n=c.n, range=(c.steps[0], c.steps[-1]), method=c.tolerance_reason)
            for c in broken
        )  # fmt: skip
        at = min(c.steps[0] for c in broken)
        grazed = all(s is not None and _grazed(c, s) for c, s in made if c.state == "refuted")
        return Sight("established", found, Onset(at, at, at), float(len(broken)), GRAZED if grazed else "")


def _grazed(check: Check, series: Series) -> bool:
    """Whether a metric passes its bound by its noise alone: no break is larger than that, and no mean of rows breaks it."""
    if len(series) < 2 * FEW or check.size > ROOM * scatter(series):
        return False
    # where it lies at its bound chance takes half of the rows beyond; more than that, by two errors, is no chance
    beyond = np.isin(series.steps, check.steps)
    width = max(FEW, len(series) // 8)
    return all(rows.mean() < 1 / 2 + 1 / np.sqrt(len(rows)) for rows in (beyond, beyond[-width:]))


def _checks(view: Signals) -> list[tuple[Check, Series | None]]:
    """Every check that can be made, with the one metric whose bound it is (None for sums of several)."""
    found: list[tuple[Check, Series | None]] = []
    half = bool(view.config.get("bf16") or view.config.get("fp16")) or None
    score, cost, total = (view.get(n) for n in ("reward.rm_score_mean", "reward.kl_penalty_mean", "reward.total_mean"))
    if score is not None and cost is not None and total is not None:
        at, own, penalty, sum_ = _three(score, cost, total)
        if len(at):
            found.append((invariants.reward_adds_up(at, own, penalty, sum_, half_precision=half), None))
    chosen, rejected, margin = (view.get(f"dpo.{n}") for n in ("reward_chosen", "reward_rejected", "margin_mean"))
    if chosen is not None and rejected is not None and margin is not None:
        at, c, r, m = _three(chosen, rejected, margin)
        if len(at):
            found.append((invariants.margin_adds_up(at, c, r, m, half_precision=half), None))
    told = view.get("value.explained_variance")
    if told is not None:
        found.append((invariants.explained_variance_at_most_one(told.steps, told.values), told))
    kl = view.get("kl.to_reference")
    if kl is not None and kl.estimator in ("k2", "k3"):
        found.append((invariants.kl_not_negative(kl.steps, kl.values, kl.estimator), kl))
    found += [
        (invariants.entropy_not_negative(s.steps, s.values), s)
        for name in ("entropy.token_mean", "entropy.sequence_nll")
        if (s := view.get(name)) is not None
    ]
    found += [
        (invariants.share_within_bounds(s.steps, s.values, name), s)
        for name in SHARES
        if (s := view.get(name)) is not None
    ]
    found += [
        (invariants.spread_not_negative(s.steps, s.values, name), s)
        for name in ("score.sd", "grad_norm")
        if (s := view.get(name)) is not None
    ]
    return found


def _three(one: Series, two: Series, three: Series) -> tuple[Floats, Floats, Floats, Floats]:
    at, a, b = together(one, two)
    steps, i, j = np.intersect1d(at, three.steps, return_indices=True)
    return steps, a[i], b[i], three.values[j]
