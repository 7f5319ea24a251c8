# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's operators that select, sort and scatter."""

from __future__ import annotations

import numpy as np

from mace.graph import dtypes
from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import (
    TENSORFLOW,
    constant,
    constant_int,
    constant_ints,
    known_shape,
)


@TENSORFLOW.register("OneHot")
def one_hot(builder: Builder, node: TfNode) -> None:
    """A new axis that holds one value where its place is the index, and another elsewhere."""
    axis, kind = node.int_attr("axis", -1), node.type_attr("TI", "i64")
    indices, wide = node.input(0), "i32" if kind != "i64" else "i64"
    if kind != wide:
        indices = builder.op("Cast", [indices], None, output_type=wide)
    column = builder.op("Unsqueeze", [indices], None, axis=[axis])
    depth = constant_int(builder, node, 1, "depth")
    if not 0 <= depth < 1 << 24:
        raise UnsupportedError(f"its depth is {depth}")
    places = np.arange(depth, dtype=dtypes.to_numpy(wide))
    if axis != -1:
        shape = known_shape(builder, node, node.input(0), "indices")
        places = places.reshape(depth, *([1] * (len(shape) - axis)))
    here = builder.op("Eltwise", [column, builder.const(places)], None, type="EQUAL")
    builder.op("Where", [here, node.input(2), node.input(3)], [node.output()])


@TENSORFLOW.register("TopK", "TopKV2")
def top_k(builder: Builder, node: TfNode) -> None:
    """The largest elements of the last dimension, sorted, and where they are."""
    count = builder.const(node.int_attr("k", 1), np.int32) if node.op == "TopK" else node.input(1)
    kind = node.type_attr("index_type", "i32")
    builder.op("TopK", [node.input(0), count], node.outputs(2), axis=-1, output_type=kind)


@TENSORFLOW.register("GatherNd")
def gather_nd(builder: Builder, node: TfNode) -> None:
    """Slices that index tuples name."""
    builder.op("GatherND", [node.input(0), node.input(1)], [node.output()])


@TENSORFLOW.register("ScatterNd")
def scatter_nd(builder: Builder, node: TfNode) -> None:
    """Zeros with slices added."""
    zero = builder.const(0, dtypes.to_numpy(node.type_attr("T")))
    empty = builder.op("Expand", [zero, node.input(2)], None)
    inputs = [empty, node.input(0), node.input(1)]
    builder.op("ScatterND", inputs, [node.output()], reduction="ADD")


_SCATTER = {
    "TensorScatterUpdate": "NONE",
    "TensorScatterAdd": "ADD",
    "TensorScatterSub": "ADD",
    "TensorScatterMax": "MAX",
    "TensorScatterMin": "MIN",
}


@TENSORFLOW.register(*_SCATTER)
def tensor_scatter(builder: Builder, node: TfNode) -> None:
    """A tensor with slices replaced or combined with others."""
    updates = node.input(2)
    if node.op == "TensorScatterSub":
        updates = builder.op("Unary", [updates], None, type="NEG")
    inputs = [node.input(0), node.input(1), updates]
    builder.op("ScatterND", inputs, [node.output()], reduction=_SCATTER[node.op])


@TENSORFLOW.register("Where")
def where(builder: Builder, node: TfNode) -> None:
    """Indices of what is not zero, a row for each."""
    columns = builder.op("NonZero", [node.input(0)], None)
    builder.op("Transpose", [columns], [node.output()], dims=[1, 0])


@TENSORFLOW.register("ReverseSequence")
def reverse_sequence(builder: Builder, node: TfNode) -> None:
    """Reverses the first elements of each sequence of a batch."""
    attrs = {"time_axis": node.int_attr("seq_dim", 0), "batch_axis": node.int_attr("batch_dim", 0)}
    builder.op("ReverseSequence", [node.input(0), node.input(1)], [node.output()], **attrs)


