"""What score files call their columns, and the helpers that all score sources share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.sources.tabular import Part, number, text

CHOSEN = ("chosen_score", "score_chosen", "scores_chosen", "chosen_scores", "chosen_reward", "reward_chosen",
          "rewards_chosen", "chosen_rewards", "score_w", "winner_score")  # fmt: skip
REJECTED = ("rejected_score", "score_rejected", "scores_rejected", "rejected_scores", "rejected_reward",
            "reject_reward", "reward_rejected", "rewards_rejected", "rejected_rewards", "score_l", "loser_score")  # fmt: skip
SIDES = (("score_a", "score_b"), ("score_1", "score_2"), ("score_first", "score_second"), ("reward_a", "reward_b"),
         ("variant_a_score", "variant_b_score"), ("a_score", "b_score"), ("score1", "score2"))  # fmt: skip
LABELS = ("label", "winner", "preference", "preferred", "gold_label", "human_preference", "better")

PAIR_ID = ("pair_id", "id", "example_id", "uid", "sample_id", "index", "idx")
PROMPT_ID = ("prompt_id", "question_id", "problem_id", "query_id", "prompt_idx", "prompt_index", "instruction_id", "task_id")
PROMPT = ("prompt", "question", "problem", "instruction", "query", "input")
CATEGORY = ("category", "subset", "domain", "bias_dimension", "task", "source", "section", "topic")
DATASET = ("dataset", "benchmark", "dataset_name")
SCORER = ("rm", "model_name", "model", "scorer", "reward_model", "rm_name", "judge", "prm", "judge_model")
STEP = ("step", "global_step", "checkpoint", "training_step", "train_step", "label", "iteration")
STRENGTH = ("strength", "label_margin", "confidence", "preference_strength", "probability")

SCORE = ("score", "proxy_score", "rm_score", "reward_score", "rm_logit", "reward_model_score", "reward", "logit", "rating")
GOLD = ("gold_score", "human_score", "gold_reward", "true_reward", "pred_ok", "is_correct", "correct", "gold")
LENGTH = ("length", "response_length", "completion_length", "completion_len", "n_tokens", "num_tokens", "tokens",
          "output_length", "lengths")  # fmt: skip
KL = ("kl_to_ref", "kl", "kl_ref", "kl_divergence", "log_ratio")
TRUNCATED = ("truncated", "is_truncated", "clipped", "cut_off")
RESPONSE = ("response", "completion", "output", "answer", "generation")
MODEL_VERSION = ("model_version", "rm_version", "reward_model_version", "scorer_version")
POLICY_VERSION = ("policy_version", "policy", "policy_model")
TIME = ("timestamp", "time", "datetime", "created_at", "date", "ts")

CANDIDATE = ("candidate", "candidate_id", "response_id", "answer_id", "completion_id", "candidate_idx")
CORRECT = ("is_correct", "correct", "label", "relevance", "gold_label")

_LENGTH_UNITS = (("length", ""), ("tokens", "tokens"), ("chars", "characters"), ("words", "words"), ("len", ""))

LONG_TEXT = 200
"""Characters up to which a text is a label and may be kept as a feature; longer ones are content, which stays in
the user's own file."""


def first(columns: Collection[str], names: Sequence[str]) -> str | None:
    """The first of `names` that is a column, whatever its case."""
    lower = {c.lower(): c for c in columns}
    return next((lower[n] for n in names if n in lower), None)


def hashed(content: str) -> str:
    """Short id of a text."""
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def coded(part: Part, name: str | None) -> Any:
    """A label column, "" where it is missing or absent."""
    return "" if name is None else part.strings(name).fill_null("").dictionary_encode()


def numbers(part: Part, name: str | None) -> pa.Array | None:
    return None if name is None else part.numbers(name)


def ids(part: Part, name: str | None) -> pa.Array:
    """An id column as text, the row number where there is none."""
    rows = part.rows().cast(pa.string())
    return rows if name is None else pc.coalesce(part.strings(name), rows)


def prompt_ids(part: Part) -> pa.Array | None:
    """Prompt ids as told, or made from the prompt's text."""
    name = first(part.columns, PROMPT_ID)
    if name is not None:
        return part.strings(name)
    prompt = first(part.columns, PROMPT)
    if prompt is None:
        return None
    return pa.array([None if v is None else hashed(_as_text(v)) for v in part.values(prompt)], pa.string())


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def steps(part: Part, name: str | None) -> pa.Array | None:
    """Training steps: numbers, or words such as `step-200`, `checkpoint-500`, `base` (0)."""
    if name is None:
        return None
    if part.is_numeric(name):
        return part.numbers(name)
    return pa.array([step_of(v) for v in part.values(name)], pa.float64())


def step_of(value: Any) -> float | None:
    """The step that a word names, None if it names none."""
    plain = number(value)
    if plain is not None:
        return plain
    words = str(value or "").lower()
    if words in ("base", "init", "initial", "sft", "ref", "reference"):
        return 0.0
    found = re.fullmatch(r"(?:step|checkpoint|ckpt|iter(?:ation)?|update)s?[-_ ]?(\d+)", words)
    return float(found[1]) if found else None


def lengths(part: Part, side: str) -> tuple[pa.Array | None, str]:
    """Length column of one side and its unit ("" if not told)."""
    for word, unit in _LENGTH_UNITS:
        name = first(part.columns, (f"{side}_{word}", f"{word}_{side}", f"{side}_{word}gth"))
        if name is not None and part.is_numeric(name):
            return part.numbers(name), unit
    return None, ""


def features(part: Part, used: Iterable[str | None]) -> pa.Array | None:
    """Every further column as one JSON object a row; of long texts only characters and words are counted."""
    names = [c for c in part.columns if c not in set(used)]
    if not names:
        return None
    columns = {name: part.values(name) for name in names}
    out = []
    for i in range(part.num_rows):
        row: dict[str, Any] = {}
        for name in names:
            value = columns[name][i]
            if value is None or value == "" or isinstance(value, dict | list):
                continue
            if isinstance(value, str) and len(value) > LONG_TEXT:
                row[f"{name}_chars"], row[f"{name}_words"] = len(value), len(value.split())
            else:
                row[name] = value if isinstance(value, str | bool | int | float) else text(value)
        out.append(json.dumps(row, allow_nan=True) if row else None)
    return pa.array(out, pa.string())
