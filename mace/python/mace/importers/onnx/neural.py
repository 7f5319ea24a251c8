# SPDX-License-Identifier: Apache-2.0
"""ONNX convolution and matrix products. Windows work on NHWC or NDHWC: a Transpose before and after
each; one-dimensional ones get a height of 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import NCHW_TO_NHWC, NHWC_TO_NCHW, Builder, UnsupportedError
from mace.importers.onnx.elementwise import scalar
from mace.importers.onnx.node import OnnxNode, register

_TO_LAST = {1: NCHW_TO_NHWC, 2: NCHW_TO_NHWC, 3: [0, 2, 3, 4, 1]}
_TO_FIRST = {1: NHWC_TO_NCHW, 2: NHWC_TO_NCHW, 3: [0, 4, 1, 2, 3]}


def enter(b: Builder, tensor: str, spatial: int) -> str:
    """N C (D) (H) W with channels last; one dimension gets a height of 1 before it."""
    if spatial == 1:
        tensor = b.op("Unsqueeze", [tensor], axis=[2])
    return b.op("Transpose", [tensor], dims=_TO_LAST[spatial])


def leave(b: Builder, tensor: str, spatial: int, output: str) -> None:
    """What `enter` made, with channels first again, under the name `output`."""
    if spatial > 1:
        b.op("Transpose", [tensor], [output], dims=_TO_FIRST[spatial])
        return
    b.op("Squeeze", [b.nchw(tensor, b.tensor("nchw"))], [output], axis=[2])


def check_spatial(count: int) -> int:
    """The number of spatial dimensions, if MACE can work with it."""
    if count not in (1, 2, 3):
        raise UnsupportedError(
            f"it works on {count} spatial dimensions; MACE works on 1, 2 or 3",
            "split it into operators of fewer dimensions",
        )
    return count


def pair(values: Sequence[int], fill: int) -> list[int]:
    """At least height and width from a list of sizes; `fill` stands for an absent height."""
    numbers = [int(v) for v in values]
    return [fill, *numbers] if len(numbers) == 1 else numbers


def window(n: OnnxNode, kernel: Sequence[int]) -> dict[str, Any]:
    """strides, dilations, padding and paddings from the attributes that all windows share, for
    operators of two or three dimensions."""
    attrs = window_of(n, kernel)
    if len(kernel) == 1:
        attrs["strides"], attrs["dilations"] = (
            pair(attrs["strides"], 1),
            pair(attrs["dilations"], 1),
        )
        if "paddings" in attrs:
            attrs["paddings"] = [0, 0, *attrs["paddings"]]
    return attrs


def window_of(n: OnnxNode, kernel: Sequence[int]) -> dict[str, Any]:
    """The same with as many dimensions as the kernel has."""
    spatial = len(kernel)
    ones = [1] * spatial
    strides = [int(v) for v in n.attr("strides", ones)]
    dilations = [int(v) for v in n.attr("dilations", ones)]
    attrs: dict[str, Any] = {"strides": strides, "dilations": dilations}
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
    paddings = [p for pair in zip(pads[:spatial], pads[spatial:], strict=True) for p in pair]
    return {**attrs, "padding": "EXPLICIT", "paddings": paddings}


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


def _filter(b: Builder, n: OnnxNode) -> tuple[Array | None, list[int]]:
    """The filter if it is constant, and its shape."""
    weight = b.value(n.inputs[1])
    if weight is not None:
        check_spatial(weight.ndim - 2)
        return weight, list(weight.shape)
    shape = list(n.shape(n.inputs[1]) or ())
    kernel = n.attrs.get("kernel_shape")
    if kernel is not None and len(shape) == len(kernel) + 2:
        shape[2:] = [int(k) for k in kernel]
    if not shape or min(shape) < 0:
        raise UnsupportedError(
            "the filter is computed while the model runs, and its shape is not known",
            "give the model fixed input shapes, or simplify it with onnxslim",
        )
    check_spatial(len(shape) - 2)
    return None, shape


def _arrange(b: Builder, n: OnnxNode, weight: Array | None, dims: list[int], rank: int) -> str:
    """The filter with its dimensions in this order; `dims` count an absent height."""
    if weight is not None:
        quantized = b.quantization(n.inputs[1])
        if rank == 3:
            weight = weight[:, :, None, :]
        name = b.const(weight.transpose(dims), suffix="filter")
        # An axis behind the one that is put in has another number.
        if quantized is not None and (rank != 3 or quantized.axis < 2):
            b.graph.quantization[name] = quantized.permuted(dims)
        return name
    x = n.inputs[1]
    if rank == 3:
        x = b.op("Unsqueeze", [x], axis=[2])
    return b.op("Transpose", [x], dims=dims)


def _group(n: OnnxNode) -> int:
    group = int(n.attr("group", 1))
    if group < 1:
        raise UnsupportedError(f"the attribute group is {group}", "it must be at least 1")
    return group


@register("Conv", versions=(1, 22))
def _conv(b: Builder, n: OnnxNode) -> None:
    weight, shape = _filter(b, n)
    spatial, group = len(shape) - 2, _group(n)
    attrs = window(n, shape[2:])
    bias = [n.inputs[2]] if n.input(2) else []
    x = enter(b, n.inputs[0], spatial)
    if spatial < 3 and group > 1 and shape[1] == 1:
        taps = _arrange(b, n, weight, [1, 2, 3, 0], len(shape))
        y = b.op("DepthwiseConv2d", [x, taps, *bias], **attrs)
    else:
        order = [0, 2, 3, 1] if spatial < 3 else [0, 2, 3, 4, 1]
        taps = _arrange(b, n, weight, order, len(shape))
        if group > 1:
            attrs["group"] = group
        y = b.op("Conv2D" if spatial < 3 else "Conv3D", [x, taps, *bias], **attrs)
    leave(b, y, spatial, n.outputs[0])


@register("ConvTranspose", versions=(1, 22))
def _conv_transpose(b: Builder, n: OnnxNode) -> None:
    weight, shape = _filter(b, n)  # I O/group (D) (H) W
    spatial, group = len(shape) - 2, _group(n)
    i, o, *kernel = shape
    if i % group:
        raise UnsupportedError(f"{i} input channels cannot be split into {group} groups")
    attrs = _deconv_window(n, kernel)
    if group > 1:
        attrs["group"] = group
    space = pair(kernel, 1)
    last = len(space) + 2
    order = [0, 2, *range(3, last + 1), 1]
    if weight is not None:
        split = weight.reshape(group, i // group, o, *space).transpose(order)
        taps = b.const(split.reshape(group * o, *space, i // group), suffix="filter")
    else:
        split_shape = b.op("Reshape", [n.inputs[1]], shape=[group, i // group, o, *space])
        turned = b.op("Transpose", [split_shape], dims=order)
        taps = b.op("Reshape", [turned], shape=[group * o, *space, i // group])
    bias = [n.inputs[2]] if n.input(2) else []
    op = "Deconv2D" if spatial < 3 else "Deconv3D"
    y = b.op(op, [enter(b, n.inputs[0], spatial), taps, *bias], **attrs)
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
    paddings = [p for ends_of in zip(pair(begins, 0), pair(ends, 0), strict=True) for p in ends_of]
    attrs: dict[str, Any] = {"strides": pair(strides, 1), "dilations": pair(dilations, 1)}
    attrs |= {"padding": "EXPLICIT", "paddings": paddings}
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


@register("MatMul", versions=(1, 13))
def _mat_mul(b: Builder, n: OnnxNode) -> None:
    b.op("MatMul", n.inputs, n.outputs)


@register("Gemm", versions=(7, 13))
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


@register("DepthToSpace", "SpaceToDepth", versions=(1, 28))
def _depth_space(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {"block_size": int(n.require("blocksize"))}
    if n.op == "DepthToSpace":
        attrs["mode"] = n.attr("mode", "DCR")
    elif n.attr("mode", "DCR") == "CRD":
        # Block and depth change places in the channels.
        size = attrs["block_size"] ** 2
        y = b.op("SpaceToDepth", [b.nhwc(n.inputs[0])], **attrs)
        y = b.op("Reshape", [y], shape=[0, 0, 0, size, -1], copy_zeros=True)
        y = b.op("Transpose", [y], dims=[0, 1, 2, 4, 3])
        b.nchw(b.op("Reshape", [y], shape=[0, 0, 0, -1], copy_zeros=True), n.outputs[0])
        return
    b.nchw(b.op(n.op, [b.nhwc(n.inputs[0])], **attrs), n.outputs[0])
