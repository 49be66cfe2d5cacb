"""JSON and YAML objects that describe a run and hold no rows: `config.json`, `all_results.json`, `config.yaml`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from analysis import registry
from analysis.records import Chunk, CutError, Ending, RunInfo
from analysis.sources.base import Head, Job, Sniff

LARGEST = 1 << 20
"""A configuration above 1 MiB is something else (a tokenizer, a weight map)."""

LARGEST_YAML = 1 << 17
"""YAML takes a hundred times as long to read as JSON: 128 KiB are a second, and thirty times a large configuration."""

_ENDINGS = (".json", ".yaml", ".yml")

_WORDS = frozenset(
    {
        *("config", "configs", "conf", "cfg", "configuration", "args", "arguments", "params", "parameters", "settings"),
        *("hparams", "hyperparams", "hyperparameters", "meta", "metadata", "info", "run"),
        *("results", "metrics", "summary"),
    }
)
"""What trainers and people call such a file, alone or as a word of the name: `training_args`, `all_results`.
Other JSON objects that lie about (a tokenizer, somebody's labels) say nothing about the training."""

_OTHER = ("tokenizer", "generation", "special", "added", "preprocessor")
"""First words of the files that lie beside every checkpoint."""


@registry.source("configuration", rank=80, appends=False)
class Configuration:
    """Goes into the run's configuration under the file's name; makes no run by itself."""

    def sniff(self, head: Head) -> Sniff | None:
        stem, ending = _split(head.name)
        words = re.split(r"[^a-z]+", stem.lower())
        if ending not in _ENDINGS or words[0] in _OTHER or _WORDS.isdisjoint(words):
            return None
        return Sniff("config", 0.2) if _document(head) is not None else None

    def read(self, job: Job) -> Iterator[Chunk]:
        document = _document(Head(job.path))
        if document is None:
            raise CutError("the file is not complete", where=str(job.path), mend="it is read when it is whole")
        info = RunInfo(config={_split(job.path.name)[0]: document})
        yield Chunk([info], 1, {"rows": 1}, ending=_ending(job.path.name, document))


def _split(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return stem, f"{dot}{ending}"


def _document(head: Head) -> dict[str, Any] | None:
    """The whole file as one object; None if it is none, or too large."""
    if head.name.endswith(".json"):
        whole = head.document if head.size <= LARGEST else None
        return whole if isinstance(whole, dict) else None
    if head.size > LARGEST_YAML or head.text is None:
        return None
    try:
        whole = _plain(yaml.safe_load(head.path.read_text("utf-8")))
    except (yaml.YAMLError, ValueError, TypeError, OSError, RecursionError):
        return None
    return whole if isinstance(whole, dict) else None


def _plain(given: object) -> object:
    """As JSON holds it: dates as text, keys as text. YAML's references may make a small file endless."""
    size, parts = 0, []
    for part in json.JSONEncoder(default=str).iterencode(given):  # raises ValueError where it holds itself
        size += len(part)
        parts.append(part)
        if size > LARGEST:
            return None
    return json.loads("".join(parts))


def _ending(name: str, document: Mapping[str, Any]) -> Ending:
    """`train_results.json` and `all_results.json` are written when training returns. Older W&B clients wrote the last
    state into `wandb-metadata.json`; newer ones leave it at "running", which says nothing.
    """
    if "train_runtime" in document:
        return Ending("finished", f"{name} holds the totals of the training")
    state = document.get("state") if name == "wandb-metadata.json" else None
    if state == "finished":
        return Ending("finished", "W&B says finished")
    return Ending("failed", f"W&B says {state}") if state in ("failed", "crashed", "killed") else Ending()
