"""Scores of one-to-many sets: one row a candidate, or one row a prompt with a list of scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, InputError, RankedScores, Record, Skipped
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import Part, Sample, number

LISTS = ("scores", "score", "rewards", "steps")
TOLD = ("correct_index", "num_correct", "labels", "is_correct", "correct", "ranks")
NAMES = ("generators", "candidates", "candidate_ids", "solution_reference", "models")

PRODUCT = "step scores of a process reward model are reduced to their product: the more steps, the lower"
"""The probability that every step is right (Lightman et al. 2023, arXiv 2305.20050). RewardMATH accuracies are
published for the product and for the geometric mean; the files give the product's to 0.01 (17.18 % for Math-Shepherd),
and neither the mean, the minimum nor the last step gives either."""


@registry.source("ranked_scores", rank=50)
class RankedScoreTable:
    """Prompt, candidate, score and (if told) label or rank."""

    def sniff(self, head: Head) -> Sniff | None:
        found = names.sample(head)
        if found is None or not found.rows:
            return None
        return Sniff("scores", 0.85) if _listed(found) or _candidates(found) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        found = names.sample(Head(job.path))
        found = tabular.renamed(found, job.columns) if found is not None else None
        listed = _listed(found) if found is not None else None
        score = _candidates(found) if found is not None else None
        if listed is None and score is None:
            raise InputError("no scores of candidates", where=str(job.path), mend="check that the file is whole")
        for part in names.parts(job):
            yield _from_lists(part, listed) if listed else _from_candidates(part, score or "")


def _candidates(found: Sample) -> str | None:
    """The score column of a table with one row a candidate."""
    prompt = names.first(found.columns, (*names.PROMPT_ID, *names.PROMPT))
    score = names.first_numeric(found, names.SCORE)
    if not (prompt and score and names.first(found.columns, names.CANDIDATE)):
        return None
    judged = names.first(found.columns, (*names.CORRECT, "rank"))
    # samples of a policy in training have ids too: without a label or a rank they are rollouts
    return score if judged or not names.first(found.columns, names.REAL_STEP) else None


def _listed(found: Sample) -> str | None:
    """The column with the scores of all candidates of a row."""
    if not names.first(found.columns, (*names.PROMPT_ID, *names.PROMPT, *TOLD)):
        return None
    return next((c for c in LISTS if c in found.columns and _lists(found.cells(c))), None)


def _lists(cells: list[Any]) -> bool:
    """Lists of numbers, or of lists of numbers (step scores); one bad cell in five is an accident."""
    good = sum(isinstance(c, list) and len(c) > 0 and all(score_of(v) is not None for v in c) for c in cells)
    several = any(isinstance(c, list) and len(c) > 1 for c in cells)
    return several and len(cells) - good <= 0.2 * len(cells)


def score_of(value: Any) -> float | None:
    """A candidate's score; the step scores of a process reward model become their product (see `PRODUCT`)."""
    if isinstance(value, list):
        steps = [number(v) for v in value]
        told = [v for v in steps if v is not None]
        if not steps or len(told) < len(steps):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.prod(told))
    return number(value)


def unique(candidates: Sequence[str]) -> list[str]:
    """Ids of the candidates of one prompt; a name that comes again gets a number (a generator may answer twice)."""
    seen: Counter[str] = Counter()
    out = []
    for name in candidates:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return out


def _from_candidates(part: Part, score: str) -> Chunk:
    columns = part.columns
    prompt, candidate = names.first(columns, names.PROMPT_ID), names.first(columns, names.CANDIDATE)
    label = names.first_numeric(part, names.CORRECT)
    scorer, dataset = names.first(columns, names.SCORER), names.first(columns, names.DATASET)
    category, rank = names.first(columns, names.CATEGORY), names.first_numeric(part, ("rank",))
    length, step = names.first_numeric(part, names.LENGTH), names.step_column(part)
    step = None if step == label else step
    row = names.first(columns, ("row",))
    told = names.prompt_ids(part)
    if told is None:
        told = pa.nulls(part.num_rows, pa.string())
    made = names.ids(part, row)
    prompts = pc.coalesce(told, pc.binary_join_element_wise("row", made, "-"))
    contents = [c for n in (*names.PROMPT, *names.RESPONSE) if (c := names.first(columns, (n,)))]
    used = [prompt, score, candidate, label, scorer, dataset, category, rank, length, step, row]
    scores = part.numbers(score)
    records: list[Record] = []
    if scores.null_count < part.num_rows:
        table = RankedScores.of(
            scorer=names.coded(part, scorer),
            step=names.steps(part, step),
            dataset=names.coded(part, dataset),
            prompt_id=prompts,
            candidate_id=names.ids(part, candidate),
            category=names.coded(part, category),
            score=scores,
            rank=names.numbers(part, rank),
            label=names.numbers(part, label),
            length=names.numbers(part, length),
            features=names.features(part, used, contents=contents),
            row=part.rows(),
        ).table
        records.append(RankedScores(table if not scores.null_count else table.filter(pc.is_valid(table["score"]))))
    bad = part.bad_numbers(score)
    empty = scores.null_count - sum(s.count for s in bad)
    skipped = [*part.skipped, *bad]
    if empty > 0:
        lost = [part.first_row + i for i, v in enumerate(part.values(score)) if v in (None, "", [])]
        skipped += names.skipped_rows(lost, f"no {score}")
    notes = ["rows without a prompt id are grouped by their row number"] if told.null_count else []
    return Chunk(records, names.covered(part), part.position, skipped, notes)


