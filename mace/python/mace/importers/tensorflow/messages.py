# SPDX-License-Identifier: Apache-2.0
"""The messages of a SavedModel that tensorboard does not carry (tensorflow/core/protobuf:
saved_model.proto, tensor_bundle.proto). Field numbers are those of the format."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# Importing them registers their messages, to which the fields below refer.
from tensorboard.compat.proto import meta_graph_pb2, tensor_shape_pb2  # noqa: F401

_INT32, _INT64, _MESSAGE, _FIXED32 = 5, 3, 11, 7
_PACKAGE = "mace.tensorflow"
# Message: field name, number, type, whether repeated, message type.
_MESSAGES: dict[str, list[tuple[str, int, int, bool, str]]] = {
    "SavedModel": [
        ("saved_model_schema_version", 1, _INT64, False, ""),
        ("meta_graphs", 2, _MESSAGE, True, ".tensorboard.MetaGraphDef"),
    ],
    "BundleHeader": [("num_shards", 1, _INT32, False, ""), ("endianness", 2, _INT32, False, "")],
    "Slice": [],
    "BundleEntry": [
        ("dtype", 1, _INT32, False, ""),
        ("shape", 2, _MESSAGE, False, ".tensorboard.TensorShapeProto"),
        ("shard_id", 3, _INT32, False, ""),
        ("offset", 4, _INT64, False, ""),
        ("size", 5, _INT64, False, ""),
        ("crc32c", 6, _FIXED32, False, ""),
        ("slices", 7, _MESSAGE, True, f".{_PACKAGE}.Slice"),
    ],
}


@lru_cache(maxsize=1)
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="mace/tensorflow.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[
            "tensorboard/compat/proto/meta_graph.proto",
            "tensorboard/compat/proto/tensor_shape.proto",
        ],
    )
    for name, fields in _MESSAGES.items():
        definition = file.message_type.add(name=name)
        for field, number, kind, repeated, type_name in fields:
            label = 3 if repeated else 1
            added = definition.field.add(name=field, number=number, label=label)
            added.type = kind  # type: ignore[assignment]  # The numbers of its enumeration.
            if type_name:
                added.type_name = type_name
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool


@lru_cache(maxsize=8)
def message(name: str) -> type[Any]:
    """The class of "SavedModel", "BundleHeader" or "BundleEntry"."""
    found = _pool().FindMessageTypeByName(f"{_PACKAGE}.{name}")
    return message_factory.GetMessageClass(found)
