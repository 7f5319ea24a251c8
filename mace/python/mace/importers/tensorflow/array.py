# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's operators that rearrange tensors, and those that do nothing at inference."""

from __future__ import annotations

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode, tensor_to_array
from mace.importers.tensorflow.registry import (
    TENSORFLOW,
    alias,
    constant,
    constant_int,
    constant_ints,
    known_shape,
)

_INT32_MAX = int(np.iinfo(np.int32).max)


@TENSORFLOW.register("Const")
def const(builder: Builder, node: TfNode) -> None:
    """A tensor of the model."""
    if not node.has("value"):
        raise UnsupportedError("it has no value", "the model file is damaged")
    builder.graph.consts[node.output()] = tensor_to_array(node.attrs["value"].tensor)


@TENSORFLOW.register(
    "Identity",
    "CheckNumerics",
    "EnsureShape",
    "PlaceholderWithDefault",
    "PreventGradient",
    "ReadVariableOp",
    "Snapshot",
    "StopGradient",
)
def identity(builder: Builder, node: TfNode) -> None:
    """The input; a constant stays a constant, which others may need."""
    alias(builder, node, node.input(0), node.output())


@TENSORFLOW.register("IdentityN")
def identity_n(builder: Builder, node: TfNode) -> None:
    """All inputs."""
    for index, tensor in enumerate(node.inputs):
        alias(builder, node, tensor, node.output(index))


@TENSORFLOW.register("Reshape")
def reshape(builder: Builder, node: TfNode) -> None:
    """To a shape that is known or computed."""
    shape = builder.value(node.input(1))
    if shape is None:
        builder.op("Reshape", [node.input(0), node.input(1)], [node.output()])
        return
    dims = [int(v) for v in shape.reshape(-1)]
    if dims:
        builder.op("Reshape", [node.input(0)], [node.output()], shape=dims)
    else:  # To a scalar; an empty attribute would mean that there is none.
        empty = builder.const(np.zeros(0, np.int32))
        builder.op("Reshape", [node.input(0), empty], [node.output()])


@TENSORFLOW.register("Squeeze")
def squeeze(builder: Builder, node: TfNode) -> None:
    """Drops dimensions of size 1."""
    axes = node.ints_attr("squeeze_dims") or node.ints_attr("axis")
    builder.op("Squeeze", [node.input(0)], [node.output()], axis=axes)


@TENSORFLOW.register("ExpandDims")
def expand_dims(builder: Builder, node: TfNode) -> None:
    """Inserts a dimension of size 1."""
    axis = constant_int(builder, node, 1, "axis")
    builder.op("Unsqueeze", [node.input(0)], [node.output()], axis=[axis])


@TENSORFLOW.register("Shape")
def shape_of(builder: Builder, node: TfNode) -> None:
    """The dimensions."""
    output_type = node.type_attr("out_type", "i32")
    builder.op("Shape", [node.input(0)], [node.output()], output_type=output_type)


@TENSORFLOW.register("ShapeN")
def shape_n(builder: Builder, node: TfNode) -> None:
    """The dimensions of each input."""
    output_type = node.type_attr("out_type", "i32")
    for index, tensor in enumerate(node.inputs):
        builder.op("Shape", [tensor], [node.output(index)], output_type=output_type)


@TENSORFLOW.register("Size")
def size(builder: Builder, node: TfNode) -> None:
    """The number of elements."""
    output_type = node.type_attr("out_type", "i32")
    shape = builder.op("Shape", [node.input(0)], None, output_type=output_type)
    builder.op("Reduce", [shape], [node.output()], reduce_type="PROD", axis=[0], keepdims=False)


@TENSORFLOW.register("Rank")
def rank(builder: Builder, node: TfNode) -> None:
    """The number of dimensions, as the shape of the shape."""
    shape = builder.op("Shape", [node.input(0)], None, output_type="i32")
    length = builder.op("Shape", [shape], None, output_type="i32")
    builder.op("Squeeze", [length], [node.output()], axis=[0])


