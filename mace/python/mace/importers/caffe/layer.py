# SPDX-License-Identifier: Apache-2.0
"""A layer of a Caffe network as the importer functions see it, and the registry of them.

Tensors keep Caffe's dimensions (N, C, H, W); spatial operators are written between Transposes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mace.graph.ir import Array
from mace.importers.base import Builder, Registry, UnsupportedError
from mace.importers.caffe.prototxt import blob_array


@dataclass
class CaffeLayer:
    """A layer. `bottoms` and `tops` are tensor names of the MACE graph.

    `ranks` holds the number of dimensions of each tensor so far, shared by all layers; `shape_of`
    gives the shape of a tensor as the engine infers it, -1 where that depends on the input.
    `permissive` are the indices of blobs shared with a layer that has them in another shape.
    """

    name: str
    type: str
    bottoms: list[str]
    tops: list[str]
    message: Any
    blobs: list[Any] = field(default_factory=list)
    ranks: dict[str, int] = field(default_factory=dict)
    line: int = 0
    shape_of: Callable[[str], tuple[int, ...]] = lambda _: ()
    permissive: set[int] = field(default_factory=set)

    def bottom(self, index: int = 0) -> str:
        """The name of an input; UnsupportedError when there are fewer."""
        if index >= len(self.bottoms):
            raise UnsupportedError(
                f"it has {len(self.bottoms)} bottoms where {self.type} needs {index + 1}",
                "correct the prototxt",
            )
        return self.bottoms[index]

    def top(self, index: int = 0) -> str:
        """The name of an output; UnsupportedError when there are fewer."""
        if index >= len(self.tops):
            raise UnsupportedError(
                f"it has {len(self.tops)} tops where {self.type} needs {index + 1}",
                "correct the prototxt",
            )
        return self.tops[index]

    def rank(self, index: int = 0) -> int:
        """The number of dimensions of an input."""
        return self.ranks[self.bottom(index)]

    def set_rank(self, rank: int, index: int = 0) -> None:
        """States the number of dimensions of an output, where it is not that of the first input."""
        self.ranks[self.top(index)] = rank

    def axis(self, axis: int, rank: int | None = None) -> int:
        """The axis counted from the front; UnsupportedError when it is out of range."""
        rank = self.rank() if rank is None else rank
        result = axis + rank if axis < 0 else axis
        if not 0 <= result < rank:
            raise UnsupportedError(f"its axis {axis} is outside of a tensor of {rank} dimensions")
        return result

    def need_rank(self, rank: int, index: int = 0) -> None:
        """UnsupportedError unless an input has this number of dimensions."""
        if self.rank(index) != rank:
            raise UnsupportedError(
                f"its bottom '{self.bottom(index)}' has {self.rank(index)} dimensions where "
                f"{self.type} needs {rank}"
            )

    def blob(self, index: int) -> Array:
        """Weights; UnsupportedError when there are none."""
        if index >= len(self.blobs):
            raise UnsupportedError(
                f"it needs {index + 1} blobs of weights, and the caffemodel has {len(self.blobs)} "
                "for a layer of this name",
                "check that prototxt and caffemodel belong together",
            )
        return blob_array(self.blobs[index])

    def vector(self, index: int, size: int = -1) -> Array:
        """Weights as one row, whatever dimensions of 1 they are stored with."""
        return self.shaped(index, size)

    def shaped(self, index: int, *dims: int) -> Array:
        """Weights with these dimensions, -1 being any; UnsupportedError when they do not fit.

        Old files have four dimensions, of which the first are 1; around a row others may be 1 too.
        """
        array = self.blob(index)
        shape = list(array.shape)
        if index in self.permissive and -1 not in dims and math.prod(dims) == array.size:
            return array.reshape(dims)
        if len(dims) == 1:
            shape = [d for d in shape if d != 1] or [1]
        while len(shape) > len(dims) and shape[0] == 1:
            shape = shape[1:]
        fits = [w in (d, -1) for w, d in zip(dims, shape, strict=False)]
        if len(shape) != len(dims) or not all(fits):
            wanted = ", ".join("?" if d < 0 else str(d) for d in dims)
            raise UnsupportedError(
                f"its weights of shape {list(array.shape)} do not fit [{wanted}]",
                "check that prototxt and caffemodel belong together",
            )
        return array.reshape(shape)

    def dims(self, index: int = 0) -> tuple[int, ...]:
        """The dimensions of an input, -1 where they are not known at conversion."""
        self.rank(index)
        return self.shape_of(self.bottom(index))

    def known(self, index: int, axes: list[int]) -> list[int]:
        """Some dimensions of an input; UnsupportedError where they are not known."""
        dims = self.dims(index)
        if len(dims) <= max(axes) or any(dims[a] < 1 for a in axes):
            raise UnsupportedError(
                f"{self.type} needs to know the size of its bottom '{self.bottom(index)}'",
                "give the shapes of the inputs in the deployment file",
            )
        return [dims[a] for a in axes]


CAFFE: Registry[CaffeLayer] = Registry("Caffe")


def spatial_op(
    builder: Builder, layer: CaffeLayer, op: str, inputs: list[str], **attrs: object
) -> None:
    """Writes an NHWC operator between Transposes; its first input and the output are NCHW."""
    spatial_op_at(0, builder, layer, op, inputs, **attrs)


def spatial_op_at(
    index: int, builder: Builder, layer: CaffeLayer, op: str, inputs: list[str], **attrs: object
) -> None:
    """The same for the bottom and the top of an index."""
    layer.need_rank(4, index)
    result = builder.op(op, [builder.nhwc(inputs[0]), *inputs[1:]], None, **attrs)
    builder.nchw(result, layer.top(index))
    layer.set_rank(4, index)


def channel_op(
    builder: Builder, layer: CaffeLayer, op: str, inputs: list[str], **attrs: object
) -> None:
    """Writes an operator whose channels are last, for a tensor whose channels are dimension 1."""
    rank = layer.rank()
    if rank == 4:
        spatial_op(builder, layer, op, inputs, **attrs)
    elif rank == 2:
        builder.op(op, inputs, [layer.top()], **attrs)
    elif rank > 2:
        to_last = [0, *range(2, rank), 1]
        to_second = [0, rank - 1, *range(1, rank - 1)]
        last = builder.op("Transpose", [inputs[0]], None, dims=to_last)
        result = builder.op(op, [last, *inputs[1:]], None, **attrs)
        builder.op("Transpose", [result], [layer.top()], dims=to_second)
    else:
        raise UnsupportedError(f"its bottom has {rank} dimension, and none are channels")


def eltwise_chain(
    builder: Builder, tensor: str, output: str, steps: list[tuple[str, float]]
) -> None:
    """Combines a tensor with numbers one after the other: (type of Eltwise, number)."""
    if not steps:
        builder.op("Identity", [tensor], [output])
        return
    for index, (kind, number) in enumerate(steps):
        last = index == len(steps) - 1
        value = builder.const(number, "float32")
        tensor = builder.op("Eltwise", [tensor, value], [output] if last else None, type=kind)
