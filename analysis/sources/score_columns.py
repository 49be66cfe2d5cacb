"""What score files call their columns, and the helpers that all score sources share."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.records import InputError, Skipped
from analysis.sources import tabular
from analysis.sources.base import Head, Job
from analysis.sources.tabular import Part, Sample, number, text

# fmt: off
CHOSEN = ("chosen_score", "score_chosen", "scores_chosen", "chosen_scores", "chosen_reward", "reward_chosen",
          "rewards_chosen", "chosen_rewards", "chosen_logit", "score_w", "winner_score")
REJECTED = ("rejected_score", "score_rejected", "scores_rejected", "rejected_scores", "rejected_reward", "reject_reward",
            "reject_score", "reward_rejected", "rewards_rejected", "rejected_rewards", "rejected_logit", "score_l",
            "loser_score")
SIDE_FORMS = ("score_{}", "{}_score", "score{}", "reward_{}", "{}_reward", "variant_{}_score", "response_{}_score")
SIDE_MARKS = (("a", "b"), ("1", "2"), ("first", "second"))
LABELS = ("label", "winner", "preference", "preferred", "gold_label", "human_preference", "human_label",
          "preferred_response", "better", "better_response")

PAIR_ID = ("pair_id", "id", "example_id", "uid", "sample_id", "index", "idx")
PROMPT_ID = ("prompt_id", "question_id", "problem_id", "query_id", "prompt_idx", "prompt_index", "instruction_id",
             "task_id")
PROMPT = ("prompt", "question", "problem", "instruction", "query", "input")
CATEGORY = ("category", "subset", "domain", "bias_dimension", "task", "source", "section", "topic")
DATASET = ("dataset", "benchmark", "dataset_name")
SCORER = ("rm", "model_name", "model", "scorer", "reward_model", "rm_name", "judge", "prm", "judge_model")
STEP = ("step", "global_step", "checkpoint", "training_step", "train_step", "label", "iteration")
REAL_STEP = ("step", "global_step", "training_step", "train_step", "iteration")
STRENGTH = ("strength", "label_margin", "confidence", "preference_strength", "probability")
RUN = ("run", "run_id", "run_name")

SCORE = ("score", "proxy_score", "rm_score", "reward_score", "rm_logit", "reward_model_score", "proxy_reward", "reward",
         "logit", "rating")
GOLD = ("gold_score", "human_score", "gold_reward", "true_reward", "human_rating", "pred_ok", "is_correct", "correct",
        "gold")
LENGTH = ("length", "response_length", "completion_length", "completion_len", "response_len", "n_tokens", "num_tokens",
          "tokens", "output_length", "lengths", "generated_tokens")
KL = ("kl_to_ref", "kl", "kl_ref", "kl_divergence", "log_ratio")
TRUNCATED = ("truncated", "is_truncated", "clipped", "cut_off")
FINISHED = ("finished", "is_finished", "ended", "terminated", "has_eos", "completed")
FINISH_REASON = ("finish_reason", "stop_reason")
RESPONSE = ("response", "completion", "output", "answer", "generation")
MODEL_VERSION = ("model_version", "rm_version", "reward_model_version", "scorer_version")
POLICY_VERSION = ("policy_version", "policy", "policy_model")
TIME = ("timestamp", "time", "datetime", "created_at", "date", "ts")

CANDIDATE = ("candidate", "candidate_id", "response_id", "answer_id", "completion_id", "candidate_idx")
CORRECT = ("is_correct", "correct", "label", "relevance", "gold_label")

TEXTS = (("chosen", "rejected"), ("text_chosen", "text_rejected"), ("chosen_text", "rejected_text"),
         ("chosen_response", "rejected_response"), ("response_chosen", "response_rejected"))

TRAINING = ("loss", "train_loss", "learning_rate", "lr", "grad_norm", "epoch", "policy_loss", "value_loss", "entropy")
"""Columns that only a training log has: such a table has one row a step, not one a response."""

ACCURACY = ("acc", "accuracy", "acc_mean", "loss_mean", "eval_loss", "reward_margin")
"""What a log of reward-model training has beside its mean chosen and rejected reward."""

LENGTH_UNITS = (("length", ""), ("len", ""), ("lengths", ""), ("tokens", "tokens"), ("num_tokens", "tokens"),
                ("n_tokens", "tokens"), ("chars", "characters"), ("words", "words"))
# fmt: on

LONG_TEXT = 200
"""Characters up to which a text is a label and may be kept as a feature; longer ones are content, which stays in
the user's own file."""

