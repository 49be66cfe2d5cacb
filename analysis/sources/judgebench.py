"""JudgeBench outputs of reward models (Tan et al. 2024, arXiv 2410.12784): every pair judged in both orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, PairScores, Record, Skipped
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff


@registry.source("judgebench", rank=50)
class JudgeBench:
    """`judgments` holds [first, second] scores for the given and the swapped order; each pair counts once."""

    def sniff(self, head: Head) -> Sniff | None:
        found = head.sample
        if found is None or not found.has("pair_id", "label", "judgments"):
            return None
        return Sniff("scores", 0.95) if any(_scores(row) for row in found.rows) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in tabular.parts(job):
            columns = ("pair_id", "label", "judgments", "source", "len_A", "len_B", "judge_name")
            cells = {name: part.values(name) for name in columns}
            rows = [{name: cells[name][i] for name in columns} for i in range(part.num_rows)]
            out = [_pair(row, part.first_row + i) for i, row in enumerate(rows)]
            kept = [pair for pair in out if pair is not None]
            skipped = [*part.skipped]
            if len(kept) < len(out):
                skipped.append(Skipped("rows", "no scores or no label", len(out) - len(kept)))
            other = sum(not pair["agrees"] for pair in kept)
            notes = ["each pair was scored in two orders; the first is used"]
            if other:
                notes.append(f"in {other} pairs the second order gave other scores")
            yield Chunk([_record(kept)] if kept else [], part.num_rows, part.position, skipped, notes)


def _scores(row: Any) -> list[list[float]]:
    judged = row.get("judgments")
    found = (
        [j.get("judgment", {}).get("scores") for j in judged if isinstance(j, dict)] if isinstance(judged, list) else []
    )
    return [s for s in found if isinstance(s, list) and len(s) == 2 and all(isinstance(v, int | float) for v in s)]


def _pair(row: dict[str, Any], number: int) -> dict[str, Any] | None:
    scores = _scores(row)
    if not scores or row["label"] not in ("A>B", "B>A"):
        return None
    chosen = 0 if row["label"] == "A>B" else 1
    sizes = [row["len_A"], row["len_B"]]
    first = row["judgments"][0]
    name = first.get("judgment", {}).get("judge_model") or row["judge_name"] or ""
    source = str(row["source"] or "")
    return {
        "scorer": str(name),
        "pair_id": str(row["pair_id"]),
        "category": "mmlu-pro" if source.startswith("mmlu-pro") else source,
        "chosen_score": float(scores[0][chosen]),
        "rejected_score": float(scores[0][1 - chosen]),
        "chosen_length": sizes[chosen],
        "rejected_length": sizes[1 - chosen],
        "features": json.dumps({"source": source}),
        "row": number,
        "agrees": len(scores) < 2 or scores[1] == scores[0][::-1],
    }


def _record(pairs: list[dict[str, Any]]) -> Record:
    columns = {key: [pair[key] for pair in pairs] for key in pairs[0] if key != "agrees"}
    for key in ("chosen_length", "rejected_length"):
        columns[key] = pa.array(columns[key], pa.float64())
    return PairScores.of(dataset="JudgeBench", length_unit="characters", label_source="objective", **columns)
