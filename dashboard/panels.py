"""Which curves a page shows first, in which order: the same on every run, so that the eye learns the place of KL."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

FIRST = 6
"""Panels before the fold."""

POLICY = (
    (
        "reward.rm_score_mean",
        "reward.total_mean",
        "reward.component_mean/*",
        "reward.*mean*",
        "dpo.margin_mean",
    ),
    ("kl.to_reference", "kl.*"),
    ("entropy.token_mean", "entropy.*"),
    ("loss.policy", "loss.total", "loss.*"),
    ("response.length_mean", "response.*mean*"),
    ("policy.clip_fraction", "policy.clip_fraction*", "dpo.accuracy"),
    ("value.explained_variance", "value.loss", "value.*"),
    ("grad_norm", "grad_norm*"),
    ("learning_rate",),
)
REWARD_MODEL = (
    ("rm.loss", "loss.total", "loss.*"),
    ("rm.accuracy",),
    ("rm.margin_mean",),
    ("rm.score_mean", "rm.chosen_score_mean"),
    ("grad_norm", "grad_norm*"),
    ("learning_rate",),
    ("rm.rejected_score_mean", "rm.score_std"),
)
ORDERS = {"policy": POLICY, "reward_model": REWARD_MODEL}
"""Concepts by kind of run: of each line the first that was logged."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One small multiple: a metric in one unit, of the runs that log it in that unit."""

    metric: str
    label: str
    unit: str
    runs: tuple[str, ...]


def panels(metrics: pd.DataFrame, names: Sequence[str]) -> list[Panel]:
    """Panels of these metrics in this order; a metric that runs log in different units gets a panel a unit."""
    wanted = dict.fromkeys(names)
    runs: dict[tuple[str, str], dict[str, None]] = {}
    labels: dict[tuple[str, str], str] = {}
    columns = (metrics[name].tolist() for name in ("run", "metric", "unit", "label"))
    for run, metric, unit, label in zip(*columns, strict=True):
        if metric in wanted:
            runs.setdefault((metric, unit), {})[run] = None
            labels[metric, unit] = labels.get((metric, unit)) or label
    place = {name: i for i, name in enumerate(wanted)}
    order = sorted(runs, key=lambda key: place[key[0]])
    return _told_apart([Panel(key[0], labels[key] or key[0], key[1], tuple(runs[key])) for key in order])


def _told_apart(found: Sequence[Panel]) -> list[Panel]:
    """Several tags of a run may mean one concept: those that are not its main one add their own name."""
    metrics: dict[str, set[str]] = {}
    for panel in found:
        metrics.setdefault(panel.label, set()).add(panel.metric)
    return [
        replace(panel, label=f"{panel.label}: {panel.metric}")
        if len(metrics[panel.label]) > 1 and "." not in panel.metric
        else panel
        for panel in found
    ]


def first(metrics: pd.DataFrame, kind: str | None) -> list[str]:
    """The metrics shown before anybody asks: in a fixed order by concept, at most `FIRST`."""
    points: Counter[str] = Counter()
    for metric, counter, n in zip(*(metrics[name].tolist() for name in ("metric", "counter", "n")), strict=True):
        if not counter:
            points[metric] += n
    logged = sorted(points, key=lambda metric: (-points[metric], metric))
    chosen: list[str] = []
    for alternatives in ORDERS.get(kind or "", POLICY + REWARD_MODEL):
        match = _best(alternatives, [m for m in logged if m not in chosen])
        if match:
            chosen.append(match)
        if len(chosen) == FIRST:
            return chosen
    if len(chosen) < FIRST // 2:  # a log of unknown names: what was logged most often stands for the rest
        chosen += [m for m in logged if m not in chosen][: FIRST - len(chosen)]
    return chosen


def _best(alternatives: Sequence[str], logged: Sequence[str]) -> str | None:
    """The first alternative that was logged; of several that match a pattern, the one logged most often."""
    for pattern in alternatives:
        matches = fnmatch.filter(logged, pattern)
        if matches:
            return matches[0]
    return None


OUTCOME = {
    "policy": (
        "reward.rm_score_mean",
        "reward.total_mean",
        "reward.component_mean/reward_fn",
        "dpo.accuracy",
    ),
    "reward_model": ("rm.accuracy", "rm.loss"),
}
"""What a run is after, for one column of the overview; of each kind the first that was logged."""

DISTANCE = "kl.to_reference"
