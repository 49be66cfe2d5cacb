"""How far a policy travelled from its reference and what it scored on the way. No Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.board import Board
from analysis.diagnosis.canonical import together
from analysis.policy.over_optimisation import CurveFit, fit_curve
from analysis.policy.steady import block_means, steady_distance


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The rows of a run that log both its score and its KL per sequence.

    step, kl, score : (n,) as logged, KL in nats per sequence; distance : (n,) sqrt(KL) without the noise of batches
    fitted_at, fitted : where the best form was fitted, and its values there, by rising distance
    """

    step: npt.NDArray[np.float64]
    kl: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    distance: npt.NDArray[np.float64]
    unit: str
    how: str
    fit: CurveFit
    fitted_at: npt.NDArray[np.float64]
    fitted: npt.NDArray[np.float64]


def path(board: Board, run: str) -> Path | str:
    """The path of a run, or why there is none."""
    signals = board.signals(run)
    score, kl = signals.get("score"), signals.get("kl.per_sequence")
    absent = [name for name, series in (("score", score), ("KL per sequence", kl)) if series is None]
    if score is None or kl is None:
        return f"no {' and no '.join(absent)} is logged, nor follows from what is"
    at, distances, scores = together(kl, score)
    if not len(at):
        return "score and KL are never logged at the same step"
    fit, steady = fit_curve(distances, scores), steady_distance(distances)
    kept = np.isfinite(steady) & np.isfinite(scores)
    where = block_means(steady[kept]) if fit.forms else np.empty(0)
    order = np.argsort(where, kind="stable")
    fitted = fit.forms[0].fitted[order] if fit.forms else np.empty(0)
    how = f"{kl.tag}, estimator {kl.estimator}" if kl.estimator else kl.tag
    return Path(at, distances, scores, steady, score.unit, how, fit, where[order], fitted)


def reward_over_kl(board: Board, runs: Sequence[str]) -> pd.DataFrame:
    """The drawn rows: run, step, kl_nats_per_sequence, sqrt_kl (steady), score."""
    parts = []
    for run in runs:
        found = path(board, run)
        if not isinstance(found, str):
            columns = {"step": found.step, "kl_nats_per_sequence": found.kl, "sqrt_kl": found.distance}
            parts.append(pd.DataFrame({"run": run, **columns, "score": found.score}))
    if not parts:
        return pd.DataFrame(columns=["run", "step", "kl_nats_per_sequence", "sqrt_kl", "score"])
    return pd.concat(parts, ignore_index=True)
