"""The exception that a trainer ended with: `crash.txt`, `error.txt`, a saved traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis import registry
from analysis.records import Chunk, CutError, Ending, RunInfo
from analysis.sources.base import HEAD_BYTES, Head, Job, Sniff

_WORDS = frozenset({"crash", "crashed", "error", "exception", "traceback", "failure"})
"""Words of the names that trainers' wrappers and people give such a file; a traceback is known by its first line as well."""

_FIRST = "Traceback (most recent call last):"
_LAST = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b(?::.*)?$", re.MULTILINE)
"""The line in which Python names an exception: its class, and what it says."""

LONGEST = 500
"""Letters of an exception that are kept: its message may hold a whole tensor."""


@registry.source("crash", rank=85, appends=False)
class Crash:
    """Says that the run failed and with what; makes no run by itself."""

    def sniff(self, head: Head) -> Sniff | None:
        if head.size > HEAD_BYTES or head.text is None or not head.name.endswith((".txt", ".err", ".log")):
            return None
        named = not _WORDS.isdisjoint(re.split(r"[^a-z]+", head.name.lower()))
        if not named and not head.text.lstrip().startswith(_FIRST):
            return None
        return Sniff("config", 0.2, "an exception") if _exception(head) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        told = _exception(Head(job.path))
        if not told:
            raise CutError("no exception is named in it", where=str(job.path), mend="it is read when it is whole")
        ending = Ending("failed", f"{job.path.name}: {told}")
        yield Chunk([RunInfo(config={EXCEPTION: told})], 1, {"rows": 1}, ending=ending)


EXCEPTION = "exception"
"""Where the configuration of a run holds it."""


def _exception(head: Head) -> str:
    """The last exception that is named, as Python writes one that follows from another below it."""
    found = _LAST.findall((head.text or "").replace("\r\n", "\n"))
    return str(found[-1]).strip()[:LONGEST] if found else ""
