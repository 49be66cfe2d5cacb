"""Result files of RewardMATH (Kim et al. 2024, arXiv 2410.01729): problem, names of solutions, scores.

The solution derived from the human one (`human_to_GPT-4`) stands first and is the only correct one; files with
two solutions are RewardBench's pairs of the same problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, PairScores, RankedScores, Record
from analysis.sources import score_columns as names
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.ranked_scores import PRODUCT, score_of, unique

COLUMNS = {"problem", "solution_reference", "score"}


@registry.source("rewardmath", rank=50, appends=False)
class RewardMath:
    """One row a problem; two solutions make a pair, more a list."""

    def sniff(self, head: Head) -> Sniff | None:
        found = names.sample(head)
        if found is None or not found.columns or not set(found.columns) >= COLUMNS:
            return None
        return Sniff("scores", 0.95) if any(_scores(c) for c in found.cells("score")) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in names.parts(job):
            cells = zip(part.values("problem"), part.values("solution_reference"), part.values("score"), strict=True)
            pairs: list[dict[str, Any]] = []
            candidates: list[dict[str, Any]] = []
            lost: list[int] = []
            nested = False
            for row, (problem, told, scores) in enumerate(cells, part.first_row):
                values = _scores(scores)
                if values is None or problem is None:
                    lost.append(row)
                    continue
                nested = nested or any(isinstance(v, list) for v in scores)
                prompt = names.hashed(str(problem))
                if len(values) == 2:
                    pairs.append(
                        {"prompt_id": prompt, "chosen_score": values[0], "rejected_score": values[1], "row": row}
                    )
                else:
                    candidates += _list(prompt, told, values, row)
            notes = [PRODUCT] if nested else []
            if pairs:
                notes.append("pairs are known by the hash of their problem: files of other scorers have another order")
            records = [*_pair_records(pairs), *_list_records(candidates)]
            skipped = [*part.skipped, *names.skipped_rows(lost, "no problem, or no list of two or more scores")]
            yield Chunk(records, names.covered(part), part.position, skipped, notes)


def _scores(cell: Any) -> list[float] | None:
    """Scores of all solutions of a problem, None if one is none."""
    values = [score_of(v) for v in cell] if isinstance(cell, list) else []
    told = [v for v in values if v is not None]
    return told if len(told) == len(values) >= 2 else None


def _list(prompt: str, told: Any, values: list[float], row: int) -> list[dict[str, Any]]:
    named = [names.clean(str(n)) for n in told] if isinstance(told, list) and len(told) == len(values) else []
    ids = unique(named) if named else [str(k) for k in range(len(values))]
    return [
        {"prompt_id": prompt, "candidate_id": ids[k], "score": value, "label": float(k == 0), "row": row}
        for k, value in enumerate(values)
    ]


def _pair_records(pairs: list[dict[str, Any]]) -> list[Record]:
    if not pairs:
        return []
    columns = _columns(pairs)
    return [PairScores.of(dataset="RewardBench math-prm", pair_id=columns["prompt_id"], **columns)]


def _list_records(candidates: list[dict[str, Any]]) -> list[Record]:
    return [RankedScores.of(dataset="RewardMATH", **_columns(candidates))] if candidates else []


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    numeric = ("chosen_score", "rejected_score", "score", "label")
    return {k: pa.array([r[k] for r in rows], pa.float64() if k in numeric else None) for k in rows[0]}
