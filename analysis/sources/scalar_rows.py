"""Rows of a log (one row a step, every number a metric) as scalars and histograms; shared by several sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.records import Histograms, Scalars, Skipped
from analysis.sources.tabular import Part, is_number, number

STEPS = (
    "train/global_step",
    "global_step",
    "step",
    "Step",
    "trainer/global_step",
    "training_step",
    "train_step",
    "current_steps",
    "global_step/max_steps",
    "iteration",
    "iter",
    "update",
    "episode",
    "episodes",
    "day",
    "epoch",
    "_step",
)
"""Names of the x axis, the surest first: W&B's own `_step` counts log calls, so it comes last."""

TIMES = ("_timestamp", "wall_time", "Wall time", "timestamp", "time")
RUNS = ("run", "run_id", "run_name", "experiment", "exp_name")
MODELS = ("model_name", "model", "rm", "reward_model", "scorer", "judge")

_STAY = {"episode", "episodes", "epoch"}
"""Step axes that are of interest as metrics too: one may want to plot against them."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Which columns are the step, the time and the run of a row; `step` None: the row number."""

    step: str | None
    time: str | None
    run: str | None


def choose_axes(part: Part) -> Axes:
    """Find step, time and run columns by name and content."""
    step = next((c for c in STEPS if c in part.columns and _step_like(part, c)), None)
    time = next((c for c in TIMES if c in part.columns), None)
    texts = [c for c in (*RUNS, *MODELS) if c in part.columns and not part.is_numeric(c)]
    return Axes(step, time, texts[0] if texts else None)


def _step_like(part: Part, name: str) -> bool:
    if name == "global_step/max_steps":
        return True
    return part.is_numeric(name)


def steps_of(part: Part, axes: Axes, last: float | None) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float | None]:
    """Step of every row. A row without one has the last known step, as W&B does with a synced step metric
    (`step_sync` of `define_metric`), rows before the first one step 0; without any step column the row number.
    """
    if axes.step is None:
        return np.arange(part.first_row, part.first_row + part.num_rows, dtype=float), None
    if axes.step == "global_step/max_steps":
        cells = [str(v).partition("/")[0] if v is not None else None for v in part.values(axes.step)]
        steps = np.array([np.nan if (n := number(c)) is None else n for c in cells])
    else:
        steps = part.numbers(axes.step).to_numpy(zero_copy_only=False)
    known = np.isfinite(steps)
    if not known.all():
        place = np.maximum.accumulate(np.where(known, np.arange(len(steps)), -1))
        before = 0.0 if last is None else last
        steps = np.where(place < 0, before, steps[np.maximum(place, 0)])
    return steps, float(steps[-1]) if len(steps) else last


def times_of(part: Part, axes: Axes) -> pa.Array:
    """Wall time of every row in unix seconds, null where none is told."""
    if axes.time is None:
        return pa.nulls(part.num_rows, pa.float64())
    return unix_seconds(part, axes.time)


def unix_seconds(part: Part, name: str) -> pa.Array:
    """A column of times (numbers in s, ms, us or ns; ISO texts; timestamps) as unix seconds, UTC if no zone is told."""
    cells = part.column(name)
    if isinstance(cells, pa.Array) and pa.types.is_timestamp(cells.type):
        return pc.divide(cells.cast(pa.timestamp("us", cells.type.tz)).cast(pa.int64()).cast(pa.float64()), 1e6)
    if isinstance(cells, pa.Array) and pa.types.is_date(cells.type):
        return pc.divide(cells.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64()), 1e6)
    if part.is_numeric(name):
        return pc.divide(part.numbers(name), _unit_of_time(part.numbers(name)))
    texts = part.strings(name)
    try:
        clean = pc.replace_substring_regex(texts, r"(Z|[+-]00:?00)$", "")
        return pc.divide(clean.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64()), 1e6)
    except pa.ArrowInvalid:
        return pa.array([_parse_time(t) for t in texts.to_pylist()], pa.float64())


def _unit_of_time(values: pa.Array) -> float:
    """Seconds, ms, us or ns, by size: 1e11 s is the year 5138, 1e11 ms is 1973."""
    top = pc.max(values).as_py() or 0.0
    return next((unit for unit, limit in ((1e9, 1e17), (1e6, 1e14), (1e3, 1e11)) if top >= limit), 1.0)


