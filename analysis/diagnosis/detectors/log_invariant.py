"""The log contradicts itself."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.finding import Evidence, Onset
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Floats, Series, Signals
from analysis.policy import invariants
from analysis.policy.invariants import Check

SHARES = ("policy.clip_fraction", "value.clip_fraction", "reward.zero_std_fraction", "response.truncated_fraction")


@registry.detector
class LogInvariant(Detector):
    """Established where a bound or an identity of logged numbers is broken (see `analysis.policy.invariants`)."""

    name = "log_invariant"
    kinds = ("policy",)
    about = "whether the log agrees with itself"
    needs = ()
    uses = (
        "score", "reward.rm_score_mean", "reward.kl_penalty_mean", "reward.total_mean", "value.explained_variance",
        "kl.to_reference", "kl.per_sequence", "entropy.token_mean", "entropy.sequence_nll", "score.sd", "grad_norm", *SHARES,
    )  # fmt: skip

    def look(self, view: Signals) -> Sight | str:
        made = [c for c in _checks(view) if c.state != "not checked"]
        if not made:
            return "nothing is logged that could contradict itself"
        broken = [c for c in made if c.state == "refuted"]
        if not broken:
            held = len(made)
            return Sight("refuted", (Evidence(f"{held} identities and bounds of the log hold.", "refuted", n=held),))
        found = tuple(
            Evidence(f"{c.statement} It {c.because}.", "established", c.size, unit=c.unit, n=c.n, range=(c.steps[0], c.steps[-1]), method=c.tolerance_reason)
            for c in broken
        )  # fmt: skip
        at = min(c.steps[0] for c in broken)
        return Sight("established", found, Onset(at, at, at), float(len(broken)))


def _checks(view: Signals) -> list[Check]:
    found: list[Check] = []
    half = bool(view.config.get("bf16") or view.config.get("fp16")) or None
    score, cost, total = (view.get(n) for n in ("reward.rm_score_mean", "reward.kl_penalty_mean", "reward.total_mean"))
    if score is not None and cost is not None and total is not None:
        at, s, p, t = _three(score, cost, total)
        if len(at):
            found.append(invariants.reward_adds_up(at, s, p, t, half_precision=half))
    told = view.get("value.explained_variance")
    if told is not None:
        found.append(invariants.explained_variance_at_most_one(told.steps, told.values))
    kl = view.get("kl.to_reference")
    if kl is not None and kl.estimator in ("k2", "k3"):
        found.append(invariants.kl_not_negative(kl.steps, kl.values, kl.estimator))
    for name in ("entropy.token_mean", "entropy.sequence_nll"):
        if (entropy := view.get(name)) is not None:
            found += [invariants.entropy_not_negative(entropy.steps, entropy.values)]
    for name in SHARES:
        if (share := view.get(name)) is not None:
            found += [invariants.share_within_bounds(share.steps, share.values, name)]
    for name in ("score.sd", "grad_norm"):
        if (spread := view.get(name)) is not None:
            found += [invariants.spread_not_negative(spread.steps, spread.values, name)]
    return found


def _three(one: Series, two: Series, three: Series) -> tuple[Floats, Floats, Floats, Floats]:
    at, a, b = together(one, two)
    steps, i, j = np.intersect1d(at, three.steps, return_indices=True)
    return steps, a[i], b[i], three.values[j]