@TENSORFLOW.register("BroadcastTo")
def broadcast_to(builder: Builder, node: TfNode) -> None:
    """Repeats dimensions of size 1 up to a shape."""
    builder.op("Expand", [node.input(0), node.input(1)], [node.output()])


@TENSORFLOW.register("ZerosLike", "OnesLike")
def zeros_like(builder: Builder, node: TfNode) -> None:
    """Zeros or ones in the input's shape."""
    shape = builder.op("Shape", [node.input(0)], None, output_type="i32")
    value = 0.0 if node.op == "ZerosLike" else 1.0
    builder.op("Fill", [shape], [node.output()], value=value, output_type=node.type_attr("T"))


@TENSORFLOW.register("StridedSlice")
def strided_slice(builder: Builder, node: TfNode) -> None:
    """Slices with masks."""
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    attrs = {mask: node.int_attr(mask, 0) for mask in masks}
    builder.op("StridedSlice", [node.input(i) for i in range(4)], [node.output()], **attrs)


@TENSORFLOW.register("Slice")
def slice_(builder: Builder, node: TfNode) -> None:
    """From begin, size elements; size -1 reaches to the end."""
    tensor, begin, length = (node.input(i) for i in range(3))
    first, count = builder.value(begin), builder.value(length)
    if first is not None and count is not None:
        starts = first.astype(np.int64).reshape(-1)
        sizes = count.astype(np.int64).reshape(-1)
        ends = np.where(sizes < 0, _INT32_MAX, starts + sizes).astype(np.int32)
        ends_name = builder.const(ends)
    else:
        kind = np.int64 if node.type_attr("Index", "i32") == "i64" else np.int32
        total = builder.op("Eltwise", [begin, length], None, type="SUM")
        rest = builder.const(-1, kind)
        whole = builder.op("Eltwise", [length, rest], None, type="EQUAL")
        ends_name = builder.op("Where", [whole, builder.const(_INT32_MAX, kind), total])
    builder.op("Slice", [tensor, begin, ends_name], [node.output()])


@TENSORFLOW.register("Pack")
def pack(builder: Builder, node: TfNode) -> None:
    """Joins along a new axis."""
    builder.op("Stack", node.inputs, [node.output()], axis=node.int_attr("axis", 0))


@TENSORFLOW.register("Unpack")
def unpack(builder: Builder, node: TfNode) -> None:
    """Slices along an axis, which is dropped."""
    outputs = node.outputs(node.int_attr("num", 1))
    builder.op("Unstack", [node.input(0)], outputs, axis=node.int_attr("axis", 0))


@TENSORFLOW.register("Concat", "ConcatV2")
def concat(builder: Builder, node: TfNode) -> None:
    """Joins along an axis, which is the first input or the last."""
    first = node.op == "Concat"
    axis = constant_int(builder, node, 0 if first else len(node.inputs) - 1, "axis")
    tensors = node.inputs[1:] if first else node.inputs[:-1]
    if len(tensors) == 1:
        alias(builder, node, tensors[0], node.output())
        return
    builder.op("Concat", tensors, [node.output()], axis=axis)


@TENSORFLOW.register("Split")
def split(builder: Builder, node: TfNode) -> None:
    """Equal parts along an axis."""
    axis = constant_int(builder, node, 0, "axis")
    outputs = node.outputs(node.int_attr("num_split", 1))
    builder.op("Split", [node.input(1)], outputs, axis=axis)


