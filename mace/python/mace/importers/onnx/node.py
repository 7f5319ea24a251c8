# SPDX-License-Identifier: Apache-2.0
"""One node of an ONNX graph as importer functions see it, and their registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mace.graph.ir import Dims
from mace.importers.base import Builder, Registry, UnsupportedError


@dataclass
class Types:
    """What onnx.shape_inference knows of the tensors of the model."""

    shapes: dict[str, Dims] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)  # in which they are computed
    declared: dict[str, str] = field(default_factory=dict)  # where the model may have f16 or bf16
    opsets: dict[str, int] = field(default_factory=dict)  # of the model, by domain


@dataclass
class OnnxNode:
    """A node with its attributes as Python values. Trailing absent inputs are dropped."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any]
    opset: int
    types: Types
    # What the graphs inside it read of the one that it is in.
    captures: list[str] = field(default_factory=list)

    def attr(self, name: str, default: Any) -> Any:
        """An attribute or its default."""
        return self.attrs.get(name, default)

    def require(self, name: str) -> Any:
        """An attribute without a default."""
        if name not in self.attrs:
            raise UnsupportedError(
                f"the attribute {name} is missing", "the model is not valid ONNX"
            )
        return self.attrs[name]

    def input(self, index: int) -> str:
        """The name of an input, "" when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def uses_output(self, index: int) -> bool:
        """Whether the node has that output."""
        return index < len(self.outputs) and bool(self.outputs[index])

    def rank(self, tensor: str) -> int:
        """The rank of a tensor; an UnsupportedError when it is not known."""
        shape = self.types.shapes.get(tensor)
        if shape is None:
            raise UnsupportedError(
                f"the rank of tensor '{tensor}' is not known",
                "run onnx.shape_inference on the model, or simplify it with onnxslim",
            )
        return len(shape)

    def shape(self, tensor: str) -> Dims | None:
        """The shape as far as it is known, -1 for unknown dimensions."""
        return self.types.shapes.get(tensor)

    def dtype(self, tensor: str) -> str:
        """The element type of a tensor, f32 unless something else is known."""
        return self.types.dtypes.get(tensor, "f32")

    def declared(self, tensor: str) -> str:
        """The element type that the model gives a tensor, which may not be the one it has here."""
        return self.types.declared.get(tensor) or self.dtype(tensor)

    def integers(self, b: Builder, index: int, attribute: str) -> list[int] | None:
        """Integers that older opsets give as an attribute and newer ones as a constant input.

        None when neither is there. An UnsupportedError when the input is not constant.
        """
        if self.input(index):
            return [int(v) for v in np.ravel(self.constant(b, index, attribute))]
        value = self.attrs.get(attribute)
        return None if value is None else [int(v) for v in value]

    def constant(self, b: Builder, index: int, what: str) -> np.ndarray[Any, Any]:
        """The elements of an input that must be constant."""
        value = b.value(self.input(index))
        if value is None:
            raise UnsupportedError(
                f"{what} is computed while the model runs, and must be constant",
                "give the model fixed input shapes, or simplify it with onnxslim",
            )
        return value


REGISTRY: Registry[OnnxNode] = Registry("onnx")
# Of each operator: the oldest and the newest version of its schema that its function translates.
VERSIONS: dict[str, tuple[int, int]] = {}

Function = Callable[[Builder, OnnxNode], None]


def register(*ops: str, versions: tuple[int, int]) -> Callable[[Function], Function]:
    """Decorator: the function translates these operators in the forms that they have from one
    version of their operator set to another, both as in the history of their schemas."""
    VERSIONS.update(dict.fromkeys(ops, versions))
    return REGISTRY.register(*ops)
