"""JSON objects that describe a run and hold no rows: `config.json`, `all_results.json`, `meta.json`."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import registry
from analysis.records import Chunk, InputError, RunInfo
from analysis.sources.base import Head, Job, Sniff

LARGEST = 1 << 20
"""A configuration above 1 MiB is something else (a tokenizer, a weight map)."""

_OTHER = (
    "tokenizer",
    "vocab",
    "special_tokens",
    "added_tokens",
    "generation_config",
    "model.safetensors.index",
)
"""Names of files that lie beside every checkpoint and say nothing about its training."""


@registry.source("configuration", rank=80, appends=False)
class Configuration:
    """Goes into the run's configuration under the file's name; makes no run by itself."""

    def sniff(self, head: Head) -> Sniff | None:
        if not head.name.endswith(".json") or head.size > LARGEST or head.name.startswith(_OTHER):
            return None
        if not (head.text or "").lstrip().startswith("{") or not isinstance(head.document, dict):
            return None
        return Sniff("config", 0.2)

    def read(self, job: Job) -> Iterator[Chunk]:
        document = Head(job.path).document
        if not isinstance(document, dict):
            raise InputError("the JSON is not complete", where=str(job.path), mend="it is read when it is whole")
        info = RunInfo(config={job.path.name.removesuffix(".json"): document})
        yield Chunk([info], 1, {"rows": 1})
