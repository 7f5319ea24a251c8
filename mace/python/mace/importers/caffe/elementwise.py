# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that work on each element or channel: activation, normalisation, arithmetic."""

from __future__ import annotations

import math

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, channel_op, eltwise_chain, spatial_op


@CAFFE.register("ReLU")
def relu(builder: Builder, layer: CaffeLayer) -> None:
    """max(x, 0), or a slope for x < 0."""
    slope = float(layer.message.relu_param.negative_slope)
    if slope:
        attrs = {"activation": "LEAKYRELU", "activation_coefficient": slope}
        builder.op("Activation", [layer.bottom()], [layer.top()], **attrs)
    else:
        builder.op("Activation", [layer.bottom()], [layer.top()], activation="RELU")


_ACTIVATIONS: dict[str, dict[str, object]] = {
    "ReLU6": {"activation": "RELUX", "max_limit": 6.0},
    "Sigmoid": {"activation": "SIGMOID"},
    "TanH": {"activation": "TANH"},
    "BNLL": {"activation": "SOFTPLUS"},
}


@CAFFE.register(*_ACTIVATIONS)
def activation(builder: Builder, layer: CaffeLayer) -> None:
    """Activations without parameters."""
    builder.op("Activation", [layer.bottom()], [layer.top()], **_ACTIVATIONS[layer.type])


@CAFFE.register("ELU")
def elu(builder: Builder, layer: CaffeLayer) -> None:
    """x, or alpha * (exp(x) - 1) for x < 0."""
    attrs = {"activation": "ELU", "activation_coefficient": float(layer.message.elu_param.alpha)}
    builder.op("Activation", [layer.bottom()], [layer.top()], **attrs)


@CAFFE.register("PReLU")
def prelu(builder: Builder, layer: CaffeLayer) -> None:
    """A learned slope for each channel or for all."""
    slope = builder.const(layer.vector(0), suffix="slope")
    channel_op(builder, layer, "Activation", [layer.bottom(), slope], activation="PRELU")


@CAFFE.register("BatchNorm")
def batch_norm(builder: Builder, layer: CaffeLayer) -> None:
    """Normalises by stored sums: the third blob is the factor that they were accumulated with."""
    parameter = layer.message.batch_norm_param
    if parameter.HasField("use_global_stats") and not parameter.use_global_stats:
        raise UnsupportedError(
            "its use_global_stats is false: it normalizes by the statistics of the batch",
            "set use_global_stats to true, or leave it out",
        )
    factor = float(layer.vector(2)[0]) if layer.vector(2).size else 0.0
    inverse = np.float32(1 / factor if factor else 0)
    mean, variance = layer.vector(0) * inverse, layer.vector(1) * inverse
    values = {
        "scale": np.ones_like(mean),
        "offset": np.zeros_like(mean),
        "mean": mean,
        "var": variance,
    }
    names = [builder.const(value, suffix=name) for name, value in values.items()]
    epsilon = float(parameter.eps)
    channel_op(builder, layer, "BatchNorm", [layer.bottom(), *names], epsilon=epsilon)


@CAFFE.register("Scale")
def scale(builder: Builder, layer: CaffeLayer) -> None:
    """Multiplies by weights, or by a second bottom, along some dimensions; then adds a bias."""
    parameter = layer.message.scale_param
    axis = layer.axis(parameter.axis)
    if len(layer.bottoms) > 1:
        factor = _trailing(builder, layer, axis)
        if not parameter.bias_term:
            builder.op("Eltwise", [layer.bottom(), factor], [layer.top()], type="PROD")
            return
        product = builder.op("Eltwise", [layer.bottom(), factor], None, type="PROD")
        shape = _broadcast(layer.vector(0), axis + layer.rank(1), layer)
        builder.op("Eltwise", [product, builder.const(shape)], [layer.top()], type="SUM")
        return
    weight = layer.blob(0)
    bias = layer.vector(1) if parameter.bias_term else np.zeros(weight.size, np.float32)
    if axis == 1 and parameter.num_axes == 1:
        values = {"scale": weight.reshape(-1), "offset": bias}
        names = [builder.const(value, suffix=name) for name, value in values.items()]
        channel_op(builder, layer, "BatchNorm", [layer.bottom(), *names])
        return
    end = layer.rank() if parameter.num_axes < 0 else axis + parameter.num_axes
    factor = builder.const(_broadcast(weight, end, layer))
    if not parameter.bias_term:
        builder.op("Eltwise", [layer.bottom(), factor], [layer.top()], type="PROD")
        return
    product = builder.op("Eltwise", [layer.bottom(), factor], None, type="PROD")
    offset = builder.const(_broadcast(bias.reshape(weight.shape), end, layer))
    builder.op("Eltwise", [product, offset], [layer.top()], type="SUM")


@CAFFE.register("Bias")
def bias(builder: Builder, layer: CaffeLayer) -> None:
    """Adds weights, or a second bottom, along some dimensions."""
    parameter = layer.message.bias_param
    axis = layer.axis(parameter.axis)
    if len(layer.bottoms) > 1:
        value = _trailing(builder, layer, axis)
    elif axis == 1 and parameter.num_axes == 1:
        value = builder.const(layer.vector(0), suffix="bias")
        channel_op(builder, layer, "Eltwise", [layer.bottom(), value], type="SUM")
        return
    else:
        end = layer.rank() if parameter.num_axes < 0 else axis + parameter.num_axes
        value = builder.const(_broadcast(layer.blob(0), end, layer))
    builder.op("Eltwise", [layer.bottom(), value], [layer.top()], type="SUM")


