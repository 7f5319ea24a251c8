# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that normalize: by stored or own statistics, by neighbours, by length."""

from __future__ import annotations

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, channel_op, eltwise_chain, spatial_op


@CAFFE.register("BatchNorm")
def batch_norm(builder: Builder, layer: CaffeLayer) -> None:
    """Normalizes by stored sums: the third blob is the factor that they were accumulated with.

    NVIDIA's fork has the blobs of a Scale layer behind them.
    """
    parameter = layer.message.batch_norm_param
    epsilon = float(parameter.eps)
    scaled = parameter.scale_bias or len(layer.blobs) >= 5
    pair = [layer.vector(3), layer.vector(4)] if scaled else []
    if parameter.HasField("use_global_stats") and not parameter.use_global_stats:
        result = _by_own_statistics(builder, layer, epsilon, layer.top() if not pair else None)
        if pair:
            _scale_and_shift(builder, layer, result, pair[0], pair[1])
        return
    mean = layer.vector(0)
    variance = layer.vector(1, mean.size)
    if len(layer.blobs) > 2:
        factor = float(layer.vector(2, 1)[0])
        inverse = np.float32(1 / factor if factor else 0)
        mean, variance = mean * inverse, variance * inverse
    pair = pair or [np.ones_like(mean), np.zeros_like(mean)]
    _by_stored_statistics(builder, layer, [*pair, mean, variance], epsilon)


@CAFFE.register("BN")
def bn(builder: Builder, layer: CaffeLayer) -> None:
    """Four blobs (PSPNet): slope, bias, mean, variance. Two (SegNet): scale and shift, which hold
    the statistics too in a network for inference."""
    parameter = layer.message.bn_param
    scale = layer.vector(0)
    shift = layer.vector(1, scale.size)
    if len(layer.blobs) >= 4:
        stored = [scale, shift, layer.vector(2, scale.size), layer.vector(3, scale.size)]
        _by_stored_statistics(builder, layer, stored, float(parameter.eps))
    elif parameter.bn_mode == parameter.INFERENCE:
        _scale_and_shift(builder, layer, layer.bottom(), scale, shift)
    else:
        result = _by_own_statistics(builder, layer, float(parameter.var_eps), None)
        _scale_and_shift(builder, layer, result, scale, shift)


def _by_stored_statistics(
    builder: Builder, layer: CaffeLayer, values: list[Array], epsilon: float
) -> None:
    """values: scale, offset, mean, variance, a number for each channel."""
    suffixes = ("scale", "offset", "mean", "var")
    names = [builder.const(v, suffix=n) for n, v in zip(suffixes, values, strict=True)]
    channel_op(builder, layer, "BatchNorm", [layer.bottom(), *names], epsilon=epsilon)


def _by_own_statistics(
    builder: Builder, layer: CaffeLayer, epsilon: float, output: str | None
) -> str:
    """Normalizes each channel by its mean and variance in this very batch."""
    rank = layer.rank()
    if rank < 2:
        raise UnsupportedError(f"its bottom has {rank} dimension, and none are channels")
    axes = [0, *range(2, rank)]
    centered = _centered(builder, layer.bottom(), axes)
    variance = _mean_square(builder, centered, axes)
    number = builder.const(epsilon, "float32")
    variance = builder.op("Eltwise", [variance, number], None, type="SUM")
    deviation = builder.op("Unary", [variance], None, type="SQRT")
    return builder.op("Eltwise", [centered, deviation], [output] if output else None, type="DIV")


def _centered(builder: Builder, tensor: str, axes: list[int]) -> str:
    mean = builder.op("Reduce", [tensor], None, reduce_type="MEAN", axis=axes, keepdims=True)
    return builder.op("Eltwise", [tensor, mean], None, type="SUB")


def _mean_square(builder: Builder, tensor: str, axes: list[int]) -> str:
    squares = builder.op("Unary", [tensor], None, type="SQUARE")
    return builder.op("Reduce", [squares], None, reduce_type="MEAN", axis=axes, keepdims=True)


def _scale_and_shift(
    builder: Builder, layer: CaffeLayer, tensor: str, scale: Array, shift: Array
) -> None:
    names = [builder.const(scale, suffix="scale"), builder.const(shift, suffix="offset")]
    channel_op(builder, layer, "BatchNorm", [tensor, *names])


