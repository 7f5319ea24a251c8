# SPDX-License-Identifier: Apache-2.0
"""Passes that recognise activation functions made of several operators, and fold activations into
the operators before them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mace.graph import schema
from mace.graph.ir import Node
from mace.passes.match import (
    activation_attrs,
    channels_of,
    eltwise,
    near,
    per_channel,
    plain,
    split_const,
    with_scalar,
)
from mace.passes.rewrite import Rewriter, graph_pass


@graph_pass("TRANSFORM_ACTIVATION")
def recognise(r: Rewriter) -> None:
    """Replaces activation functions made of primitives by an Activation.

    Clips, hard sigmoid, hard swish, SiLU, Mish, GELU, softplus, leaky and parametric rectifiers.
    """
    for node in r.nodes("Unary"):
        _softplus(r, node)
    rules = (_clip, _hard_sigmoid, _hard_swish_chain, _gated, _gelu, _leaky, _parametric)
    for rule in rules:
        for node in r.nodes("Eltwise"):
            if r.alive(node) and _is_float(r, node):
                rule(r, node)


def _is_float(r: Rewriter, node: Node) -> bool:
    """Whether an Eltwise is one of float32, as its constants tell where nothing else is known."""
    dtype = r.dtype(node.outputs[0])
    known = [c.dtype for t in node.inputs if (c := r.const(t)) is not None]
    return dtype == "f32" or (dtype is None and all(d == np.float32 for d in known))


def is_activation(node: Node | None, kind: str) -> bool:
    """Whether the node is an Activation of that kind."""
    return node is not None and node.op == "Activation" and node.attrs["activation"] == kind


def _clip(r: Rewriter, node: Node) -> None:
    """min(max(x, 0), c), max(min(x, c), 0) and max(x, 0)."""
    upper = with_scalar(r, node, "MIN")
    if upper is not None and upper[1] > 0:
        inner = r.producer(upper[0])
        if inner is None or not r.used_once(upper[0]):
            return
        if is_activation(inner, "RELU"):
            _put(r, node, [inner.inputs[0]], "RELUX", max_limit=upper[1])
            return
        lower = with_scalar(r, inner, "MAX")
        if lower is not None and lower[1] == 0:
            _put(r, node, [lower[0]], "RELUX", max_limit=upper[1])
        return
    lower = with_scalar(r, node, "MAX")
    if lower is None or lower[1] != 0:
        return
    inner = r.producer(lower[0])
    upper = with_scalar(r, inner, "MIN") if r.used_once(lower[0]) else None
    if upper is not None and upper[1] > 0:
        _put(r, node, [upper[0]], "RELUX", max_limit=upper[1])
    elif r.dtype(node.outputs[0]) == "f32" and r.dtype(lower[0]) == "f32":
        # A later MIN may still make a RELUX of it.
        _put(r, node, [lower[0]], "RELU")


def _put(r: Rewriter, node: Node, inputs: list[str], kind: str, **attrs: Any) -> None:
    r.replace(node, "Activation", inputs, activation=kind, **attrs)


def _relu6_of_plus_3(r: Rewriter, tensor: str) -> str | None:
    """x when the tensor is relu6(x + 3)."""
    node = r.producer(tensor, "Activation")
    if node is None or not is_activation(node, "RELUX") or not near(r.attr(node, "max_limit"), 6):
        return None
    added = with_scalar(r, r.producer(node.inputs[0]), "SUM")
    return added[0] if added is not None and near(added[1], 3) else None


def _hard_sigmoid(r: Rewriter, node: Node) -> None:
    """relu6(x + 3) / 6."""
    scaled = with_scalar(r, node, "PROD")
    if scaled is None or not near(scaled[1] * 6, 1):
        return
    x = _relu6_of_plus_3(r, scaled[0])
    if x is not None:
        _put(r, node, [x], "HARDSIGMOID", activation_coefficient=1 / 6, activation_offset=0.5)


def _hard_swish_chain(r: Rewriter, node: Node) -> None:
    """x * relu6(x + 3) / 6, multiplied first."""
    scaled = with_scalar(r, node, "PROD")
    if scaled is None or not near(scaled[1] * 6, 1) or not r.used_once(scaled[0]):
        return
    product = r.producer(scaled[0])
    if product is None or not eltwise(r, product, "PROD"):
        return
    for x, gate in (product.inputs, product.inputs[::-1]):
        if _relu6_of_plus_3(r, gate) == x:
            _put(r, node, [x], "HARDSWISH")
            return


def _gated(r: Rewriter, node: Node) -> None:
    """x * hard_sigmoid(x), x * sigmoid(x) and x * tanh(softplus(x))."""
    if not eltwise(r, node, "PROD"):
        return
    for x, gate in (node.inputs, node.inputs[::-1]):
        source = r.producer(gate, "Activation")
        if source is None:
            continue
        inner = r.producer(source.inputs[0], "Activation")
        if inner is not None and is_activation(source, "TANH") and is_activation(inner, "SOFTPLUS"):
            if inner.inputs[0] == x:
                _put(r, node, [x], "MISH")
                return
            continue
        if source.inputs[0] != x:
            continue
        if is_activation(source, "SIGMOID"):
            _put(r, node, [x], "SILU")
            return
        alpha, beta = r.attr(source, "activation_coefficient"), r.attr(source, "activation_offset")
        if is_activation(source, "HARDSIGMOID") and near(alpha, 1 / 6) and near(beta, 0.5):
            _put(r, node, [x], "HARDSWISH")
            return


def _softplus(r: Rewriter, node: Node) -> None:
    """log(1 + exp(x)), which overflows where the function itself does not."""
    if node.attrs["type"] != "LOG" or r.dtype(node.outputs[0]) not in ("f32", None):
        return
    added = with_scalar(r, r.producer(node.inputs[0]), "SUM")
    power = r.producer(added[0], "Unary") if added is not None and added[1] == 1 else None
    if power is not None and power.attrs["type"] == "EXP":
        _put(r, node, [power.inputs[0]], "SOFTPLUS")


def _leaky(r: Rewriter, node: Node) -> None:
    """max(x, a x) with a between 0 and 1."""
    if not eltwise(r, node, "MAX"):
        return
    for x, other in (node.inputs, node.inputs[::-1]):
        scaled = with_scalar(r, r.producer(other), "PROD")
        if scaled is not None and scaled[0] == x and 0 < scaled[1] < 1:
            _put(r, node, [x], "LEAKYRELU", activation_coefficient=scaled[1])
            return


def _parametric(r: Rewriter, node: Node) -> None:
    """relu(x) - a relu(-x), as Keras writes PReLU, with a number a or one for each channel."""
    if not eltwise(r, node, "SUM"):
        return
    for positive, negative in (node.inputs, node.inputs[::-1]):
        kept, product = r.producer(positive, "Activation"), r.producer(negative)
        if not is_activation(kept, "RELU") or not eltwise(r, product, "PROD"):
            continue
        found = split_const(r, product) if product is not None else None
        rectified = r.producer(found[0], "Activation") if found is not None else None
        if kept is None or found is None or rectified is None:
            continue
        minus = r.producer(rectified.inputs[0], "Unary")
        if not is_activation(rectified, "RELU") or minus is None or minus.attrs["type"] != "NEG":
            continue
        x = kept.inputs[0]
        slope = per_channel(-found[1], channels_of(r, x), r.rank(x))
        if minus.inputs[0] == x and slope is not None:
            _put(r, node, [x, r.add_const(f"{node.outputs[0]}/slope", slope)], "PRELU")
            return


def _gelu(r: Rewriter, node: Node) -> None:
    """x * (1 + erf(x / sqrt(2))) * 0.5 and its approximation by tanh, in whichever order the factors
    come."""
    x, factor, gate = _gelu_factors(r, node)
    if x is None or gate is None or not near(factor, 0.5):
        return
    one = with_scalar(r, r.producer(gate), "SUM")
    tanh = r.producer(one[0], "Activation") if one is not None and near(one[1], 1) else None
    if is_activation(tanh, "TANH"):
        if tanh is not None and _is_cubic(r, tanh.inputs[0], x):
            _put(r, node, [x], "GELU_TANH")
        return
    erf = r.producer(one[0], "Unary") if one is not None and near(one[1], 1) else None
    if erf is None or erf.attrs["type"] != "ERF":
        return
    inner = with_scalar(r, r.producer(erf.inputs[0]), "PROD")
    if inner is not None and inner[0] == x and near(inner[1] * inner[1], 0.5):
        _put(r, node, [x], "GELU")


def _is_cubic(r: Rewriter, tensor: str, x: str) -> bool:
    """Whether the tensor is sqrt(2 / pi) * (x + 0.044715 x^3), with the factor outside or inside."""
    factor = 1.0
    scaled = with_scalar(r, r.producer(tensor), "PROD")
    if scaled is not None:
        tensor, factor = scaled
    node = r.producer(tensor)
    wanted = math.sqrt(2 / math.pi)
    if eltwise(r, node, "SUM") and node is not None:  # c x + d x^3
        terms = [_monomial(r, t, x) for t in node.inputs]
        found = {power: value * factor for power, value in terms}
        return len(found) == 2 and near(found.get(1, 0), wanted) and _near_cubic(found, wanted)
    if eltwise(r, node, "PROD") and node is not None:  # x (1 + d x^2)
        for other, gate in (node.inputs, node.inputs[::-1]):
            added = with_scalar(r, r.producer(gate), "SUM")
            power, value = _monomial(r, other, x)
            if added is None or power != 1:
                continue
            square, inner = _monomial(r, added[0], x)
            found = {square + 1: inner * value * factor}
            return near(added[1] * value * factor, wanted) and _near_cubic(found, wanted)
    return False


def _near_cubic(found: dict[int, float], wanted: float) -> bool:
    return abs(found.get(3, 0) / (0.044715 * wanted) - 1) < 1e-4


def _monomial(r: Rewriter, tensor: str, x: str) -> tuple[int, float]:
    """The power of x, up to 3, that a tensor is, and the factor before it; 0 if it is none."""
    if tensor == x:
        return 1, 1.0
    node = r.producer(tensor)
    if node is None:
        return 0, 0.0
    if node.op == "Unary" and node.attrs["type"] == "SQUARE" and node.inputs[0] == x:
        return 2, 1.0
    exponent = with_scalar(r, node, "POW")
    if exponent is not None and node.inputs[0] == x and exponent[1] in (2, 3):
        return int(exponent[1]), 1.0
    scaled = with_scalar(r, node, "PROD")
    if scaled is not None:
        power, value = _monomial(r, scaled[0], x)
        return power, value * scaled[1]
    if not eltwise(r, node, "PROD"):
        return 0, 0.0
    (first, one), (second, two) = (_monomial(r, t, x) for t in node.inputs)
    return (first + second, one * two) if first and second and first + second <= 3 else (0, 0.0)


def _gelu_factors(r: Rewriter, node: Node) -> tuple[str | None, float, str | None]:
    """x, the product of the constant factors, and the tensor that x is multiplied with."""
    factor = 1.0
    scaled = with_scalar(r, node, "PROD")
    if scaled is not None and r.used_once(scaled[0]):
        factor = scaled[1]
        product = r.producer(scaled[0])
    else:
        product = node
    if product is None or not eltwise(r, product, "PROD") or split_const(r, product) is not None:
        return None, 0, None
    for x, gate in (product.inputs, product.inputs[::-1]):
        source = r.producer(gate)
        if eltwise(r, source, "SUM"):
            halved = with_scalar(r, r.producer(x), "PROD")
            if halved is not None and factor == 1.0:
                return halved[0], halved[1], gate
            return x, factor, gate
        halved = with_scalar(r, source, "PROD")
        if halved is not None and factor == 1.0 and eltwise(r, r.producer(halved[0]), "SUM"):
            return x, halved[1], halved[0]
    return None, 0, None


@graph_pass("FOLD_ACTIVATION")
def fold_activation(r: Rewriter) -> None:
    """Folds an Activation into the operator before it, if that operator has the attribute."""
    for node in r.nodes("Activation"):
        before = r.producer(node.inputs[0])
        if before is None or before.op == "Activation" or not r.used_once(node.inputs[0]):
            continue
        attribute = schema.operators()[before.op].attributes.get("activation")
        if attribute is None or node.attrs["activation"] not in attribute.choices:
            continue
        if not plain(r, before) or r.dtype(before.outputs[0]) not in ("f32", None):
            continue
        if before.op == "Eltwise" and r.dtype(before.outputs[0]) is None:
            continue
        output = node.outputs[0]
        r.remove(node)
        before.attrs.update(activation_attrs(node))
        r.set_output(before, 0, output)