def _broadcast(value: Array, end: int, layer: CaffeLayer) -> Array:
    """The array with dimensions of 1 behind it, so that its last one meets dimension end - 1."""
    if end > layer.rank():
        raise UnsupportedError(f"its weights of shape {list(value.shape)} reach beyond its bottom")
    return value.reshape(*value.shape, *[1] * (layer.rank() - end))


def _trailing(builder: Builder, layer: CaffeLayer, axis: int) -> str:
    """The second bottom with dimensions of 1 behind it, so that its first one meets `axis`."""
    missing = layer.rank() - axis - layer.rank(1)
    if missing < 0:
        raise UnsupportedError(f"its second bottom reaches beyond the first from axis {axis} on")
    if missing == 0:
        return layer.bottom(1)
    axes = [layer.rank(1) + i for i in range(missing)]
    return builder.op("Unsqueeze", [layer.bottom(1)], None, axis=axes)


@CAFFE.register("Eltwise")
def eltwise(builder: Builder, layer: CaffeLayer) -> None:
    """The product, the weighted sum or the maximum of its bottoms."""
    parameter = layer.message.eltwise_param
    kind = str(parameter.EltwiseOp.Name(parameter.operation))
    factors = [float(c) for c in parameter.coeff]
    if factors and (kind != "SUM" or len(factors) != len(layer.bottoms)):
        raise UnsupportedError(
            f"it has {len(factors)} coeff for {len(layer.bottoms)} bottoms and operation {kind}",
            "coeff is for SUM, one for each bottom",
        )
    total, last = layer.bottom(0), len(layer.bottoms) - 1
    if last == 0:
        eltwise_chain(builder, total, layer.top(), [("PROD", f) for f in factors])
        return
    for index in range(1, last + 1):
        attrs: dict[str, object] = {"type": kind}
        if any(f != 1 for f in factors):
            attrs["coeff"] = [factors[0] if index == 1 else 1.0, factors[index]]
        output = [layer.top()] if index == last else None
        total = builder.op("Eltwise", [total, layer.bottom(index)], output, **attrs)


@CAFFE.register("Power")
def power(builder: Builder, layer: CaffeLayer) -> None:
    """(shift + scale * x) ^ power."""
    parameter = layer.message.power_param
    steps = [("PROD", parameter.scale, 1), ("SUM", parameter.shift, 0), ("POW", parameter.power, 1)]
    needed = [(kind, float(value)) for kind, value, neutral in steps if value != neutral]
    eltwise_chain(builder, layer.bottom(), layer.top(), needed)


@CAFFE.register("AbsVal")
def absolute(builder: Builder, layer: CaffeLayer) -> None:
    """|x|."""
    builder.op("Unary", [layer.bottom()], [layer.top()], type="ABS")


@CAFFE.register("Exp")
def exponential(builder: Builder, layer: CaffeLayer) -> None:
    """base ^ (shift + scale * x); base -1 means e."""
    parameter = layer.message.exp_param
    if parameter.base != -1 and parameter.base <= 0:
        raise UnsupportedError(f"its base is {parameter.base}", "use a base above 0")
    log = 1.0 if parameter.base == -1 else math.log(parameter.base)
    steps = [("PROD", log * parameter.scale, 1), ("SUM", log * parameter.shift, 0)]
    needed = [(kind, value) for kind, value, neutral in steps if value != neutral]
    inner = layer.bottom()
    if needed:
        inner = builder.tensor("exponent")
        eltwise_chain(builder, layer.bottom(), inner, needed)
    builder.op("Unary", [inner], [layer.top()], type="EXP")


@CAFFE.register("Log")
def logarithm(builder: Builder, layer: CaffeLayer) -> None:
    """The logarithm of (shift + scale * x) to a base; -1 means e."""
    parameter = layer.message.log_param
    if parameter.base != -1 and (parameter.base <= 0 or parameter.base == 1):
        raise UnsupportedError(f"its base is {parameter.base}", "use a base above 0 other than 1")
    steps = [("PROD", parameter.scale, 1), ("SUM", parameter.shift, 0)]
    needed = [(kind, float(value)) for kind, value, neutral in steps if value != neutral]
    inner = layer.bottom()
    if needed:
        inner = builder.tensor("argument")
        eltwise_chain(builder, layer.bottom(), inner, needed)
    if parameter.base == -1:
        builder.op("Unary", [inner], [layer.top()], type="LOG")
        return
    log = builder.op("Unary", [inner], None, type="LOG")
    eltwise_chain(builder, log, layer.top(), [("PROD", 1 / math.log(parameter.base))])


@CAFFE.register("LRN")
def lrn(builder: Builder, layer: CaffeLayer) -> None:
    """Caffe divides alpha by the number of channels in a window, MACE does not."""
    parameter = layer.message.lrn_param
    if parameter.norm_region != parameter.ACROSS_CHANNELS:
        raise UnsupportedError("its norm_region is WITHIN_CHANNEL", "use ACROSS_CHANNELS")
    size = int(parameter.local_size)
    if size % 2 == 0:
        raise UnsupportedError(f"its local_size {size} is even", "use an odd one")
    attrs = {"bias": float(parameter.k), "beta": float(parameter.beta)}
    alpha = float(parameter.alpha) / size
    tensor = [layer.bottom()]
    spatial_op(
        builder, layer, "LocalResponseNorm", tensor, depth_radius=size // 2, alpha=alpha, **attrs
    )


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


@CAFFE.register("Softmax")
def softmax(builder: Builder, layer: CaffeLayer) -> None:
    """Along an axis, the channels unless said otherwise."""
    axis = layer.axis(layer.message.softmax_param.axis)
    builder.op("Softmax", [layer.bottom()], [layer.top()], axis=axis)
