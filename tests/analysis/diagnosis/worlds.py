"""Runs that were never trained: curves whose truth is known because they were drawn, by rules that no detector uses."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.diagnosis.canonical import canonical
from analysis.diagnosis.finding import Diagnosis
from analysis.diagnosis.signals import Series, Signals

LABELLED = Path(__file__).resolve().parents[4] / "shared" / "labelled_runs"
INPUTS = (
    "trainer_state.json", "tb", "wandb", "metrics.csv", "metrics.jsonl", "console.log", "crash.txt", "eval_scores.csv",
    "rollouts.csv", "samples.txt",
)  # fmt: skip
"""Files of a labelled run that a tool may read."""


def noise(rng: np.random.Generator, n: int, phi: float) -> np.ndarray:
    """AR(1) noise of SD 1."""
    e = rng.standard_normal(n)
    out = np.empty(n)
    out[0] = e[0]
    for i in range(1, n):
        out[i] = phi * out[i - 1] + math.sqrt(1 - phi * phi) * e[i]
    return out


def signals(run: str = "drawn", *, rollouts: pd.DataFrame | None = None, trainer: str = "", **more: object) -> Signals:
    """Signals from columns of values (or (steps, values)); units of KL and entropy follow the keys' endings."""
    config = more.pop("config", {})
    units = {"kl.to_reference": more.pop("kl_unit", "nats per sequence"), "entropy.token_mean": "nats per token"}
    series = {}
    for name, given in more.items():
        metric = name.replace("__", ".")
        steps, values = given if isinstance(given, tuple) else (np.arange(1, len(given) + 1), given)
        series[metric] = Series.of(metric, steps, values, unit=str(units.get(metric, "")), tag=metric)
    return canonical(
        Signals(run, "policy", trainer=trainer, series=series, rollouts=rollouts, config=config)  # type: ignore[arg-type]
    )


def healthy(seed: int, n: int = 300) -> Signals:
    """A run that learns: everything about it is drawn, none of it is a fault.

    Noise of correlation 0 to 0.8, learning that saturates, warm-up of the learning rate in half of the runs, KL that grows
    as the root of the gain, a length that drifts, evaluations on some rows, value loss that falls by orders of magnitude.
    """
    rng = np.random.default_rng(seed)
    phi = rng.uniform(0, 0.8)
    t = np.arange(n) / n
    warm = rng.uniform(0.02, 0.1) if rng.random() < 0.5 else 0.0
    rate = np.minimum(1, (t + 1 / n) / max(warm, 1 / n)) * (1 - t * rng.uniform(0, 1))
    learned = 1 - np.exp(-rng.uniform(2, 8) * np.cumsum(rate) / n)
    sd, gain = 10 ** rng.uniform(-1, 1), rng.uniform(0.5, 2.0)
    batch = rng.choice([32, 64, 256])
    score = rng.normal(0, 3) * sd + sd * gain * learned + sd / math.sqrt(batch) * noise(rng, n, phi)
    length = rng.uniform(50, 400)
    kl = rng.uniform(2, 5) * (gain * learned) ** 2 * np.exp(rng.uniform(0.03, 0.12) * noise(rng, n, phi))
    entropy = rng.uniform(0.3, 2.5) * np.exp(-rng.uniform(0.1, 1.5) * learned) * (1 + 0.03 * noise(rng, n, phi))
    error = sd**2 * (0.05 + 0.6 * np.exp(-rng.uniform(3, 10) * t)) * np.exp(0.2 * noise(rng, n, phi))
    columns: dict[str, object] = {
        "reward__rm_score_mean": score,
        "reward__rm_score_std": sd * (1 - 0.5 * learned) * np.exp(0.08 * noise(rng, n, phi)),
        "kl__to_reference": kl,
        "entropy__token_mean": entropy,
        "response__length_mean": length * (1 + rng.normal(0, 0.1) * learned + 0.03 * noise(rng, n, phi)),
        "value__loss": error,
        "grad_norm": np.exp(rng.normal() + 0.2 * noise(rng, n, phi)) * (1 - 0.3 * t),
        "learning_rate": 1e-5 * rate,
        "policy__clip_fraction": np.clip(0.1 + 0.02 * noise(rng, n, phi), 0, 1),
    }
    every = int(rng.choice([10, 25]))
    rows = np.arange(every, n + 1, every)
    columns["eval__gold_score_mean"] = (rows, 2 + gain * learned[rows - 1] + 0.05 * rng.standard_normal(len(rows)))
    return signals(f"healthy-{seed}", config={"batch_size": int(batch), "kl_coef": 0.2 * sd}, **columns)


def demo(seed: int, *, blown: bool, n: int = 400) -> dict[str, list[float]]:
    """The trace of the peers' own demo: from step 200 on KL grows by 4 % a step, and other metrics follow."""
    rng = random.Random(seed)
    rows = []
    for t in range(n):
        x = t / n

        def g(s: float) -> float:
            return rng.gauss(0, s)

        bad = max(0, t - 200) if blown else 0
        blow = min(1.04**bad, 400.0)
        rows.append({
            "reward_mean": 0.2 + 0.8 * (1 - math.exp(-3 * x)) - 0.004 * bad + g(0.04), "reward_std": 0.6 + g(0.03),
            "kl": max(1e-4, (0.005 + 0.06 * x) * (1 + g(0.12)) * blow), "entropy": max(0.05, 2.6 - 0.5 * x - 0.006 * bad + g(0.04)),
            "policy_loss": -0.01 + g(0.005), "value_loss": (0.25 * math.exp(-2 * x) + 0.05) * (1 + g(0.08)) * blow**0.5,
            "clip_frac": min(0.9, max(0.0, 0.08 + 0.003 * bad + g(0.012))), "approx_kl": abs(0.004 + g(0.0008)) * blow**0.5,
            "grad_norm": max(0.05, (0.9 + g(0.12)) * blow**0.5), "response_length": 180 + 30 * x + g(6),
            "explained_variance": min(0.95, 0.2 + 0.7 * (1 - math.exp(-4 * x)) - 0.005 * bad + g(0.03)), "lr": 1e-6,
        })  # fmt: skip
    return {key: [row[key] for row in rows] for key in rows[0]}


