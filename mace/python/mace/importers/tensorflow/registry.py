# SPDX-License-Identifier: Apache-2.0
"""The registry of TensorFlow's operators and what their functions share."""

from __future__ import annotations

from mace.graph import dtypes
from mace.graph.ir import Array, Interface, Value
from mace.importers.base import Builder, Registry, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode

TENSORFLOW: Registry[TfNode] = Registry("TensorFlow")


def alias(builder: Builder, node: TfNode, tensor: str, output: str) -> None:
    """Makes `output` the same as `tensor`; a constant stays a constant, which others may need."""
    if node.context is not None and tensor in node.context.lists:
        node.context.lists[output] = node.context.lists[tensor]
        return
    value = builder.value(tensor)
    if value is None:
        builder.op("Identity", [tensor], [output])
    else:
        builder.graph.consts[output] = value


def constant(builder: Builder, node: TfNode, index: int, what: str) -> Array:
    """The value of an input that has to be constant; UnsupportedError names it otherwise."""
    name = node.input(index)
    value = builder.value(name)
    if value is None:
        raise UnsupportedError(
            f"its {what} (input {index}, '{name}') is computed when the model runs",
            f"make the {what} a constant of the model",
        )
    return value


def constant_ints(builder: Builder, node: TfNode, index: int, what: str) -> list[int]:
    """The integers of an input that has to be constant, whatever its shape."""
    return [int(v) for v in constant(builder, node, index, what).reshape(-1)]


def constant_int(builder: Builder, node: TfNode, index: int, what: str) -> int:
    """The integer of an input that has to be a constant of one element."""
    values = constant_ints(builder, node, index, what)
    if len(values) != 1:
        raise UnsupportedError(f"its {what} has {len(values)} elements where one is expected")
    return values[0]


def known_shape(builder: Builder, node: TfNode, tensor: str, what: str) -> tuple[int, ...]:
    """The shape of a tensor as far as it follows from the inputs' shapes, -1 for open dimensions;
    UnsupportedError when not even the rank is known."""
    shape = shape_of(builder, tensor)
    if shape is None:
        raise UnsupportedError(
            f"the shape of its {what} ('{tensor}') is not known when the model is converted",
            "give the model's inputs fixed shapes",
        )
    return shape


def shape_of(builder: Builder, tensor: str) -> tuple[int, ...] | None:
    """The same, or None."""
    value = described(builder, tensor)
    return value.shape if value is not None else None


def described(builder: Builder, tensor: str) -> Value | None:
    """Type and shape of a tensor as far as they follow from the inputs', or None."""
    if tensor in builder.graph.consts:
        array = builder.graph.consts[tensor]
        return Value(tensor, dtypes.from_numpy(array.dtype), array.shape)
    from mace.analysis.infer import infer

    graph = builder.graph.copy()
    graph.outputs = [Interface(tensor, (), data_format="NONE")]
    needed = {tensor}
    nodes = []
    for producer in reversed(graph.nodes):
        if needed.intersection(producer.outputs):
            nodes.append(producer)
            needed.update(producer.inputs)
    graph.nodes = nodes[::-1]
    graph.consts = {name: array for name, array in graph.consts.items() if name in needed}
    return infer(graph).graph.values.get(tensor)


def channels_first(node: TfNode) -> bool:
    """Whether the node works on NCHW; UnsupportedError for formats other than NHWC and NCHW."""
    data_format = node.string_attr("data_format", "NHWC")
    if data_format not in ("NHWC", "NCHW"):
        raise UnsupportedError(
            f"attribute data_format is {data_format}", "use data_format NHWC (or NCHW)"
        )
    return data_format == "NCHW"


def spatial(node: TfNode, name: str) -> list[int]:
    """Height and width of a list attribute such as strides, which must leave the rest alone."""
    values = node.ints_attr(name) or [1, 1, 1, 1]
    if len(values) != 4:
        raise UnsupportedError(f"attribute {name} has {len(values)} numbers where 4 are expected")
    height, width = (2, 3) if channels_first(node) else (1, 2)
    rest = [v for i, v in enumerate(values) if i not in (height, width)]
    if rest != [1, 1]:
        raise UnsupportedError(
            f"attribute {name} is {values}, which is not 1 for batch and channels",
            f"use {name} in height and width only",
        )
    return [values[height], values[width]]


def to_nhwc(builder: Builder, node: TfNode, tensor: str) -> str:
    """The tensor in NHWC, whatever the node's data_format."""
    return builder.nhwc(tensor) if channels_first(node) else tensor


def spatial_op(builder: Builder, node: TfNode, op: str, inputs: list[str], **attrs: object) -> None:
    """Writes an NHWC operator whose first input is in the node's data_format, as is its output."""
    if not channels_first(node):
        builder.op(op, inputs, [node.output()], **attrs)
        return
    result = builder.op(op, [builder.nhwc(inputs[0]), *inputs[1:]], None, **attrs)
    builder.nchw(result, node.output())
