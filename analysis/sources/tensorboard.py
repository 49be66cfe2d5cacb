"""TensorBoard event files: scalars, histograms, and the arguments that trainers write as text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from analysis import registry
from analysis.eventfile import framing, scalars
from analysis.eventfile.message import event_class
from analysis.records import Chunk, Histograms, InputError, Record, RunInfo, Scalars, Skipped
from analysis.sources.base import Head, Job, Sniff

BLOCK_BYTES = 1 << 24
"""Bytes decoded at once: some 300,000 scalars."""

_ARGUMENTS = ("args", "model_config", "hyperparameters", "config", "hparams")
"""Text tags under which trainers record their arguments (Hugging Face: args, model_config; CleanRL and
open-instruct: hyperparameters)."""

_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
"""tensorflow.DataType of numbers that a scalar may have."""


@registry.source("tensorboard", rank=20)
class EventFile:
    """One row is one event; a record that fails its checksum is skipped, a record cut off at the end waited for."""

    def sniff(self, head: Head) -> Sniff | None:
        named = "tfevents" in head.name
        if not head.data:
            return Sniff("log", 0.9, "empty so far") if named else None
        if len(head.data) < framing.HEADER:
            return Sniff("log", 0.5, "too short to tell") if named else None
        length = int.from_bytes(head.data[:8], "little")
        check = int.from_bytes(head.data[8:12], "little")
        import google_crc32c

        sound = 0 < length <= framing.LONGEST and framing.masked(google_crc32c.value(head.data[:8])) == check
        event = head.data[12:13] == b"\x09"  # every event begins with its wall time
        return Sniff("log", 0.99) if sound and (named or event) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        at = int((job.position or {}).get("byte", 0))
        count = int((job.position or {}).get("records", 0))
        with job.path.open("rb") as file:
            file.seek(at)
            rest = b""
            while True:
                block = file.read(BLOCK_BYTES)
                data = rest + block
                found = framing.frames(data, last=not block)
                if found.starts or found.broken:
                    chunk = _chunk(data, found, at, count)
                    at, count = at + found.end, count + len(found.starts)
                    yield Chunk(chunk.records, chunk.rows, {"byte": at, "records": count}, chunk.skipped, chunk.notes)
                rest = data[found.end :]
                if not block:
                    break
                if len(rest) > framing.LONGEST:
                    raise InputError("no record within 1 GiB", where=str(job.path), mend="copy the file again")


@dataclass
class _Gathered:
    """What the general decoder found in events that are no plain scalars."""

    tag: list[str] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    histograms: list[tuple[str, float, float, list[float], list[float]]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def _chunk(data: bytes, found: framing.Frames, at: int, count: int) -> Chunk:
    fast = scalars.decode(data, found.starts, found.lengths)
    slow = _Gathered()
    broken = [Skipped(f"byte {at + offset}", why) for offset, _, why in found.broken]
    event = event_class()
    from google.protobuf.message import DecodeError

    for i in fast.rest:
        start = found.starts[i]
        try:
            _gather(event.FromString(data[start : start + found.lengths[i]]), int(i), slow)
        except DecodeError:
            broken.append(Skipped(f"record {count + int(i)} at byte {at + start}", "no event"))
    records: list[Record] = []
    if len(fast.index) or slow.tag:
        records.append(_merged(fast, slow))
    if slow.histograms:
        tags, steps, times, edges, counts = (list(c) for c in zip(*slow.histograms, strict=True))
        records.append(Histograms.of(tag=tags, step=steps, wall_time=times, edges=edges, counts=counts))
    if slow.config:
        seed = slow.config.get("seed")
        records.append(RunInfo(config=slow.config, seed=seed if type(seed) is int else None))
    ignored = [Skipped(f"{kind} events", "not read", n) for kind, n in sorted(slow.ignored.items())]
    return Chunk(records, len(found.starts), {}, (*broken, *ignored), tuple(slow.notes))


def _merged(fast: scalars.Decoded, slow: _Gathered) -> Scalars:
    """Scalars of both decoders in the order of the file."""
    names = dict.fromkeys((*fast.tags, *slow.tag))
    codes = {name: i for i, name in enumerate(names)}
    own = np.array([codes[t] for t in fast.tags], np.int32)
    tag = np.concatenate([own[fast.tag] if len(own) else fast.tag, np.array([codes[t] for t in slow.tag], np.int32)])
    columns = [
        np.concatenate([a, np.array(b, float)])
        for a, b in ((fast.step, slow.step), (fast.wall_time, slow.time), (fast.value, slow.value))
    ]
    if slow.tag:
        order = np.argsort(np.concatenate([fast.index, np.array(slow.place, np.int64)]), kind="stable")
        tag, columns = tag[order], [c[order] for c in columns]
    step, time, value = (pa.array(c, pa.float64()) for c in columns)
    coded = pa.DictionaryArray.from_arrays(pa.array(tag, pa.int32()), pa.array(list(names), pa.string()))
    return Scalars.of(tag=coded, step=step, wall_time=time, value=value)


def _gather(event: Any, place: int, out: _Gathered) -> None:
    if event.HasField("session_log") and event.session_log.status == 1:
        out.notes.append(f"a writer started again at step {event.step}")
    if event.HasField("graph_def"):
        out.ignored["graph"] += 1
    for value in event.summary.value:
        tag = value.tag.decode("utf-8", errors="replace")
        number = _number(value)
        if number is not None:
            out.tag.append(tag)
            out.step.append(float(event.step))
            out.time.append(event.wall_time)
            out.value.append(number)
            out.place.append(place)
        elif (bins := _bins(value)) is not None:
            out.histograms.append((tag, float(event.step), event.wall_time, *bins))
        elif (text := _text(value)) is not None:
            _take_text(tag, text, out)
        else:
            out.ignored[_kind(value)] += 1


def _number(value: Any) -> float | None:
    if value.HasField("simple_value"):
        return float(value.simple_value)
    plugin = value.metadata.plugin_data.plugin_name
    if not value.HasField("tensor") or plugin not in (b"scalars", b""):
        return None
    numbers = _array(value.tensor)
    return float(numbers[0]) if numbers is not None and numbers.size == 1 else None


def _array(tensor: Any) -> np.ndarray[Any, Any] | None:
    if tensor.content and tensor.dtype in _DTYPES:
        size = np.dtype(_DTYPES[tensor.dtype]).itemsize
        return np.frombuffer(tensor.content[: len(tensor.content) // size * size], _DTYPES[tensor.dtype]).astype(float)
    for values in (tensor.float_val, tensor.double_val, tensor.int_val, tensor.int64_val):
        if len(values):
            return np.array(values, float)
    return None


def _bins(value: Any) -> tuple[list[float], list[float]] | None:
    """Edges and counts of a histogram; outermost edges are the data's minimum and maximum.

    The first and last limit of a HistogramProto are plus and minus the largest double, not edges of data.
    """
    if value.HasField("histo"):
        h = value.histo
        limits, counts = list(h.bucket_limit), list(h.bucket)
        if not counts or len(limits) != len(counts):
            return None
        edges = [h.min, *limits]
        edges = [min(max(e, h.min), h.max) for e in edges]
        return edges, counts
    if value.HasField("tensor") and value.metadata.plugin_data.plugin_name == b"histograms":
        numbers = _array(value.tensor)
        if numbers is None or numbers.size == 0 or numbers.size % 3:
            return None
        rows = numbers.reshape(-1, 3)
        return [float(rows[0, 0]), *rows[:, 1].tolist()], rows[:, 2].tolist()
    return None


def _text(value: Any) -> str | None:
    if (
        value.HasField("tensor")
        and len(value.tensor.string_val)
        and value.metadata.plugin_data.plugin_name in (b"text", b"")
    ):
        return bytes(value.tensor.string_val[0]).decode("utf-8", errors="replace")
    return None


def _take_text(tag: str, text: str, out: _Gathered) -> None:
    name = tag.removesuffix("/text_summary").removeprefix("train/")
    if name not in _ARGUMENTS:
        out.ignored["text"] += 1
        return
    found = _parsed(text)
    if name == "model_config":
        found = {"model_config": found} if found else {}
    out.config |= found


def _parsed(text: str) -> dict[str, Any]:
    """JSON, or a Markdown table of names and values."""
    try:
        value = json.loads(text)
        return value if isinstance(value, dict) else {}
    except ValueError:
        rows = re.findall(r"^\s*\|([^|\n]+)\|([^|\n]*)\|\s*$", text, re.MULTILINE)
        return {k.strip(): v.strip() for k, v in rows if k.strip() not in ("param", "key", "-", "--", "---")}


def _kind(value: Any) -> str:
    for name in ("image", "audio"):
        if value.HasField(name):
            return name
    plugin = bytes(value.metadata.plugin_data.plugin_name).decode("utf-8", errors="replace")
    return plugin or "other"
