"""Boards with small logs that were written here, and pages drawn on them without a browser."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analysis import host
from analysis.board import Board


def policy_log(folder: Path, *, steps: int = 120, nan_at: int | None = 60, kl: str = "kl") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(1, steps + 1):
        reward = math.nan if i == nan_at else 1 - 1 / i
        rows.append({"step": i, "reward": reward, kl: 0.05 * i, "entropy": 3 - 0.01 * i, "lr": 1e-5})
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def scored_pairs(folder: Path, *, n: int = 400, seed: int = 0, right: float = 0.7) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    margin = np.where(rng.random(n) < right, 1, -1) * rng.gamma(2, 0.5, n)
    rejected = rng.normal(0, 1, n)
    pd.DataFrame(
        {
            "pair_id": [f"p{i}" for i in range(n)],
            "category": rng.choice(["chat", "safety", "code"], n),
            "chosen_score": rejected + margin,
            "rejected_score": rejected,
            "chosen_length": rng.integers(5, 90, n),
            "rejected_length": rng.integers(5, 90, n),
        }
    ).to_csv(folder / "pairs.csv", index=False)


def rollouts(folder: Path, *, n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Scored responses with their texts beside a log of the run; `row 0` is the only one with a NaN score."""
    policy_log(folder, steps=60)
    rng = np.random.default_rng(seed)
    length = rng.integers(5, 90, n)
    table = pd.DataFrame(
        {
            "step": np.arange(n) // (n // 6) * 10,
            "prompt_id": [f"p{i % 50:02d}" for i in range(n)],
            "category": rng.choice(["chat", "safety", "code"], n),
            "completion": [f"Answer number {i} of {k} words." for i, k in enumerate(length)],
            "score": np.r_[np.nan, (rng.normal(size=n) + length / 50)[1:]],
            "length": length,
            "kl_to_ref": rng.gamma(2, 2, n),
            "truncated": length > 80,
            "gold_score": rng.normal(size=n),
        }
    )
    table.assign(score=[repr(float(s)) for s in table["score"]]).to_csv(folder / "rollouts.csv", index=False)
    return table


def stream(folder: Path, *, days: int = 30, rows: int = 60) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    times = pd.date_range("2026-03-01", periods=days * rows, freq=f"{1440 // rows}min", tz="UTC")
    day = np.arange(len(times)) // rows
    pd.DataFrame(
        {
            "timestamp": times,
            "score": rng.normal(1, 0.4, len(times)) - 0.5 * (day > 20),
            "response_length": rng.integers(10, 200, len(times)),
            "category": rng.choice(["qa", "chat"], len(times)),
            "model_version": np.where(day > 15, "rm-2", "rm-1"),
        }
    ).to_parquet(folder / "stream.parquet")


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs")
    policy_log(root / "ppo-a")
    policy_log(root / "ppo-b", nan_at=None)
    scored_pairs(root / "rm-a")
    scored_pairs(root / "rm-b", seed=1, right=0.55)
    stream(root / "deployed")
    (root / "broken.json").write_text('{"log_history": [')
    return root


@pytest.fixture(scope="session")
def board(logs: Path) -> Iterator[Board]:
    with Board.open() as opened:
        opened.ingest(logs)
        yield opened


Draw = Callable[..., AppTest]


def _script(view: str) -> None:
    import importlib

    importlib.import_module(f"dashboard.views.{view}").render()


@pytest.fixture
def draw() -> Iterator[Draw]:
    """Draw one page on a board: `draw("run", board, run=["ppo-a"])`; keywords are the address's parameters."""

    def drawn(view: str, board: Board, **query: str | list[str]) -> AppTest:
        host.use(host.Host(board, [], None))
        page = AppTest.from_function(_script, kwargs={"view": view}, default_timeout=30)
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    yield drawn
    host.use(None)


def words(page: AppTest) -> str:
    """All that a page says."""
    parts = [e.value for kind in ("markdown", "caption", "info", "error", "title", "header") for e in page.get(kind)]
    return "\n".join(str(part) for part in parts)


def stretches(drawn: dict) -> list[tuple[float, float]]:
    """First and last x of each unbroken stretch of a trace."""
    x, y = np.asarray(drawn["x"], float), np.asarray(drawn["y"], float)
    pieces = np.split(np.where(np.isnan(y), np.nan, x), np.flatnonzero(np.isnan(y)))
    return [(float(np.nanmin(piece)), float(np.nanmax(piece))) for piece in pieces if np.isfinite(piece).any()]