@TENSORFLOW.register("Reverse")
def old_reverse(builder: Builder, node: TfNode) -> None:
    """Reverses along the axes that a vector of truth values names."""
    axes = [i for i, v in enumerate(constant_ints(builder, node, 1, "axes")) if v]
    if axes:
        builder.op("Reverse", [node.input(0)], [node.output()], axis=axes)
    else:
        builder.op("Identity", [node.input(0)], [node.output()])


@TENSORFLOW.register("Roll")
def roll(builder: Builder, node: TfNode) -> None:
    """Moves elements along axes; what leaves at one end enters at the other."""
    shifts = constant_ints(builder, node, 1, "shift")
    axes = constant_ints(builder, node, 2, "axis")
    tensor = node.input(0)
    shape = known_shape(builder, node, tensor, "input")
    if len(shifts) != len(axes) or any(not -len(shape) <= a < len(shape) for a in axes):
        raise UnsupportedError(f"its shifts {shifts} and axes {axes} do not fit together")
    for shift, axis in zip(shifts, axes, strict=True):
        if shape[axis] < 0:
            raise UnsupportedError(
                f"the size of its dimension {axis} is not known", "give the inputs fixed shapes"
            )
        cut = -shift % max(shape[axis], 1)
        if cut == 0:
            continue
        dim = builder.const([axis], np.int32)
        bounds = [builder.const([v], np.int32) for v in (0, cut, shape[axis])]
        head = builder.op("Slice", [tensor, bounds[0], bounds[1], dim])
        tail = builder.op("Slice", [tensor, bounds[1], bounds[2], dim])
        tensor = builder.op("Concat", [tail, head], None, axis=axis)
    builder.op("Identity", [tensor], [node.output()])


@TENSORFLOW.register("MatrixBandPart")
def matrix_band_part(builder: Builder, node: TfNode) -> None:
    """The diagonals of matrices from `lower` below to `upper` above; negative means all."""
    lower, upper = (constant_int(builder, node, i, w) for i, w in ((1, "lower"), (2, "upper")))
    tensor, sides = node.input(0), []
    for start, end, axis in ((-2, -1, 1), (-1, 1000000, 0)):
        size = builder.op("Shape", [tensor], None, start=start, end=end, output_type="i32")
        size = builder.op("Squeeze", [size], None, axis=[0])
        numbers = [builder.const(v, np.int32) for v in (0, 1)]
        places = builder.op("Range", [numbers[0], size, numbers[1]])
        sides.append(builder.op("Unsqueeze", [places], None, axis=[axis]))
    below = builder.op("Eltwise", sides, None, type="SUB")
    kept = ""
    for limit, kind in ((lower, "LESS_EQUAL"), (-upper, "GREATER_EQUAL")):
        if limit < 0 if kind == "LESS_EQUAL" else upper < 0:
            continue
        bound = builder.const(limit, np.int32)
        inside = builder.op("Eltwise", [below, bound], None, type=kind)
        kept = builder.op("Eltwise", [kept, inside], None, type="AND") if kept else inside
    if not kept:
        builder.op("Identity", [tensor], [node.output()])
        return
    zero = builder.const(0, dtypes.to_numpy(node.type_attr("T")))
    builder.op("Where", [kept, tensor, zero], [node.output()])


@TENSORFLOW.register("InvertPermutation")
def invert_permutation(builder: Builder, node: TfNode) -> None:
    """Where each number of a permutation stands."""
    order = constant(builder, node, 0, "permutation")
    if order.ndim != 1 or sorted(order.tolist()) != list(range(order.size)):
        raise UnsupportedError("its input is no permutation")
    builder.graph.consts[node.output()] = np.argsort(order).astype(order.dtype)


