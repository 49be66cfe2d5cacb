"""RewardBench 1 and 2 score files: one JSON object of equally long lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, InputError, PairScores, RankedScores, Record, RunInfo, Skipped
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.tabular import number


@registry.source("rewardbench", rank=50, appends=False)
class RewardBench:
    """Version 1: `scores_chosen` and `scores_rejected`. Version 2: `scores`, whose first `num_correct` are right."""

    def sniff(self, head: Head) -> Sniff | None:
        text = head.text or ""
        if not text.lstrip().startswith("{") or ('"results"' not in text and head.size <= len(head.data)):
            return None
        document = head.document
        if not isinstance(document, dict) or not isinstance(document.get("results"), list):
            return None
        lists = {k for k, v in document.items() if isinstance(v, list)}
        ones = {"scores_chosen", "scores_rejected"} <= lists
        return Sniff("scores", 0.95) if ones or "scores" in lists else None

    def read(self, job: Job) -> Iterator[Chunk]:
        document = Head(job.path).document
        if not isinstance(document, dict):
            raise InputError("the JSON is not complete", where=str(job.path), mend="it is read when it is whole")
        n = len(document["results"])
        columns = {k: v for k, v in document.items() if isinstance(v, list) and len(v) == n}
        uneven = [k for k, v in document.items() if isinstance(v, list) and len(v) != n]
        skipped = [Skipped(f"key {k}", f"{len(document[k])} values instead of {n}") for k in uneven]
        rest = {k: v for k, v in document.items() if not isinstance(v, list)}
        records: list[Record] = [RunInfo(config=rest)]
        one = _pairs(columns, n, skipped) if "scores_chosen" in columns else _lists(columns, n, skipped)
        if one is not None:
            records.append(one)
        yield Chunk(records, n, {"rows": n}, skipped)


def _ids(columns: dict[str, list[Any]], n: int) -> list[str]:
    return [str(v) for v in columns.get("id", range(n))]


def _pairs(columns: dict[str, list[Any]], n: int, skipped: list[Skipped]) -> Record | None:
    chosen = pa.array([number(v) for v in columns["scores_chosen"]], pa.float64())
    rejected = pa.array([number(v) for v in columns["scores_rejected"]], pa.float64())
    if chosen.null_count == n:
        skipped.append(Skipped("scores_chosen", "null: a pairwise or generative judge gives no scores", n))
        return None
    sizes = {side: pa.array([_size(v) for v in columns.get(f"text_{side}", [None] * n)], pa.float64())
             for side in ("chosen", "rejected")}  # fmt: skip
    return PairScores.of(
        dataset="RewardBench",
        pair_id=_ids(columns, n),
        category=[str(v) for v in columns.get("subset", [""] * n)],
        chosen_score=chosen,
        rejected_score=rejected,
        chosen_length=sizes["chosen"],
        rejected_length=sizes["rejected"],
        length_unit="characters",
        row=list(range(n)),
    )


def _size(value: Any) -> float | None:
    if isinstance(value, list):
        value = "".join(str(m.get("content", "")) for m in value if isinstance(m, dict))
    return float(len(value)) if isinstance(value, str) else None


def _lists(columns: dict[str, list[Any]], n: int, skipped: list[Skipped]) -> Record | None:
    ids, subsets = _ids(columns, n), columns.get("subset", [""] * n)
    right = columns.get("num_correct", [1] * n)
    rows: list[tuple[str, str, str, float | None, float, int]] = []
    for i, scores in enumerate(columns.get("scores", [])):
        if not isinstance(scores, list):
            skipped.append(Skipped(f"entry {i}", "scores is no list"))
            continue
        for k, value in enumerate(scores):
            rows.append((ids[i], str(k), str(subsets[i]), number(value), float(k < (number(right[i]) or 0)), i))
    if not rows:
        return None
    prompt, candidate, category, score, label, row = (list(c) for c in zip(*rows, strict=True))
    return RankedScores.of(
        dataset="RewardBench 2",
        prompt_id=prompt,
        candidate_id=candidate,
        category=category,
        score=pa.array(score, pa.float64()),
        label=label,
        row=row,
    )
