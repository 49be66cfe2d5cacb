"""The numbers behind charts that stand still, by name: the browser asks for them again as a file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.board import Board
from analysis.distribution import QUANTILES
from analysis.records import InputError
from analysis.spread import Spread
from dashboard import contest_tables, look, lossviews, travelled, trust_tables
from dashboard.lossviews import Pair
from dashboard.tables import View, ask_of


def asked(name: str, **arguments: Any) -> dict[str, Any]:
    """What the browser sends for the numbers of a chart; `name` is one of `TABLES`."""
    return {"kind": "table", "name": name, "arguments": arguments}


def table(board: Board, said: Mapping[str, Any]) -> pd.DataFrame:
    """The numbers that were asked for. Raises InputError if it is none of our requests."""
    try:
        make = TABLES[str(said["name"])]
        call = inspect.signature(make).bind(board, **said["arguments"])
    except (KeyError, TypeError) as error:
        raise InputError("no numbers of a chart", mend="reload the page") from error
    return make(*call.args, **call.kwargs)


def checkpoints(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """Ranking accuracy by checkpoint."""
    return _first(board.checkpoints(run, dataset=dataset).assign(run=run), "run")


def scores(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """Counts of scores and margins in each bin."""
    return _first(board.score_histogram(run, dataset=dataset).assign(run=run), "run")


def stream(
    board: Board, run: str, field: str, by: str | None, baseline: Sequence[float] | None, axis: str
) -> pd.DataFrame:
    """Quantiles of a score by day (UTC) or step, with those of the baseline."""
    window = None if baseline is None else (float(baseline[0]), float(baseline[1]))
    found = board.score_quantiles(run, field=field, by=by, baseline=window)
    if axis == "day":
        found = found.assign(x=[look.day(x) for x in found["x"]])
    if by is None:
        found = found.drop(columns="category")
    return found.rename(columns={"x": "day_utc" if axis == "day" else "step"})


def distribution(board: Board, run: str, tag: str, source: Any, dataset: str | None) -> pd.DataFrame:
    """Share of each step's values in each bin, a bin a row, beside the step's quantiles."""
    found = board.distribution(run, tag, source=source, dataset=dataset)
    steps, bins = found.shares.shape
    columns = {
        "first_step": np.repeat(found.first, bins),
        "last_step": np.repeat(found.last, bins),
        "n": np.repeat(found.n, bins),
        "bin_low": np.tile(found.edges[:-1], steps),
        "bin_high": np.tile(found.edges[1:], steps),
        "share": found.shares.ravel(),
    }
    quantiles = {f"q{100 * q:02.0f}": np.repeat(found.quantiles[:, i], bins) for i, q in enumerate(QUANTILES)}
    return pd.DataFrame({**columns, **quantiles})


def spread(
    board: Board, runs: Sequence[str], ask: Sequence[str], along: Sequence[str], y: str, most: int
) -> pd.DataFrame:
    """What a picture of rollouts draws: rows or, beyond `most`, counts of cells, and the quartiles of its columns."""
    parts = []
    for run in runs:
        for x in along:
            found = View("rollouts", (run,)).table(board).spread(ask_of(ask), x, y, most=most)
            parts += [part.assign(run=run, along=x) for part in _spread(found) if len(part)]
    if not parts:
        return pd.DataFrame(columns=["run", "along", "kind"])
    return _first(_first(pd.concat(parts, ignore_index=True), "along"), "run")


def _spread(found: Spread) -> list[pd.DataFrame]:
    q25, q50, q75 = found.quartiles.T
    parts = [
        pd.DataFrame({"kind": "row", "x": found.x, "y": found.y}),
        pd.DataFrame({"kind": "quartiles", "x": found.at, "q25": q25, "q50": q50, "q75": q75}),
    ]
    if found.grid is not None:
        columns, bins = found.grid.counts.shape
        cells = {
            "kind": "cell",
            "x": np.repeat(found.grid.left, bins),
            "x_end": np.repeat(found.grid.right, bins),
            "y": np.tile(found.grid.edges[:-1], columns),
            "y_end": np.tile(found.grid.edges[1:], columns),
            "n": found.grid.counts.ravel(),
        }
        parts.append(pd.DataFrame(cells))
    return parts


def losses(
    board: Board,
    drawn: Sequence[Sequence[Any]],
    pairs: Sequence[Sequence[Any]],
    shift: float,
    scale: float,
    reach: float,
) -> pd.DataFrame:
    """Penalty and push of losses over margins; `model` is empty where one curve holds for all.

    drawn : (name, settings) of each loss
    pairs : (model, chosen, rejected), as entered
    """
    asked_of = [Pair(str(model), float(chosen), float(rejected)) for model, chosen, rejected in pairs]
    parts = []
    for name, settings in drawn:
        found = lossviews.reading(name, tuple((key, value) for key, value in settings), asked_of, shift, scale)
        curves = lossviews.curves(found, reach)
        models = [""] if len(curves) == 1 else [pair.model for pair in asked_of]
        for model, curve in zip(models, curves, strict=True):
            columns = {
                "loss": found.label,
                "model": model,
                "margin": curve.margin,
                "penalty": curve.value,
                "push": -curve.gradient_margin,
                "in_penalty_region": curve.in_penalty_region,
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


TABLES: dict[str, Callable[..., pd.DataFrame]] = {
    function.__name__: function
    for function in (
        checkpoints,
        scores,
        stream,
        distribution,
        spread,
        losses,
        travelled.reward_over_kl,
        contest_tables.contest_models,
        contest_tables.contest_differences,
        contest_tables.contest_categories,
        contest_tables.contest_swap,
        trust_tables.rm_categories,
        trust_tables.rm_reliability,
        trust_tables.rm_length,
        trust_tables.rm_effects,
        trust_tables.rm_rules,
        trust_tables.rm_best_of,
    )
}


def _first(found: pd.DataFrame, column: str) -> pd.DataFrame:
    return found[[column, *(name for name in found.columns if name != column)]]
