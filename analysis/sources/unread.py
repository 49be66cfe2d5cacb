"""Logs that are recognised but can't be read by this version: named, never passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis import registry
from analysis.records import Chunk, InputError
from analysis.sources.base import Head, Job, Sniff

_BINARY = {
    b":W&B": "W&B run files",
    b":SWL": "SwanLab run files",
    b"SQLite format 3\0": "tracking databases (SQLite)",
}

_NUMBER = r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|nan|inf)"
_METRIC_LINE = re.compile(rf"['\"]?[A-Za-z_][\w/ .()-]*['\"]?\s*[:=]\s*['\"]?{_NUMBER}\b", re.IGNORECASE)

SHARE = 0.02
"""Share of lines with two or more 'name: number' pairs that makes a text a console log. Training logs of real
trainers have from 1 in 40 such lines (much else is printed) to every line; prose has next to none."""


@registry.source("unread", rank=90, appends=False)
class Unread:
    """W&B and SwanLab run files, tracking databases, console logs."""

    def sniff(self, head: Head) -> Sniff | None:
        for magic in _BINARY:
            if head.data.startswith(magic):
                return Sniff("unread", 1.0, _BINARY[magic])
        if head.text is None or not head.name.endswith((".log", ".txt", ".out", ".err")):
            return None
        lines = [line for line in re.split(r"[\r\n]+", head.text) if line.strip()]
        telling = sum(len(_METRIC_LINE.findall(line)) >= 2 for line in lines)
        console = head.name.endswith((".log", ".out", ".err")) or (
            lines and telling >= SHARE * len(lines) and telling > 2
        )
        return Sniff("unread", 0.1, "console logs") if console else None

    def read(self, job: Job) -> Iterator[Chunk]:
        head = Head(job.path)
        what = next((words for magic, words in _BINARY.items() if head.data.startswith(magic)), "console logs")
        mend = "export its history as CSV" if "W&B" in what else "point at the run's event files or JSON instead"
        raise InputError(f"{what} are not read by this version", where=str(job.path), mend=mend)
        yield  # a generator, as every source's read
