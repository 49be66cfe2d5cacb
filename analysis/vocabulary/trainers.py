"""Trainers' names: `RLOOTrainer`, `RLOOTrainer (old)`, `PPO / GRPO (vllm thread)`, `GRPO, RLOO, Reward`."""

from __future__ import annotations

import re
from functools import cache

Trainer = tuple[str, str]
"""(stem, generation): RLOOTrainer (old) is ("rloo", "old")."""

_KNOWN = frozenset(
    {
        "ppo",
        "ppov2",
        "ppo-lag",
        "grpo",
        "asyncgrpo",
        "grpo_fast",
        "rloo",
        "reinforce",
        "dpo",
        "onlinedpo",
        "nashmd",
        "xpo",
        "kto",
        "orpo",
        "simpo",
        "rm",
        "sft",
    }
)
_SAME = {"reward": "rm", "rw": "rm", "reward_modeling": "rm", "dpo_tune_cache": "dpo", "step 2": "rm"}
_NOISE = re.compile(r"^(?:experimental |step \d |async (?=grpo)|unsloth)|(?:trainer|-like| recipe| multi-turn)$")
_GENERATION = re.compile(r"\((old|legacy)\)")


@cache
def named(text: str) -> frozenset[Trainer]:
    """The trainers that a text names; empty for words that stand for any (`all`, `every Trainer-based trainer`)."""
    words = text.lower()
    everywhere = "vllm thread" if "(vllm thread)" in words else ""
    found = set()
    for part in re.split(r"[,/|](?![^(]*\))", words):
        generation = _GENERATION.search(part)
        stem = re.sub(r"\([^)]*\)", "", part).partition(" with ")[0].strip()
        stem = ("async" if stem.startswith("async ") else "") + _NOISE.sub("", _SAME.get(stem, stem)).strip()
        stem = _SAME.get(stem, stem)
        if stem in _KNOWN:
            found.add((stem, generation[1] if generation else everywhere))
    return frozenset(found)


def conditional(text: str) -> bool:
    """Whether the trainer writes the name so only under a setting: `GRPO with kl_in_reward`."""
    return " with " in text


def meets(a: frozenset[Trainer], b: frozenset[Trainer], *, strict: bool) -> bool:
    """Whether two sets name a common trainer; not strict: whatever its generation."""
    if strict:
        return not a.isdisjoint(b)
    return not {stem for stem, _ in a}.isdisjoint(stem for stem, _ in b)