def _from_lists(part: Part, column: str) -> Chunk:
    lists = part.values(column)
    told = names.prompt_ids(part)
    if told is None:
        told = pa.nulls(part.num_rows, pa.string())
    prompts = pc.coalesce(told, names.ids(part, None)).to_pylist()
    named = names.first(part.columns, NAMES)
    cells = {name: part.values(name) for name in (*TOLD, named or "") if name in part.columns}
    rows: list[int] = []
    where: list[int] = []
    flat: dict[str, list[Any]] = {k: [] for k in ("prompt_id", "candidate_id", "score", "label", "rank")}
    lost: list[int] = []
    for i, scores in enumerate(lists):
        values = [score_of(v) for v in scores] if isinstance(scores, list) else []
        if not values or None in values:
            lost.append(part.first_row + i)
            continue
        here = {name: column_[i] for name, column_ in cells.items()}
        rows += [part.first_row + i] * len(values)
        where += [i] * len(values)
        flat["prompt_id"] += [prompts[i]] * len(values)
        flat["candidate_id"] += _names_of(here.get(named or ""), len(values))
        flat["score"] += values
        flat["label"] += labels_of(here, len(values))
        flat["rank"] += _numbers_of(here.get("ranks"), len(values)) or [None] * len(values)
    notes = ["rows without a prompt id are grouped by their row number"] if told.null_count else []
    if any(isinstance(v, list) for scores in lists if isinstance(scores, list) for v in scores):
        notes.append(PRODUCT)
    records: list[Record] = [_record(part, flat, rows, where)] if rows else []
    skipped: list[Skipped] = [*part.skipped, *names.skipped_rows(lost, f"{column} is no list of numbers")]
    return Chunk(records, names.covered(part), part.position, skipped, notes)


def _record(part: Part, flat: dict[str, list[Any]], rows: list[int], where: list[int]) -> RankedScores:
    at = pa.array(where, pa.int64())
    columns = part.columns
    steps = names.steps(part, names.step_column(part))

    def coded(group: Sequence[str]) -> Any:
        name = names.first(columns, group)
        return "" if name is None else names.coded(part, name).take(at)

    numeric = {k: pa.array(flat[k], pa.float64()) for k in ("score", "label", "rank")}
    return RankedScores.of(
        scorer=coded(names.SCORER),
        step=None if steps is None else steps.take(at),
        dataset=coded(names.DATASET),
        category=coded(names.CATEGORY),
        prompt_id=pa.array(flat["prompt_id"], pa.string()),
        candidate_id=flat["candidate_id"],
        row=rows,
        **numeric,
    )


def _names_of(told: Any, size: int) -> list[str]:
    """Ids of the candidates of a row: the names it gives, or their places."""
    if isinstance(told, list) and len(told) == size:
        return unique([names.clean(str(v)) for v in told])
    return [str(k) for k in range(size)]


def labels_of(cells: dict[str, Any], size: int) -> list[float | None]:
    """1 for correct candidates, 0 for the others, from an index, a count or a list; None if nothing is told."""
    index, count = number(cells.get("correct_index")), number(cells.get("num_correct"))
    if index is not None:
        return [float(k == index) for k in range(size)]
    if count is not None:
        return [float(k < count) for k in range(size)]
    for column in ("labels", "is_correct", "correct"):
        told = _numbers_of(cells.get(column), size)
        if told is not None:
            return told
    return [None] * size


def _numbers_of(cell: Any, size: int) -> list[float | None] | None:
    return [number(v) for v in cell] if isinstance(cell, list) and len(cell) == size else None
