"""What is true of the sample runs, computed from the shipped files alone (pandas, no torch).

`python sample_runs/facts.py` prints it; make.py writes it into README.md, and a test compares the two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import world

HERE = Path(__file__).resolve().parent
REWARD_MODELS = ("reward-model-bt", "reward-model-hinge")
POLICIES = ("policy-grpo", "policy-grpo-weak-kl")
SHIFT_DATE = pd.Timestamp("2026-03-22", tz="UTC")
"""First day of the stream's other mix (day 20 of stream.py, counted from 0)."""
FALL_Z = 2.0
"""A gold mean is 'below the best' when the mean difference on the same prompts is beyond so many standard
errors."""


def report(root: Path = HERE) -> str:
    """All facts as Markdown."""
    return "\n\n".join(
        [
            _reward_model_facts(root),
            *(_policy_facts(root, name) for name in POLICIES),
            _stream_facts(root),
        ]
    )


def _reward_model_facts(root: Path) -> str:
    pairs = pd.read_csv(root / "pairs.csv")
    gap = gold_gap(pairs)
    lines = [
        "### The two reward models",
        "",
        "| | " + " | ".join(REWARD_MODELS) + " |",
        "|---|---|---|",
    ]
    columns = [_reward_model_column(root, name, gap) for name in REWARD_MODELS]
    lines += [f"| {label} | " + " | ".join(column[label] for column in columns) + " |" for label in columns[0]]
    agree = np.mean((gap > 0)[gap != 0])
    lines += [
        "",
        f"The annotator's label agrees with gold on {agree:.3f} of the {np.sum(gap != 0)} pairs in which gold differs.",
    ]
    return "\n".join(lines)


def gold_gap(pairs: pd.DataFrame) -> np.ndarray:
    """Gold points of the chosen answer minus those of the rejected one; all held-out answers are finished."""
    return np.array([_gold(row.prompt, row.chosen) - _gold(row.prompt, row.rejected) for row in pairs.itertuples()])


def _gold(prompt: str, answer: str) -> float:
    return world.gold_score(world.read_prompt(prompt), answer.split(), ended=True)


def _reward_model_column(root: Path, name: str, gap: np.ndarray) -> dict[str, str]:
    scores = pd.read_csv(root / name / "eval_scores.csv")
    right = scores["chosen_score"] > scores["rejected_score"]
    margin = scores["chosen_score"] - scores["rejected_score"]
    every = pd.concat([scores["chosen_score"], scores["rejected_score"]])
    length = pd.concat([scores["chosen_length"], scores["rejected_length"]])
    last = [row for row in _log(root, name) if "eval_accuracy" in row][-1]
    told = gap != 0
    by_category = right.groupby(scores["category"]).mean()
    return {
        "accuracy on the held-out pairs (annotator's labels)": f"{right.mean():.3f} (n {len(right)})",
        "accuracy against gold": f"{np.mean((margin > 0)[told] == (gap > 0)[told]):.3f} (n {told.sum()})",
        "standard deviation of the margin": f"{margin.std():.2f}",
        "correlation of score and length": f"{np.corrcoef(every, length)[0, 1]:.2f}",
        "last `eval_accuracy` in its own log": f"{last['eval_accuracy']:.3f} (step {last['step']})",
        **{f"accuracy, {category}": f"{value:.3f}" for category, value in by_category.items()},
    }


def _policy_facts(root: Path, name: str) -> str:
    rollouts = pd.read_csv(root / name / "rollouts.csv")
    curve = rollouts.groupby("step")[["gold_score", "score", "kl_to_ref", "length", "truncated"]].mean()
    error = rollouts.groupby("step")["gold_score"].sem()
    best = int(curve["gold_score"].idxmax())
    start, end = curve.index[0], curve.index[-1]
    since = over_optimised_since(rollouts)
    if since is None:
        verdict = "Not over-optimised: gold is nowhere established to be below its best after the best step."
    else:
        verdict = f"Over-optimised: gold is below its best from step {since} to the end, while the proxy rises."
    gold = curve["gold_score"]
    summary = f"Gold {gold[start]:.2f} at step {start}, best {gold[best]:.2f} at step {best}, end {gold[end]:.2f}."
    lines = [f"### {name}", "", f"{summary} {verdict}", ""]
    lines += [
        "| step | gold (SE) | proxy score | KL, nats an answer | length, words | cut off |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {step} | {row.gold_score:.2f} ({error[step]:.2f}) | {row.score:.2f} | {row.kl_to_ref:.2f}"
        f" | {row.length:.1f} | {row.truncated:.1%} |"
        for step, row in curve.iterrows()
    ]
    return "\n".join(lines)


def over_optimised_since(rollouts: pd.DataFrame) -> int | None:
    """First recorded step after the best one from which gold stays established below the best until the end.

    Established: the mean difference on the same prompts is more than FALL_Z standard errors below 0. The best
    of several noisy means is a bit too high, so a single low step proves nothing: all later ones must be low.
    """
    table = rollouts.pivot(index="prompt_id", columns="step", values="gold_score")
    best = table.mean().idxmax()
    since = None
    for step in [step for step in table.columns if step > best]:
        difference = table[step] - table[best]
        below = difference.mean() < -FALL_Z * difference.sem()
        since = (step if since is None else since) if below else None
    return since


def _stream_facts(root: Path) -> str:
    stream = pd.read_parquet(root / "deployment" / "stream.parquet")
    shifted = stream["timestamp"] >= SHIFT_DATE
    parts = {"before": stream[~shifted], "after": stream[shifted]}
    lines = [
        "### deployment",
        "",
        f"{len(stream)} rows, {stream['human_score'].notna().sum()} of them rated. The mix changes on"
        f" {SHIFT_DATE.date()} (day 20, counted from 0).",
        "",
        "| | before | after |",
        "|---|---|---|",
        "| rows | " + " | ".join(str(len(part)) for part in parts.values()) + " |",
        _row("mean score", [part["score"].mean() for part in parts.values()]),
        _row("mean human score", [part["human_score"].mean() for part in parts.values()]),
    ]
    for category in world.CATEGORIES:
        chosen = [part[part["category"] == category] for part in parts.values()]
        shares = [len(rows) / len(part) for rows, part in zip(chosen, parts.values(), strict=True)]
        lines.append(_row(f"share of {category}", shares))
        lines.append(_row(f"mean score, {category}", [rows["score"].mean() for rows in chosen]))
    before = parts["before"].groupby("category")["score"].mean()
    moved = sum((parts["after"]["category"].value_counts(normalize=True) * before).dropna())
    lines += [
        "",
        f"With the score of each category as before, the new mix would give a mean of {moved:.2f}.",
    ]
    return "\n".join(lines)


def _row(label: str, values: list[float]) -> str:
    return f"| {label} | " + " | ".join(f"{value:.2f}" for value in values) + " |"


def _log(root: Path, name: str) -> list[dict[str, float]]:
    return json.loads((root / name / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
