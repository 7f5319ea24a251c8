# SPDX-License-Identifier: Apache-2.0
"""ONNX reductions and the search for extremes."""

from __future__ import annotations

from typing import Any

from mace.importers.base import Builder
from mace.importers.onnx.node import OnnxNode, register

_KINDS = {
    "ReduceMean": "MEAN",
    "ReduceSum": "SUM",
    "ReduceMax": "MAX",
    "ReduceMin": "MIN",
    "ReduceProd": "PROD",
    "ReduceSumSquare": "SUM_SQUARE",
    "ReduceL1": "L1",
    "ReduceL2": "L2",
}


def _axes(b: Builder, n: OnnxNode) -> dict[str, Any] | None:
    """axis and keepdims; None when nothing is to be reduced."""
    axes = n.integers(b, 1, "axes") or []
    if not axes and n.attr("noop_with_empty_axes", 0):
        return None
    return {"axis": axes, "keepdims": bool(n.attr("keepdims", 1))}


@register(*_KINDS, versions=(1, 20))
def _reduce(b: Builder, n: OnnxNode) -> None:
    attrs = _axes(b, n)
    x, kind = n.inputs[0], _KINDS[n.op]
    if attrs is not None:
        if kind in ("MAX", "MIN") and n.dtype(x) == "bool":
            kind = "ANY" if kind == "MAX" else "ALL"
        b.op("Reduce", [x], n.outputs, reduce_type=kind, **attrs)
    elif kind == "SUM_SQUARE":
        b.op("Unary", [x], n.outputs, type="SQUARE")
    elif kind in ("L1", "L2"):
        b.op("Unary", [x], n.outputs, type="ABS")
    else:
        b.op("Identity", [x], n.outputs)


@register("ReduceLogSum", versions=(1, 28))
def _log_sum(b: Builder, n: OnnxNode) -> None:
    attrs = _axes(b, n)
    x = n.inputs[0]
    total = x if attrs is None else b.op("Reduce", [x], reduce_type="SUM", **attrs)
    b.op("Unary", [total], n.outputs, type="LOG")


@register("ReduceLogSumExp", versions=(1, 28))
def _log_sum_exp(b: Builder, n: OnnxNode) -> None:
    attrs = _axes(b, n)
    x = n.inputs[0]
    if attrs is None:
        b.op("Identity", [x], n.outputs)
        return
    # With the largest element taken out, so that exp does not overflow.
    kept = b.op("Reduce", [x], reduce_type="MAX", **{**attrs, "keepdims": True})
    powers = b.op("Unary", [b.op("Eltwise", [x, kept], type="SUB")], type="EXP")
    total = b.op("Unary", [b.op("Reduce", [powers], reduce_type="SUM", **attrs)], type="LOG")
    largest = kept if attrs["keepdims"] else b.op("Reduce", [x], reduce_type="MAX", **attrs)
    b.op("Eltwise", [total, largest], n.outputs, type="SUM")


@register("ArgMax", "ArgMin", versions=(1, 13))
def _arg_max(b: Builder, n: OnnxNode) -> None:
    x, axis, keepdims = n.inputs[0], int(n.attr("axis", 0)), bool(n.attr("keepdims", 1))
    attrs: dict[str, Any] = {"axis": axis, "keepdims": keepdims, "output_type": "i64"}
    if n.op == "ArgMin":
        attrs["argmin"] = True
    if not n.attr("select_last_index", 0):
        b.op("ArgMax", [x], n.outputs, **attrs)
        return
    # The last of equals is the first from behind: size - 1 - index in the reversed tensor.
    index = b.op("ArgMax", [b.op("Reverse", [x], axis=[axis])], **attrs)
    start = axis % n.rank(x)
    size = b.op("Shape", [x], start=start, end=start + 1, output_type="i64")
    size = b.op("Reshape", [size], shape=[])
    last = b.op("Eltwise", [size, b.const(1, "int64")], type="SUB")
    b.op("Eltwise", [last, index], n.outputs, type="SUB")
