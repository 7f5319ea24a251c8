# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that slide a window or multiply matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, spatial_op, spatial_op_at


def _pair(parameter: Any, name: str, suffix_h: str, suffix_w: str, default: int) -> list[int]:
    """Height and width of a window's parameter, by one repeated field or two single ones."""
    if parameter.HasField(suffix_h) or parameter.HasField(suffix_w):
        return [int(getattr(parameter, suffix_h)), int(getattr(parameter, suffix_w))]
    values = getattr(parameter, name)
    values = [int(v) for v in values] if not isinstance(values, int) else [int(values)]
    if len(values) > 2:
        raise UnsupportedError(f"its {name} has {len(values)} numbers: not two-dimensional")
    return (values * 2)[:2] if values else [default, default]


def _window(layer: CaffeLayer) -> tuple[list[int], dict[str, object]]:
    """The kernel and the window attributes of a (transposed) convolution."""
    parameter = layer.message.convolution_param
    rank = layer.rank()
    if layer.axis(parameter.axis, max(rank, 4)) != 1:
        raise UnsupportedError(f"its axis is {parameter.axis}", "use axis 1, the channels")
    kernel = _pair(parameter, "kernel_size", "kernel_h", "kernel_w", 0)
    strides = _pair(parameter, "stride", "stride_h", "stride_w", 1)
    pads = _pair(parameter, "pad", "pad_h", "pad_w", 0)
    dilations = [int(d) for d in parameter.dilation] or [1]
    if 0 in (*kernel, *strides, *dilations) or len(dilations) > 2:
        raise UnsupportedError(
            f"its kernel is {kernel}, stride {strides}, dilation {dilations}",
            "each has to be at least 1",
        )
    dilations = (dilations * 2)[:2]
    if rank == 3:
        kernel, strides, dilations = [kernel[0], 1], [strides[0], 1], [dilations[0], 1]
        pads = [pads[0], 0]
    return kernel, {
        "strides": strides,
        "padding": "EXPLICIT" if any(pads) else "VALID",
        "paddings": [pads[0], pads[0], pads[1], pads[1]],
        "dilations": dilations,
    }


def _bias(builder: Builder, layer: CaffeLayer, wanted: bool, count: int) -> list[str]:
    return [builder.const(layer.vector(1, count), suffix="bias")] if wanted else []


def _group(layer: CaffeLayer, channels: int) -> int:
    group = int(layer.message.convolution_param.group)
    if group < 1 or channels < 1 or channels % group:
        raise UnsupportedError(f"its group {group} does not divide {channels} channels")
    return group


def _windows(
    builder: Builder, layer: CaffeLayer, op: str, constants: list[str], **attrs: object
) -> None:
    """Writes the operator for each bottom and its top: all have the same weights."""
    if len(layer.bottoms) != len(layer.tops):
        raise UnsupportedError(f"it has {len(layer.bottoms)} bottoms and {len(layer.tops)} tops")
    for index, bottom in enumerate(layer.bottoms):
        if layer.rank(index) == 4:
            spatial_op_at(index, builder, layer, op, [bottom, *constants], **attrs)
            continue
        # A row N C W: an image of one column, along whose height the window goes.
        layer.need_rank(3, index)
        image = builder.op("Unsqueeze", [bottom], None, axis=[3])
        result = builder.op(op, [builder.nhwc(image), *constants], None, **attrs)
        image = builder.tensor("nchw")
        builder.nchw(result, image)
        builder.op("Squeeze", [image], [layer.top(index)], axis=[3])
        layer.set_rank(3, index)


