"""Curves of what single responses tell, step by step: means, spreads, the price of a token. Each with its standard error.

rollouts/score, /length, /kl, /gold   means over the responses of a step
rollouts/score_sd, /length_sd         spread of single responses
rollouts/token_price                  slope of score on length among the responses of a step, reward units per token
rollouts/length_share              share of the variance of score that length explains among the responses of a step
rollouts/gain                         score less that of the first step, prompt by prompt where the prompts are the same
rollouts/values                       different scores among the responses of a step, per response
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd

from analysis.diagnosis.signals import Floats, Series

FEWEST = 8
"""Responses of a step below which its spread is a guess: the error of an SD of 8 is a quarter of it."""

COLUMNS = {"score": "score", "length": "length", "kl": "kl", "gold_score": "gold"}


def curves(rows: pd.DataFrame) -> dict[str, Series]:
    """Everything that the rollouts of a run tell by step."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    first: pd.DataFrame | None = None
    for step, part in rows.groupby("step", sort=True):
        at = float(str(step))
        values = {column: part[column].to_numpy(np.float64) if column in part else np.empty(0) for column in COLUMNS}
        for column, name in COLUMNS.items():
            v = values[column][np.isfinite(values[column])]
            if len(v) >= FEWEST:
                sd = float(v.std(ddof=1))
                found.setdefault(name, []).append((at, float(v.mean()), sd / sqrt(len(v))))
                found.setdefault(f"{name}_sd", []).append((at, sd, sd / sqrt(2 * (len(v) - 1))))
        price = slope(values["length"], values["score"])
        if price is not None:
            found.setdefault("token_price", []).append((at, *price))
            found.setdefault("length_share", []).append((at, *_explained(values["length"], values["score"])))
        told = values["score"][np.isfinite(values["score"])]
        if len(told) >= FEWEST:
            found.setdefault("values", []).append((at, len(np.unique(told)) / len(told), 0.0))
            first = part if first is None else first
            gained = _gain(first, part)
            if gained is not None:
                found.setdefault("gain", []).append((at, *gained))
    return {f"rollouts/{name}": _curve(name, np.array(points)) for name, points in found.items()}


def _curve(name: str, points: Floats) -> Series:
    steps, values, errors = points.T
    return Series(f"rollouts/{name}", steps, values, tag=f"rollouts: {name}", errors=errors)


def slope(x: Floats, y: Floats) -> tuple[float, float] | None:
    """Slope of y on x by least squares with its standard error; None with few points, or x that does not vary."""
    kept = np.isfinite(x) & np.isfinite(y) if len(x) == len(y) else np.zeros(0, bool)
    if kept.sum() < FEWEST or np.ptp(x[kept]) == 0:
        return None
    a, b = x[kept] - x[kept].mean(), y[kept] - y[kept].mean()
    value = float(a @ b / (a @ a))
    residual = b - value * a
    return value, float(np.sqrt(residual @ residual / (len(a) - 2) / (a @ a)))


def _explained(x: Floats, y: Floats) -> tuple[float, float]:
    """Squared correlation and its standard error (delta method)."""
    kept = np.isfinite(x) & np.isfinite(y)
    r = float(np.corrcoef(x[kept], y[kept])[0, 1]) if np.ptp(y[kept]) > 0 else 0.0
    return r * r, 2 * abs(r) * (1 - r * r) / sqrt(int(kept.sum()) - 1)


def _gain(first: pd.DataFrame, part: pd.DataFrame) -> tuple[float, float] | None:
    """Mean gain since the first step and its error: of prompts that both have, else of the two means."""
    if first is part:
        return 0.0, 0.0
    one, two = (p.dropna(subset=["score"]).groupby("prompt_id")["score"].mean() for p in (first, part))
    both = (two - one).dropna()
    if len(both) >= FEWEST:
        return float(both.mean()), float(both.std() / sqrt(len(both)))
    a, b = first["score"].dropna(), part["score"].dropna()
    return float(b.mean() - a.mean()), float(np.hypot(a.std() / sqrt(len(a)), b.std() / sqrt(len(b))))
