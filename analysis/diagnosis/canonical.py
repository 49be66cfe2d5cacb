"""Curves that follow from logged ones by an identity: units converted, parts put together. Never a guess.

score              reward.rm_score_mean, or the reward after the KL penalty less the penalty, or the only reward there is
kl.per_sequence    KL to the reference in nats per response; kl.per_token: per token
entropy.sequence   entropy of a response in nats
value.mse          mean squared error of the value model
length             mean response length in tokens
reward.zero_std_fraction   least share of groups without signal, where rewards are 0 or 1 and the trainer's own count is none
response.truncated_fraction   share of responses without an end, where a trainer counts the ends of a batch of known size
rm.loss            ranking loss of a reward model, where its log calls it only "loss"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from analysis.diagnosis import samples
from analysis.diagnosis.signals import Floats, Series, Signals
from analysis.policy.advantages import zero_variance_share

SCORES = ("reward.rm_score_mean", "reward.normalised_mean", "reward.total_mean")


def canonical(signals: Signals) -> Signals:
    """The same signals with the derived curves added."""
    series = dict(signals.series)
    if signals.rollouts is not None:
        series |= samples.curves(signals.rollouts)
    for found in _truncated(series, signals.setting("local_batch_size")):
        series[found.metric] = found
    for make in (_score, _spread, _length, _kl, _entropy, _value, _ranking_loss):
        for found in make(series):
            series[found.metric] = found
    if "RLOO" in signals.trainer:
        _count_own_groups(series, signals.setting("num_generations"))
    return replace(signals, series=series)


def _score(series: Mapping[str, Series]) -> list[Series]:
    total, penalty = series.get("reward.total_mean"), series.get("reward.kl_penalty_mean")
    if "reward.rm_score_mean" not in series and total is not None and penalty is not None:
        at, t, p = together(total, penalty)
        return [Series("score", at, t - p, total.unit, tag=f"{total.tag} - {penalty.tag}", bad=total.bad)]
    for name in SCORES:
        if name in series and len(series[name]):
            return [replace(series[name], metric="score")]
    parts = [s for name, s in series.items() if name.startswith("reward.component_mean/")]
    return [replace(parts[0], metric="score")] if len(parts) == 1 else []


def _spread(series: Mapping[str, Series]) -> list[Series]:
    for name in ("reward.rm_score_std", "reward.group_std_mean"):
        if name in series and len(series[name]):
            return [replace(series[name], metric="score.sd")]
    parts = [s for name, s in series.items() if name.startswith("reward.component_std/")]
    return [replace(parts[0], metric="score.sd")] if len(parts) == 1 else []


def _length(series: Mapping[str, Series]) -> list[Series]:
    found = series.get("response.length_mean")
    if found is not None and len(found):
        return [replace(found, metric="length")]
    sampled = series.get("rollouts/length")
    return [] if sampled is None else [replace(sampled, metric="length")]


def _truncated(series: Mapping[str, Series], batch: float | None) -> list[Series]:
    """At least so many responses of a process have no end-of-text token: one may hold several.

    None where more ends than responses were counted, as where padding is the same token.
    """
    ends = series.get("response.eos_count")
    if "response.truncated_fraction" in series or ends is None or not batch or not len(ends):
        return []
    if ends.values.max() > batch:
        return []
    how = f"1 - {ends.tag} over {batch:g} responses"
    return [Series("response.truncated_fraction", ends.steps, 1 - ends.values / batch, "fraction", tag=how)]


FIRST = 5
"""Rows in which a KL cost may still be 0 to the last bit."""


def _count_own_groups(series: dict[str, Series], size: float | None) -> None:
    """Put the least share of groups without signal in place of TRL's, which RLOO takes after the KL cost was subtracted.

    That cost differs between responses, so that the logged share stays 0 whatever the rewards do. Of rewards of 0 and 1
    the mean p tells it: at least p^G + (1 - p)^G of the groups, more where prompts differ (Jensen). Rewards are 0 or 1
    where their SD is that of such numbers in every row, sqrt(p (1 - p)), but for the size of the batch.
    """
    told = series.get("reward.zero_std_fraction")
    if told is not None and told.values[FIRST:].any():
        return  # no KL cost is in it: with one, no two rewards of a group are alike, but where the policy has hardly moved
    series.pop("reward.zero_std_fraction", None)
    score, sd = series.get("score"), series.get("score.sd")
    if score is None or sd is None or not size or size < 2:
        return
    at, p, spread = together(score, sd)
    if not len(at) or p.min() < 0 or p.max() > 1:
        return
    variance = p * (1 - p)
    # the variance of n numbers is divided by n - 1: of four responses, fewer than any batch, a third more
    if (np.square(spread) < variance - 1e-6).any() or (np.square(spread) > variance * 4 / 3 + 1e-6).any():
        return
    series["reward.zero_std_fraction"] = Series(
        "reward.zero_std_fraction", at, zero_variance_share(p, int(size)), "fraction",
        tag=f"{score.tag}: p^{size:g} + (1 - p)^{size:g}",
    )  # fmt: skip


def _kl(series: Mapping[str, Series]) -> list[Series]:
    logged, length = series.get("kl.to_reference"), series.get("response.length_mean")
    found = []
    if logged is not None and len(logged):
        per = (
            "sequence" if logged.unit.endswith("per sequence") else "token" if logged.unit.endswith("per token") else ""
        )
        if per:
            found.append(replace(logged, metric=f"kl.per_{per}", bad=np.empty(0)))
        if per and length is not None and len(length):
            at, k, n = together(logged, length)
            n = np.maximum(n, 1.0)
            other = "token" if per == "sequence" else "sequence"
            values = k / n if per == "sequence" else k * n
            how = "divided" if per == "sequence" else "multiplied"
            found.append(
                Series(f"kl.per_{other}", at, values, f"nats per {other}", logged.estimator, f"{logged.tag}, {how} by length")
            )  # fmt: skip
    sampled = series.get("rollouts/kl")
    if "kl.per_sequence" not in {f.metric for f in found} and sampled is not None:
        found.append(replace(sampled, metric="kl.per_sequence", unit="nats per sequence", estimator="k1"))
    return found


def _entropy(series: Mapping[str, Series]) -> list[Series]:
    whole = series.get("entropy.sequence_nll")
    if whole is not None and len(whole) and whole.values[0] > 0:
        return [replace(whole, metric="entropy.sequence", bad=np.empty(0))]
    token, length = series.get("entropy.token_mean"), series.get("response.length_mean")
    if token is None or length is None or not len(token) or not len(length) or token.values[0] <= 0:
        return []
    at, h, n = together(token, length)
    return [Series("entropy.sequence", at, h * n, "nats per sequence", tag=f"{token.tag}, multiplied by length")]


def _value(series: Mapping[str, Series]) -> list[Series]:
    loss = series.get("value.loss")
    if loss is None or not len(loss):
        return []
    # half of the squared error in some trainers: the vocabulary knows the factor
    scale = loss.scale if loss.scale > 0 else 1.0
    return [Series("value.mse", loss.steps, loss.values / scale, "squared reward units", tag=loss.tag)]


def together(one: Series, other: Series) -> tuple[Floats, Floats, Floats]:
    """Steps that both have, and the values there."""
    at, i, j = np.intersect1d(one.steps, other.steps, return_indices=True)
    return at, one.values[i], other.values[j]


def _ranking_loss(series: Mapping[str, Series]) -> list[Series]:
    """A log of ranking accuracy or margins is that of a reward model, whose loss is the only one."""
    if not {"rm.accuracy", "rm.margin_mean", "eval/rm.accuracy"} & series.keys():
        return []
    names = {"loss.total": "rm.loss", "eval/loss.total": "eval/rm.loss"}
    return [replace(series[old], metric=new) for old, new in names.items() if old in series and new not in series]