@CAFFE.register("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise")
def convolution(builder: Builder, layer: CaffeLayer) -> None:
    """Filters are O (I/group) H W; with one channel in each group it is depthwise."""
    parameter = layer.message.convolution_param
    count = int(parameter.num_output)
    kernel, attrs = _window(layer)
    if layer.type != "Convolution" and not parameter.HasField("group"):
        parameter.group = count
    group = _group(layer, count)
    weight = _filter(layer, count, -1, kernel)
    bias = _bias(builder, layer, parameter.bias_term, count)
    if group > 1 and weight.shape[1] == 1:
        name = builder.const(weight.transpose(1, 2, 3, 0), suffix="filter")
        _windows(builder, layer, "DepthwiseConv2d", [name, *bias], **attrs)
        return
    name = builder.const(weight.transpose(0, 2, 3, 1), suffix="filter")
    _windows(builder, layer, "Conv2D", [name, *bias], group=group, **attrs)


def _filter(layer: CaffeLayer, outer: int, inner: int, kernel: list[int]) -> Array:
    """The first blob with two dimensions of channels and two of space; a row has one of space."""
    if layer.rank() == 3:
        return layer.shaped(0, outer, inner, kernel[0])[..., None]
    return layer.shaped(0, outer, inner, *kernel)


