"""Sinks' prefixes and evaluation sets: `train/objective/kl`, `eval_loss`, `eval/helpful_accuracy`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

LONGEST = 500
"""No framework writes longer tags; longer ones are kept but not matched against patterns."""

_PREFIXES = (
    ("train/", "train"),
    ("eval/", "eval"),
    ("test/", "test"),
    ("eval_", "eval"),
    ("test_", "test"),
)
_TOTALS = re.compile(r"(.+)_(?:runtime|samples_per_second|steps_per_second)")
_COMMON = frozenset({"loss", "reward", "kl", "entropy", "step", "epoch"})
"""Words that end the names of other things too (contrastive_loss): alone they prove no evaluation set."""


def split_tag(tag: str) -> tuple[str, str]:
    """Key and split of a tag as Hugging Face sinks write it: `eval/loss` and `eval_loss` are ("loss", "eval")."""
    for prefix, split in _PREFIXES:
        if tag.startswith(prefix) and len(tag) > len(prefix):
            key = tag[len(prefix) :]
            return (key.removeprefix("eval_") or key) if split == "eval" else key, split
    return tag, "train"


def evaluation_sets(tags: Iterable[str]) -> frozenset[str]:
    """Names of evaluation sets that these tags prove: HF writes `eval_{name}_runtime` for each.

    Without it, two metrics of this run that follow the same name, or one whose name stands for itself, are proof.
    """
    keys = [split_tag(tag) for tag in tags if len(tag) <= LONGEST]
    own = {key for key, split in keys if split == "train"} - {""}
    plain = [key for key, split in keys if split == "eval"]
    proven = {match[1] for key in plain if (match := _TOTALS.fullmatch(key)) and match[1] != "train"}
    followers: dict[str, set[str]] = defaultdict(set)
    for key in plain:
        if key in own:
            continue
        for i in (i for i, letter in enumerate(key) if letter == "_" and i):
            if key[i + 1 :] in own:
                followers[key[:i]].add(key[i + 1 :])
    proven |= {name for name, rests in followers.items() if len(rests) > 1 or not rests <= _COMMON}
    return frozenset(proven)


def named_set(key: str, sets: Collection[str]) -> tuple[str, str] | None:
    """`helpful_loss` -> ("helpful", "loss") for the longest set that begins the key."""
    fitting = [name for name in sets if key.startswith(f"{name}_") and len(key) > len(name) + 1]
    if not fitting:
        return None
    name = max(fitting, key=len)
    return name, key[len(name) + 1 :]