def _parse_time(text: str | None) -> float | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def scalars(
    part: Part,
    columns: Sequence[str],
    steps: np.ndarray[Any, np.dtype[np.float64]],
    times: pa.Array,
    runs: pa.Array | None,
) -> Scalars | None:
    """Wide columns as long rows; missing cells give no row."""
    tags: list[np.ndarray[Any, np.dtype[np.int32]]] = []
    arrays: list[tuple[str, pa.Array]] = []
    where: list[np.ndarray[Any, Any]] = []
    for name in columns:
        values = part.numbers(name)
        whole = not values.null_count
        present = np.arange(len(values)) if whole else np.flatnonzero(np.asarray(values.is_valid()))
        if len(present):
            tags.append(np.full(len(present), len(arrays), np.int32))
            arrays.append((name, values if whole else values.take(pa.array(present))))
            where.append(present)
    if not arrays:
        return None
    rows = np.concatenate(where)
    names = [name for name, _ in arrays]
    run = "" if runs is None else runs.take(pa.array(rows)).fill_null("").dictionary_encode()
    return Scalars.of(
        run=run,
        tag=pa.DictionaryArray.from_arrays(pa.array(np.concatenate(tags)), names),
        step=pa.array(steps[rows]),
        wall_time=None if times.null_count == len(times) else times.take(pa.array(rows)),
        value=pa.concat_arrays([values for _, values in arrays]),
    )


def flat(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers of a JSON row under flat names, and what else is there (texts, lists, histograms).

    `data` and `metrics` objects are the row itself (verl's file logger); others are joined with a slash.
    """
    numbers: dict[str, Any] = {}
    others: dict[str, Any] = {}

    def visit(values: Mapping[str, Any], prefix: str) -> None:
        for key, value in values.items():
            name = f"{prefix}{key}"
            if value is None:
                continue
            if is_number(value) or (key == "global_step/max_steps"):
                numbers[name] = value
            elif isinstance(value, dict) and value.get("_type") is None and "bins" not in value:
                visit(value, prefix if key in ("data", "metrics") and not prefix else f"{name}/")
            else:
                others[name] = value

    visit(row, "")
    return numbers, others


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a log that is no number, and where it stands; `time` in unix s, None if none is told."""

    step: float
    name: str
    value: Any
    run: str = ""
    time: float | None = None


def histograms(cells: Iterable[Cell]) -> tuple[Histograms | None, Counter[str]]:
    """W&B histogram objects as records, and the names of everything else that is no number."""
    found, ignored = [], Counter[str]()
    for cell in cells:
        edges, counts = _bins(cell.value)
        if edges is None or counts is None:
            ignored[cell.name] += 1
        else:
            found.append((cell.run, cell.name, cell.step, cell.time, edges, counts))
    if not found:
        return None, ignored
    runs, names, steps, times, edges_, counts_ = (list(c) for c in zip(*found, strict=True))
    return Histograms.of(run=runs, tag=names, step=steps, wall_time=times, edges=edges_, counts=counts_), ignored


def _bins(value: Any) -> tuple[list[float] | None, list[float] | None]:
    if not isinstance(value, dict):
        return None, None
    counts = value.get("values") or value.get("counts")
    edges = value.get("bins") or value.get("edges")
    packed = value.get("packedBins")
    if isinstance(packed, dict) and isinstance(counts, list):
        low, size = packed.get("min", 0.0), packed.get("size", 1.0)
        edges = [low + size * i for i in range(len(counts) + 1)]
    if not isinstance(counts, list) or not isinstance(edges, list) or len(edges) != len(counts) + 1:
        return None, None
    if not all(isinstance(v, int | float) for v in (*edges, *counts)):
        return None, None
    return [float(e) for e in edges], [float(c) for c in counts]


def said_of(ignored: Counter[str]) -> list[Skipped]:
    """One entry for each key whose values are no numbers."""
    return [Skipped(f"key {name}", "no number", count) for name, count in sorted(ignored.items())]
