# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that slide a window or multiply matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, spatial_op, spatial_op_at


def _pair(parameter: Any, name: str, suffix_h: str, suffix_w: str, default: int) -> list[int]:
    """Height and width of a window's parameter."""
    return _numbers(parameter, name, suffix_h, suffix_w, default, 2)


def _numbers(
    parameter: Any, name: str, suffix_h: str, suffix_w: str, default: int, count: int
) -> list[int]:
    """A window's parameter for each dimension of space, by one repeated field or two single ones."""
    if suffix_h and (parameter.HasField(suffix_h) or parameter.HasField(suffix_w)):
        values = [int(getattr(parameter, suffix_h)), int(getattr(parameter, suffix_w))]
    else:
        field = getattr(parameter, name)
        values = [int(field)] if isinstance(field, int) else [int(v) for v in field]
    values = values or [default]
    if len(values) not in (1, count):
        raise UnsupportedError(f"its {name} has {len(values)} numbers for {count} dimensions")
    return values * count if len(values) == 1 else values


def _window(layer: CaffeLayer) -> tuple[list[int], dict[str, object]]:
    """The kernel and the window attributes of a (transposed) convolution of images, of volumes, or
    of rows, which are images of one column."""
    parameter = layer.message.convolution_param
    count = layer.rank() - 2
    if not 1 <= count <= 3:
        raise UnsupportedError(f"its bottom has {layer.rank()} dimensions", "it may have 3 to 5")
    if layer.axis(parameter.axis) != 1:
        raise UnsupportedError(f"its axis is {parameter.axis}", "use axis 1, the channels")
    kernel = _numbers(parameter, "kernel_size", "kernel_h", "kernel_w", 0, count)
    strides = _numbers(parameter, "stride", "stride_h", "stride_w", 1, count)
    pads = _numbers(parameter, "pad", "pad_h", "pad_w", 0, count)
    dilations = _numbers(parameter, "dilation", "", "", 1, count)
    if 0 in (*kernel, *strides, *dilations):
        raise UnsupportedError(
            f"its kernel is {kernel}, stride {strides}, dilation {dilations}",
            "each has to be at least 1",
        )
    if count == 1:
        kernel, strides, dilations = [*kernel, 1], [*strides, 1], [*dilations, 1]
        pads = [*pads, 0]
    return kernel, {
        "strides": strides,
        "padding": "EXPLICIT" if any(pads) else "VALID",
        "paddings": [p for pad in pads for p in (pad, pad)],
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
    rank = layer.rank()
    for index, bottom in enumerate(layer.bottoms):
        layer.need_rank(rank, index)
        layer.set_rank(rank, index)
        if rank == 4:
            spatial_op_at(index, builder, layer, op, [bottom, *constants], **attrs)
            continue
        if rank == 3:
            bottom = builder.op("Unsqueeze", [bottom], None, axis=[3])
        last = max(rank, 4) - 1
        inner = builder.op("Transpose", [bottom], None, dims=[0, *range(2, last + 1), 1])
        result = builder.op(op, [inner, *constants], None, **attrs)
        top = [layer.top(index)] if rank == 5 else None
        result = builder.op("Transpose", [result], top, dims=[0, last, *range(1, last)])
        if rank == 3:
            builder.op("Squeeze", [result], [layer.top(index)], axis=[3])


def _channels_last(weight: Array) -> Array:
    """Filters O I ... as O ... I."""
    return np.moveaxis(weight, 1, -1)


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
    if group > 1 and weight.shape[1] == 1 and len(kernel) == 2:
        name = builder.const(weight.transpose(1, 2, 3, 0), suffix="filter")
        _windows(builder, layer, "DepthwiseConv2d", [name, *bias], **attrs)
        return
    name = builder.const(_channels_last(weight), suffix="filter")
    op = "Conv2D" if len(kernel) == 2 else "Conv3D"
    _windows(builder, layer, op, [name, *bias], group=group, **attrs)


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
    grouped = weight.reshape(group, inner // group, per_group, *kernel)
    turned = np.moveaxis(grouped, 1, -1).reshape(count, *kernel, inner // group)
    name = builder.const(turned, suffix="filter")
    bias = _bias(builder, layer, parameter.bias_term, count)
    op = "Deconv2D" if len(kernel) == 2 else "Deconv3D"
    _windows(builder, layer, op, [name, *bias], group=group, **attrs)


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
    layer.need_rank(4)
    tensor = builder.nhwc(layer.bottom())
    attrs = _pooling_window(layer)
    if len(layer.tops) > 1:
        _pool_with_mask(builder, layer, tensor, attrs)
        return
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


def _pool_with_mask(
    builder: Builder, layer: CaffeLayer, tensor: str, attrs: dict[str, object] | None
) -> None:
    """MAX pooling whose second top says where each element comes from: row times width plus column,
    as a float. The operator's index counts the channels and the images too."""
    parameter = layer.message.pooling_param
    if parameter.pool != parameter.MAX or len(layer.tops) > 2:
        raise UnsupportedError("it has a second top, which only MAX writes", "use one top")
    channels, height, width = layer.known(0, [1, 2, 3])
    if attrs is None:
        attrs = {"kernels": [height, width]}
    pooled, index = builder.tensor("pooled"), builder.tensor("index")
    builder.op("MaxPoolWithArgmax", [tensor], [pooled, index], channels_last=True, **attrs)
    builder.nchw(pooled, layer.top())
    for kind, number in (("FLOOR_DIV", channels), ("MOD", height * width)):
        index = builder.op("Eltwise", [index, builder.const(number, np.int64)], None, type=kind)
    index = builder.op("Cast", [index], None, output_type="f32")
    builder.nchw(index, layer.top(1))
    layer.set_rank(4, 1)


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