NAMED_PLACES = 5
"""Rows of one kind that are named one by one; more of them are counted."""


def first(columns: Collection[str], names: Sequence[str]) -> str | None:
    """The first of `names` that is a column, whatever its case."""
    lower = {c.lower(): c for c in columns}
    return next((lower[n] for n in names if n in lower), None)


def first_numeric(part: Part | Sample, names: Sequence[str]) -> str | None:
    """The first of `names` that is a column of numbers (one-element lists are numbers)."""
    columns = (c for n in names if (c := first(part.columns, (n,))))
    if isinstance(part, Part):
        return next((c for c in columns if part.is_numeric(c)), None)
    return next((c for c in columns if scores_in(part, c)), None)


def scores_in(found: Sample, column: str) -> bool:
    """Whether the sampled cells of a column are numbers; a bad cell among five good ones is an accident."""
    cells = found.cells(column)
    good = sum(number(c) is not None for c in cells)
    return good > 0 and len(cells) - good <= 0.2 * len(cells)


def one_row_a_step(found: Sample) -> bool:
    """Whether a table with two scores a row is a log of their means: nothing tells one pair from another in it, and
    it has losses, or a step that differs from row to row.
    """
    texts = [name for pair in TEXTS for name in pair if any(isinstance(v, str) for v in found.cells(name))]
    if first(found.columns, (*PAIR_ID, *PROMPT_ID, *PROMPT, *texts)):
        return False
    ends = {c.lower().rpartition("/")[2] for c in found.columns}
    if ends & {*TRAINING, *ACCURACY}:
        return True
    step = first(found.columns, REAL_STEP)
    cells = found.cells(step) if step else []
    return len(cells) > 1 and len({str(c) for c in cells}) == len(cells)


def hashed(content: str) -> str:
    """Short id of a text."""
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def plain(value: Any) -> str:
    """A text, or the contents of chat messages, one after the other."""
    if isinstance(value, list):
        return "\n\n".join(_content(m) for m in value)
    return _content(value)


