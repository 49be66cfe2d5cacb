"""Reward models with one known fault, written as the files that a trainer and a scoring script leave: nothing of the code
under test makes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import Board
from analysis.diagnosis.finding import Diagnosis

PLAIN = "apple river stone cloud garden window letter bridge forest market silver copper morning evening".split()
FLATTERY = ("wonderful", "amazing", "splendid")


class World:
    """Preference pairs: each side has a quality, a length and perhaps a flattering word; labels follow quality.

    All arrays (n, 2), the chosen side first.
    """

    def __init__(self, n: int = 1000, *, seed: int = 0, prompts: int = 300, long_is_good: float = 0.0) -> None:
        rng = self.rng = np.random.default_rng(seed)
        self.n = n
        self.prompt = rng.integers(0, prompts, n)
        self.category = rng.choice(["chat", "code", "facts", "safety"], n)
        length, flattery = rng.integers(6, 30, (n, 2)), rng.random((n, 2)) < 0.3
        quality = rng.normal(size=(n, 2))
        true = quality + long_is_good * (length - 18) / 7
        first = rng.random(n) < 1 / (1 + np.exp(-2 * (true[:, 0] - true[:, 1])))
        order = np.where(first[:, None], [0, 1], [1, 0])
        self.quality, self.length, self.flattery = (
            np.take_along_axis(x, order, axis=1) for x in (quality, length, flattery)
        )

    @property
    def noise(self) -> np.ndarray:
        return self.rng.normal(size=(self.n, 2))

    def healthy(self) -> np.ndarray:
        """Scores whose margins are about log-odds, 70 to 75 % right."""
        return 1.1 * self.quality + 0.6 * self.noise

    def write(self, folder: Path, scores: np.ndarray, *, texts: bool = True, name: str = "rm") -> None:
        """Scores beside the log of the run, texts above them."""
        (folder / name).mkdir(parents=True, exist_ok=True)
        ids = [f"p{i}" for i in range(self.n)]
        pd.DataFrame(
            {
                "pair_id": ids, "prompt_id": [f"q{i}" for i in self.prompt], "category": self.category,
                "chosen_score": scores[:, 0], "rejected_score": scores[:, 1],
                "chosen_length": self.length[:, 0], "rejected_length": self.length[:, 1],
            }
        ).to_csv(folder / name / "eval_scores.csv", index=False)  # fmt: skip
        if not texts:
            return
        rng = np.random.default_rng(1)

        def text(i: int, side: int) -> str:
            words = list(rng.choice(PLAIN, self.length[i, side]))
            if self.flattery[i, side]:
                words[0] = str(rng.choice(FLATTERY))
            return " ".join(words)

        rows = {
            "pair_id": ids,
            "prompt": [f"question {i}" for i in self.prompt],
            "chosen": [text(i, 0) for i in range(self.n)],
            "rejected": [text(i, 1) for i in range(self.n)],
        }
        pd.DataFrame(rows).to_csv(folder / "pairs.csv", index=False)


def log(folder: Path, loss: Callable[[float], float], held: Callable[[float], float], accuracy: Callable[[float], float],
        held_accuracy: Callable[[float], float], *, rows: int = 80, evaluations: int = 20, noise: float = 0.02,
        name: str = "rm") -> None:  # fmt: skip
    """A trainer's state whose curves are functions of progress (0 to 1) with noise on the training rows."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    history: list[dict[str, float]] = []
    every = max(rows // evaluations, 1) if evaluations else rows + 1
    for i in range(1, rows + 1):
        at, step = i / rows, 5 * i
        history.append(
            {"step": step, "epoch": at, "learning_rate": 1e-5, "grad_norm": 1 + 0.1 * rng.normal(),
             "loss": loss(at) + noise * rng.normal(), "accuracy": accuracy(at) + 0.04 * rng.normal(), "margin": at}
        )  # fmt: skip
        if i % every == 0:
            history.append(
                {
                    "step": step,
                    "epoch": at,
                    "eval_loss": held(at),
                    "eval_accuracy": held_accuracy(at),
                    "eval_margin": at,
                }
            )
    state = {"log_history": history, "global_step": 5 * rows, "max_steps": 5 * rows, "epoch": 1.0}
    (folder / name / "trainer_state.json").write_text(json.dumps(state))


def learning(folder: Path, **more: object) -> None:
    """The log of a run that learns: 0.69 to 0.55, accuracy to 0.72."""
    log(
        folder, lambda t: 0.69 - 0.16 * (1 - np.exp(-4 * t)), lambda t: 0.69 - 0.12 * (1 - np.exp(-4 * t)),
        lambda t: 0.5 + 0.24 * (1 - np.exp(-5 * t)), lambda t: 0.5 + 0.2 * (1 - np.exp(-5 * t)), **more,
    )  # type: ignore[arg-type]  # fmt: skip


def by_heart(folder: Path, **more: object) -> None:
    """The log of a run that learns its pairs by heart: training loss to 0, held-out loss from its best at 0.2 upwards."""
    log(
        folder, lambda t: 0.69 * np.exp(-4 * t), lambda t: 0.69 - 0.3 * min(t, 0.2) + 1.2 * max(t - 0.2, 0.0),
        lambda t: 1 - 0.45 * np.exp(-6 * t), lambda t: 0.56, **more,
    )  # type: ignore[arg-type]  # fmt: skip


def of_noise(folder: Path, **more: object) -> None:
    """The log of a run whose labels say nothing: it moves, and gets nowhere."""
    log(
        folder, lambda t: 0.695 - 0.005 * t, lambda t: 0.694 + 0.006 * t + 0.002 * np.sin(40 * t),
        lambda t: 0.505 + 0.02 * t, lambda t: 0.5, **more,
    )  # type: ignore[arg-type]  # fmt: skip


def diagnosed(folder: Path, name: str = "rm", *, loss: str | None = None) -> Diagnosis:
    """What `rewardboard diagnose` says of the run."""
    with Board.open() as board:
        board.ingest(folder, loss=loss)
        return board.diagnose(name)


def serious(found: Diagnosis) -> list[tuple[str, str]]:
    """(cause, severity) of each finding that is more than a note."""
    return [(f.cause, f.severity) for f in found.findings if f.severity != "info"]


def unchecked(found: Diagnosis) -> dict[str, str]:
    """Check -> why it could not be made."""
    return {n.check: n.because for n in found.not_checked}
