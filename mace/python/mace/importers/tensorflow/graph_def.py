# SPDX-License-Identifier: Apache-2.0
"""Reads a frozen GraphDef: its nodes with typed attributes, its tensors as numpy arrays.

The messages come from tensorboard, which carries them in pure Python, so that TensorFlow itself
is not needed to convert a model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.graph_pb2 import GraphDef

from mace.graph.ir import Array
from mace.importers.base import ImportFailed, Problem, UnsupportedError

if TYPE_CHECKING:
    from mace.importers.tensorflow.context import Context

# Our name and numpy's type by TensorFlow's DataType (tensorflow/core/framework/types.proto).
_TYPES: dict[int, tuple[str, Any]] = {
    1: ("f32", np.float32),
    2: ("f64", np.float64),
    3: ("i32", np.int32),
    4: ("u8", np.uint8),
    5: ("i16", np.int16),
    6: ("i8", np.int8),
    9: ("i64", np.int64),
    10: ("bool", np.bool_),
    11: ("i8", np.int8),  # Quantized types: their numbers are those of the plain ones.
    12: ("u8", np.uint8),
    13: ("i32", np.int32),
    17: ("u16", np.uint16),
    19: ("f16", np.float16),
    22: ("u32", np.uint32),
    23: ("u64", np.uint64),
}
_VALUE_FIELDS = {
    1: "float_val",
    2: "double_val",
    3: "int_val",
    4: "int_val",
    5: "int_val",
    6: "int_val",
    9: "int64_val",
    10: "bool_val",
    11: "int_val",
    12: "int_val",
    13: "int_val",
    17: "int_val",
    19: "half_val",
    22: "uint32_val",
    23: "uint64_val",
}
# A constant larger than this cannot be meant; it would only exhaust the memory.
_MAX_ELEMENTS = 1 << 29


@dataclass
class TfNode:
    """A node of the GraphDef. `inputs` are data inputs only, as tensor names of the MACE graph."""

    name: str
    op: str
    inputs: list[str]
    attrs: Any = field(default_factory=dict)
    renames: dict[str, str] = field(default_factory=dict)
    context: Context | None = None

    def output(self, index: int = 0) -> str:
        """The name of an output tensor: the node's for the first one, else "name:index"."""
        name = self.name if index == 0 else f"{self.name}:{index}"
        return self.renames.get(name, name)

    def outputs(self, count: int) -> list[str]:
        """The names of the first outputs."""
        return [self.output(i) for i in range(count)]

    def input(self, index: int) -> str:
        """The name of an input tensor; UnsupportedError when the node has fewer."""
        if index >= len(self.inputs):
            raise UnsupportedError(
                f"it has {len(self.inputs)} inputs where {self.op} has at least {index + 1}",
                "the model file is damaged",
            )
        return self.inputs[index]

    def has(self, name: str) -> bool:
        """Whether the attribute is written in the node."""
        return name in self.attrs

    def int_attr(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self.attrs[name].i) if name in self.attrs else default

    def float_attr(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self.attrs[name].f) if name in self.attrs else default

    def bool_attr(self, name: str, default: bool = False) -> bool:
        """A boolean attribute."""
        return bool(self.attrs[name].b) if name in self.attrs else default

    def string_attr(self, name: str, default: str) -> str:
        """A string attribute."""
        return self.attrs[name].s.decode("utf-8", "replace") if name in self.attrs else default

    def ints_attr(self, name: str) -> list[int]:
        """An attribute that is a list of integers; empty when it is absent."""
        return [int(v) for v in self.attrs[name].list.i] if name in self.attrs else []

    def type_attr(self, name: str, default: str = "f32") -> str:
        """An attribute that is an element type, by our name; UnsupportedError for strings etc."""
        if name not in self.attrs:
            return default
        number = int(self.attrs[name].type)
        if number not in _TYPES:
            raise UnsupportedError(
                f"attribute '{name}' is TensorFlow's type {number}, which MACE does not have",
                "use float, int32, int64, uint8, int8 or bool",
            )
        return _TYPES[number][0]

    def types_attr(self, name: str) -> list[str]:
        """An attribute that is a list of element types, "" for those that MACE does not have."""
        numbers = self.attrs[name].list.type if name in self.attrs else []
        return [_TYPES[n][0] if n in _TYPES else "" for n in numbers]

    def function_attr(self, name: str) -> str:
        """An attribute that is the name of a function; empty when it is absent."""
        return str(self.attrs[name].func.name) if name in self.attrs else ""

    def functions_attr(self, name: str) -> list[str]:
        """An attribute that is a list of functions, by their names."""
        return [str(f.name) for f in self.attrs[name].list.func] if name in self.attrs else []

    def shape_attr(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a shape, -1 for unknown dimensions; None for an unknown rank."""
        if name not in self.attrs or self.attrs[name].shape.unknown_rank:
            return None
        return tuple(int(d.size) for d in self.attrs[name].shape.dim)


def read_graph_def(path: Path) -> GraphDef:
    """The GraphDef in a .pb or (text) .pbtxt file. Raises ImportFailed with a sentence."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _file_problem(path, f"it cannot be read: {error.strerror}", "") from error
    graph = GraphDef()
    if path.suffix in (".pbtxt", ".pb_txt", ".txt"):
        try:
            text_format.Parse(data.decode("utf-8", "replace"), graph, allow_unknown_field=True)
        except text_format.ParseError as error:
            raise _file_problem(path, f"it is not a GraphDef in text form: {error}", "") from error
    else:
        try:
            graph.ParseFromString(data)
        except DecodeError as error:
            raise _file_problem(
                path,
                "it is not a TensorFlow GraphDef, or it is damaged",
                "check the platform in the deployment file, and copy the file again",
            ) from error
    if not graph.node:
        hint = "a SavedModel's saved_model.pb has to be frozen first"
        raise _file_problem(path, "it holds no node of a GraphDef", hint)
    return graph


def _file_problem(path: Path, message: str, hint: str) -> ImportFailed:
    return ImportFailed([Problem("model", "file", str(path), message, hint)])


def numpy_type(number: int) -> np.dtype[Any] | None:
    """The numpy type of a number of TensorFlow's DataType, or None when MACE has no such type."""
    return np.dtype(_TYPES[number][1]) if number in _TYPES else None


def split_tensor_name(name: str) -> tuple[str, int]:
    """Node and output index of a tensor name such as "conv", "conv:0" or "split:1"."""
    node, colon, index = name.rpartition(":")
    if colon and index.isdigit():
        return node, int(index)
    return name, 0


def normalized(name: str) -> str:
    """The tensor name without the ":0" of a first output."""
    node, index = split_tensor_name(name)
    return f"{node}:{index}" if index else node


def data_inputs(inputs: Iterable[str]) -> list[str]:
    """The tensor names among the inputs of a node, normalised; control inputs are left out."""
    return [normalized(name) for name in inputs if not name.startswith("^")]


def tensor_to_array(tensor: Any) -> Array:
    """The numpy array of a TensorProto; UnsupportedError when it has none."""
    number = int(tensor.dtype)
    if number not in _TYPES:
        raise UnsupportedError(
            f"its elements are of TensorFlow's type number {number}, which MACE does not have",
            "use float, int32, int64, uint8, int8 or bool",
        )
    name, dtype = _TYPES[number]
    shape = tuple(int(d.size) for d in tensor.tensor_shape.dim)
    count = math.prod(shape)
    if any(d < 0 for d in shape) or count > _MAX_ELEMENTS:
        raise UnsupportedError(f"its shape {list(shape)} is out of range", "the model is damaged")
    content = tensor.tensor_content
    if content:
        if len(content) != count * np.dtype(dtype).itemsize:
            raise UnsupportedError(
                f"it has {len(content)} bytes for shape {list(shape)} of {name}",
                "the model file is damaged",
            )
        stored = np.frombuffer(content, np.dtype(dtype).newbyteorder("<"))
        return stored.astype(dtype).reshape(shape)
    raw = getattr(tensor, _VALUE_FIELDS[number])
    values = np.array(raw, np.uint16).view(np.float16) if name == "f16" else np.array(raw, dtype)
    if len(values) > count:
        raise UnsupportedError(
            f"it has {len(values)} values for shape {list(shape)}", "the model file is damaged"
        )
    # TensorFlow leaves out trailing values that repeat the last one, and zeros altogether.
    result = np.zeros(count, dtype)
    result[: len(values)] = values
    if 0 < len(values) < count:
        result[len(values) :] = values[-1]
    return result.reshape(shape)
