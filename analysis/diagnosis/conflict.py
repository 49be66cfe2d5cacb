"""Signals that seem to contradict each other, put into one sentence: a reward model that ranks well, and a run that fails on it."""

from __future__ import annotations

import numpy as np

from analysis.diagnosis.finding import Evidence
from analysis.diagnosis.leaf import Sights, established
from analysis.diagnosis.signals import Signals
from analysis.policy.within_prompt import Discrimination, within_prompt_auroc

AWAY = ("left_reference", "kl_excess", "kl_runaway", "kl_jump")
LOST = ("score_fell", "score_below_start", "early_drop", "non_finite")


def conflicts(view: Signals, sights: Sights) -> tuple[Evidence, ...]:
    """What explains a policy that fails under a reward model that seems sound, or a score that rises while its judge fails."""
    return tuple(found for make in (_judge, _own_answers) if (found := make(view, sights)) is not None)


def _judge(view: Signals, sights: Sights) -> Evidence | None:
    """The linked reward model's held-out accuracy beside what the run shows."""
    judge, seen = view.judge, established(sights, *AWAY, *LOST)
    if judge is None or not seen:
        return None
    ranks = f"ranks {100 * judge.accuracy:.0f} % of {judge.n:,} held-out pairs right ({100 * judge.low:.0f} to {100 * judge.high:.0f})"
    if judge.high < 0.5 or judge.low <= 0.5:
        text = f"Its reward model {judge.name} {ranks}: a score that tells so little of held-out pairs can't lead a policy."
    elif established(sights, *AWAY):
        text = (
            f"Its reward model {judge.name} {ranks}, and the run goes wrong all the same: these pairs are of answers like the "
            "reference's, and the policy has left them behind."
        )
    else:
        text = f"Its reward model {judge.name} {ranks}, and the run goes wrong all the same: it is the training, not the ranking, that fails."
    return Evidence(
        text, "established", judge.accuracy, judge.low, judge.high, "of held-out pairs", judge.n, method="ranking accuracy, over prompts",
    )  # fmt: skip


def _own_answers(view: Signals, sights: Sights) -> Evidence | None:
    """The score rises while the reward model no longer orders the policy's own answers to a prompt."""
    if (
        view.rollouts is None
        or not established(sights, "score_up")
        or not {"gold_score", "score"} <= set(view.rollouts)
    ):
        return None
    steps = np.unique(view.rollouts["step"].to_numpy(float))
    first, last = (_ordered(view, float(step)) for step in (steps[0], steps[-1]))
    if len(steps) < 2 or first.because or last.because or not last.high < first.low:
        return None
    gained = sights["score_up"].value or 0.0
    text = (
        f"The score rose by {gained:.2g} SD while its reward model came to order the policy's own answers to a prompt worse: AUROC "
        f"{first.value:.2f} ({first.low:.2f} to {first.high:.2f}) at step {steps[0]:g}, {last.value:.2f} ({last.low:.2f} to {last.high:.2f}) at step "
        f"{steps[-1]:g}. What it gained is what the reward model can't tell."
    )
    return Evidence(
        text, "established", last.value, last.low, last.high, "AUROC within prompts", last.pairs, "rollouts",
        (float(steps[0]), float(steps[-1])), "concordance of score and gold among answers to one prompt",
    )  # fmt: skip


def _ordered(view: Signals, step: float) -> Discrimination:
    assert view.rollouts is not None
    rows = view.rollouts[view.rollouts["step"] == step]
    return within_prompt_auroc(rows["prompt_id"].to_numpy(), rows["score"].to_numpy(), rows["gold_score"].to_numpy())
