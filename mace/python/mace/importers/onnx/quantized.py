# SPDX-License-Identifier: Apache-2.0
"""ONNX operators on quantized numbers. Products of integers are exact: in float32 where no sum can
reach 2^24, else in parts or in int32."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import REGISTRY, OnnxNode, register
from mace.importers.onnx.reader import element_type

# From here on float32 does not have every integer.
_EXACT = 1 << 24
# The largest difference of two 8-bit numbers.
_WIDEST = 255


def _scaling(n: OnnxNode) -> dict[str, Any]:
    return {"axis": int(n.attr("axis", 1)), "block_size": int(n.attr("block_size", 0))}


@register("QuantizeLinear", versions=(10, 28))
def _quantize(b: Builder, n: OnnxNode) -> None:
    x = n.inputs[0]
    if n.dtype(x) != "f32":
        x = b.op("Cast", [x], output_type="f32")
    dtype: str | None = "u8"
    if n.input(2):
        dtype = n.dtype(n.inputs[2])
    elif n.attr("output_dtype", 0):
        dtype = element_type(int(n.attrs["output_dtype"]))
    if dtype not in ("u8", "i8", "u16", "i16"):
        raise UnsupportedError(
            f"it quantizes to {dtype or 'a type that MACE does not have'}",
            "MACE quantizes to 8 and 16 bits",
        )
    b.op("Quantize", [x, *n.inputs[1:]], n.outputs, output_type=dtype, **_scaling(n))


@register("DequantizeLinear", versions=(10, 28))
def _dequantize(b: Builder, n: OnnxNode) -> None:
    b.op("Dequantize", n.inputs, n.outputs, **_scaling(n))


def _centred(b: Builder, n: OnnxNode, index: int, zero_point: int, dtype: str) -> str:
    """An input of a matrix product less its zero points, which are those of rows or columns."""
    wide = b.op("Cast", [n.inputs[index]], output_type=dtype)
    if not n.input(zero_point):
        return wide
    zero = b.op("Cast", [n.inputs[zero_point]], output_type=dtype)
    return b.op("Eltwise", [wide, _by_rows(b, n, zero_point, zero, index == 0)], type="SUB")


def _by_rows(b: Builder, n: OnnxNode, index: int, tensor: str, rows: bool) -> str:
    """A vector with a number for each row, as a column of a matrix; others as they are."""
    shape = n.shape(n.inputs[index])
    return b.op("Unsqueeze", [tensor], axis=[1]) if rows and shape and len(shape) == 1 else tensor


def _product(b: Builder, n: OnnxNode, right: int, zero_points: tuple[int, int]) -> str:
    """The exact int32 product of input 0 and input `right`."""
    dtype = "i32"
    weight = b.value(n.inputs[right])
    if weight is not None and weight.ndim >= 2 and weight.shape[-2] * _WIDEST * _WIDEST < _EXACT:
        dtype = "f32"
    left = _centred(b, n, 0, zero_points[0], dtype)
    y = b.op("MatMul", [left, _centred(b, n, right, zero_points[1], dtype)])
    return y if dtype == "i32" else b.op("Cast", [y], output_type="i32")


@register("MatMulInteger", versions=(10, 10))
def _mat_mul_integer(b: Builder, n: OnnxNode) -> None:
    b.op("Identity", [_product(b, n, 1, (2, 3))], n.outputs)


@register("QLinearMatMul", versions=(10, 21))
def _q_linear_mat_mul(b: Builder, n: OnnxNode) -> None:
    y = b.op("Cast", [_product(b, n, 3, (2, 5))], output_type="f32")
    y = b.op("Eltwise", [y, _by_rows(b, n, 1, n.inputs[1], True)], type="PROD")
    y = b.op("Eltwise", [y, n.inputs[4]], type="PROD")
    b.op("Quantize", [y, *n.inputs[6:8]], n.outputs, output_type=n.dtype(n.inputs[7]))


@register("ConvInteger", versions=(10, 10))
def _conv_integer(b: Builder, n: OnnxNode) -> None:
    weight = _weights(b, n, 1, n.input(3))
    b.op("Identity", [_convolution(b, n, weight, n.input(2))], n.outputs)


@register("QLinearConv", versions=(10, 10))
def _q_linear_conv(b: Builder, n: OnnxNode) -> None:
    y = _convolution(b, n, _weights(b, n, 3, n.inputs[5]), n.inputs[2])
    rank = n.rank(n.inputs[0])
    if n.input(8):
        bias = b.op("Reshape", [n.inputs[8]], shape=[-1] + [1] * (rank - 2))
        y = b.op("Eltwise", [y, bias], type="SUM")
    scale = b.op("Eltwise", [n.inputs[1], n.inputs[4]], type="PROD")
    y = b.op("Dequantize", [y, scale], axis=1)
    b.op("Quantize", [y, *n.inputs[6:8]], n.outputs, output_type=n.dtype(n.inputs[7]))


def _weights(b: Builder, n: OnnxNode, index: int, zero_point: str) -> Array:
    """The constant filter less its zero points, O I/group and the window."""
    weight = n.constant(b, index, "the filter").astype(np.int64)
    if not zero_point:
        return weight
    zero = b.value(zero_point)
    if zero is None:
        raise UnsupportedError("the filter's zero point is not constant")
    return weight - zero.astype(np.int64).reshape([-1] + [1] * (weight.ndim - 1))


def _convolution(b: Builder, n: OnnxNode, weight: Array, zero_point: str) -> str:
    """The exact int32 convolution of input 0 by float32 ones.

    Where sums may be too large for one, the filter is cut into numbers of 4 bits and a rest; where
    that is not enough, the input too.
    """
    one = b.const(1.0, np.float32)
    zeros = [zero_point] if zero_point else []
    x = b.op("Dequantize", [n.inputs[0], one, *zeros])
    if _sums(weight) * _WIDEST < _EXACT:
        return _part(b, n, x, weight)
    high, low = weight // 16, weight % 16
    if max(_sums(high), _sums(low)) * _WIDEST < _EXACT:
        return _join(b, _part(b, n, x, high), _part(b, n, x, low))
    if max(_sums(high), _sums(low)) * 16 >= _EXACT:
        raise UnsupportedError("its sums are too long to be exact")
    sixteen = b.const(16.0, np.float32)
    x_high = b.op("Eltwise", [x, sixteen], type="FLOOR_DIV")
    x_low = b.op("Eltwise", [x, sixteen], type="MOD")
    parts = [_join(b, _part(b, n, part, high), _part(b, n, part, low)) for part in (x_high, x_low)]
    return _join(b, parts[0], parts[1])


def _sums(weight: Array) -> int:
    """The largest sum of magnitudes of one filter."""
    return int(np.abs(weight).reshape(weight.shape[0], -1).sum(1).max(initial=0))


def _join(b: Builder, high: str, low: str) -> str:
    """16 * high + low"""
    scaled = b.op("Eltwise", [high, b.const(16, np.int32)], type="PROD")
    return b.op("Eltwise", [scaled, low], type="SUM")


def _part(b: Builder, n: OnnxNode, x: str, weight: Array) -> str:
    """A float32 convolution with the node's attributes, as int32."""
    convolve = REGISTRY.get("Conv")
    assert convolve is not None
    shape = n.shape(n.inputs[0])
    if shape is not None:
        n.types.shapes[x] = shape
    taps, output = b.const(weight, np.float32, suffix="filter"), b.tensor("Conv")
    inner = dataclasses.replace(n, op="Conv", inputs=[x, taps], outputs=[output])
    convolve(b, inner)
    return b.op("Cast", [output], output_type="i32")
