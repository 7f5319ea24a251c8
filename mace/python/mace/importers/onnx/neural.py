# SPDX-License-Identifier: Apache-2.0
"""ONNX convolution, pooling and matrix products. Windows work on NHWC: a Transpose before and after
each; one-dimensional ones get a height of 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.elementwise import scalar
from mace.importers.onnx.node import OnnxNode, register


def enter(b: Builder, tensor: str, spatial: int) -> str:
    """N C (H) W as NHWC. spatial: the number of spatial dimensions, 1 or 2."""
    if spatial == 1:
        tensor = b.op("Unsqueeze", [tensor], axis=[2])
    return b.nhwc(tensor)


def leave(b: Builder, tensor: str, spatial: int, output: str) -> None:
    """NHWC as N C (H) W, under the name `output`."""
    if spatial == 2:
        b.nchw(tensor, output)
        return
    b.op("Squeeze", [b.nchw(tensor, b.tensor("nchw"))], [output], axis=[2])


def check_spatial(count: int) -> int:
    """The number of spatial dimensions, if MACE can work with it."""
    if count not in (1, 2):
        raise UnsupportedError(
            f"it works on {count} spatial dimensions; MACE works on 1 or 2",
            "split it into two-dimensional operators",
        )
    return count


def pair(values: Sequence[int], fill: int) -> list[int]:
    """Height and width from a list of one or two values; `fill` stands for the height."""
    numbers = [int(v) for v in values]
    return [fill, *numbers] if len(numbers) == 1 else numbers


def window(n: OnnxNode, kernel: Sequence[int]) -> dict[str, Any]:
    """strides, dilations, padding and paddings from the attributes that all windows share."""
    spatial = len(kernel)
    ones = [1] * spatial
    strides = [int(v) for v in n.attr("strides", ones)]
    dilations = [int(v) for v in n.attr("dilations", ones)]
    attrs: dict[str, Any] = {"strides": pair(strides, 1), "dilations": pair(dilations, 1)}
    auto = n.attr("auto_pad", "NOTSET") or "NOTSET"
    pads = [int(v) for v in n.attr("pads", [0] * (2 * spatial))]
    if auto == "SAME_UPPER":
        return {**attrs, "padding": "SAME"}
    if auto == "SAME_LOWER":
        pads = _same_lower(n, kernel, strides, dilations)
    if auto == "VALID" or not any(pads):
        return {**attrs, "padding": "VALID"}
    if any(p < 0 for p in pads):
        raise UnsupportedError(f"the attribute pads has negative values: {pads}")
    begin, end = pair(pads[:spatial], 0), pair(pads[spatial:], 0)
    return {**attrs, "padding": "EXPLICIT", "paddings": [begin[0], end[0], begin[1], end[1]]}


def _same_lower(
    n: OnnxNode, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    """Pads of SAME_LOWER, with the surplus at the top and left; begins, then ends."""
    shape = n.shape(n.inputs[0])
    begins, ends = [], []
    for d, (k, stride, dilation) in enumerate(zip(kernel, strides, dilations, strict=True)):
        reach = (k - 1) * dilation + 1
        if stride == 1:
            total = reach - 1
        else:
            size = shape[2 + d] if shape is not None else -1
            if size < 0:
                raise UnsupportedError(
                    "auto_pad SAME_LOWER needs the size of the input when it has strides",
                    "give the model fixed input shapes",
                )
            total = max(0, (math.ceil(size / stride) - 1) * stride + reach - size)
        begins.append(total - total // 2)
        ends.append(total // 2)
    return begins + ends


def _filter(b: Builder, n: OnnxNode) -> tuple[Array, int]:
    """The filter as O I/group H W, and the number of spatial dimensions."""
    weight = n.constant(b, 1, "the filter")
    spatial = check_spatial(weight.ndim - 2)
    return (weight[:, :, None, :] if spatial == 1 else weight), spatial


def _group(n: OnnxNode) -> int:
    group = int(n.attr("group", 1))
    if group < 1:
        raise UnsupportedError(f"the attribute group is {group}", "it must be at least 1")
    return group


@register("Conv")
def _conv(b: Builder, n: OnnxNode) -> None:
    weight, spatial = _filter(b, n)
    group = _group(n)
    attrs = window(n, weight.shape[4 - spatial :])
    bias = [n.inputs[2]] if n.input(2) else []
    x = enter(b, n.inputs[0], spatial)
    if group > 1 and weight.shape[1] == 1:
        taps = b.const(weight.transpose(1, 2, 3, 0), suffix="filter")
        y = b.op("DepthwiseConv2d", [x, taps, *bias], **attrs)
    else:
        taps = b.const(weight.transpose(0, 2, 3, 1), suffix="filter")
        if group > 1:
            attrs["group"] = group
        y = b.op("Conv2D", [x, taps, *bias], **attrs)
    leave(b, y, spatial, n.outputs[0])


@register("ConvTranspose")
def _conv_transpose(b: Builder, n: OnnxNode) -> None:
    weight, spatial = _filter(b, n)  # I O/group H W
    group = _group(n)
    i, o, h, w = weight.shape
    if i % group:
        raise UnsupportedError(f"{i} input channels cannot be split into {group} groups")
    split = weight.reshape(group, i // group, o, h, w).transpose(0, 2, 3, 4, 1)
    taps = b.const(split.reshape(group * o, h, w, i // group), suffix="filter")
    attrs = _deconv_window(n, weight.shape[4 - spatial :])
    if group > 1:
        attrs["group"] = group
    bias = [n.inputs[2]] if n.input(2) else []
    y = b.op("Deconv2D", [enter(b, n.inputs[0], spatial), taps, *bias], **attrs)
    leave(b, y, spatial, n.outputs[0])


def _deconv_window(n: OnnxNode, kernel: Sequence[int]) -> dict[str, Any]:
    """Window attributes of ConvTranspose by the formulas of its definition."""
    spatial = len(kernel)
    strides = [int(v) for v in n.attr("strides", [1] * spatial)]
    dilations = [int(v) for v in n.attr("dilations", [1] * spatial)]
    surplus = [int(v) for v in n.attr("output_padding", [0] * spatial)]
    auto = n.attr("auto_pad", "NOTSET") or "NOTSET"
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = [int(v) for v in n.attr("pads", [0] * (2 * spatial))]
    begins, ends = pads[:spatial], pads[spatial:]
    size = n.attrs.get("output_shape")
    if size is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
        begins, ends = [], []
        for d in range(spatial):
            total = surplus[d] + reach[d] - strides[d]
            if size is not None:
                total += strides[d] * _input_size(n, d) - int(size[len(size) - spatial + d])
            if total < 0:  # the output reaches beyond what the input covers
                surplus[d] -= total
                total = 0
            small = total // 2
            begins.append(small if auto == "SAME_UPPER" else total - small)
            ends.append(total - begins[-1])
    elif auto == "VALID":
        begins, ends = [0] * spatial, [0] * spatial
    top, left = pair(begins, 0)
    bottom, right = pair(ends, 0)
    attrs: dict[str, Any] = {"strides": pair(strides, 1), "dilations": pair(dilations, 1)}
    attrs |= {"padding": "EXPLICIT", "paddings": [top, bottom, left, right]}
    if any(surplus):
        attrs["output_paddings"] = pair(surplus, 0)
    return attrs


def _input_size(n: OnnxNode, dimension: int) -> int:
    shape = n.shape(n.inputs[0])
    if shape is None or shape[2 + dimension] < 0:
        raise UnsupportedError(
            "the attribute output_shape needs the size of the input",
            "give the model fixed input shapes",
        )
    return shape[2 + dimension]


@register("MaxPool", "AveragePool")
def _pool(b: Builder, n: OnnxNode) -> None:
    kernel = [int(k) for k in n.require("kernel_shape")]
    spatial = check_spatial(len(kernel))
    if n.uses_output(1):
        raise UnsupportedError(
            "its second output, the indices, is used", "MACE gives the maxima alone"
        )
    attrs = window(n, kernel)
    attrs |= {"pooling_type": "MAX" if n.op == "MaxPool" else "AVG", "kernels": pair(kernel, 1)}
    if n.attr("ceil_mode", 0):
        attrs["round_mode"] = "CEIL"
    if n.attr("count_include_pad", 0):
        attrs["count_include_pad"] = True
    dtype = n.dtype(n.inputs[0])
    x = n.inputs[0] if dtype == "f32" else b.op("Cast", n.inputs[:1], output_type="f32")
    y = b.op("Pooling", [enter(b, x, spatial)], **attrs)
    if dtype != "f32":
        y = b.op("Cast", [y], output_type=dtype)
    leave(b, y, spatial, n.outputs[0])


@register("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(b: Builder, n: OnnxNode) -> None:
    axes = list(range(2, n.rank(n.inputs[0])))
    kind = "MEAN" if n.op == "GlobalAveragePool" else "MAX"
    b.op("Reduce", n.inputs, n.outputs, reduce_type=kind, axis=axes, keepdims=True)


@register("MatMul")
def _mat_mul(b: Builder, n: OnnxNode) -> None:
    b.op("MatMul", n.inputs, n.outputs)


@register("Gemm")
def _gemm(b: Builder, n: OnnxNode) -> None:
    alpha, beta = float(n.attr("alpha", 1.0)), float(n.attr("beta", 1.0))
    a, weight = n.inputs[0], n.inputs[1]
    value = b.value(weight)
    if value is not None and alpha != 1.0:
        weight, alpha = b.const(value * np.float32(alpha), suffix="weight"), 1.0
    attrs = {}
    if n.attr("transA", 0):
        attrs["transpose_a"] = True
    if n.attr("transB", 0):
        attrs["transpose_b"] = True
    has_bias = bool(n.input(2))
    last = n.outputs if alpha == 1.0 and not has_bias else None
    y = b.op("MatMul", [a, weight], last, **attrs)
    if alpha != 1.0:
        last = None if has_bias else n.outputs
        y = b.op("Eltwise", [y, scalar(b, n, alpha, a)], last, type="PROD")
    if has_bias:
        bias = n.inputs[2]
        if beta != 1.0:
            bias = b.op("Eltwise", [bias, scalar(b, n, beta, a)], type="PROD")
        b.op("Eltwise", [y, bias], n.outputs, type="SUM")


@register("DepthToSpace", "SpaceToDepth")
def _depth_space(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {"block_size": int(n.require("blocksize"))}
    if n.op == "DepthToSpace":
        attrs["mode"] = n.attr("mode", "DCR")
    elif n.attr("mode", "DCR") != "DCR":
        raise UnsupportedError(f"the attribute mode is {n.attr('mode', 'DCR')}", "MACE has DCR")
    b.nchw(b.op(n.op, [b.nhwc(n.inputs[0])], **attrs), n.outputs[0])
