"""Scores of one-to-many sets: one row a candidate, or one row a prompt with a list of scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, RankedScores, Skipped
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import Part, number

LISTS = ("scores", "score", "rewards", "steps")


@registry.source("ranked_scores", rank=50)
class RankedScoreTable:
    """Prompt, candidate, score and (if told) label or rank."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or not found.rows:
            return None
        prompt = names.first(found.columns, (*names.PROMPT_ID, *names.PROMPT))
        listed = next((c for c in LISTS if _lists(found.cells(c))), None) if prompt else None
        score = names.first(found.columns, names.SCORE)
        candidate = names.first(found.columns, names.CANDIDATE)
        if listed or (prompt and candidate and score and found.numeric(score)):
            return Sniff("scores", 0.85)
        return None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            listed = next((c for c in LISTS if _lists([v for v in part.values(c) if v is not None])), None)
            yield _from_lists(part, listed) if listed else _from_candidates(part)


def _lists(cells: list[Any]) -> bool:
    """Every cell is a list of numbers, or of lists of numbers (step scores)."""
    return bool(cells) and all(isinstance(c, list) and c and all(_score(v) is not None for v in c) for c in cells)


def _score(value: Any) -> float | None:
    """A candidate's score. Step scores of a process reward model become their product, as the authors of
    RewardMATH aggregate them (arXiv 2410.01729, section 3.2).
    """
    if isinstance(value, list):
        steps = [number(v) for v in value]
        if not steps or any(v is None for v in steps):
            return None
        return float(np.prod([v for v in steps if v is not None]))
    return number(value)


def _from_candidates(part: Part) -> Chunk:
    columns = part.columns
    prompt = names.first(columns, names.PROMPT_ID)
    score, candidate = names.first(columns, names.SCORE), names.first(columns, names.CANDIDATE)
    label, scorer = names.first(columns, names.CORRECT), names.first(columns, names.SCORER)
    category, rank = names.first(columns, names.CATEGORY), names.first(columns, ("rank",))
    length, step = names.first(columns, names.LENGTH), names.first(columns, names.STEP)
    step = None if step == label else step
    assert score is not None
    row = names.first(columns, ("row",))
    told = part.strings(prompt) if prompt else names.prompt_ids(part)
    fallback = part.strings(row) if row else part.rows().cast(pa.string())
    missing = told is None or told.null_count > 0
    prompts = fallback if told is None else pc.coalesce(told, pc.binary_join_element_wise("row", fallback, "-"))
    used = [prompt, score, candidate, label, scorer, category, rank, length, step, *names.PROMPT, row]
    record = RankedScores.of(
        scorer=names.coded(part, scorer),
        step=names.steps(part, step),
        dataset=names.coded(part, names.first(columns, names.DATASET)),
        prompt_id=prompts,
        candidate_id=names.ids(part, candidate),
        category=names.coded(part, category),
        score=part.numbers(score),
        rank=names.numbers(part, rank),
        label=names.numbers(part, label) if label and part.is_numeric(label) else None,
        length=names.numbers(part, length),
        features=names.features(part, used),
        row=part.rows(),
    )
    notes = ["rows without a prompt id are grouped by their row number"] if missing else []
    return Chunk([record], part.num_rows, part.position, (*part.skipped, *part.bad_numbers(score)), notes)


def _from_lists(part: Part, column: str) -> Chunk:
    lists = part.values(column)
    columns = part.columns
    told = names.prompt_ids(part)
    prompts = names.ids(part, None).to_pylist() if told is None else told.to_pylist()
    scorer = names.first(columns, names.SCORER)
    scorers = part.strings(scorer).to_pylist() if scorer else [""] * part.num_rows
    category = names.first(columns, names.CATEGORY)
    categories = part.strings(category).to_pylist() if category else [""] * part.num_rows
    candidates = names.first(columns, ("generators", "candidates", "candidate_ids", "solution_reference"))
    labels = [_labels(part, i, len(v or [])) for i, v in enumerate(lists)]
    out: dict[str, list[Any]] = {
        k: [] for k in ("scorer", "category", "prompt_id", "candidate_id", "score", "label", "row")
    }
    skipped: list[Skipped] = [*part.skipped]
    named: list[Any] = part.values(candidates) if candidates else [None] * part.num_rows
    for i, scores in enumerate(lists):
        if not isinstance(scores, list):
            skipped.append(Skipped(f"row {part.first_row + i}", f"{column} is no list"))
            continue
        mine, known = named[i], labels[i]
        for k, value in enumerate(scores):
            out["scorer"].append(scorers[i] or "")
            out["category"].append(categories[i] or "")
            out["prompt_id"].append(prompts[i])
            name = mine[k] if isinstance(mine, list) and k < len(mine) else k
            out["candidate_id"].append(str(name))
            out["score"].append(_score(value))
            out["label"].append(known[k] if known else None)
            out["row"].append(part.first_row + i)
    arrays = {k: pa.array(v, pa.float64()) if k in ("score", "label") else v for k, v in out.items()}
    steps = any(isinstance(v, list) for scores in lists if isinstance(scores, list) for v in scores)
    notes = ["step scores of a process reward model are reduced to their product"] if steps else []
    record = [RankedScores.of(**arrays)] if out["row"] else []
    return Chunk(record, part.num_rows, part.position, skipped, notes)


def _labels(part: Part, i: int, size: int) -> list[float] | None:
    """1 for correct candidates, 0 for the others, from an index, a count or a list; None if nothing is told."""
    if "correct_index" in part.columns and (place := number(part.values("correct_index")[i])) is not None:
        return [float(k == place) for k in range(size)]
    if "num_correct" in part.columns and (count := number(part.values("num_correct")[i])) is not None:
        return [float(k < count) for k in range(size)]
    for column in ("labels", "is_correct", "correct"):
        if column in part.columns:
            cell = part.values(column)[i]
            if isinstance(cell, list) and len(cell) == size:
                return [float(number(v) or 0.0) for v in cell]
    return None
