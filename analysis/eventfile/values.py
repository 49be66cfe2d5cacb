"""What a summary value holds: a number, a distribution, a text, settings; or its kind if it is anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.eventfile.message import message_class

Numbers = npt.NDArray[np.float64]

_DTYPES: dict[int, tuple[str, str]] = {
    1: ("<f4", "float_val"),
    2: ("<f8", "double_val"),
    3: ("<i4", "int_val"),
    4: ("<u1", "int_val"),
    5: ("<i2", "int_val"),
    6: ("<i1", "int_val"),
    9: ("<i8", "int64_val"),
    10: ("?", "bool_val"),
    14: ("<u2", "half_val"),
    17: ("<u2", "int_val"),
    19: ("<u2", "half_val"),
    22: ("<u4", "uint32_val"),
    23: ("<u8", "uint64_val"),
}
"""tensorflow.DataType -> type of its bytes, field of TensorProto; 14 is bfloat16, 19 half, both kept as bits."""

_STRING, _BFLOAT16, _HALF = 7, 14, 19


def tag_of(value: Any) -> str:
    """The tag as logged; bytes that are no UTF-8 are replaced."""
    return str(value.tag.decode("utf-8", errors="replace"))


def plugin_of(value: Any) -> str:
    """The TensorBoard plugin that a value names, "" if it names none."""
    return str(value.metadata.plugin_data.plugin_name.decode("utf-8", errors="replace"))


def number(value: Any) -> float | None:
    """The number of a scalar: `simple_value`, or a tensor of one element.

    Writers may leave out the plugin after the first event of a tag, so a single number needs none.
    """
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor") or plugin_of(value) not in ("scalars", ""):
        return None
    elements = array(value.tensor)
    return float(elements[0]) if elements is not None and elements.size == 1 else None


def array(tensor: Any) -> Numbers | None:
    """The elements of a tensor of numbers, flat; None if it holds something else or its length is wrong."""
    if tensor.dtype not in _DTYPES:
        return None
    dtype, field = np.dtype(_DTYPES[tensor.dtype][0]), _DTYPES[tensor.dtype][1]
    size = 1
    for dim in tensor.shape.dim:
        size *= dim.size
    if tensor.content:
        if len(tensor.content) != size * dtype.itemsize:
            return None
        bits = np.frombuffer(tensor.content, dtype)
    else:
        told = getattr(tensor, field)
        if len(told) not in (1, size) or not told:
            return None
        if tensor.dtype in (_HALF, _BFLOAT16):
            bits = (np.array(told, np.int64) & 0xFFFF).astype(dtype)
        else:
            bits = np.array(told)
    if tensor.dtype == _HALF:
        bits = bits.view("<f2")
    elif tensor.dtype == _BFLOAT16:
        bits = (bits.astype("<u4") << 16).view("<f4")
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        elements = bits.astype(np.float64)
    # one element told for many: TensorProto's short form of a constant
    return np.full(size, elements[0]) if elements.size == 1 < size <= _MOST else elements


_MOST = 1 << 20
"""A constant tensor of more elements is not spread out: no scalar, no histogram."""


def histogram(value: Any) -> tuple[list[float], list[float]] | None:
    """Edges (k + 1) and counts (k), None if the value is no histogram or an empty one.

    The outermost limits of a HistogramProto are minus and plus the largest double (TensorFlow), or zero-count
    buckets put there to carry an edge (torch). As in TensorBoard, empty buckets at both ends are dropped, and the
    outermost edges are the data's minimum and maximum.
    """
    if value.HasField("histo"):
        histo = value.histo
        return _trimmed([histo.min, *histo.bucket_limit], histo.bucket, histo.min, histo.max)
    if not value.HasField("tensor") or plugin_of(value) not in ("histograms", ""):
        return None
    shape = [dim.size for dim in value.tensor.shape.dim]
    elements = array(value.tensor) if len(shape) == 2 and shape[1] == 3 and shape[0] > 0 else None
    if elements is None:
        return None
    left, right, count = elements.reshape(-1, 3).T
    if not np.array_equal(left[1:], right[:-1]) or not (count >= 0).all():
        return None
    return _trimmed([*left.tolist(), float(right[-1])], count.tolist(), float(left[0]), float(right[-1]))


def _trimmed(
    edges: Sequence[float], counts: Sequence[float], low: float, high: float
) -> tuple[list[float], list[float]] | None:
    filled = np.flatnonzero(np.fromiter(counts, np.float64, len(counts)) > 0)
    if not len(filled) or len(edges) != len(counts) + 1:
        return None
    first, last = int(filled[0]), int(filled[-1])
    inner = list(edges[first + 1 : last + 1])
    if inner:  # a minimum or maximum that was not told reads 0, or is NaN, and must not make edges go backwards
        low, high = float(np.fmin(low, inner[0])), float(np.fmax(high, inner[-1]))
    return [low, *inner, high], list(counts[first : last + 1])


def text(value: Any) -> str | None:
    """The text of a text summary of one string; longer tables of strings are not read."""
    if not value.HasField("tensor") or value.tensor.dtype != _STRING or plugin_of(value) not in ("text", ""):
        return None
    strings = value.tensor.string_val
    return str(strings[0].decode("utf-8", errors="replace")) if len(strings) == 1 else None


def settings(value: Any) -> dict[str, Any] | None:
    """Hyper-parameters that the hparams plugin keeps for a session; {} for its other messages, None if not its own."""
    if plugin_of(value) != "hparams":
        return None
    from google.protobuf.message import DecodeError

    try:
        message = message_class("HParams").FromString(value.metadata.plugin_data.content)
    except DecodeError:
        return None
    return {h.key.decode("utf-8", errors="replace"): _setting(h.value) for h in message.session_start_info.hparams}


def _setting(value: Any) -> Any:
    if value.HasField("string"):
        return value.string.decode("utf-8", errors="replace")
    if value.HasField("bool"):
        return value.bool
    if not value.HasField("number"):
        return None
    # the plugin knows doubles only: a whole number was an integer when it was told
    return int(value.number) if value.number.is_integer() and abs(value.number) < 2**53 else value.number


def kind(value: Any) -> str:
    """What a value is that none of the above could read."""
    for name in ("image", "audio", "histo"):
        if value.HasField(name):
            return "empty histogram" if name == "histo" else name
    return plugin_of(value) or ("tensor" if value.HasField("tensor") else "value without content")
