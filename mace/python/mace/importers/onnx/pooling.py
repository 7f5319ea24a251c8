# SPDX-License-Identifier: Apache-2.0
"""ONNX pooling. Windows of three dimensions are those of two, then those of the depth: largest
elements, sums and means over boxes can be taken one dimension at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.elementwise import scalar
from mace.importers.onnx.neural import check_spatial, enter, leave, pair, window, window_of
from mace.importers.onnx.node import OnnxNode, register
from mace.importers.volume import pool_volume


def _rounding(n: OnnxNode) -> dict[str, Any]:
    return {"round_mode": "CEIL"} if n.attr("ceil_mode", 0) else {}


@register("MaxPool", "AveragePool", versions=(1, 22))
def _pool(b: Builder, n: OnnxNode) -> None:
    kernel = [int(k) for k in n.require("kernel_shape")]
    check_spatial(len(kernel))
    if n.uses_output(1):
        _with_indices(b, n, kernel)
        return
    attrs: dict[str, Any] = {"pooling_type": "MAX" if n.op == "MaxPool" else "AVG"}
    if n.attr("count_include_pad", 0):
        attrs["count_include_pad"] = True
    dtype = n.dtype(n.inputs[0])
    x = n.inputs[0] if dtype == "f32" else b.op("Cast", n.inputs[:1], output_type="f32")
    if dtype == "f32":
        _pool_to(b, n, x, kernel, attrs, n.outputs[0])
        return
    y = b.tensor("pooled")
    _pool_to(b, n, x, kernel, attrs, y)
    b.op("Cast", [y], n.outputs[:1], output_type=dtype)


def _pool_to(
    b: Builder, n: OnnxNode, x: str, kernel: list[int], attrs: dict[str, Any], output: str
) -> None:
    """The pooling of a float tensor N C ..., under the name `output`."""
    spatial = len(kernel)
    attrs = {**attrs, **_rounding(n), **window(n, kernel)}
    x = enter(b, x, spatial)
    if spatial < 3:
        y = b.op("Pooling", [x], kernels=pair(kernel, 1), **attrs)
    else:
        y = pool_volume(b, x, kernel, attrs)
    leave(b, y, spatial, output)


def _with_indices(b: Builder, n: OnnxNode, kernel: list[int]) -> None:
    """Largest elements and where they lie."""
    attrs = {**window_of(n, kernel), **_rounding(n)}
    if n.attr("storage_order", 0):
        attrs["column_major"] = True
    outputs = [n.outputs[0] or b.tensor("values"), n.outputs[1]]
    b.op("MaxPoolWithArgmax", n.inputs[:1], outputs, kernels=kernel, **attrs)


@register("LpPool", versions=(2, 22))
def _lp_pool(b: Builder, n: OnnxNode) -> None:
    kernel = [int(k) for k in n.require("kernel_shape")]
    check_spatial(len(kernel))
    p = n.attr("p", 2)
    mean = b.tensor("mean")
    attrs = {"pooling_type": "AVG", "count_all": True}
    _pool_to(b, n, _power(b, n, n.inputs[0], p), kernel, attrs, mean)
    count = scalar(b, n, float(np.prod(kernel)), n.inputs[0])
    total = b.op("Eltwise", [mean, count], n.outputs if p == 1 else None, type="PROD")
    _root(b, n, total, p)


@register("GlobalLpPool", versions=(2, 22))
def _global_lp_pool(b: Builder, n: OnnxNode) -> None:
    axes = list(range(2, n.rank(n.inputs[0])))
    p = n.attr("p", 2)
    if p in (1, 2):
        kind = "L1" if p == 1 else "L2"
        b.op("Reduce", n.inputs, n.outputs, reduce_type=kind, axis=axes, keepdims=True)
        return
    power = _power(b, n, n.inputs[0], p)
    _root(b, n, b.op("Reduce", [power], reduce_type="SUM", axis=axes, keepdims=True), p)


def _power(b: Builder, n: OnnxNode, x: str, p: float) -> str:
    """|x|^p"""
    if p <= 0:
        raise UnsupportedError(f"the attribute p is {p}", "it must be above 0")
    if p == 2:
        return b.op("Unary", [x], type="SQUARE")
    size = b.op("Unary", [x], type="ABS")
    return size if p == 1 else b.op("Eltwise", [size, scalar(b, n, p, x)], type="POW")


def _root(b: Builder, n: OnnxNode, x: str, p: float) -> None:
    """The p-th root as the node's output; nothing for p = 1."""
    if p == 2:
        b.op("Unary", [x], n.outputs, type="SQRT")
    elif p != 1:
        b.op("Eltwise", [x, scalar(b, n, 1.0 / p, n.inputs[0])], n.outputs, type="POW")


@register("GlobalAveragePool", "GlobalMaxPool", versions=(1, 22))
def _global_pool(b: Builder, n: OnnxNode) -> None:
    axes = list(range(2, n.rank(n.inputs[0])))
    kind = "MEAN" if n.op == "GlobalAveragePool" else "MAX"
    b.op("Reduce", n.inputs, n.outputs, reduce_type=kind, axis=axes, keepdims=True)
