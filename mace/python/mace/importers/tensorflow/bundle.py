# SPDX-License-Identifier: Apache-2.0
"""Reads the variables of a SavedModel: an index file (a sorted string table, the format of LevelDB
without compression) and data files ("tensor bundle", tensorflow/core/util/tensor_bundle)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from mace.errors import MaceError
from mace.graph.ir import Array
from mace.importers.tensorflow.graph_def import numpy_type
from mace.importers.tensorflow.messages import message

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5  # After each block: its compression, and a checksum of four bytes.


@dataclass(frozen=True)
class _Entry:
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    sliced: bool


class Bundle:
    """The tensors of a bundle by key. `prefix`: the path without ".index"."""

    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        self._maps: dict[int, Any] = {}
        self._entries: dict[str, _Entry] = {}
        index = prefix.with_name(prefix.name + ".index")
        try:
            raw = index.read_bytes()
        except OSError as error:
            raise MaceError(
                f"the variables' index '{index}' cannot be read: {error.strerror}",
                hint="copy the whole folder of the SavedModel, with its folder variables",
            ) from None
        try:
            self._read_index(raw)
        except (DecodeError, IndexError, struct.error, ValueError) as error:
            raise MaceError(
                f"the variables' index '{index}' is damaged: {error}", hint="copy the model again"
            ) from None

    def keys(self) -> list[str]:
        """Names of the tensors."""
        return list(self._entries)

    def read(self, key: str) -> Array:
        """A tensor, mapped from its file where possible. Raises MaceError."""
        entry = self._entries.get(key)
        if entry is None:
            raise MaceError(f"the SavedModel's variables have no '{key}'")
        dtype = numpy_type(entry.dtype)
        if dtype is None or entry.sliced:
            reason = "in slices" if entry.sliced else f"of TensorFlow's type number {entry.dtype}"
            raise MaceError(f"variable '{key}' is {reason}, which MACE does not read")
        whole = all(d >= 0 for d in entry.shape)
        if not whole or math.prod(entry.shape) * dtype.itemsize != entry.size:
            raise MaceError(
                f"variable '{key}' has {entry.size} bytes for shape {list(entry.shape)}",
                hint="the model's files are damaged",
            )
        data = self._data(entry.shard)
        if entry.offset < 0 or entry.offset + entry.size > len(data):
            raise MaceError(
                f"the file of variable '{key}' ends before its last byte",
                hint="copy the model's folder variables again",
            )
        raw = data[entry.offset : entry.offset + entry.size]
        return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(entry.shape)

    def _data(self, shard: int) -> Any:
        if shard not in self._maps:
            name = f"{self._prefix.name}.data-{shard:05d}-of-{self._shards:05d}"
            path = self._prefix.with_name(name)
            try:
                empty = path.stat().st_size == 0
                self._maps[shard] = b"" if empty else np.memmap(path, np.uint8, "r")
            except OSError as error:
                raise MaceError(
                    f"the variables' file '{path}' cannot be read: {error.strerror}",
                    hint="copy the whole folder of the SavedModel, with its folder variables",
                ) from None
        return self._maps[shard]

    def _read_index(self, raw: bytes) -> None:
        if len(raw) < _FOOTER or struct.unpack("<Q", raw[-8:])[0] != _MAGIC:
            raise ValueError("it does not end as such a file does")
        footer = raw[-_FOOTER:]
        _, position = _varint(footer, 0)
        _, position = _varint(footer, position)
        offset, position = _varint(footer, position)
        size, _ = _varint(footer, position)
        self._shards = 1
        for _, handle in _block(raw, offset, size):
            start, position = _varint(handle, 0)
            length, _ = _varint(handle, position)
            for key, value in _block(raw, start, length):
                self._add(key, value)

    def _add(self, key: bytes, value: bytes) -> None:
        if not key:
            header = message("BundleHeader").FromString(value)
            if header.endianness:
                raise ValueError("its numbers are big-endian")
            self._shards = header.num_shards
            return
        entry = message("BundleEntry").FromString(value)
        shape = tuple(int(d.size) for d in entry.shape.dim)
        self._entries[key.decode("utf-8", "replace")] = _Entry(
            entry.dtype, shape, entry.shard_id, entry.offset, entry.size, bool(entry.slices)
        )


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is too long")


def _block(raw: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block. A key is written without what it shares with the one before."""
    end = offset + size
    if size < 4 or end + _TRAILER > len(raw):
        raise ValueError("a block lies outside of it")
    if raw[end] != 0:
        raise ValueError("it is compressed, which TensorFlow does not do")
    (restarts,) = struct.unpack_from("<I", raw, end - 4)
    data = raw[offset : end - 4 - 4 * restarts] if 4 * restarts + 4 <= size else b""
    position, key = 0, b""
    while position < len(data):
        shared, position = _varint(data, position)
        rest, position = _varint(data, position)
        length, position = _varint(data, position)
        if shared > len(key) or position + rest + length > len(data):
            raise ValueError("an entry is larger than its block")
        key = key[:shared] + data[position : position + rest]
        position += rest
        yield key, data[position : position + length]
        position += length
