"""Runs that are summed up in a panel: in those of losses only runs whose values mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.board import Board

RANKING = ("rm.loss", "loss.total")
"""Curves whose values say nothing across ranking losses."""

_UNSAID = ("", "", "")


def losses(table: pd.DataFrame) -> dict[str, str]:
    """The ranking loss by run, of the board's list; "" where nobody said it."""
    return dict(zip(table["run"].tolist(), _words(table, "loss"), strict=True))


def named(metrics: pd.DataFrame, losses: Mapping[str, str]) -> pd.DataFrame:
    """Name the ranking loss in the unit of loss curves, so that those of different losses get panels of their own.

    `metrics` has columns run, metric and unit; `losses` is the ranking loss by run, "" where nobody said it.
    """
    columns = (metrics[name].tolist() for name in ("run", "metric", "unit"))
    units = [_unit(metric, unit, losses.get(run, "")) for run, metric, unit in zip(*columns, strict=True)]
    return metrics.assign(unit=np.array(units, object))


def behind(
    board: Board,
    table: pd.DataFrame,
    drawn: Sequence[str],
    others: Sequence[str],
    metrics: Sequence[str],
    window: tuple[float, float],
) -> pd.DataFrame:
    """`Board.cohort` of the other runs, in one group; `table` is the board's list of runs.

    A trainer's loss has its own signs, weights and terms: into its band go only the others that were made with the
    trainer and the ranking loss of a run that is drawn.
    """
    alike = _alike(table, drawn, others)
    apart = [metric for metric in metrics if _is_loss(metric)]
    if len(alike) == len(others) and len(set(alike.values())) <= 1:
        apart = list(metrics)  # one recipe: one question for all panels
    rest = [metric for metric in metrics if metric not in apart]
    found = [_in_units(board.cohort(alike, apart, window=window), {loss: loss for loss in alike.values()})]
    found += [board.cohort(dict.fromkeys(others, ""), rest, window=window)] if rest else []
    return pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True).assign(group="")


def mixed(table: pd.DataFrame, drawn: Sequence[str], others: Sequence[str], metrics: Sequence[str]) -> bool:
    """Whether some of the others are left out of the bands of some of these metrics."""
    return any(map(_is_loss, metrics)) and len(_alike(table, drawn, others)) < len(others)


def groups(
    board: Board,
    losses: Mapping[str, str],
    members: Mapping[str, str],
    metrics: Sequence[str],
    window: tuple[float, float],
) -> pd.DataFrame:
    """`Board.cohort` of seeds (run -> group), with the units of `named`; a group has the loss that all its runs share."""
    said: dict[str, set[str]] = {}
    for run, group in members.items():
        said.setdefault(group, set()).add(losses.get(run, ""))
    shared = {group: next(iter(names)) if len(names) == 1 else "" for group, names in said.items()}
    return _in_units(board.cohort(members, metrics, window=window), shared)


def _in_units(found: pd.DataFrame, losses: Mapping[str, str]) -> pd.DataFrame:
    """Rows of `Board.cohort` with the units of `named`; `losses` by group."""
    columns = (found[name].tolist() for name in ("group", "metric", "unit"))
    units = [_unit(metric, unit, losses[group]) for group, metric, unit in zip(*columns, strict=True)]
    return found.assign(unit=np.array(units, object))


def _unit(metric: str, unit: str, loss: str) -> str:
    return f"{unit}, {loss}" if metric in RANKING and loss else unit


def _is_loss(metric: str) -> bool:
    return metric in {*RANKING, "value.loss"} or metric.startswith("loss.")


def recipes(table: pd.DataFrame, runs: Sequence[str]) -> set[tuple[str, str, str]]:
    """The frameworks, trainers and ranking losses of these runs; "" where nobody said it."""
    of = _recipes(table)
    return {of.get(run, _UNSAID) for run in runs}


def _recipes(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    columns = [_words(table, name) for name in ("framework", "trainer", "loss")]
    return dict(zip(table["run"].tolist(), zip(*columns, strict=True), strict=True))


def _alike(table: pd.DataFrame, drawn: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """The others with the framework, trainer and ranking loss of a drawn run, and that loss; "" where nobody said it."""
    of, wanted = _recipes(table), recipes(table, drawn)
    return {run: recipe[-1] for run in others if (recipe := of.get(run, _UNSAID)) in wanted}


def _words(table: pd.DataFrame, name: str) -> list[str]:
    return [value if isinstance(value, str) else "" for value in table[name].tolist()]
