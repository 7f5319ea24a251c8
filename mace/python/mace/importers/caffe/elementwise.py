# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that work on each element or channel: activation and arithmetic."""

from __future__ import annotations

import math

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, channel_op, eltwise_chain


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
    "Mish": {"activation": "MISH"},
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


@CAFFE.register("CReLU")
def crelu(builder: Builder, layer: CaffeLayer) -> None:
    """The activations of the bottom and of its negative, one behind the other."""
    parameter = layer.message.crelu_param
    axis = layer.axis(parameter.concat_axis)
    negative = builder.op("Unary", [layer.bottom()], None, type="NEG")
    both = builder.op("Concat", [layer.bottom(), negative], None, axis=axis)
    attrs: dict[str, object] = {"activation": "RELU"}
    if parameter.negative_slope:
        slope = float(parameter.negative_slope)
        attrs = {"activation": "LEAKYRELU", "activation_coefficient": slope}
    builder.op("Activation", [both], [layer.top()], **attrs)


@CAFFE.register("Swish")
def swish(builder: Builder, layer: CaffeLayer) -> None:
    """x * sigmoid(beta * x)."""
    beta = float(layer.message.swish_param.beta)
    if beta == 1:
        builder.op("Activation", [layer.bottom()], [layer.top()], activation="SILU")
        return
    number = builder.const(beta, "float32")
    inner = builder.op("Eltwise", [layer.bottom(), number], None, type="PROD")
    gate = builder.op("Activation", [inner], None, activation="SIGMOID")
    builder.op("Eltwise", [layer.bottom(), gate], [layer.top()], type="PROD")


@CAFFE.register("Clip")
def clip(builder: Builder, layer: CaffeLayer) -> None:
    """Between two limits."""
    parameter = layer.message.clip_param
    if not (parameter.HasField("min") and parameter.HasField("max")):
        raise UnsupportedError("its clip_param lacks min or max", "give both")
    limits = [("MAX", float(parameter.min)), ("MIN", float(parameter.max))]
    eltwise_chain(builder, layer.bottom(), layer.top(), limits)


@CAFFE.register("Threshold")
def threshold(builder: Builder, layer: CaffeLayer) -> None:
    """1 where the bottom is above a number, else 0."""
    number = builder.const(float(layer.message.threshold_param.threshold), "float32")
    above = builder.op("Eltwise", [layer.bottom(), number], None, type="GREATER")
    builder.op("Cast", [above], [layer.top()], output_type="f32")


@CAFFE.register("PReLU")
def prelu(builder: Builder, layer: CaffeLayer) -> None:
    """A learned slope for each channel or for all."""
    shared = layer.message.prelu_param.channel_shared
    slope = builder.const(layer.vector(0, 1 if shared else -1), suffix="slope")
    channel_op(builder, layer, "Activation", [layer.bottom(), slope], activation="PRELU")


@CAFFE.register("Scale")
def scale(builder: Builder, layer: CaffeLayer) -> None:
    """Multiplies by weights, or by a second bottom, along some dimensions; then adds a bias."""
    parameter = layer.message.scale_param
    axis = layer.axis(parameter.axis)
    if len(layer.bottoms) > 1:
        factor = _trailing(builder, layer, axis)
        offset = _weights(layer, 0, axis, layer.rank(1)) if parameter.bias_term else None
    else:
        weight = _weights(layer, 0, axis, parameter.num_axes)
        offset = _weights(layer, 1, axis, parameter.num_axes) if parameter.bias_term else None
        if axis == 1 and parameter.num_axes == 1:
            shift = np.zeros_like(weight) if offset is None else offset
            values = {"scale": weight.reshape(-1), "offset": shift.reshape(-1)}
            names = [builder.const(value, suffix=name) for name, value in values.items()]
            channel_op(builder, layer, "BatchNorm", [layer.bottom(), *names])
            return
        factor = builder.const(weight)
    if offset is None:
        builder.op("Eltwise", [layer.bottom(), factor], [layer.top()], type="PROD")
        return
    product = builder.op("Eltwise", [layer.bottom(), factor], None, type="PROD")
    builder.op("Eltwise", [product, builder.const(offset)], [layer.top()], type="SUM")


