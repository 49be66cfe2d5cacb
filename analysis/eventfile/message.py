"""The wanted fields of `tensorflow.Event`, as protobuf messages built here: no TensorFlow, no TensorBoard."""

from __future__ import annotations

from functools import cache
from typing import Any

_FIELDS: dict[str, list[tuple[str, int, str, bool]]] = {
    "Event": [
        ("wall_time", 1, "double", False),
        ("step", 2, "int64", False),
        ("file_version", 3, "string", False),
        ("graph_def", 4, "bytes", False),
        ("summary", 5, "Summary", False),
        ("session_log", 7, "SessionLog", False),
    ],
    "SessionLog": [("status", 1, "int32", False)],
    "Summary": [("value", 1, "Value", True)],
    "Value": [
        ("tag", 1, "string", False),
        ("simple_value", 2, "float", False),
        ("image", 4, "bytes", False),
        ("histo", 5, "Histogram", False),
        ("audio", 6, "bytes", False),
        ("tensor", 8, "Tensor", False),
        ("metadata", 9, "Metadata", False),
    ],
    "Histogram": [
        ("min", 1, "double", False),
        ("max", 2, "double", False),
        ("num", 3, "double", False),
        ("bucket_limit", 6, "double", True),
        ("bucket", 7, "double", True),
    ],
    "Tensor": [
        ("dtype", 1, "int32", False),
        ("shape", 2, "Shape", False),
        ("content", 4, "bytes", False),
        ("half_val", 13, "int32", True),
        ("float_val", 5, "float", True),
        ("double_val", 6, "double", True),
        ("int_val", 7, "int32", True),
        ("string_val", 8, "bytes", True),
        ("int64_val", 10, "int64", True),
    ],
    "Shape": [("dim", 2, "Dim", True)],
    "Dim": [("size", 1, "int64", False)],
    "Metadata": [("plugin_data", 1, "PluginData", False)],
    "PluginData": [("plugin_name", 1, "string", False), ("content", 2, "bytes", False)],
}
"""message -> (field, number, type, repeated), numbers as in tensorflow/core/util/event.proto, summary.proto and
tensor.proto. `simple_value`, `histo` ... are members of a oneof there; presence is tracked the same way here."""


@cache
def event_class() -> Any:
    """The message class for `tensorflow.Event`."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    types = descriptor_pb2.FieldDescriptorProto
    scalar = {
        "double": types.TYPE_DOUBLE,
        "float": types.TYPE_FLOAT,
        "int64": types.TYPE_INT64,
        "int32": types.TYPE_INT32,
        # bytes, not string: a broken character must not lose the record
        "string": types.TYPE_BYTES,
        "bytes": types.TYPE_BYTES,
    }
    file = descriptor_pb2.FileDescriptorProto(name="rewardboard_event.proto", package="rewardboard", syntax="proto2")
    for message, fields in _FIELDS.items():
        entry = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
            item = entry.field.add(name=name, number=number, label=label)
            if kind in scalar:
                item.type = scalar[kind]
            else:
                item.type, item.type_name = types.TYPE_MESSAGE, f".rewardboard.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("rewardboard.Event"))
