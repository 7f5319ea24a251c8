# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's arithmetic that MACE computes by several operators."""

from __future__ import annotations

import numpy as np

from mace.graph import dtypes
from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import TENSORFLOW, constant, constant_int


def _scalar(builder: Builder, node: TfNode, value: float, name: str = "T") -> str:
    """A constant of the node's element type."""
    return builder.const(value, dtypes.to_numpy(node.type_attr(name)))


def _zero_where(builder: Builder, node: TfNode, tensor: str, result: str) -> None:
    """Zero where `tensor` is zero, else `result`."""
    zero = _scalar(builder, node, 0)
    none = builder.op("Eltwise", [tensor, zero], None, type="EQUAL")
    builder.op("Where", [none, zero, result], [node.output()])


@TENSORFLOW.register("DivNoNan", "MulNoNan")
def no_nan(builder: Builder, node: TfNode) -> None:
    """x / y or x * y, and 0 where y is 0."""
    x, y = node.input(0), node.input(1)
    kind = "DIV" if node.op == "DivNoNan" else "PROD"
    _zero_where(builder, node, y, builder.op("Eltwise", [x, y], None, type=kind))


@TENSORFLOW.register("Xdivy", "Xlogy", "Xlog1py")
def x_times(builder: Builder, node: TfNode) -> None:
    """x / y, x * log(y) or x * log(1 + y), and 0 where x is 0."""
    x, y = node.input(0), node.input(1)
    if node.op == "Xdivy":
        result = builder.op("Eltwise", [x, y], None, type="DIV")
    else:
        log = builder.op("Unary", [y], None, type="LOG" if node.op == "Xlogy" else "LOG1P")
        result = builder.op("Eltwise", [x, log], None, type="PROD")
    _zero_where(builder, node, x, result)


@TENSORFLOW.register("Softsign")
def softsign(builder: Builder, node: TfNode) -> None:
    """x / (1 + |x|)."""
    size = builder.op("Unary", [node.input(0)], None, type="ABS")
    below = builder.op("Eltwise", [size, _scalar(builder, node, 1)], None, type="SUM")
    builder.op("Eltwise", [node.input(0), below], [node.output()], type="DIV")


@TENSORFLOW.register("Erfc")
def erfc(builder: Builder, node: TfNode) -> None:
    """1 - erf(x)."""
    value = builder.op("Unary", [node.input(0)], None, type="ERF")
    builder.op("Eltwise", [_scalar(builder, node, 1), value], [node.output()], type="SUB")


@TENSORFLOW.register("IsNan")
def is_nan(builder: Builder, node: TfNode) -> None:
    """What differs from itself."""
    builder.op("Eltwise", [node.input(0)] * 2, [node.output()], type="NOT_EQUAL")


@TENSORFLOW.register("IsInf", "IsFinite")
def is_inf(builder: Builder, node: TfNode) -> None:
    """Whether the size is infinite, or less than that."""
    size = builder.op("Unary", [node.input(0)], None, type="ABS")
    kind = "EQUAL" if node.op == "IsInf" else "LESS"
    infinite = _scalar(builder, node, np.inf)
    builder.op("Eltwise", [size, infinite], [node.output()], type=kind)


@TENSORFLOW.register("ApproximateEqual")
def approximate_equal(builder: Builder, node: TfNode) -> None:
    """Whether the difference is less than a tolerance."""
    difference = builder.op("Eltwise", [node.input(0), node.input(1)], None, type="SUB")
    size = builder.op("Unary", [difference], None, type="ABS")
    tolerance = _scalar(builder, node, node.float_attr("tolerance", 1e-5))
    builder.op("Eltwise", [size, tolerance], [node.output()], type="LESS")


@TENSORFLOW.register("L2Loss")
def l2_loss(builder: Builder, node: TfNode) -> None:
    """Half the sum of the squares."""
    square = builder.op("Unary", [node.input(0)], None, type="SQUARE")
    total = builder.op("Reduce", [square], None, reduce_type="SUM", axis=[], keepdims=False)
    half = _scalar(builder, node, 0.5)
    builder.op("Eltwise", [total, half], [node.output()], type="PROD")