@CAFFE.register("Bias")
def bias(builder: Builder, layer: CaffeLayer) -> None:
    """Adds weights, or a second bottom, along some dimensions."""
    parameter = layer.message.bias_param
    axis = layer.axis(parameter.axis)
    if len(layer.bottoms) > 1:
        value = _trailing(builder, layer, axis)
    else:
        weight = _weights(layer, 0, axis, parameter.num_axes)
        if axis == 1 and parameter.num_axes == 1:
            value = builder.const(weight.reshape(-1), suffix="bias")
            channel_op(builder, layer, "Eltwise", [layer.bottom(), value], type="SUM")
            return
        value = builder.const(weight)
    builder.op("Eltwise", [layer.bottom(), value], [layer.top()], type="SUM")


def _weights(layer: CaffeLayer, index: int, axis: int, count: int) -> Array:
    """The weights of `count` dimensions (-1: all) from an axis on, with dimensions of 1 behind
    them, so that the first one meets the axis."""
    behind = layer.rank() - axis
    count = behind if count < 0 else count
    if count > behind:
        raise UnsupportedError(f"its num_axes {count} reach beyond its bottom from axis {axis} on")
    value = layer.shaped(index, *[-1] * count) if count else layer.vector(index, 1).reshape(())
    return value.reshape(*value.shape, *[1] * (behind - count)) if count else value


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


@CAFFE.register("Add")
def add(builder: Builder, layer: CaffeLayer) -> None:
    """The sum of its bottoms."""
    total, rest = layer.bottom(), layer.bottoms[1:]
    for tensor in rest[:-1]:
        total = builder.op("Eltwise", [total, tensor], None, type="SUM")
    if rest:
        builder.op("Eltwise", [total, rest[-1]], [layer.top()], type="SUM")
    else:
        builder.op("Identity", [total], [layer.top()])


@CAFFE.register("MatMul")
def mat_mul(builder: Builder, layer: CaffeLayer) -> None:
    """The matrix product of two bottoms over the last two dimensions."""
    parameter = layer.message.matmul_param
    attrs = {k: bool(getattr(parameter, k)) for k in ("transpose_a", "transpose_b")}
    ranks = [layer.rank(), layer.rank(1)]
    if min(ranks) < 2:
        raise UnsupportedError(f"its bottoms have {ranks[0]} and {ranks[1]} dimensions, not two")
    builder.op("MatMul", [layer.bottom(), layer.bottom(1)], [layer.top()], **attrs)
    layer.set_rank(max(ranks))


@CAFFE.register("Axpy")
def axpy(builder: Builder, layer: CaffeLayer) -> None:
    """A factor for each channel, times a tensor, plus another (SENet)."""
    factor = layer.bottom(0)
    layer.need_rank(layer.rank(1), 2)
    if layer.rank(0) == 2 and layer.rank(1) > 2:
        axes = list(range(2, layer.rank(1)))
        factor = builder.op("Unsqueeze", [factor], None, axis=axes)
    elif layer.rank(0) != layer.rank(1):
        raise UnsupportedError(
            f"its factors have {layer.rank(0)} dimensions for a tensor of {layer.rank(1)}",
            "the factors are N x C or N x C x 1 x 1",
        )
    product = builder.op("Eltwise", [factor, layer.bottom(1)], None, type="PROD")
    layer.set_rank(layer.rank(1))
    builder.op("Eltwise", [product, layer.bottom(2)], [layer.top()], type="SUM")


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


@CAFFE.register("Softmax")
def softmax(builder: Builder, layer: CaffeLayer) -> None:
    """Along an axis, the channels unless said otherwise."""
    axis = layer.axis(layer.message.softmax_param.axis)
    builder.op("Softmax", [layer.bottom()], [layer.top()], axis=axis)
