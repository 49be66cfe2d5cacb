"""Which curves a page shows first, in which order: the same on every run, so that the eye learns the place of KL."""

from __future__ import annotations

import fnmatch
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
    found = []
    for name in names:
        rows = metrics[metrics["metric"] == name]
        for unit, same in rows.groupby("unit", sort=False):
            label = next((text for text in same["label"] if text), name)
            found.append(Panel(name, label, str(unit), tuple(dict.fromkeys(same["run"]))))
    return _told_apart(found)


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
    drawn = metrics[~metrics["counter"].astype(bool)]
    logged = drawn.groupby("metric")["n"].sum().sort_values(ascending=False, kind="stable")
    chosen: list[str] = []
    for alternatives in ORDERS.get(kind or "", POLICY + REWARD_MODEL):
        match = _best(alternatives, [m for m in logged.index if m not in chosen])
        if match:
            chosen.append(match)
        if len(chosen) == FIRST:
            return chosen
    if len(chosen) < FIRST // 2:  # a log of unknown names: what was logged most often stands for the rest
        chosen += [m for m in logged.index if m not in chosen][: FIRST - len(chosen)]
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