@TENSORFLOW.register("LinSpace")
def lin_space(builder: Builder, node: TfNode) -> None:
    """Evenly spaced numbers, both ends included."""
    count = constant_int(builder, node, 2, "number of values")
    if not 0 < count < 1 << 24:
        raise UnsupportedError(f"it makes {count} values")
    start, stop = node.input(0), node.input(1)
    steps = builder.const(np.linspace(0, 1, count), np.float32)
    length = builder.op("Eltwise", [stop, start], None, type="SUB")
    way = builder.op("Eltwise", [length, steps], None, type="PROD")
    builder.op("Eltwise", [start, way], [node.output()], type="SUM")


@TENSORFLOW.register("AdjustContrastv2")
def adjust_contrast(builder: Builder, node: TfNode) -> None:
    """(x - mean) * factor + mean; the mean is that of each channel of each image."""
    image, attrs = node.input(0), {"reduce_type": "MEAN", "axis": [-3, -2], "keepdims": True}
    mean = builder.op("Reduce", [image], None, **attrs)
    rest = builder.op("Eltwise", [image, mean], None, type="SUB")
    scaled = builder.op("Eltwise", [rest, node.input(1)], None, type="PROD")
    builder.op("Eltwise", [scaled, mean], [node.output()], type="SUM")


@TENSORFLOW.register("Bucketize")
def bucketize(builder: Builder, node: TfNode) -> None:
    """The number of boundaries that are not above each element."""
    boundaries = [float(v) for v in node.attrs["boundaries"].list.f]
    tensor = node.input(0)
    if node.type_attr("T") != "f32":
        tensor = builder.op("Cast", [tensor], None, output_type="f32")
    tensor = builder.op("Unsqueeze", [tensor], None, axis=[-1])
    limits = builder.const(boundaries, np.float32)
    above = builder.op("Eltwise", [tensor, limits], None, type="GREATER_EQUAL")
    ones = builder.op("Cast", [above], None, output_type="i32")
    attrs = {"reduce_type": "SUM", "axis": [-1], "keepdims": False}
    builder.op("Reduce", [ones], [node.output()], **attrs)


@TENSORFLOW.register("Cumsum", "Cumprod")
def cumulate(builder: Builder, node: TfNode) -> None:
    """Sums or products of all elements up to each, along an axis."""
    attrs = {
        "type": "SUM" if node.op == "Cumsum" else "PROD",
        "axis": constant_int(builder, node, 1, "axis"),
        "exclusive": node.bool_attr("exclusive"),
        "reverse": node.bool_attr("reverse"),
    }
    builder.op("Cumulate", [node.input(0)], [node.output()], **attrs)


@TENSORFLOW.register("Bitcast")
def bitcast(builder: Builder, node: TfNode) -> None:
    """The same bits as another type of the same size."""
    sizes = [dtypes.to_numpy(node.type_attr(name)).itemsize for name in ("T", "type")]
    if sizes[0] != sizes[1]:
        raise UnsupportedError(f"its types have {sizes[0]} and {sizes[1]} bytes")
    attrs = {"output_type": node.type_attr("type"), "reinterpret": True}
    builder.op("Cast", [node.input(0)], [node.output()], **attrs)


@TENSORFLOW.register("BatchNormWithGlobalNormalization")
def old_batch_norm(builder: Builder, node: TfNode) -> None:
    """Batch normalisation before it was fused: inputs x, mean, variance, beta, gamma."""
    tensor, mean, variance, beta, gamma = (node.input(i) for i in range(5))
    if not node.bool_attr("scale_after_normalization"):
        offset = constant(builder, node, 3, "offset")
        gamma = builder.const(np.ones(offset.shape), np.float32)
    epsilon = node.float_attr("variance_epsilon", 1e-4)
    inputs = [tensor, gamma, beta, mean, variance]
    builder.op("BatchNorm", inputs, [node.output()], epsilon=epsilon)
