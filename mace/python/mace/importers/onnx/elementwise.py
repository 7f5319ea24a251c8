# SPDX-License-Identifier: Apache-2.0
"""ONNX operators that work on each element, or on pairs of elements with broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mace.graph import dtypes
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register
from mace.importers.onnx.reader import declared_type

_BINARY = {
    "Add": "SUM",
    "Sub": "SUB",
    "Mul": "PROD",
    "Div": "DIV",
    "Equal": "EQUAL",
    "Less": "LESS",
    "LessOrEqual": "LESS_EQUAL",
    "Greater": "GREATER",
    "GreaterOrEqual": "GREATER_EQUAL",
    "And": "AND",
    "Or": "OR",
    "Xor": "XOR",
    "BitwiseAnd": "BIT_AND",
    "BitwiseOr": "BIT_OR",
    "BitwiseXor": "BIT_XOR",
}
_UNARY = {
    "Neg": "NEG",
    "Abs": "ABS",
    "Sqrt": "SQRT",
    "Reciprocal": "RECIPROCAL",
    "Exp": "EXP",
    "Log": "LOG",
    "Floor": "FLOOR",
    "Ceil": "CEIL",
    "Round": "ROUND",
    "Sign": "SIGN",
    "Erf": "ERF",
    "Sin": "SIN",
    "Cos": "COS",
    "Not": "NOT",
    "BitwiseNot": "BIT_NOT",
    "Tan": "TAN",
    "Asin": "ASIN",
    "Acos": "ACOS",
    "Atan": "ATAN",
    "Sinh": "SINH",
    "Cosh": "COSH",
    "Asinh": "ASINH",
    "Acosh": "ACOSH",
    "Atanh": "ATANH",
}
_VARIADIC = {"Sum": "SUM", "Max": "MAX", "Min": "MIN", "Mean": "SUM"}


def scalar(b: Builder, n: OnnxNode, value: float, like: str) -> str:
    """A constant of rank 0 of the element type of a tensor of the model."""
    return b.const(value, dtypes.to_numpy(n.dtype(like)))


@register(*_BINARY, versions=(7, 19))
def _binary(b: Builder, n: OnnxNode) -> None:
    b.op("Eltwise", [n.inputs[0], n.inputs[1]], n.outputs, type=_BINARY[n.op])


@register(*_UNARY, versions=(1, 22))
def _unary(b: Builder, n: OnnxNode) -> None:
    b.op("Unary", [n.inputs[0]], n.outputs, type=_UNARY[n.op])


@register(*_VARIADIC, versions=(6, 13))
def _variadic(b: Builder, n: OnnxNode) -> None:
    total = n.inputs[0]
    for tensor in n.inputs[1:-1]:
        total = b.op("Eltwise", [total, tensor], None, type=_VARIADIC[n.op])
    last = n.outputs if n.op != "Mean" else None
    if len(n.inputs) > 1:
        total = b.op("Eltwise", [total, n.inputs[-1]], last, type=_VARIADIC[n.op])
    elif last:
        b.op("Identity", [total], n.outputs)
    if n.op == "Mean":
        count = scalar(b, n, len(n.inputs), n.inputs[0])
        b.op("Eltwise", [total, count], n.outputs, type="DIV")


@register("Mod", versions=(10, 28))
def _mod(b: Builder, n: OnnxNode) -> None:
    b.op("Eltwise", n.inputs, n.outputs, type="FMOD" if n.attr("fmod", 0) else "MOD")


@register("BitShift", versions=(11, 28))
def _bit_shift(b: Builder, n: OnnxNode) -> None:
    direction = n.require("direction")
    if direction not in ("LEFT", "RIGHT"):
        raise UnsupportedError(f"the attribute direction is {direction}, not LEFT or RIGHT")
    b.op("Eltwise", n.inputs, n.outputs, type=f"SHIFT_{direction}")


@register("Pow", versions=(7, 15))
def _pow(b: Builder, n: OnnxNode) -> None:
    base, exponent = n.inputs
    value = b.value(exponent)
    simple = {2.0: "SQUARE", 0.5: "SQRT", -1.0: "RECIPROCAL", -0.5: "RSQRT"}
    if value is not None and value.size == 1 and value.ndim <= 1:
        kind = simple.get(float(value.reshape(())))
        if kind and n.dtype(base) == "f32":
            b.op("Unary", [base], n.outputs, type=kind)
            return
    if n.dtype(exponent) != n.dtype(base):
        exponent = b.op("Cast", [exponent], output_type=n.dtype(base))
    b.op("Eltwise", [base, exponent], n.outputs, type="POW")


@register("IsNaN", versions=(9, 20))
def _is_nan(b: Builder, n: OnnxNode) -> None:
    b.op("Eltwise", [n.inputs[0], n.inputs[0]], n.outputs, type="NOT_EQUAL")


@register("IsInf", versions=(10, 20))
def _is_inf(b: Builder, n: OnnxNode) -> None:
    x = n.inputs[0]
    negative, positive = (bool(n.attr(f"detect_{k}", 1)) for k in ("negative", "positive"))
    if not negative and not positive:
        b.op("Eltwise", [x, x], n.outputs, type="LESS")  # never
        return
    if negative and positive:
        x = b.op("Unary", [x], type="ABS")
    limit = scalar(b, n, math.inf if positive else -math.inf, n.inputs[0])
    b.op("Eltwise", [x, limit], n.outputs, type="EQUAL")


@register("Where", versions=(9, 16))
def _where(b: Builder, n: OnnxNode) -> None:
    b.op("Where", n.inputs, n.outputs)


@register("Cast", "CastLike", versions=(6, 28))
def _cast(b: Builder, n: OnnxNode) -> None:
    x = n.inputs[0]
    if n.op == "Cast":
        target = _target(n)
    elif n.inputs[1] in n.types.declared:
        target = n.declared(n.inputs[1])
    else:
        raise UnsupportedError(f"the element type of '{n.inputs[1]}' is not one of MACE's")
    if target in ("f16", "bf16"):
        # It goes on as float32, of the numbers that the narrow type has.
        if n.declared(x) != target:
            x = b.op("Cast", [x], output_type=target)
        target = "f32"
    b.op("Cast", [x], n.outputs, output_type=target)


@register("BitCast", versions=(26, 26))
def _bit_cast(b: Builder, n: OnnxNode) -> None:
    x, source, target = n.inputs[0], n.declared(n.inputs[0]), _target(n)
    if source != n.dtype(x):
        x = b.op("Cast", [x], output_type=source)
    if target in ("f16", "bf16"):
        bits = b.op("Cast", [x], output_type=target, reinterpret=True)
        b.op("Cast", [bits], n.outputs, output_type="f32")
    else:
        b.op("Cast", [x], n.outputs, output_type=target, reinterpret=True)


def _target(n: OnnxNode) -> str:
    target = declared_type(int(n.require("to")))
    if target is None:
        raise UnsupportedError(
            f"the element type {n.attr('to', 0)} of attribute to is not one of MACE's",
            f"MACE has {', '.join(dtypes.NUMBERS)}",
        )
    return target


def _activation(b: Builder, n: OnnxNode, kind: str, **attrs: Any) -> None:
    b.op("Activation", [n.inputs[0]], n.outputs, activation=kind, **attrs)


@register("Relu", "Sigmoid", "Tanh", "HardSwish", "Mish", "Softplus", versions=(1, 22))
def _plain_activation(b: Builder, n: OnnxNode) -> None:
    if n.op == "Relu" and n.dtype(n.inputs[0]) != "f32":
        b.op("Eltwise", [n.inputs[0], scalar(b, n, 0, n.inputs[0])], n.outputs, type="MAX")
        return
    _activation(b, n, n.op.upper())


@register("LeakyRelu", versions=(6, 16))
def _leaky_relu(b: Builder, n: OnnxNode) -> None:
    _activation(b, n, "LEAKYRELU", activation_coefficient=float(n.attr("alpha", 0.01)))


@register("HardSigmoid", versions=(6, 22))
def _hard_sigmoid(b: Builder, n: OnnxNode) -> None:
    alpha, beta = float(n.attr("alpha", 0.2)), float(n.attr("beta", 0.5))
    _activation(b, n, "HARDSIGMOID", activation_coefficient=alpha, activation_offset=beta)


@register("Elu", versions=(6, 22))
def _elu(b: Builder, n: OnnxNode) -> None:
    _activation(b, n, "ELU", activation_coefficient=float(n.attr("alpha", 1.0)))


@register("Selu", versions=(6, 22))
def _selu(b: Builder, n: OnnxNode) -> None:
    alpha = float(n.attr("alpha", 1.67326319217681884765625))
    gamma = float(n.attr("gamma", 1.05070102214813232421875))
    elu = b.op("Activation", n.inputs, activation="ELU", activation_coefficient=alpha)
    b.op("Eltwise", [elu, scalar(b, n, gamma, n.inputs[0])], n.outputs, type="PROD")


@register("Celu", versions=(12, 28))
def _celu(b: Builder, n: OnnxNode) -> None:
    alpha = scalar(b, n, float(n.attr("alpha", 1.0)), n.inputs[0])
    elu = b.op(
        "Activation",
        [b.op("Eltwise", [n.inputs[0], alpha], type="DIV")],
        activation="ELU",
        activation_coefficient=1.0,
    )
    b.op("Eltwise", [elu, alpha], n.outputs, type="PROD")


@register("Swish", versions=(24, 24))
def _swish(b: Builder, n: OnnxNode) -> None:
    alpha = float(n.attr("alpha", 1.0))
    if alpha == 1.0:
        _activation(b, n, "SILU")
        return
    scaled = b.op("Eltwise", [n.inputs[0], scalar(b, n, alpha, n.inputs[0])], type="PROD")
    sigmoid = b.op("Activation", [scaled], activation="SIGMOID")
    b.op("Eltwise", [n.inputs[0], sigmoid], n.outputs, type="PROD")


@register("Gelu", versions=(20, 20))
def _gelu(b: Builder, n: OnnxNode) -> None:
    _activation(b, n, "GELU_TANH" if n.attr("approximate", "none") == "tanh" else "GELU")


@register("ThresholdedRelu", versions=(10, 22))
def _thresholded_relu(b: Builder, n: OnnxNode) -> None:
    x = n.inputs[0]
    above = b.op("Eltwise", [x, scalar(b, n, float(n.attr("alpha", 1.0)), x)], type="GREATER")
    b.op("Where", [above, x, scalar(b, n, 0, x)], n.outputs)


@register("Softsign", versions=(1, 22))
def _softsign(b: Builder, n: OnnxNode) -> None:
    x = n.inputs[0]
    size = b.op("Eltwise", [b.op("Unary", [x], type="ABS"), scalar(b, n, 1, x)], type="SUM")
    b.op("Eltwise", [x, size], n.outputs, type="DIV")


@register("Shrink", versions=(9, 9))
def _shrink(b: Builder, n: OnnxNode) -> None:
    x, bias, limit = n.inputs[0], float(n.attr("bias", 0.0)), float(n.attr("lambd", 0.5))
    below = b.op("Eltwise", [x, scalar(b, n, -limit, x)], type="LESS")
    above = b.op("Eltwise", [x, scalar(b, n, limit, x)], type="GREATER")
    raised = b.op("Eltwise", [x, scalar(b, n, bias, x)], type="SUM")
    lowered = b.op("Eltwise", [x, scalar(b, n, bias, x)], type="SUB")
    rest = b.op("Where", [above, lowered, scalar(b, n, 0, x)])
    b.op("Where", [below, raised, rest], n.outputs)


@register("Clip", versions=(6, 13))
def _clip(b: Builder, n: OnnxNode) -> None:
    x = n.inputs[0]
    if n.opset < 11:
        lower, upper = n.attrs.get("min"), n.attrs.get("max")
        limits = ["" if v is None else scalar(b, n, v, x) for v in (lower, upper)]
    else:
        limits = [n.input(1), n.input(2)]
        lower, upper = (_known(b, t) for t in limits)
    if n.dtype(x) == "f32" and lower == 0 and (not limits[1] or upper is not None):
        # A limit of the largest float32 is how some exporters write no limit.
        if upper is None or upper >= float(np.finfo(np.float32).max):
            _activation(b, n, "RELU")
        else:
            _activation(b, n, "RELUX", max_limit=float(upper))
        return
    bounds = [(kind, t) for kind, t in (("MAX", limits[0]), ("MIN", limits[1])) if t]
    for index, (kind, limit) in enumerate(bounds):
        last = index == len(bounds) - 1
        x = b.op("Eltwise", [x, limit], n.outputs if last else None, type=kind)
    if not bounds:
        b.op("Identity", [x], n.outputs)


def _known(b: Builder, tensor: str) -> float | None:
    value = b.value(tensor) if tensor else None
    return None if value is None else float(value.reshape(()))


@register("PRelu", versions=(6, 16))
def _prelu(b: Builder, n: OnnxNode) -> None:
    x, slope = n.inputs
    value, rank = b.value(slope), n.rank(x)
    if n.opset < 7 and value is not None and value.size > 1:  # a number for each channel
        value = value.reshape([-1] + [1] * (rank - 2))
        slope = b.const(value)
    if value is not None and value.size == 1:
        b.op("Activation", [x, b.const(value.reshape(1))], n.outputs, activation="PRELU")
        return
    per_channel = (
        value is not None and value.ndim >= rank - 1 and value.size == value.shape[1 - rank]
    )
    if value is not None and rank == 4 and per_channel:
        flat = b.const(value.reshape(-1))
        y = b.op("Activation", [b.nhwc(x), flat], activation="PRELU")
        b.nchw(y, n.outputs[0])
        return
    # max(x, 0) + slope * min(x, 0), for slopes of any other shape.
    zero = scalar(b, n, 0, x)
    low = b.op("Eltwise", [b.op("Eltwise", [x, zero], type="MIN"), slope], type="PROD")
    high = b.op("Eltwise", [x, zero], type="MAX")
    b.op("Eltwise", [high, low], n.outputs, type="SUM")
