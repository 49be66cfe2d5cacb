"""Sentences about a whole diagnosis."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.diagnosis.finding import Finding, NotChecked, Undecided, Verdict
from analysis.diagnosis.leaf import Detector
from analysis.diagnosis.signals import Signals

WORDS = {
    "reward.rm_score_mean": "reward model score",
    "reward.rm_score_std": "spread of the reward model's scores",
    "kl.to_reference": "KL to the reference",
    "kl.policy_update": "KL of an update (approx_kl)",
    "value.loss": "value loss",
    "entropy.token_mean": "entropy per token",
    "response.length_mean": "response length",
    "response.truncated_fraction": "share of truncated responses",
    "reward.zero_std_fraction": "share of groups without reward spread",
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
    "eval.gold_score_mean": "gold score",
    "ratio.mean": "probability ratio",
    "rm.loss": "ranking loss on training pairs",
    "rm.accuracy": "ranking accuracy on training pairs",
    "eval/rm.loss": "ranking loss on held-out pairs",
    "eval/rm.accuracy": "ranking accuracy on held-out pairs",
    "kl.per_sequence": "KL per response",
    "entropy.sequence": "entropy of whole responses",
    "entropy.sequence_nll": "summed log-probability of responses",
    "value.mse": "value loss",
    "score": "score",
    "length": "response length",
    "policy.clip_fraction": "share of clipped tokens",
    "rollouts/length_share": "lengths of scored responses (rollouts)",
    "rollouts/token_price": "scores of the same responses",
    "loss.total": "loss",
    "eval/loss.total": "loss on held-out pairs",
    "dpo.accuracy": "accuracy of the implicit reward",
    "eval/dpo.accuracy": "accuracy of the implicit reward on held-out pairs",
    "dpo.reward_chosen": "implicit reward of chosen",
    "dpo.reward_rejected": "implicit reward of rejected",
    "dpo.logp_chosen": "log-probability of chosen",
    "rollouts": "scored responses (rollouts)",
    "pairs": "scores of preference pairs",
}


PLURAL = frozenset({WORDS["rollouts"], WORDS["pairs"]})


def named(metric: str) -> str:
    """A metric in words."""
    return WORDS.get(metric, metric)


def missing(detector: Detector, signals: Signals) -> str:
    """Which of the metrics that a detector needs are not logged."""
    absent = [named(n) for n in detector.needs if not signals.has(n)]
    verb = "are" if len(absent) > 1 or absent[0] in PLURAL else "is"
    return f"no {' and no '.join(absent)} {verb} logged"


def verdict(
    signals: Signals,
    word: Verdict,
    findings: Sequence[Finding],
    checked: Sequence[str],
    undecided: Sequence[Undecided],
    absent: Sequence[NotChecked],
) -> str:
    """The verdict in one sentence."""
    serious = [f for f in findings if f.severity != "info"]
    open_ = f" and {len(undecided)} are not established either way" if undecided else ""
    counts = f"{len(checked)} things were checked{open_}, {len(absent)} could not be checked"
    if word == "not_enough_data":
        return f"Not enough data: {len(signals.steps)} logged steps. {counts[0].upper()}{counts[1:]}."
    if not serious:
        return f"Nothing found: {counts}."
    more = f"; {len(serious) - 1} more below" if len(serious) > 1 else ""
    return f"{serious[0].summary.rstrip('.')}{more}."
