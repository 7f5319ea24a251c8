# SPDX-License-Identifier: Apache-2.0
"""Protobuf messages without generated code: classes made from the descriptor of a .proto file."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from mace.resources import resource


@lru_cache(maxsize=8)
def _pool(descriptor: str) -> descriptor_pool.DescriptorPool:
    files = descriptor_pb2.FileDescriptorSet.FromString(resource(descriptor).read_bytes())
    # A pool of its own: other packages may register messages of the same names (caffe.*).
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


@lru_cache(maxsize=256)
def message_class(name: str, descriptor: str = "mace.desc") -> type[Any]:
    """The class of a message, e.g. message_class("mace.NetDef"); KeyError when there is none.

    Typed Any because its fields are known only from the descriptor.
    """
    return message_factory.GetMessageClass(_pool(descriptor).FindMessageTypeByName(name))


def new(name: str, descriptor: str = "mace.desc") -> Any:
    """An empty message."""
    return message_class(name, descriptor)()


def serialize(message: Message) -> bytes:
    """The message's bytes; the same for equal messages."""
    return message.SerializeToString(deterministic=True)
