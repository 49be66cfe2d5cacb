"""RewardBench 1 and 2 results: score files (one JSON object of equally long lists) and their summaries."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from analysis import registry
from analysis.records import Chunk, InputError, PairScores, RankedScores, Record, RunInfo, Skipped
from analysis.sources import score_columns as names
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.score_columns import plain
from analysis.sources.tabular import number, text

# fmt: off
SUBSETS = {
    "alpacaeval-easy", "alpacaeval-length", "alpacaeval-hard", "mt-bench-easy", "mt-bench-med", "mt-bench-hard",
    "llmbar-natural", "llmbar-adver-neighbor", "llmbar-adver-GPTInst", "llmbar-adver-GPTOut", "llmbar-adver-manual",
    "refusals-dangerous", "refusals-offensive", "xstest-should-refuse", "xstest-should-respond", "donotanswer",
    "math-prm", "hep-cpp", "hep-go", "hep-java", "hep-js", "hep-python", "hep-rust",
    "anthropic_harmless", "anthropic_helpful", "anthropic_hhh", "mtbench_gpt4", "mtbench_human", "shp", "summarize",
    "pku_better", "pku_safer",
    "Factuality", "Precise IF", "Math", "Safety", "Focus", "Ties",
}
# fmt: on
"""Subsets of RewardBench 1, of its prior sets, and of RewardBench 2: a summary has one accuracy for each."""


@registry.source("rewardbench", rank=50, appends=False)
class RewardBench:
    """Version 1: `scores_chosen` and `scores_rejected`. Version 2: `scores`, whose first `num_correct` are right."""

    def sniff(self, head: Head) -> Sniff | None:
        if not (head.text or "").lstrip().startswith("{") or _is_lines(head.text or ""):
            return None
        document = _document(head)
        if document is None:
            return None
        lists = {k for k, v in document.items() if isinstance(v, list)}
        if "results" in lists and ({"scores_chosen", "scores_rejected"} <= lists or "scores" in lists):
            return Sniff("scores", 0.95)
        return Sniff("config", 0.9, "RewardBench summary") if _is_summary(document) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        document = _document(Head(job.path))
        if document is None:
            raise InputError("the JSON is not complete", where=str(job.path), mend="it is read when it is whole")
        if not isinstance(document.get("results"), list):
            yield Chunk([RunInfo(config={"RewardBench": document})], 1, {"rows": 1})
            return
        n = len(document["results"])
        columns = {k: v for k, v in document.items() if isinstance(v, list) and len(v) == n}
        uneven = [k for k, v in document.items() if isinstance(v, list) and len(v) != n]
        skipped = [Skipped(f"key {k}", f"{len(document[k])} values instead of {n}") for k in uneven]
        rest = {k: v for k, v in document.items() if not isinstance(v, list)}
        scorer = names.clean(text(rest.get("model")) or "")
        records: list[Record] = [RunInfo(run=scorer, config=rest)]
        notes: list[str] = []
        if {"scores_chosen", "scores_rejected"} <= columns.keys():
            records += _pairs(columns, n, scorer, skipped, notes)
        elif "scores" in columns:
            records += _lists(columns, n, scorer, skipped)
        else:
            raise InputError("the lists differ in length", where=str(job.path), mend="write the file anew")
        yield Chunk(records, n, {"rows": n}, skipped, notes)


def _document(head: Head) -> dict[str, Any] | None:
    try:
        document = head.document
    except (EOFError, zlib.error):  # a gzip stream that is cut off
        return None
    return document if isinstance(document, dict) else None


def _is_lines(beginning: str) -> bool:
    """Whether a file is JSON lines: then it is no document, and need not be read whole to find that out."""
    line, _, rest = beginning.lstrip().partition("\n")
    if not rest.strip():
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_summary(document: dict[str, Any]) -> bool:
    """An object that is little else than accuracies of known subsets, at its top or in `extra_results`."""
    extra = document.get("extra_results")
    known = [v for k, v in document.items() if k in SUBSETS]
    known += [v for k, v in extra.items() if k in SUBSETS] if isinstance(extra, dict) else []
    return len(known) >= 3 and all(isinstance(v, int | float) for v in known) and "model" in document


def _ids(columns: dict[str, list[Any]], n: int) -> list[str]:
    """Ids as told; a row without one is known by its place."""
    told = columns.get("id", [None] * n)
    return [names.clean(text(v) or f"row-{i}") for i, v in enumerate(told)]


def _subsets(columns: dict[str, list[Any]], n: int) -> list[str]:
    return [names.clean(text(v) or "") for v in columns.get("subset", [None] * n)]


def _pairs(
    columns: dict[str, list[Any]], n: int, scorer: str, skipped: list[Skipped], notes: list[str]
) -> list[PairScores]:
    chosen = [number(v) for v in columns["scores_chosen"]]
    rejected = [number(v) for v in columns["scores_rejected"]]
    kept = [i for i in range(n) if chosen[i] is not None and rejected[i] is not None]
    if n and not kept:
        skipped.append(Skipped("scores_chosen", "no scores: a pairwise or generative judge gives results only", n))
        return []
    here = set(kept)
    skipped += names.skipped_rows([i for i in range(n) if i not in here], "a score is missing")
    results = [number(v) for v in columns["results"]]
    other = sum(results[i] in (0.0, 1.0) and results[i] != float(_wins(chosen[i], rejected[i])) for i in kept)
    if other:
        notes.append(f"in {other} rows `results` is not chosen > rejected")
    ids, subsets = _ids(columns, n), _subsets(columns, n)
    texts = {side: columns.get(f"text_{side}", [None] * n) for side in ("chosen", "rejected")}
    sizes = {s: pa.array([_size(v[i]) for i in kept], pa.float64()) for s, v in texts.items()}
    prompts = columns.get("prompt", [None] * n)
    record = PairScores.of(
        scorer=scorer,
        dataset="RewardBench",
        pair_id=[ids[i] for i in kept],
        prompt_id=pa.array(
            [None if prompts[i] is None else names.hashed(plain(prompts[i])) for i in kept], pa.string()
        ),
        category=[subsets[i] for i in kept],
        chosen_score=pa.array([chosen[i] for i in kept], pa.float64()),
        rejected_score=pa.array([rejected[i] for i in kept], pa.float64()),
        chosen_length=sizes["chosen"],
        rejected_length=sizes["rejected"],
        length_unit="characters" if sizes["chosen"].null_count < len(kept) else "",
        row=kept,
    )
    return [record] if kept else []


def _wins(one: float | None, two: float | None) -> bool:
    return one is not None and two is not None and one > two


def _size(value: Any) -> float | None:
    return None if value is None else float(len(plain(value)))


def _lists(columns: dict[str, list[Any]], n: int, scorer: str, skipped: list[Skipped]) -> list[RankedScores]:
    ids, subsets = _ids(columns, n), _subsets(columns, n)
    right = columns.get("num_correct", [1] * n)
    rows: list[tuple[str, str, str, float | None, float, int]] = []
    lost: list[int] = []
    for i, scores in enumerate(columns["scores"]):
        values = [number(v) for v in scores] if isinstance(scores, list) else []
        if not values or None in values:
            lost.append(i)
            continue
        correct = number(right[i])
        correct = 1.0 if correct is None else correct
        rows += [(ids[i], str(k), subsets[i], v, float(k < correct), i) for k, v in enumerate(values)]
    skipped += names.skipped_rows(lost, "scores is no list of numbers")
    if not rows:
        return []
    prompt, candidate, category, score, label, row = (list(c) for c in zip(*rows, strict=True))
    record = RankedScores.of(
        scorer=scorer,
        dataset="RewardBench 2",
        prompt_id=prompt,
        candidate_id=candidate,
        category=category,
        score=pa.array(score, pa.float64()),
        label=label,
        row=row,
    )
    return [record]
