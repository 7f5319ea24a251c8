# SPDX-License-Identifier: Apache-2.0
"""Activations made of primitives, and folding of activations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from graph_helpers import apply, builder, count, finish, random
from mace.importers.base import Builder
from mace.passes import activation, optimize

Make = Callable[[Builder], str]


def _f(b: Builder, value: float) -> str:
    return b.const(value, np.float32)


def _relu6_plus_3(b: Builder) -> str:
    y = b.op("Eltwise", ["x", _f(b, 3)], type="SUM")
    return b.op("Activation", [y], activation="RELUX", max_limit=6.0)


def _clipped_plus_3(b: Builder) -> str:
    y = b.op("Eltwise", [_f(b, 3), "x"], type="SUM")
    return b.op("Eltwise", [b.op("Eltwise", [y, _f(b, 0)], type="MAX"), _f(b, 6)], type="MIN")


def _gelu(b: Builder, halve: str) -> str:
    erf = b.op("Unary", [b.op("Eltwise", ["x", _f(b, 2**0.5)], type="DIV")], type="ERF")
    one = b.op("Eltwise", [erf, _f(b, 1)], type="SUM")
    if halve == "x":
        half = b.op("Eltwise", ["x", _f(b, 0.5)], type="PROD")
        return b.op("Eltwise", [half, one], type="PROD")
    if halve == "gate":
        half = b.op("Eltwise", [one, _f(b, 0.5)], type="PROD")
        return b.op("Eltwise", ["x", half], type="PROD")
    return b.op("Eltwise", [b.op("Eltwise", ["x", one], type="PROD"), _f(b, 0.5)], type="PROD")


def _softplus(b: Builder) -> str:
    power = b.op("Unary", ["x"], type="EXP")
    return b.op("Unary", [b.op("Eltwise", [power, _f(b, 1)], type="SUM")], type="LOG")


def _mish(b: Builder, softplus: str) -> str:
    gate = b.op("Activation", [softplus], activation="TANH")
    return b.op("Eltwise", [gate, "x"], type="PROD")


def _prelu(b: Builder, alpha: str, order: int = 1) -> str:
    negative = b.op("Activation", [b.op("Unary", ["x"], type="NEG")], activation="RELU")
    negative = b.op("Eltwise", [alpha, negative], type="PROD")
    positive = b.op("Activation", ["x"], activation="RELU")
    return b.op("Eltwise", [positive, negative][::order], type="SUM")


def _gelu_tanh(b: Builder, form: str) -> str:
    root, d = (2 / np.pi) ** 0.5, 0.044715
    if form == "cube":
        cube = b.op("Eltwise", ["x", _f(b, 3)], type="POW")
    elif form == "products":
        cube = b.op("Eltwise", [b.op("Eltwise", ["x", "x"], type="PROD"), "x"], type="PROD")
    else:
        cube = b.op("Eltwise", ["x", b.op("Unary", ["x"], type="SQUARE")], type="PROD")
    if form == "inside":
        inner = b.op("Eltwise", [b.op("Unary", ["x"], type="SQUARE"), _f(b, d)], type="PROD")
        inner = b.op("Eltwise", [inner, _f(b, 1)], type="SUM")
        scaled = b.op("Eltwise", ["x", _f(b, root)], type="PROD")
        power = b.op("Eltwise", [scaled, inner], type="PROD")
    else:
        inner = b.op("Eltwise", [cube, _f(b, d)], type="PROD")
        inner = b.op("Eltwise", ["x", inner], type="SUM")
        power = b.op("Eltwise", [inner, _f(b, root)], type="PROD")
    one = b.op("Eltwise", [b.op("Activation", [power], activation="TANH"), _f(b, 1)], type="SUM")
    half = b.op("Eltwise", ["x", _f(b, 0.5)], type="PROD")
    return b.op("Eltwise", [half, one], type="PROD")


PATTERNS: dict[str, tuple[str, Make]] = {
    "softplus": ("SOFTPLUS", _softplus),
    "mish": ("MISH", lambda b: _mish(b, b.op("Activation", ["x"], activation="SOFTPLUS"))),
    "mish of logarithm": ("MISH", lambda b: _mish(b, _softplus(b))),
    "leaky": (
        "LEAKYRELU",
        lambda b: b.op(
            "Eltwise", [b.op("Eltwise", ["x", _f(b, 0.1)], type="PROD"), "x"], type="MAX"
        ),
    ),
    "prelu": ("PRELU", lambda b: _prelu(b, b.const(-abs(random(1, 1, 3))))),
    "prelu of one": ("PRELU", lambda b: _prelu(b, _f(b, -0.25), -1)),
    "swish first": (
        "HARDSWISH",
        lambda b: b.op(
            "Eltwise", [b.op("Eltwise", ["x", _relu6_plus_3(b)], type="PROD"), _f(b, 6)], type="DIV"
        ),
    ),
    "swish last": (
        "HARDSWISH",
        lambda b: b.op(
            "Eltwise",
            [b.op("Eltwise", [_relu6_plus_3(b), _f(b, 1 / 6)], type="PROD"), "x"],
            type="PROD",
        ),
    ),
    "swish of min and max": (
        "HARDSWISH",
        lambda b: b.op(
            "Eltwise",
            ["x", b.op("Eltwise", [_clipped_plus_3(b), _f(b, 6)], type="DIV")],
            type="PROD",
        ),
    ),
    "hard sigmoid": (
        "HARDSIGMOID",
        lambda b: b.op("Eltwise", [_relu6_plus_3(b), _f(b, 6)], type="DIV"),
    ),
    "silu": (
        "SILU",
        lambda b: b.op(
            "Eltwise", ["x", b.op("Activation", ["x"], activation="SIGMOID")], type="PROD"
        ),
    ),
    "relu": ("RELU", lambda b: b.op("Eltwise", ["x", _f(b, 0)], type="MAX")),
    "relu6": (
        "RELUX",
        lambda b: b.op(
            "Eltwise", [b.op("Eltwise", ["x", _f(b, 0)], type="MAX"), _f(b, 6)], type="MIN"
        ),
    ),
    "6relu": (
        "RELUX",
        lambda b: b.op(
            "Eltwise", [b.op("Eltwise", ["x", _f(b, 6)], type="MIN"), _f(b, 0)], type="MAX"
        ),
    ),
    "gelu": ("GELU", lambda b: _gelu(b, "product")),
    "gelu of half x": ("GELU", lambda b: _gelu(b, "x")),
    "gelu of half gate": ("GELU", lambda b: _gelu(b, "gate")),
    "gelu by tanh": ("GELU_TANH", lambda b: _gelu_tanh(b, "cube")),
    "gelu by tanh of products": ("GELU_TANH", lambda b: _gelu_tanh(b, "products")),
    "gelu by tanh of a square": ("GELU_TANH", lambda b: _gelu_tanh(b, "square")),
    "gelu by tanh, factored": ("GELU_TANH", lambda b: _gelu_tanh(b, "inside")),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern(name: str) -> None:
    kind, make = PATTERNS[name]
    b = builder(x=(2, 4, 5, 3))
    graph = apply(finish(b, make(b)), optimize)
    assert count(graph) == {"Activation": 1}
    assert graph.nodes[0].attrs["activation"] == kind


@pytest.mark.parametrize("coefficient", [0.05, 0.0])
def test_no_gelu_by_tanh(coefficient: float) -> None:
    b = builder(x=(2, 4))
    cube = b.op("Eltwise", ["x", _f(b, 3)], type="POW")
    inner = b.op("Eltwise", [cube, _f(b, coefficient)], type="PROD")
    inner = b.op("Eltwise", [b.op("Eltwise", ["x", inner], type="SUM"), _f(b, 0.8)], type="PROD")
    one = b.op("Eltwise", [b.op("Activation", [inner], activation="TANH"), _f(b, 1)], type="SUM")
    y = b.op("Eltwise", [b.op("Eltwise", ["x", _f(b, 0.5)], type="PROD"), one], type="PROD")
    graph = apply(finish(b, y), optimize)
    assert all(n.attrs.get("activation") != "GELU_TANH" for n in graph.nodes)


@pytest.mark.parametrize("factor", [1.5, -0.1, 1.0])
def test_no_leaky_rectifier(factor: float) -> None:
    b = builder(x=(2, 4))
    y = b.op("Eltwise", ["x", b.op("Eltwise", ["x", _f(b, factor)], type="PROD")], type="MAX")
    assert "Activation" not in count(apply(finish(b, y), optimize))


def test_no_parametric_rectifier() -> None:
    """A slope for each column is none for each channel."""
    b = builder(x=(2, 4, 5, 3))
    graph = apply(finish(b, _prelu(b, b.const(random(5, 1)))), optimize)
    assert all(n.attrs.get("activation") != "PRELU" for n in graph.nodes)


def test_slopes_in_use_elsewhere_are_kept() -> None:
    b = builder(x=(1, 2, 2, 3), z=(1, 2, 2, 3))
    alpha = b.const(random(3))
    other = b.op("Eltwise", ["z", alpha], type="PROD")
    graph = apply(finish(b, _prelu(b, alpha), other), optimize)
    assert count(graph) == {"Activation": 1, "Eltwise": 1}


def test_no_softplus_of_another_number() -> None:
    b = builder(x=(2, 4))
    added = b.op("Eltwise", [b.op("Unary", ["x"], type="EXP"), _f(b, 2)], type="SUM")
    graph = apply(finish(b, b.op("Unary", [added], type="LOG")), optimize)
    assert "Activation" not in count(graph)


@pytest.mark.parametrize(("added", "divisor"), [(2.0, 6.0), (4.0, 6.0), (3.0, 5.0)])
def test_almost_a_pattern(added: float, divisor: float) -> None:
    b = builder(x=(2, 4, 5, 3))
    y = b.op("Eltwise", ["x", _f(b, added)], type="SUM")
    y = b.op("Activation", [y], activation="RELUX", max_limit=6.0)
    y = b.op("Eltwise", [b.op("Eltwise", ["x", y], type="PROD"), _f(b, divisor)], type="DIV")
    graph = apply(finish(b, y), optimize)
    assert all(n.attrs.get("activation") != "HARDSWISH" for n in graph.nodes)


def test_gate_of_another_tensor() -> None:
    b = builder(x=(2, 3), z=(2, 3))
    gate = b.op("Activation", ["z"], activation="SIGMOID")
    assert (
        count(apply(finish(b, b.op("Eltwise", ["x", gate], type="PROD")), optimize))["Eltwise"] == 1
    )


def test_pattern_in_use_elsewhere_is_kept() -> None:
    b = builder(x=(2, 4))
    low = b.op("Eltwise", ["x", _f(b, 0)], type="MAX")
    graph = apply(finish(b, b.op("Eltwise", [low, _f(b, 6)], type="MIN"), low), optimize)
    assert len(graph.nodes) == 2


@pytest.mark.parametrize("kind", ["RELU", "TANH", "HARDSWISH", "SILU"])
def test_fold_into_convolution(kind: str) -> None:
    b = builder(x=(1, 5, 5, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))])
    graph = apply(finish(b, b.op("Activation", [y], activation=kind)), activation.fold_activation)
    assert count(graph) == {"Conv2D": 1}


def test_prelu_is_not_folded() -> None:
    b = builder(x=(1, 5, 5, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))])
    y = b.op("Activation", [y, b.const(random(4))], activation="PRELU")
    assert count(apply(finish(b, y), optimize)) == {"Conv2D": 1, "Activation": 1}


def test_not_folded_into_operators_without_the_attribute() -> None:
    """An activation that the operator before would ignore must stay a node."""
    b = builder(x=(1, 5, 5, 3))
    y = b.op("Pooling", ["x"], pooling_type="MAX", kernels=[2, 2])
    graph = apply(finish(b, b.op("Activation", [y], activation="RELU")), optimize)
    assert count(graph) == {"Pooling": 1, "Activation": 1}


def test_second_activation_stays() -> None:
    b = builder(x=(1, 5, 5, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))])
    y = b.op("Activation", [y], activation="RELU")
    graph = apply(finish(b, b.op("Activation", [y], activation="TANH")), optimize)
    assert count(graph) == {"Conv2D": 1, "Activation": 1}


def test_two_readers_keep_the_activation_apart() -> None:
    b = builder(x=(1, 5, 5, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))])
    relu = b.op("Activation", [y], activation="RELU")
    graph = apply(finish(b, relu, b.op("Unary", [y], type="NEG")), optimize)
    assert count(graph)["Activation"] == 1


@pytest.mark.parametrize("square", ["SQUARE", "PROD"])
@pytest.mark.parametrize("inverse", [True, False])
def test_layer_norm(square: str, inverse: bool) -> None:
    b = builder(x=(2, 5, 6))
    mean = b.op("Reduce", ["x"], reduce_type="MEAN", axis=[-1], keepdims=True)
    d = b.op("Eltwise", ["x", mean], type="SUB")
    s = (
        b.op("Unary", [d], type=square)
        if square == "SQUARE"
        else b.op("Eltwise", [d, d], type=square)
    )
    v = b.op("Reduce", [s], reduce_type="MEAN", axis=[2], keepdims=True)
    e = b.op("Eltwise", [v, _f(b, 1e-5)], type="SUM")
    root = b.op("Unary", [e], type="RSQRT" if inverse else "SQRT")
    y = b.op("Eltwise", [d, root], type="PROD" if inverse else "DIV")
    y = b.op("Eltwise", [y, b.const(random(6))], type="PROD")
    y = b.op("Eltwise", [b.const(random(6)), y], type="SUM")
    graph = apply(finish(b, y), optimize)
    assert count(graph) == {"LayerNorm": 1}
    assert len(graph.nodes[0].inputs) == 3


def test_no_layer_norm_over_other_axes() -> None:
    b = builder(x=(2, 5, 6))
    mean = b.op("Reduce", ["x"], reduce_type="MEAN", axis=[1], keepdims=True)
    d = b.op("Eltwise", ["x", mean], type="SUB")
    v = b.op(
        "Reduce", [b.op("Unary", [d], type="SQUARE")], reduce_type="MEAN", axis=[1], keepdims=True
    )
    root = b.op("Unary", [b.op("Eltwise", [v, _f(b, 1e-5)], type="SUM")], type="SQRT")
    assert (
        count(apply(finish(b, b.op("Eltwise", [d, root], type="DIV")), optimize))["LayerNorm"] == 0
    )