@CAFFE.register("MVN")
def mvn(builder: Builder, layer: CaffeLayer) -> None:
    """Takes the mean of each channel, or of each image, away; divides by the deviation, to which
    Caffe adds eps."""
    parameter = layer.message.mvn_param
    axes = list(range(1 if parameter.across_channels else 2, layer.rank()))
    if not axes:
        raise UnsupportedError(f"its bottom has {layer.rank()} dimensions, none of them space")
    centered = _centered(builder, layer.bottom(), axes)
    if not parameter.normalize_variance:
        builder.op("Identity", [centered], [layer.top()])
        return
    variance = _mean_square(builder, centered, axes)
    deviation = builder.op("Unary", [variance], None, type="SQRT")
    number = builder.const(float(parameter.eps), "float32")
    deviation = builder.op("Eltwise", [deviation, number], None, type="SUM")
    builder.op("Eltwise", [centered, deviation], [layer.top()], type="DIV")


@CAFFE.register("LRN")
def lrn(builder: Builder, layer: CaffeLayer) -> None:
    """Caffe divides alpha by the number of channels in a window, MACE does not."""
    parameter = layer.message.lrn_param
    size = int(parameter.local_size)
    if size % 2 == 0:
        raise UnsupportedError(f"its local_size {size} is even", "use an odd one")
    if parameter.norm_region != parameter.ACROSS_CHANNELS:
        _lrn_within_channel(builder, layer, size)
        return
    attrs = {"bias": float(parameter.k), "beta": float(parameter.beta)}
    alpha = float(parameter.alpha) / size
    tensor = [layer.bottom()]
    spatial_op(
        builder, layer, "LocalResponseNorm", tensor, depth_radius=size // 2, alpha=alpha, **attrs
    )


def _lrn_within_channel(builder: Builder, layer: CaffeLayer, size: int) -> None:
    """Divides by (1 + alpha * mean of the squares in a window) ^ beta; Caffe has no k here. The
    mean counts the zeros around the image."""
    layer.need_rank(4)
    parameter = layer.message.lrn_param
    tensor = builder.nhwc(layer.bottom())
    squares = builder.op("Unary", [tensor], None, type="SQUARE")
    mean = builder.op(
        "Pooling",
        [squares],
        None,
        pooling_type="AVG",
        kernels=[size, size],
        padding="EXPLICIT",
        paddings=[size // 2] * 4,
        count_include_pad=True,
    )
    steps = [("PROD", float(parameter.alpha)), ("SUM", 1.0), ("POW", -float(parameter.beta))]
    factor = builder.tensor("factor")
    eltwise_chain(builder, mean, factor, steps)
    result = builder.op("Eltwise", [tensor, factor], None, type="PROD")
    builder.nchw(result, layer.top())


@CAFFE.register("Normalize")
def normalize(builder: Builder, layer: CaffeLayer) -> None:
    """Divides by the L2 norm, multiplies by learned weights (SSD)."""
    parameter = layer.message.norm_param
    weight = layer.vector(0)
    if parameter.channel_shared:
        weight = weight[:1]
    names = [layer.bottom(), builder.const(weight, suffix="scale")]
    attrs = {"across_spatial": bool(parameter.across_spatial), "epsilon": float(parameter.eps)}
    spatial_op(builder, layer, "Normalize", names, **attrs)


@CAFFE.register("GroupNorm")
def group_norm(builder: Builder, layer: CaffeLayer) -> None:
    """Normalizes groups of channels, with a scale and an offset where the layer has weights."""
    parameter = layer.message.group_norm_param
    groups = int(parameter.group_num)
    if groups < 1:
        raise UnsupportedError(f"its group_num is {groups}", "it must be at least 1")
    vectors = []
    if layer.blobs:
        scale = layer.vector(0)
        vectors = [builder.const(scale, suffix="scale")]
        vectors.append(builder.const(layer.vector(1, scale.size), suffix="offset"))
    inputs = [layer.bottom(), *vectors]
    channel_op(builder, layer, "GroupNorm", inputs, groups=groups, epsilon=float(parameter.eps))


@CAFFE.register("L1Normalization", "L2Normalization")
def lp_normalization(builder: Builder, layer: CaffeLayer) -> None:
    """Divides by the norm over all dimensions from axis on, to which 1e-6 is added."""
    kind = layer.type[:2]
    axis = getattr(layer.message, f"{kind.lower()}normalization_param").axis
    axes = list(range(layer.axis(axis), layer.rank()))
    norm = builder.op("Reduce", [layer.bottom()], None, reduce_type=kind, axis=axes, keepdims=True)
    raised = builder.op("Eltwise", [norm, builder.const(1e-6, "float32")], None, type="SUM")
    builder.op("Eltwise", [layer.bottom(), raised], [layer.top()], type="DIV")
