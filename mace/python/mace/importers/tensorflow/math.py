# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's arithmetic: element by element, over axes, and matrix products."""

from __future__ import annotations

import numpy as np

from mace.importers.base import Builder
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import (
    TENSORFLOW,
    constant_int,
    constant_ints,
    known_shape,
)

_BINARY = {
    "Add": "SUM",
    "AddV2": "SUM",
    "Sub": "SUB",
    "Mul": "PROD",
    "RealDiv": "DIV",
    "Div": "DIV",
    "TruncateDiv": "DIV",
    "FloorDiv": "FLOOR_DIV",
    "FloorMod": "MOD",
    "Maximum": "MAX",
    "Minimum": "MIN",
    "Pow": "POW",
    "SquaredDifference": "SQR_DIFF",
    "Equal": "EQUAL",
    "NotEqual": "NOT_EQUAL",
    "Less": "LESS",
    "LessEqual": "LESS_EQUAL",
    "Greater": "GREATER",
    "GreaterEqual": "GREATER_EQUAL",
    "LogicalAnd": "AND",
    "LogicalOr": "OR",
    "Mod": "FMOD",
    "TruncateMod": "FMOD",
    "Atan2": "ATAN2",
    "BitwiseAnd": "BIT_AND",
    "BitwiseOr": "BIT_OR",
    "BitwiseXor": "BIT_XOR",
    "LeftShift": "SHIFT_LEFT",
    "RightShift": "SHIFT_RIGHT",
}
_UNARY = {
    "Neg": "NEG",
    "Abs": "ABS",
    "Sqrt": "SQRT",
    "Rsqrt": "RSQRT",
    "Square": "SQUARE",
    "Inv": "RECIPROCAL",
    "Reciprocal": "RECIPROCAL",
    "Exp": "EXP",
    "Log": "LOG",
    "Floor": "FLOOR",
    "Ceil": "CEIL",
    "Round": "ROUND",
    "Rint": "ROUND",
    "Sign": "SIGN",
    "Erf": "ERF",
    "Sin": "SIN",
    "Cos": "COS",
    "LogicalNot": "NOT",
    "Tan": "TAN",
    "Asin": "ASIN",
    "Acos": "ACOS",
    "Atan": "ATAN",
    "Sinh": "SINH",
    "Cosh": "COSH",
    "Asinh": "ASINH",
    "Acosh": "ACOSH",
    "Atanh": "ATANH",
    "Expm1": "EXPM1",
    "Log1p": "LOG1P",
    "Invert": "BIT_NOT",
}
_REDUCE = {
    "Mean": "MEAN",
    "Sum": "SUM",
    "Max": "MAX",
    "Min": "MIN",
    "Prod": "PROD",
    "All": "ALL",
    "Any": "ANY",
    "EuclideanNorm": "L2",
}


@TENSORFLOW.register(*_BINARY)
def binary(builder: Builder, node: TfNode) -> None:
    """Two tensors, element by element with broadcasting."""
    kind = _BINARY[node.op]
    builder.op("Eltwise", [node.input(0), node.input(1)], [node.output()], type=kind)


@TENSORFLOW.register("AddN", "AccumulateNV2")
def add_n(builder: Builder, node: TfNode) -> None:
    """The sum of any number of tensors."""
    total = node.input(0)
    if len(node.inputs) == 1:
        builder.op("Identity", [total], [node.output()])
        return
    for tensor in node.inputs[1:-1]:
        total = builder.op("Eltwise", [total, tensor], None, type="SUM")
    builder.op("Eltwise", [total, node.inputs[-1]], [node.output()], type="SUM")


@TENSORFLOW.register(*_UNARY)
def unary(builder: Builder, node: TfNode) -> None:
    """A function of each element."""
    builder.op("Unary", [node.input(0)], [node.output()], type=_UNARY[node.op])


@TENSORFLOW.register("ClipByValue")
def clip_by_value(builder: Builder, node: TfNode) -> None:
    """Limits from below and above."""
    low = builder.op("Eltwise", [node.input(0), node.input(1)], None, type="MAX")
    builder.op("Eltwise", [low, node.input(2)], [node.output()], type="MIN")


