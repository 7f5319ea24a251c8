# SPDX-License-Identifier: Apache-2.0
"""ONNX operators that move, cut and join elements, and shape arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mace.graph import dtypes
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register
from mace.importers.onnx.reader import element_type, to_array


@register("Identity", versions=(1, 25))
def _identity(b: Builder, n: OnnxNode) -> None:
    b.op("Identity", n.inputs[:1], n.outputs[:1])


@register("Dropout", versions=(7, 22))
def _dropout(b: Builder, n: OnnxNode) -> None:
    if n.input(2):
        training, ratio = b.value(n.inputs[2]), 0.5
        if n.input(1):
            known = b.value(n.inputs[1])
            ratio = float(known.reshape(())) if known is not None else 0.5
        if training is None or (bool(training.reshape(())) and ratio != 0):
            raise UnsupportedError(
                "it is in training mode, where it is random", "export the model for inference"
            )
    b.op("Identity", n.inputs[:1], n.outputs[:1])
    if n.uses_output(1):  # nothing is dropped
        shape = b.op("Shape", n.inputs[:1], output_type="i64")
        b.op("Expand", [b.const(True), shape], n.outputs[1:2])


@register("Concat", versions=(4, 13))
def _concat(b: Builder, n: OnnxNode) -> None:
    b.op("Concat", n.inputs, n.outputs, axis=int(n.require("axis")))


@register("Split", versions=(2, 18))
def _split(b: Builder, n: OnnxNode) -> None:
    axis = int(n.attr("axis", 0))
    sizes = n.integers(b, 1, "split")
    if sizes is None:
        sizes = _split_sizes(n, axis)
    b.op("Split", n.inputs[:1], n.outputs, axis=axis, sizes=sizes)


def _split_sizes(n: OnnxNode, axis: int) -> list[int]:
    """Sizes when none are given: equal, the last one smaller; empty when the total is not known
    and equal parts are all that can be meant."""
    shape, parts = n.shape(n.inputs[0]), len(n.outputs)
    total = shape[axis] if shape is not None else -1
    if total < 0:
        return []
    each = math.ceil(total / parts)
    return [each] * (parts - 1) + [total - each * (parts - 1)]


@register("Slice", versions=(1, 13))
def _slice(b: Builder, n: OnnxNode) -> None:
    if n.opset >= 10:
        b.op("Slice", n.inputs, n.outputs)
        return
    lists = [n.require("starts"), n.require("ends")]
    if "axes" in n.attrs:
        lists.append(n.attrs["axes"])
    b.op("Slice", [n.inputs[0], *(b.const(v, np.int64) for v in lists)], n.outputs)


@register("Pad", versions=(2, 25))
def _pad(b: Builder, n: OnnxNode) -> None:
    rank, mode = n.rank(n.inputs[0]), n.attr("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise UnsupportedError(
            f"the attribute mode is {mode}", "MACE has constant, reflect, edge and wrap"
        )
    axes = list(range(rank))
    if n.input(3):
        axes = [int(a) % rank for a in np.ravel(n.constant(b, 3, "axes"))]
    attrs: dict[str, Any] = {"mode": mode.upper()}
    inputs = [n.inputs[0], "", ""]
    if n.input(1) and b.value(n.inputs[1]) is None:
        inputs[1] = _computed_paddings(b, n, rank, axes)
    else:
        pads = n.integers(b, 1, "pads") or []
        if len(pads) != 2 * len(axes):
            raise UnsupportedError(f"pads has {len(pads)} values for {len(axes)} axes")
        paddings = [0] * (2 * rank)
        for index, axis in enumerate(axes):
            paddings[2 * axis : 2 * axis + 2] = [pads[index], pads[len(axes) + index]]
        attrs["paddings"] = paddings
    if n.opset >= 11 and n.input(2) and mode == "constant":
        value = b.value(n.inputs[2])
        if value is not None and value.dtype == np.float32:
            attrs["constant_value"] = float(value.reshape(()))
        elif value is None or value.reshape(()) != 0:
            inputs[2] = b.op("Reshape", [n.inputs[2]], shape=[])
    elif mode == "constant":
        attrs["constant_value"] = float(n.attr("value", 0.0))
    while not inputs[-1]:
        inputs.pop()
    b.op("Pad", inputs, n.outputs, **attrs)


def _computed_paddings(b: Builder, n: OnnxNode, rank: int, axes: list[int]) -> str:
    """Pads that are known when the model runs: all begins, then all ends, as pairs of all axes."""
    pairs = b.op("Reshape", [n.inputs[1]], shape=[2, -1])
    pairs = b.op("Transpose", [pairs], dims=[1, 0])
    if axes != list(range(rank)):
        none = b.const(np.zeros([rank, 2], np.int64))
        pairs = b.op("ScatterND", [none, b.const([[a] for a in axes], np.int64), pairs])
    return b.op("Reshape", [pairs], shape=[-1])


@register("Reshape", versions=(5, 25))
def _reshape(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {} if n.attr("allowzero", 0) else {"copy_zeros": True}
    shape = b.value(n.inputs[1])
    if shape is None:
        b.op("Reshape", n.inputs, n.outputs, **attrs)
        return
    b.op("Reshape", n.inputs[:1], n.outputs, shape=[int(d) for d in shape], **attrs)


@register("Flatten", versions=(1, 25))
def _flatten(b: Builder, n: OnnxNode) -> None:
    b.op("Flatten", n.inputs, n.outputs, axis=int(n.attr("axis", 1)), two_dimensional=True)


@register("Transpose", versions=(1, 25))
def _transpose(b: Builder, n: OnnxNode) -> None:
    b.op("Transpose", n.inputs, n.outputs, dims=[int(d) for d in n.attr("perm", [])])


@register("Squeeze", versions=(1, 25))
def _squeeze(b: Builder, n: OnnxNode) -> None:
    axes = n.integers(b, 1, "axes")
    b.op("Squeeze", n.inputs[:1], n.outputs, axis=axes or [])


@register("Unsqueeze", versions=(1, 25))
def _unsqueeze(b: Builder, n: OnnxNode) -> None:
    axes = n.integers(b, 1, "axes")
    if not axes:
        raise UnsupportedError("it has no axes")
    b.op("Unsqueeze", n.inputs[:1], n.outputs, axis=axes)


@register("Expand", "Tile", versions=(6, 13))
def _same_inputs(b: Builder, n: OnnxNode) -> None:
    b.op(n.op, n.inputs, n.outputs)


@register("Range", versions=(11, 27))
def _range(b: Builder, n: OnnxNode) -> None:
    dtype = n.dtype(n.inputs[0])
    if dtype in ("f32", "i32", "i64"):
        b.op("Range", n.inputs, n.outputs)
        return
    numbers = [b.op("Cast", [t], output_type="i64") for t in n.inputs]
    b.op("Cast", [b.op("Range", numbers)], n.outputs, output_type=dtype)


@register("Gather", versions=(1, 13))
def _gather(b: Builder, n: OnnxNode) -> None:
    b.op("Gather", n.inputs, n.outputs, axis=int(n.attr("axis", 0)))


@register("Shape", versions=(1, 25))
def _shape(b: Builder, n: OnnxNode) -> None:
    shape = n.shape(n.inputs[0])
    part = None if shape is None else shape[n.attrs.get("start") : n.attrs.get("end")]
    if part is not None and -1 not in part:
        # A constant, so that what follows from it can serve where constants are needed.
        b.graph.consts[n.outputs[0]] = np.array(part, np.int64)
        return
    attrs = {key: int(n.attrs[key]) for key in ("start", "end") if key in n.attrs}
    b.op("Shape", n.inputs, n.outputs, output_type="i64", **attrs)


@register("Size", versions=(1, 25))
def _size(b: Builder, n: OnnxNode) -> None:
    known = n.shape(n.inputs[0])
    if known is not None and -1 not in known:
        b.graph.consts[n.outputs[0]] = np.array(math.prod(known), np.int64)
        return
    shape = b.op("Shape", n.inputs, output_type="i64")
    b.op("Reduce", [shape], n.outputs, reduce_type="PROD")


@register("ConstantOfShape", versions=(9, 25))
def _constant_of_shape(b: Builder, n: OnnxNode) -> None:
    value = np.zeros(1, np.float32)
    if "value" in n.attrs:
        value = to_array(n.attrs["value"])
    dtype = dtypes.from_numpy(value.dtype) or "f32"
    number = float(value.reshape(()))
    # Fill takes a float32, which is not every number of every type.
    exact = float(np.float32(number)) == value.reshape(()).item()
    if exact and dtype in ("f32", "i32", "i64", "bool"):
        b.op("Fill", n.inputs, n.outputs, value=number, output_type=dtype)
    else:
        b.op("Expand", [b.const(value.reshape(())), n.inputs[0]], n.outputs)


@register("OneHot", versions=(9, 28))
def _one_hot(b: Builder, n: OnnxNode) -> None:
    indices, axis = n.inputs[0], int(n.attr("axis", -1))
    depth = int(n.constant(b, 1, "depth").reshape(()))
    off, on = n.constant(b, 2, "values")
    rank = n.rank(indices) + 1
    axis %= rank
    wanted = b.op("Cast", [indices], output_type="i64")
    # Negative indices count from the end.
    size = b.const(depth, np.int64)
    low = b.op("Eltwise", [wanted, b.const(0, np.int64)], type="LESS")
    wanted = b.op("Where", [low, b.op("Eltwise", [wanted, size], type="SUM"), wanted])
    wanted = b.op("Unsqueeze", [wanted], axis=[axis])
    classes = np.arange(depth, dtype=np.int64).reshape([-1] + [1] * (rank - 1 - axis))
    hit = b.op("Eltwise", [wanted, b.const(classes)], type="EQUAL")
    b.op("Where", [hit, b.const(on), b.const(off)], n.outputs)


def _places(b: Builder, x: str, rank: int) -> tuple[str, str]:
    """Numbers of the rows and columns of matrices, as a column and a row."""
    lines = []
    for axis in (rank - 2, rank - 1):
        size = b.op("Shape", [x], start=axis, end=axis + 1, output_type="i64")
        count = b.op("Squeeze", [size], axis=[0])
        numbers = b.op("Range", [b.const(0, np.int64), count, b.const(1, np.int64)])
        lines.append(b.op("Unsqueeze", [numbers], axis=[1 if axis == rank - 2 else 0]))
    return lines[0], lines[1]


@register("Trilu", versions=(14, 14))
def _trilu(b: Builder, n: OnnxNode) -> None:
    x, shape = n.inputs[0], n.shape(n.inputs[0])
    k = b.value(n.inputs[1]) if n.input(1) else np.zeros((), np.int64)
    zero = b.const(0, dtypes.to_numpy(n.dtype(x)))
    if k is not None and shape is not None and min(shape[-2:]) >= 0:
        ones, number = np.ones(shape[-2:], bool), int(k.reshape(()))
        kept = np.triu(ones, number) if n.attr("upper", 1) else np.tril(ones, number)
        b.op("Where", [b.const(kept), x, zero], n.outputs)
        return
    rows, columns = _places(b, x, n.rank(x))
    if n.input(1):
        rows = b.op("Eltwise", [rows, n.inputs[1]], type="SUM")
    kind = "GREATER_EQUAL" if n.attr("upper", 1) else "LESS_EQUAL"
    b.op("Where", [b.op("Eltwise", [columns, rows], type=kind), x, zero], n.outputs)


@register("EyeLike", versions=(9, 22))
def _eye_like(b: Builder, n: OnnxNode) -> None:
    x, k = n.inputs[0], int(n.attr("k", 0))
    dtype = element_type(int(n.attrs["dtype"])) if "dtype" in n.attrs else n.dtype(x)
    if dtype is None:
        raise UnsupportedError(f"the element type {n.attrs['dtype']} is not one of MACE's")
    shape = n.shape(x)
    if shape is not None and len(shape) == 2 and min(shape) >= 0:
        b.op("Identity", [b.const(np.eye(*shape, k, dtypes.to_numpy(dtype)))], n.outputs)
        return
    rows, columns = _places(b, x, 2)
    diagonal = b.op("Eltwise", [rows, b.const(k, np.int64)], type="SUM")
    hit = b.op("Eltwise", [columns, diagonal], type="EQUAL")
    b.op("Cast", [hit], n.outputs, output_type=dtype)


@register("CumSum", "CumProd", versions=(11, 26))
def _cumulate(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {"axis": int(n.constant(b, 1, "axis").reshape(()))}
    for key in ("exclusive", "reverse"):
        if n.attr(key, 0):
            attrs[key] = True
    kind = "SUM" if n.op == "CumSum" else "PROD"
    b.op("Cumulate", n.inputs[:1], n.outputs, type=kind, **attrs)