DEMO = {
    "reward_mean": "reward.rm_score_mean", "reward_std": "reward.rm_score_std", "kl": "kl.to_reference",
    "entropy": "entropy.token_mean", "policy_loss": "loss.policy", "value_loss": "value.loss",
    "clip_frac": "policy.clip_fraction", "approx_kl": "kl.policy_update", "grad_norm": "grad_norm",
    "response_length": "response.length_mean", "explained_variance": "value.explained_variance", "lr": "learning_rate",
}  # fmt: skip


def of_demo(
    trace: dict[str, list[float]], *, only: tuple[str, ...] = tuple(DEMO), kl_unit: str = "nats per token"
) -> Signals:
    """The demo's trace as signals; some of its keys."""
    steps = np.arange(len(trace["kl"]))
    columns = {DEMO[key].replace(".", "__"): (steps, np.array(trace[key])) for key in only}
    return signals("demo", kl_unit=kl_unit, **columns)


def rollouts(means: dict[float, dict[str, float]], n: int = 100, seed: int = 0, price: float = 0.0) -> pd.DataFrame:
    """Responses to the same n prompts at some steps: score, length and KL around the means of each step.

    price : reward units that a token more brings
    """
    rng = np.random.default_rng(seed)
    parts = []
    for step, mean in means.items():
        length = np.maximum(rng.normal(mean["length"], mean.get("length_sd", 5.0), n), 1)
        own = rng.normal(0, mean.get("sd", 1.0), n)
        parts.append(
            pd.DataFrame({
                "step": step, "prompt_id": np.arange(n).astype(str), "category": "all", "length": length,
                "score": mean["score"] + own + price * (length - mean["length"]), "kl": rng.normal(mean["kl"], 1.0, n) if mean["kl"] else 0.0,
                "truncated": False, "gold_score": mean.get("gold", np.nan) + 0 * own,
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def serious(said: Diagnosis) -> list[tuple[str, str]]:
    """(severity, cause) of findings that are more than a note."""
    return [(f.severity, f.cause) for f in said.findings if f.severity != "info"]


def ever_serious(said: Diagnosis) -> bool:
    """Whether anything was ever raised as a warning or worse, cleared or not."""
    return any(e.severity != "info" and e.change != "cleared" for f in said.findings for e in f.events)


def truth(run: str) -> dict[str, object]:
    """What is known of a labelled run. Scoring only."""
    return dict(json.loads((LABELLED / run / "truth.json").read_text()))


needs_labelled = pytest.mark.skipif(not LABELLED.is_dir(), reason="the labelled runs are not beside this checkout")


DERIVED = ("score", "score.sd", "length", "kl.per_sequence", "kl.per_token", "entropy.sequence", "value.mse")


def changed(
    given: Signals,
    *,
    without: tuple[str, ...] = (),
    config: dict[str, object] | None = None,
    rollouts: pd.DataFrame | str | None = "as given",
    **edits: object,
) -> Signals:
    """A real run with something else put in: metric__name=function(steps, values), or arrays; everything else stays as logged."""
    series = {
        name: s
        for name, s in given.series.items()
        if name not in DERIVED
        and not s.tag.startswith("1 - ")
        and not name.startswith("rollouts/")
        and not name.startswith(without or ("-",))
    }
    for name, edit in edits.items():
        metric = name.replace("__", ".")
        old = series.get(metric)
        if callable(edit):
            assert old is not None, metric
            values = np.asarray(edit(old.steps, old.values.copy()), float)
            steps = old.steps
        else:
            values = np.asarray(edit, float)
            steps = np.arange(1, len(values) + 1)
        unit, estimator, tag, scale = (old.unit, old.estimator, old.tag, old.scale) if old else ("", "", metric, 1.0)
        series[metric] = Series.of(metric, steps, values, unit=unit, estimator=estimator, tag=tag, scale=scale)
    rows = given.rollouts if isinstance(rollouts, str) else rollouts
    return canonical(replace(given, series=series, rollouts=rows, config={**given.config, **(config or {})}))


def first(said: Diagnosis) -> str:
    """Cause of the finding that is more than a note and ranks first, without what is after the dot; "" if there is none."""
    found = serious(said)
    return found[0][1].partition(".")[0] if found else ""


def causes(said: Diagnosis) -> set[str]:
    """All causes that are open and more than a note."""
    return {cause.partition(".")[0] for _, cause in serious(said)}


def left_open(said: Diagnosis, check: str) -> str:
    """What a user is told of checks that could not be made or decided, by a part of what they check; "" where nothing is said."""
    told = [n.because for n in said.not_checked if check in n.check]
    return " ".join(told + [u.told for u in said.undecided if check in u.check])