@TENSORFLOW.register("Unique", "UniqueV2")
def unique(builder: Builder, node: TfNode) -> None:
    """The different elements in the order in which they come, and the place of each among them."""
    axis = [0]
    if node.op == "UniqueV2":
        axis = constant_ints(builder, node, 1, "axis") or [0]
    kind = node.type_attr("out_idx", "i32")
    outputs = [node.output(), builder.tensor("first"), builder.tensor("places")]
    builder.op("Unique", [node.input(0)], outputs, axis=axis[0], sorted=False)
    builder.op("Cast", [outputs[2]], [node.output(1)], output_type=kind)


@TENSORFLOW.register(
    "NonMaxSuppression",
    "NonMaxSuppressionV2",
    "NonMaxSuppressionV3",
    "NonMaxSuppressionV4",
    "NonMaxSuppressionV5",
)
def non_max_suppression(builder: Builder, node: TfNode) -> None:
    """Boxes that no better one covers, best first. Boxes are N 4, scores N."""
    boxes, scores, limit = (node.input(i) for i in range(3))
    if node.op == "NonMaxSuppression":
        overlap = builder.const(node.float_attr("iou_threshold", 0.5), np.float32)
    else:
        overlap = node.input(3)
    inputs = [
        builder.op("Unsqueeze", [boxes], None, axis=[0]),
        builder.op("Unsqueeze", [scores], None, axis=[0, 1]),
        *(builder.op("Reshape", [t], None, shape=[1]) for t in (limit, overlap)),
    ]
    if node.op[-2:] in ("V3", "V4", "V5"):
        inputs.append(builder.op("Reshape", [node.input(4)], None, shape=[1]))
    if node.op[-2:] == "V5" and constant(builder, node, 5, "soft_nms_sigma").reshape(-1)[0] != 0:
        raise UnsupportedError("its soft_nms_sigma is not 0")
    rows = builder.op("NonMaxSuppression", inputs)  # image, class, box
    column = builder.op("Gather", [rows, builder.const(2, np.int32)], None, axis=1)
    if node.op[-2:] not in ("V4", "V5"):
        builder.op("Cast", [column], [node.output()], output_type="i32")
        return
    chosen = builder.op("Cast", [column], None, output_type="i32")
    results = [chosen]
    if node.op[-2:] == "V5":
        results.append(builder.op("Gather", [scores, chosen], None, axis=0))
    for index, result in enumerate(results):
        if node.bool_attr("pad_to_max_output_size"):
            size = constant_int(builder, node, 2, "max_output_size")
            result = _filled(builder, result, size, (np.int32, np.float32)[index])
        builder.op("Identity", [result], [node.output(index)])
    count = builder.op("Shape", [chosen], None, output_type="i32")
    builder.op("Squeeze", [count], [node.output(len(results))], axis=[0])


def _filled(builder: Builder, row: str, size: int, kind: type) -> str:
    """A row with zeros at the end, or cut, so that it has this size."""
    if not 0 <= size < 1 << 24:
        raise UnsupportedError(f"its max_output_size is {size}")
    longer = builder.op("Concat", [row, builder.const(np.zeros(size, kind))], None, axis=0)
    bounds = [builder.const([v], np.int32) for v in (0, size, 0)]
    return builder.op("Slice", [longer, *bounds])


@TENSORFLOW.register("DataFormatVecPermute", "DataFormatDimMap")
def data_format(builder: Builder, node: TfNode) -> None:
    """A vector (or pairs) of one order of dimensions in another; or the places of dimensions."""
    source, target = node.string_attr("src_format", "NHWC"), node.string_attr("dst_format", "NCHW")
    if sorted(source) != sorted(target) or len(set(source)) != len(source):
        raise UnsupportedError(f"its formats are '{source}' and '{target}'")
    if node.op == "DataFormatVecPermute":
        order = builder.const([source.index(c) for c in target], np.int32)
        builder.op("Gather", [node.input(0), order], [node.output()], axis=0)
        return
    kind = dtypes.to_numpy(node.type_attr("T", "i32"))
    table = builder.const([target.index(c) for c in source], kind)
    builder.op("Gather", [table, node.input(0)], [node.output()], axis=0)
