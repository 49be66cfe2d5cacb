"""Result files of RewardMATH (Kim et al. 2024, arXiv 2410.01729): problem, names of solutions, scores.

The solution derived from the human one stands first and is the only correct one (section 3.1); files with two
solutions are its RewardBench pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, PairScores, RankedScores, Record
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.ranked_scores import _score
from analysis.sources.score_columns import hashed


@registry.source("rewardmath", rank=50, appends=False)
class RewardMath:
    """One row a problem; two solutions make a pair, more a list."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        columns = {"problem", "solution_reference", "score"}
        return Sniff("scores", 0.95) if found is not None and columns <= set(found.columns) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            problems, named = part.values("problem"), part.values("solution_reference")
            scores = [[_score(v) for v in row] for row in part.values("score")]
            nested = any(isinstance(v, list) for row in part.values("score") for v in row)
            notes = ["step scores of a process reward model are reduced to their product"] if nested else []
            prompts = [hashed(str(p)) for p in problems]
            rows = part.rows()
            record: Record
            if all(len(row) == 2 for row in scores):
                record = PairScores.of(
                    dataset="RewardBench math-prm",
                    pair_id=rows.cast(pa.string()),
                    prompt_id=prompts,
                    chosen_score=pa.array([row[0] for row in scores], pa.float64()),
                    rejected_score=pa.array([row[1] for row in scores], pa.float64()),
                    row=rows,
                )
            else:
                flat = [(i, k) for i, row in enumerate(scores) for k in range(len(row))]
                record = RankedScores.of(
                    dataset="RewardMATH",
                    prompt_id=[prompts[i] for i, _ in flat],
                    candidate_id=[str(named[i][k]) for i, k in flat],
                    score=pa.array([scores[i][k] for i, k in flat], pa.float64()),
                    label=[float(k == 0) for _, k in flat],
                    row=[part.first_row + i for i, _ in flat],
                )
            yield Chunk([record], part.num_rows, part.position, part.skipped, notes)