@TENSORFLOW.register(*_REDUCE)
def reduce(builder: Builder, node: TfNode) -> None:
    """Over axes; an empty list of axes leaves the tensor as it is (MACE's means all axes)."""
    axes = constant_ints(builder, node, 1, "axes")
    keep = node.bool_attr("keep_dims") or node.bool_attr("keepdims")
    if not axes:
        if node.op == "EuclideanNorm":  # The root of the square of each element.
            builder.op("Unary", [node.input(0)], [node.output()], type="ABS")
        else:
            builder.op("Identity", [node.input(0)], [node.output()])
        return
    attrs = {"reduce_type": _REDUCE[node.op], "axis": axes, "keepdims": keep}
    builder.op("Reduce", [node.input(0)], [node.output()], **attrs)


@TENSORFLOW.register("ArgMax", "ArgMin")
def arg_max(builder: Builder, node: TfNode) -> None:
    """Index of the largest or smallest element along an axis."""
    axis = constant_int(builder, node, 1, "axis") if len(node.inputs) > 1 else 0
    attrs = {"axis": axis, "keepdims": False, "argmin": node.op == "ArgMin"}
    output_type = node.type_attr("output_type", "i64")
    builder.op("ArgMax", [node.input(0)], [node.output()], **attrs, output_type=output_type)


@TENSORFLOW.register("MatMul")
def mat_mul(builder: Builder, node: TfNode) -> None:
    """The product of two matrices."""
    _mat_mul(builder, node, "transpose_a", "transpose_b")


@TENSORFLOW.register("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_mat_mul(builder: Builder, node: TfNode) -> None:
    """The products of the matrices in the last two dimensions."""
    _mat_mul(builder, node, "adj_x", "adj_y")


def _mat_mul(builder: Builder, node: TfNode, first: str, second: str) -> None:
    attrs = {"transpose_a": node.bool_attr(first), "transpose_b": node.bool_attr(second)}
    builder.op("MatMul", [node.input(0), node.input(1)], [node.output()], **attrs)


@TENSORFLOW.register("Select", "SelectV2")
def select(builder: Builder, node: TfNode) -> None:
    """Elements of one tensor or the other. The old form takes a vector that chooses whole rows."""
    condition = node.input(0)
    if node.op == "Select":
        rows = len(known_shape(builder, node, condition, "condition"))
        rank = len(known_shape(builder, node, node.input(1), "values"))
        if rows == 1 and rank > 1:
            condition = builder.op("Unsqueeze", [condition], None, axis=list(range(1, rank)))
    builder.op("Where", [condition, node.input(1), node.input(2)], [node.output()])


@TENSORFLOW.register("Cast")
def cast(builder: Builder, node: TfNode) -> None:
    """Another element type."""
    builder.op("Cast", [node.input(0)], [node.output()], output_type=node.type_attr("DstT"))


@TENSORFLOW.register("Range")
def range_(builder: Builder, node: TfNode) -> None:
    """Numbers from start to limit."""
    builder.op("Range", [node.input(i) for i in range(3)], [node.output()])


@TENSORFLOW.register("Fill")
def fill(builder: Builder, node: TfNode) -> None:
    """One value in any shape; an integer that no float32 holds goes through Expand."""
    value = builder.value(node.input(1))
    types = {"float32": "f32", "int32": "i32", "int64": "i64"}
    if value is None or value.size != 1 or str(value.dtype) not in types:
        builder.op("Expand", [node.input(1), node.input(0)], [node.output()])
        return
    number = value.reshape(-1)[0]
    if value.dtype.kind == "i" and int(np.float32(number)) != int(number):
        builder.op("Expand", [node.input(1), node.input(0)], [node.output()])
        return
    attrs = {"value": float(number), "output_type": types[str(value.dtype)]}
    builder.op("Fill", [node.input(0)], [node.output()], **attrs)