@TENSORFLOW.register("SplitV")
def split_v(builder: Builder, node: TfNode) -> None:
    """Parts of given sizes; one of them may be -1, the rest, whose parts are cut from both ends."""
    sizes = constant_ints(builder, node, 1, "sizes")
    axis = constant_int(builder, node, 2, "axis")
    if -1 not in sizes:
        outputs = node.outputs(len(sizes))
        builder.op("Split", [node.input(0)], outputs, axis=axis, sizes=sizes)
        return
    rest = sizes.index(-1)
    if any(s <= 0 for i, s in enumerate(sizes) if i != rest):
        raise UnsupportedError(f"its sizes {sizes} have an open one and others below 1")
    axes = builder.const([axis], np.int32)
    for index in range(len(sizes)):
        before, after = sizes[:index], sizes[index:]
        start = sum(before) if index <= rest else -sum(after)
        remaining = sum(sizes[index + 1 :])
        end = start + sizes[index] if index < rest else -remaining if remaining else _INT32_MAX
        bounds = [builder.const([v], np.int32) for v in (start, end)]
        builder.op("Slice", [node.input(0), *bounds, axes], [node.output(index)])


@TENSORFLOW.register("Transpose")
def transpose(builder: Builder, node: TfNode) -> None:
    """Another order of the dimensions."""
    order = constant_ints(builder, node, 1, "permutation")
    builder.op("Transpose", [node.input(0)], [node.output()], dims=order)


@TENSORFLOW.register("Tile")
def tile(builder: Builder, node: TfNode) -> None:
    """Repeats along each dimension."""
    builder.op("Tile", [node.input(0), node.input(1)], [node.output()])


@TENSORFLOW.register("Gather", "GatherV2", "ResourceGather")
def gather(builder: Builder, node: TfNode) -> None:
    """Slices along an axis that the indices name."""
    axis = constant_int(builder, node, 2, "axis") if len(node.inputs) > 2 else 0
    batch = node.int_attr("batch_dims", 0)
    if batch == 0:
        builder.op("Gather", [node.input(0), node.input(1)], [node.output()], axis=axis)
        return
    rank = len(known_shape(builder, node, node.input(0), "values"))
    places = len(known_shape(builder, node, node.input(1), "indices"))
    axis, batch = axis % max(rank, 1), batch if batch > 0 else batch + places
    if not 0 <= batch <= min(axis, places):
        raise UnsupportedError(f"its batch_dims are {batch}, and its axis is {axis}")
    # GatherND takes the dimension after those of the batch: the axis is moved there and what was
    # before it is moved back behind the indices' place.
    between = list(range(batch, axis))
    order = [*range(batch), axis, *between, *range(axis + 1, rank)]
    values = node.input(0)
    if between:
        values = builder.op("Transpose", [values], None, dims=order)
    tuples = builder.op("Unsqueeze", [node.input(1)], None, axis=[-1])
    if not between:
        builder.op("GatherND", [values, tuples], [node.output()], batch_dims=batch)
        return
    found = builder.op("GatherND", [values, tuples], None, batch_dims=batch)
    first = places + len(between)
    total = places + rank - batch - 1
    back = [*range(batch), *range(places, first), *range(batch, places), *range(first, total)]
    builder.op("Transpose", [found], [node.output()], dims=back)


@TENSORFLOW.register("Pad", "PadV2", "MirrorPad")
def pad(builder: Builder, node: TfNode) -> None:
    """Adds elements round the tensor."""
    paddings = constant_ints(builder, node, 1, "paddings")
    mode, value = "CONSTANT", 0.0
    if node.op == "MirrorPad":
        mode = node.string_attr("mode", "REFLECT")
        if mode not in ("REFLECT", "SYMMETRIC"):
            raise UnsupportedError(f"attribute mode is '{mode}'", "use REFLECT or SYMMETRIC")
    if node.op == "PadV2":
        value = float(constant(builder, node, 2, "constant value").reshape(-1)[0])
    attrs = {"paddings": paddings, "mode": mode, "constant_value": value}
    builder.op("Pad", [node.input(0)], [node.output()], **attrs)


@TENSORFLOW.register("ReverseV2")
def reverse(builder: Builder, node: TfNode) -> None:
    """Reverses along axes."""
    axes = constant_ints(builder, node, 1, "axes")
    if not axes:
        alias(builder, node, node.input(0), node.output())
        return
    builder.op("Reverse", [node.input(0)], [node.output()], axis=axes)
