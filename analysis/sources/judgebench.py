"""JudgeBench outputs of reward models (Tan et al. 2024, arXiv 2410.12784): every pair judged in both orders."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, PairScores, Record
from analysis.sources import score_columns as names
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import number

COLUMNS = ("pair_id", "label", "judgments", "source", "original_id", "question", "response_A", "response_B",
           "len_A", "len_B", "judge_name")  # fmt: skip


@registry.source("judgebench", rank=50)
class JudgeBench:
    """`judgments` holds [first, second] scores for the given and the swapped order; each pair counts once."""

    def sniff(self, head: Head) -> Sniff | None:
        found = names.sample(head)
        if found is None or not found.has("pair_id", "label", "judgments"):
            return None
        return Sniff("scores", 0.95) if any(_scores(row.get("judgments")) for row in found.rows) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        for part in names.parts(job):
            cells = {name: part.values(name) for name in COLUMNS}
            out = [_pair({name: cells[name][i] for name in COLUMNS}) for i in range(part.num_rows)]
            kept = [pair | {"row": part.first_row + i} for i, pair in enumerate(out) if pair is not None]
            lost = [part.first_row + i for i, pair in enumerate(out) if pair is None]
            skipped = [*part.skipped, *names.skipped_rows(lost, "no two scores, or a label that is not A>B or B>A")]
            notes = ["each pair was scored in two orders; the first is used"]
            other = sum(not pair["agrees"] for pair in kept)
            if other:
                notes.append(f"in {other} pairs the second order gave other scores")
            records: list[Record] = [_record(kept)] if kept else []
            yield Chunk(records, names.covered(part), part.position, skipped, notes)


def _scores(judgments: Any) -> dict[int, list[float]]:
    """Scores of responses A and B by the order in which they were judged (0 as given, 1 swapped)."""
    found: dict[int, list[float]] = {}
    for order, entry in enumerate(judgments[:2] if isinstance(judgments, list) else []):
        judgment = entry.get("judgment") if isinstance(entry, dict) else None
        scores = judgment.get("scores") if isinstance(judgment, dict) else None
        values = [number(v) for v in scores] if isinstance(scores, list) else []
        if len(values) == 2 and None not in values:
            told = [v for v in values if v is not None]
            found[order] = told[::-1] if order else told
    return found


def _pair(row: dict[str, Any]) -> dict[str, Any] | None:
    scores = _scores(row["judgments"])
    if not scores or row["label"] not in ("A>B", "B>A") or row["pair_id"] is None:
        return None
    ab = scores[min(scores)]
    chosen = 0 if row["label"] == "A>B" else 1
    sizes = [_size(row[f"len_{side}"], row[f"response_{side}"]) for side in ("A", "B")]
    source = "" if row["source"] is None else names.clean(str(row["source"]))
    return {
        "scorer": names.clean(_judge(row)),
        "pair_id": names.clean(str(row["pair_id"])),
        "prompt_id": _prompt(row, source),
        "category": "mmlu-pro" if source.startswith("mmlu-pro") else source,
        "chosen_score": ab[chosen],
        "rejected_score": ab[1 - chosen],
        "chosen_length": sizes[chosen],
        "rejected_length": sizes[1 - chosen],
        "features": json.dumps({"source": source}),
        "agrees": len(scores) < 2 or all(map(_same, scores[0], scores[1])),
    }


def _judge(row: dict[str, Any]) -> str:
    """Name of the reward model: `judge_name` only says that it is one."""
    judgments = [e.get("judgment") for e in row["judgments"] if isinstance(e, dict)]
    told = [j.get("judge_model") for j in judgments if isinstance(j, dict)]
    return str(next((name for name in told if name), row["judge_name"] or ""))


def _size(told: Any, response: Any) -> float | None:
    return float(len(response)) if isinstance(response, str) else number(told)


def _prompt(row: dict[str, Any], source: str) -> str | None:
    if isinstance(row["question"], str):
        return names.hashed(row["question"])
    # ids of different sources collide, and some sources have none
    return None if row["original_id"] is None else names.clean(f"{source}/{row['original_id']}")


def _same(one: float, two: float) -> bool:
    return one == two or (math.isnan(one) and math.isnan(two))


def _record(pairs: list[dict[str, Any]]) -> PairScores:
    columns = {key: [pair[key] for pair in pairs] for key in pairs[0] if key != "agrees"}
    for key in ("chosen_score", "rejected_score", "chosen_length", "rejected_length"):
        columns[key] = pa.array(columns[key], pa.float64())
    columns["prompt_id"] = pa.array(columns["prompt_id"], pa.string())
    return PairScores.of(dataset="JudgeBench", length_unit="characters", label_source="objective", **columns)