def _content(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def sample(head: Head) -> Sample | None:
    """Columns and first rows of a table; None if it is none, or a gzip stream that breaks off in them."""
    try:
        return head.sample
    except (EOFError, zlib.error):
        return None


def parts(job: Job, *, rows: int | None = None) -> Iterator[Part]:
    """Rows of a table in parts (`tabular.parts`). Raises InputError where a gzip stream is cut off or damaged."""
    try:
        yield from tabular.parts(job, rows=rows)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError("the gzip stream is cut off or damaged", where=str(job.path), mend="copy it again") from error


def clean(value: str) -> str:
    """A text that can be stored: halves of surrogate pairs (JSON may hold them) become question marks."""
    return value.encode("utf-8", "replace").decode("utf-8")


def strings(part: Part, name: str) -> pa.Array:
    """A column as text, null where it is missing."""
    try:
        return part.strings(name)
    except UnicodeEncodeError:
        cells = [text(v) for v in part.values(name)]
        return pa.array([None if v is None else clean(v) for v in cells], pa.string())


def coded(part: Part, name: str | None) -> Any:
    """A label column, "" where it is missing or absent."""
    return "" if name is None else strings(part, name).fill_null("").dictionary_encode()


def numbers(part: Part, name: str | None) -> pa.Array | None:
    """A column of numbers, None where there is no such column."""
    return None if name is None else part.numbers(name)


def ids(part: Part, name: str | None) -> pa.Array:
    """An id column as text, the row number where there is none."""
    rows = part.rows().cast(pa.string())
    return rows if name is None else pc.coalesce(strings(part, name), rows)


def prompt_ids(part: Part) -> pa.Array | None:
    """Prompt ids as told, or made from the prompt's text."""
    name = first(part.columns, PROMPT_ID)
    if name is not None:
        return strings(part, name)
    prompt = first(part.columns, PROMPT)
    if prompt is None:
        return None
    return pa.array([None if v is None else hashed(plain(v)) for v in part.values(prompt)], pa.string())


def steps(part: Part, name: str | None) -> pa.Array | None:
    """Training steps: numbers, or words such as `step-200`, `checkpoint-500`, `base` (0)."""
    if name is None:
        return None
    if part.is_numeric(name):
        return part.numbers(name)
    return pa.array([step_of(v) for v in part.values(name)], pa.float64())


def step_column(part: Part) -> str | None:
    """The column that tells the training step, if every word in it names one."""
    for name in STEP:
        column = first(part.columns, (name,))
        if column is None:
            continue
        if name != "label" and part.is_numeric(column):
            return column
        cells = [v for v in part.values(column)[:50] if v is not None]
        words = [v for v in cells if isinstance(v, str) and number(v) is None]
        # a `label` of plain numbers is a class, one of words such as step-200 a checkpoint
        if cells and (name != "label" or words) and all(step_of(v) is not None for v in cells):
            return column
    return None


def step_of(value: Any) -> float | None:
    """The step that a word names, None if it names none."""
    told = number(value)
    if told is not None:
        return told
    words = str(value or "").lower()
    if words in ("base", "init", "initial", "sft", "ref", "reference"):
        return 0.0
    found = re.fullmatch(r"(?:.*[-_/ ])?(?:global_step|step|checkpoint|ckpt|iter(?:ation)?|update)s?[-_ ]?(\d+)", words)
    return float(found[1]) if found else None


def lengths(part: Part, sides: tuple[str, str]) -> tuple[str, str, str] | None:
    """Length columns of both sides (`sides` as they are written in names: chosen, rejected) and their unit."""
    for word, unit in LENGTH_UNITS:
        for form in ("{side}_{word}", "{word}_{side}", "{side}{word}", "{side}_response_{word}"):
            one, two = (first(part.columns, (form.format(side=s, word=word),)) for s in sides)
            if one and two and part.is_numeric(one) and part.is_numeric(two):
                return one, two, unit
    return None


def features(
    part: Part, used: Iterable[str | None], *, contents: Iterable[str] = (), more: dict[str, list[Any]] | None = None
) -> pa.Array | None:
    """Every further column as one JSON object a row; strict JSON, so NaN is the word "NaN".

    Of long texts, and of the columns in `contents`, only characters and words are counted. Nested values are
    left out. `more` holds columns by name that the caller made.
    """
    left_out, counted = set(used), set(contents)
    columns = {name: part.values(name) for name in part.columns if name not in left_out} | (more or {})
    if not columns:
        return None
    out = []
    for i in range(part.num_rows):
        row: dict[str, Any] = {}
        for name, cells in columns.items():
            row.update(_feature(name, cells[i], name in counted))
        out.append(json.dumps(row, allow_nan=False) if row else None)
    return pa.array(out, pa.string())


def _feature(name: str, value: Any, counted: bool) -> dict[str, Any]:
    if counted and value is not None:
        value = plain(value)
    if value is None or value == "" or isinstance(value, dict | list):
        return {}
    if isinstance(value, str) and (counted or len(value) > LONG_TEXT):
        return {f"{name}_chars": len(value), f"{name}_words": len(value.split())}
    if isinstance(value, float) and not math.isfinite(value):
        return {name: "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    return {name: value if isinstance(value, str | bool | int | float) else text(value)}


def covered(part: Part) -> int:
    """Rows of the file behind a part: its rows, and the lines that were no rows."""
    return part.num_rows + sum(s.count for s in part.skipped)


def skipped_rows(rows: Sequence[int], why: str) -> list[Skipped]:
    """The first rows of one kind by number, the rest as a count."""
    named = [Skipped(f"row {row}", why) for row in rows[:NAMED_PLACES]]
    rest = len(rows) - len(named)
    return [*named, Skipped(f"rows after {rows[NAMED_PLACES - 1]}", why, rest)] if rest else named


def where(mask: pa.Array, part: Part) -> list[int]:
    """Row numbers in the file at which a mask holds."""
    hits = np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))
    return [part.first_row + int(i) for i in hits]
