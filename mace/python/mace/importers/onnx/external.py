# SPDX-License-Identifier: Apache-2.0
"""Weights that an ONNX model keeps in other files. They lie in the model's own folder or below it:
a model from elsewhere must not make the converter read other files. Big ones are mapped into memory
and so read when they are needed, of files of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import onnx
from onnx import external_data_helper, helper

from mace.errors import MaceError
from mace.graph.ir import Array

# Tensors of fewer bytes are read at once: shapes may depend on them.
_SMALL = 64 * 1024
_HINT = "keep the weights beside the model, as they were when it was saved"


def load_small(model: onnx.ModelProto, folder: Path, where: str) -> None:
    """Puts small external tensors and those of attributes into the model, and checks all others.

    Raises MaceError for a file that is missing, too short, or outside of the folder.
    """
    for tensor in model.graph.initializer:
        _load(tensor, folder, where, _SMALL)
    inner = [model.graph.node, *(f.node for f in model.functions)]
    for tensor in (*_sparse(model.graph), *(t for nodes in inner for t in _of_nodes(nodes))):
        _load(tensor, folder, where, None)


def _load(tensor: onnx.TensorProto, folder: Path, where: str, most: int | None) -> None:
    """Reads a tensor into the model if it is external, of at most `most` bytes."""
    if not external_data_helper.uses_external_data(tensor):
        return
    try:
        array = mapped(tensor, folder)
    except ValueError as error:
        raise MaceError(
            f"'{where}': the weights of tensor '{tensor.name}' cannot be read: {error}", hint=_HINT
        ) from None
    if most is None or array.nbytes <= most:
        tensor.raw_data = array.tobytes()
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def mapped(tensor: onnx.TensorProto, folder: Path | None) -> Array:
    """The elements of an external tensor, read from its file as they are used.

    ValueError is the rest of a sentence: why there are none.
    """
    if folder is None:
        raise ValueError("they lie in another file, and the model was given without its folder")
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = _path(entries.get("location", ""), folder)
    offset, length = (_number(entries, key) for key in ("offset", "length"))
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    except (KeyError, TypeError):
        raise ValueError(f"their element type {tensor.data_type} is not known") from None
    if dtype.kind == "O":
        raise ValueError("they are strings, which are never in other files")
    shape = tuple(int(d) for d in tensor.dims)
    if any(d < 0 for d in shape):
        raise ValueError(f"the shape {shape} has a negative dimension")
    bits = onnx_bits(tensor.data_type)
    wanted = math.prod(shape) * dtype.itemsize if bits is None else -(-math.prod(shape) * bits // 8)
    if length is not None and length != wanted:
        raise ValueError(f"{length} bytes are given for {wanted} bytes of shape {shape}")
    size, start = path.stat().st_size, offset or 0
    if start + wanted > size:
        raise ValueError(
            f"they end at byte {start + wanted} of '{path.name}', which has {size} bytes"
        )
    if wanted == 0:
        return np.empty(shape, dtype)
    if bits is not None:
        return np.memmap(path, np.uint8, "r", start, (wanted,))
    return np.memmap(path, dtype, "r", start, shape)


def onnx_bits(number: int) -> int | None:
    """Bits of an element type of less than a byte, None for others."""
    name = onnx.TensorProto.DataType.Name(number) if number > 0 else ""
    return {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2}.get(name)


def _path(location: str, folder: Path) -> Path:
    """The file that a location names; ValueError unless it is one inside of the folder."""
    parts = PurePosixPath(location.replace("\\", "/")).parts
    absolute = PureWindowsPath(location).drive or location.startswith(("/", "\\"))
    if not parts or absolute or ".." in parts:
        raise ValueError(f"their file '{location}' is not a path inside of the model's folder")
    path = folder.joinpath(*parts)
    try:
        real = path.resolve(strict=True)
    except (OSError, ValueError):
        raise ValueError(f"there is no file '{location}' beside the model") from None
    if not real.is_relative_to(folder.resolve()):
        raise ValueError(f"their file '{location}' is a link out of the model's folder")
    if not real.is_file():
        raise ValueError(f"'{location}' is no file")
    return real


def _number(entries: dict[str, str], key: str) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(f"their {key} is '{text[:40]}', which is no number of bytes")
    return int(text)


def _sparse(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    """All tensors in attributes, and in the graphs among them."""
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from (*inner.initializer, *_sparse(inner), *_of_nodes(inner.node))
