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
        ("log_message", 6, "bytes", False),
        ("session_log", 7, "SessionLog", False),
        ("tagged_run_metadata", 8, "bytes", False),
        ("meta_graph_def", 9, "bytes", False),
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
        ("float_val", 5, "float", True),
        ("double_val", 6, "double", True),
        ("int_val", 7, "int32", True),
        ("string_val", 8, "bytes", True),
        ("int64_val", 10, "int64", True),
        ("bool_val", 11, "bool", True),
        ("half_val", 13, "int32", True),
        ("uint32_val", 16, "uint32", True),
        ("uint64_val", 17, "uint64", True),
    ],
    "Shape": [("dim", 2, "Dim", True)],
    "Dim": [("size", 1, "int64", False)],
    "Metadata": [("plugin_data", 1, "PluginData", False)],
    "PluginData": [("plugin_name", 1, "string", False), ("content", 2, "bytes", False)],
    "HParams": [("session_start_info", 3, "SessionStart", False)],
    "SessionStart": [("hparams", 1, "HParam", True)],
    "HParam": [("key", 1, "string", False), ("value", 2, "Setting", False)],
    "Setting": [("number", 2, "double", False), ("string", 3, "string", False), ("bool", 4, "bool", False)],
}
"""message -> (field, number, type, repeated), numbers as in TensorFlow's event.proto, summary.proto, tensor.proto and
TensorBoard's hparams/plugin_data.proto, struct.proto. `simple_value`, `histo` ... are members of a oneof there."""


@cache
def message_class(name: str) -> Any:
    """The message class for one of `_FIELDS`: "Event" for `tensorflow.Event`, "HParams" for the hparams plugin."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"rewardboard.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool

    types = descriptor_pb2.FieldDescriptorProto
    scalar = {
        "double": types.TYPE_DOUBLE,
        "float": types.TYPE_FLOAT,
        "int64": types.TYPE_INT64,
        "int32": types.TYPE_INT32,
        "uint32": types.TYPE_UINT32,
        "uint64": types.TYPE_UINT64,
        "bool": types.TYPE_BOOL,
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
    return pool