@CAFFE.register("Deconvolution")
def deconvolution(builder: Builder, layer: CaffeLayer) -> None:
    """Filters are I (O/group) H W."""
    parameter = layer.message.convolution_param
    count = int(parameter.num_output)
    kernel, attrs = _window(layer)
    group = _group(layer, count)
    per_group = count // group
    weight = _filter(layer, -1, per_group, kernel)
    inner = weight.shape[0]
    if inner % group:
        raise UnsupportedError(f"its group {group} does not divide {inner} channels")
    weight = weight.reshape(group, inner // group, per_group, *kernel)
    turned = weight.transpose(0, 2, 3, 4, 1).reshape(count, *kernel, inner // group)
    name = builder.const(turned, suffix="filter")
    bias = _bias(builder, layer, parameter.bias_term, count)
    _windows(builder, layer, "Deconv2D", [name, *bias], group=group, **attrs)


@CAFFE.register("Im2col")
def im2col(builder: Builder, layer: CaffeLayer) -> None:
    """The windows themselves: for each channel a channel for each element of its window. These are
    depthwise convolutions with filters of a single 1."""
    layer.need_rank(4)
    kernel, attrs = _window(layer)
    (channels,) = layer.known(0, [1])
    size = kernel[0] * kernel[1]
    if size * size * channels > 2**24:
        raise UnsupportedError(f"its kernel {kernel} is too large for {channels} channels")
    weight = np.tile(np.eye(size, dtype=np.float32), channels)
    name = builder.const(weight.reshape(1, *kernel, channels * size), suffix="filter")
    spatial_op(builder, layer, "DepthwiseConv2d", [layer.bottom(), name], **attrs)


@CAFFE.register("Pooling")
def pooling(builder: Builder, layer: CaffeLayer) -> None:
    """The mean of a window counts its padding; the number of windows is rounded up."""
    parameter = layer.message.pooling_param
    method = parameter.PoolMethod.Name(parameter.pool)
    if len(layer.tops) > 1:
        raise UnsupportedError("it writes a mask as a second top", "use one top")
    layer.need_rank(4)
    tensor = builder.nhwc(layer.bottom())
    attrs = _pooling_window(layer)
    if method != "STOCHASTIC":
        builder.nchw(_pool(builder, tensor, method, attrs), layer.top())
        return
    # For tests Caffe takes the mean of a window weighted by its own elements.
    squares = builder.op("Unary", [tensor], None, type="SQUARE")
    total = _pool(builder, tensor, "AVE", attrs)
    tiny = builder.const(float(np.finfo(np.float32).tiny), "float32")
    total = builder.op("Eltwise", [total, tiny], None, type="SUM")
    products = _pool(builder, squares, "AVE", attrs)
    builder.nchw(builder.op("Eltwise", [products, total], None, type="DIV"), layer.top())


def _pooling_window(layer: CaffeLayer) -> dict[str, object] | None:
    """The attributes of Pooling but for its type; None for one window over the whole image."""
    parameter = layer.message.pooling_param
    kernel = _pair(parameter, "kernel_size", "kernel_h", "kernel_w", 0)
    strides = _pair(parameter, "stride", "stride_h", "stride_w", 1)
    pads = _pair(parameter, "pad", "pad_h", "pad_w", 0)
    if parameter.global_pooling:
        return None
    if 0 in (*kernel, *strides):
        raise UnsupportedError(f"its kernel is {kernel} and its stride {strides}")
    if any(p >= k for p, k in zip(pads, kernel, strict=True)):
        raise UnsupportedError(f"its pad {pads} is not smaller than its kernel {kernel}")
    floor = parameter.round_mode == parameter.FLOOR or not parameter.ceil_mode
    return {
        "kernels": kernel,
        "strides": strides,
        "padding": "EXPLICIT" if any(pads) else "VALID",
        "paddings": [pads[0], pads[0], pads[1], pads[1]],
        "round_mode": "FLOOR" if floor else "CEIL",
    }


def _pool(builder: Builder, tensor: str, method: str, attrs: dict[str, object] | None) -> str:
    """Pools an NHWC tensor, over the whole image when there is no window."""
    largest = method == "MAX"
    if attrs is None:
        kind = "MAX" if largest else "MEAN"
        return builder.op("Reduce", [tensor], None, reduce_type=kind, axis=[1, 2], keepdims=True)
    kind = "MAX" if largest else "AVG"
    return builder.op(
        "Pooling", [tensor], None, pooling_type=kind, count_include_pad=not largest, **attrs
    )


@CAFFE.register("SPP")
def spatial_pyramid(builder: Builder, layer: CaffeLayer) -> None:
    """Pools to 1, 2 x 2, 4 x 4, ... windows, and joins all that as one row an image."""
    layer.need_rank(4)
    parameter = layer.message.spp_param
    method = layer.message.pooling_param.PoolMethod.Name(parameter.pool)
    height = int(parameter.pyramid_height)
    if method == "STOCHASTIC" or not 1 <= height <= 10:
        raise UnsupportedError(f"its pool is {method}, its pyramid_height {height}")
    sizes = layer.known(0, [2, 3])
    tensor = builder.nhwc(layer.bottom())
    rows = []
    for level in range(height):
        bins = 2**level
        kernel = [-(-n // bins) for n in sizes]
        pads = [(k * bins - n + 1) // 2 for k, n in zip(kernel, sizes, strict=True)]
        if any(p >= k for p, k in zip(pads, kernel, strict=True)):
            raise UnsupportedError(f"its pyramid_height {height} is too large for {sizes}")
        attrs: dict[str, object] = {
            "kernels": kernel,
            "strides": kernel,
            "padding": "EXPLICIT",
            "paddings": [pads[0], pads[0], pads[1], pads[1]],
            "round_mode": "CEIL",
        }
        pooled = builder.tensor("pooled")
        builder.nchw(_pool(builder, tensor, method, attrs), pooled)
        rows.append(builder.op("Flatten", [pooled], None, axis=1, end_axis=-1))
    layer.set_rank(2)
    if height == 1:
        builder.op("Identity", rows, [layer.top()])
    else:
        builder.op("Concat", rows, [layer.top()], axis=1)


@CAFFE.register("InnerProduct")
def inner_product(builder: Builder, layer: CaffeLayer) -> None:
    """Joins the dimensions from axis on, in Caffe's order, and multiplies."""
    parameter = layer.message.inner_product_param
    count, axis = int(parameter.num_output), layer.axis(parameter.axis)
    if count < 1:
        raise UnsupportedError("its num_output is 0", "correct the prototxt")
    weight = layer.shaped(0, -1, count).T if parameter.transpose else layer.shaped(0, count, -1)
    name = builder.const(weight, suffix="weight")
    bias = _bias(builder, layer, parameter.bias_term, count)
    builder.op("FullyConnected", [layer.bottom(), name, *bias], [layer.top()], axis=axis)
    layer.set_rank(axis + 1)
