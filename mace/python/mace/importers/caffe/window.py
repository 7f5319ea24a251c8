# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that slide a window or multiply matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, spatial_op


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
    if layer.axis(parameter.axis, 4) != 1:
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
    paddings = [pads[0], pads[0], pads[1], pads[1]]
    return kernel, {
        "strides": strides,
        "padding": "EXPLICIT" if any(pads) else "VALID",
        "paddings": paddings,
        "dilations": (dilations * 2)[:2],
    }


def _filter(layer: CaffeLayer, outer: int, kernel: list[int]) -> Array:
    """The first blob as [outer, inner, height, width]."""
    weight = layer.blob(0)
    per_channel = outer * kernel[0] * kernel[1]
    if outer < 1 or weight.size == 0 or weight.size % per_channel:
        raise UnsupportedError(
            f"its weights of shape {list(weight.shape)} do not fit {outer} channels and a kernel "
            f"of {kernel}",
            "check that prototxt and caffemodel belong together",
        )
    return weight.reshape(outer, weight.size // per_channel, *kernel)


def _bias(builder: Builder, layer: CaffeLayer, wanted: bool, count: int) -> list[str]:
    if not wanted:
        return []
    bias = layer.vector(1)
    if bias.size != count:
        raise UnsupportedError(f"its bias has {bias.size} elements where {count} are needed")
    return [builder.const(bias, suffix="bias")]


def _group(layer: CaffeLayer, channels: int) -> int:
    group = int(layer.message.convolution_param.group)
    if group < 1 or channels % group:
        raise UnsupportedError(f"its group {group} does not divide {channels} channels")
    return group


@CAFFE.register("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise")
def convolution(builder: Builder, layer: CaffeLayer) -> None:
    """Filters are O (I/group) H W; with one channel in each group it is depthwise."""
    parameter = layer.message.convolution_param
    count = int(parameter.num_output)
    kernel, attrs = _window(layer)
    if layer.type != "Convolution":
        parameter.group = count
    group = _group(layer, count)
    weight = _filter(layer, count, kernel)
    bias = _bias(builder, layer, parameter.bias_term, count)
    if group > 1 and weight.shape[1] == 1:
        name = builder.const(weight.transpose(1, 2, 3, 0), suffix="filter")
        spatial_op(builder, layer, "DepthwiseConv2d", [layer.bottom(), name, *bias], **attrs)
        return
    name = builder.const(weight.transpose(0, 2, 3, 1), suffix="filter")
    spatial_op(builder, layer, "Conv2D", [layer.bottom(), name, *bias], group=group, **attrs)


@CAFFE.register("Deconvolution")
def deconvolution(builder: Builder, layer: CaffeLayer) -> None:
    """Filters are I (O/group) H W."""
    parameter = layer.message.convolution_param
    count = int(parameter.num_output)
    kernel, attrs = _window(layer)
    group = _group(layer, count)
    per_group = count // group
    weight = layer.blob(0)
    inner = weight.size // max(per_group * kernel[0] * kernel[1], 1)
    if inner % group:
        raise UnsupportedError(f"its group {group} does not divide {inner} channels")
    weight = _filter(layer, inner, kernel).reshape(group, inner // group, per_group, *kernel)
    turned = weight.transpose(0, 2, 3, 4, 1).reshape(count, *kernel, inner // group)
    name = builder.const(turned, suffix="filter")
    bias = _bias(builder, layer, parameter.bias_term, count)
    spatial_op(builder, layer, "Deconv2D", [layer.bottom(), name, *bias], group=group, **attrs)


@CAFFE.register("Pooling")
def pooling(builder: Builder, layer: CaffeLayer) -> None:
    """The mean of a window counts its padding; the number of windows is rounded up."""
    parameter = layer.message.pooling_param
    method = parameter.PoolMethod.Name(parameter.pool)
    if method == "STOCHASTIC":
        raise UnsupportedError("its pool is STOCHASTIC", "use MAX or AVE")
    if len(layer.tops) > 1:
        raise UnsupportedError("it writes a mask as a second top", "use one top")
    kind = "MAX" if method == "MAX" else "AVG"
    if parameter.global_pooling:
        reduce_type = "MAX" if kind == "MAX" else "MEAN"
        attrs = {"reduce_type": reduce_type, "axis": [1, 2], "keepdims": True}
        spatial_op(builder, layer, "Reduce", [layer.bottom()], **attrs)
        return
    kernel = _pair(parameter, "kernel_size", "kernel_h", "kernel_w", 0)
    strides = _pair(parameter, "stride", "stride_h", "stride_w", 1)
    pads = _pair(parameter, "pad", "pad_h", "pad_w", 0)
    if 0 in (*kernel, *strides):
        raise UnsupportedError(f"its kernel is {kernel} and its stride {strides}")
    spatial_op(
        builder,
        layer,
        "Pooling",
        [layer.bottom()],
        pooling_type=kind,
        kernels=kernel,
        strides=strides,
        padding="EXPLICIT" if any(pads) else "VALID",
        paddings=[pads[0], pads[0], pads[1], pads[1]],
        round_mode=parameter.RoundMode.Name(parameter.round_mode),
        count_include_pad=kind == "AVG",
    )


@CAFFE.register("InnerProduct")
def inner_product(builder: Builder, layer: CaffeLayer) -> None:
    """Joins the dimensions from axis on, in Caffe's order, and multiplies."""
    parameter = layer.message.inner_product_param
    count, axis = int(parameter.num_output), layer.axis(parameter.axis)
    weight = layer.blob(0)
    if count < 1 or weight.size == 0 or weight.size % count:
        raise UnsupportedError(
            f"its weights of shape {list(weight.shape)} do not fit num_output {count}",
            "check that prototxt and caffemodel belong together",
        )
    if parameter.transpose:
        weight = np.ascontiguousarray(weight.reshape(-1, count).T)
    name = builder.const(weight.reshape(count, -1), suffix="weight")
    bias = _bias(builder, layer, parameter.bias_term, count)
    builder.op("FullyConnected", [layer.bottom(), name, *bias], [layer.top()], axis=axis)
    layer.set_rank(axis + 1)
