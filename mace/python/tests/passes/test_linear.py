# SPDX-License-Identifier: Apache-2.0
"""Folding of channel factors and addends into weights, with the defects that such folds have had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_helpers import apply, builder, count, finish, random
from mace.importers.base import Builder
from mace.passes import linear, optimize


def _layer(b: Builder, op: str, x: str, channels: int = 4, **attrs: Any) -> str:
    """A linear operator with 4 (or so) output channels."""
    if op == "FullyConnected":
        return b.op(op, [x, b.const(random(channels, 3)), b.const(random(channels))])
    if op == "DepthwiseConv2d":
        return b.op(op, [x, b.const(random(1, 3, 3, 6)), b.const(random(6))], **attrs)
    return b.op(op, [x, b.const(random(channels, 3, 3, 3)), b.const(random(channels))], **attrs)


def _norm(b: Builder, x: str, channels: int, **attrs: Any) -> str:
    vectors = [random(channels), random(channels), random(channels), np.abs(random(channels)) + 0.5]
    return b.op("BatchNorm", [x, *(b.const(v) for v in vectors)], **attrs)


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("Conv2D", linear.fold_conv_bn),
        ("Deconv2D", linear.fold_deconv_bn),
        ("DepthwiseConv2d", linear.fold_depthwise_bn),
        ("FullyConnected", linear.fold_fc_bn),
    ],
)
def test_batch_norm_after(op: str, function: Any) -> None:
    b = builder(x=(2, 6, 5, 3))
    y = _norm(b, _layer(b, op, "x"), 6 if op == "DepthwiseConv2d" else 4, activation="RELU")
    graph = apply(finish(b, y), function)
    assert count(graph) == {op: 1}
    assert graph.nodes[0].attrs["activation"] == "RELU"
    assert graph.nodes[0].outputs == [y]


def test_no_bias_gets_one() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = _norm(b, b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))]), 4)
    assert count(apply(finish(b, y), optimize)) == {"Conv2D": 1}


def test_shared_filter_is_left_alone() -> None:
    """Both convolutions use one filter; only one of them has a batch normalization."""
    b = builder(x=(1, 6, 5, 3))
    weight = b.const(random(4, 3, 3, 3))
    first = _norm(b, b.op("Conv2D", ["x", weight]), 4)
    second = b.op("Conv2D", ["x", weight])
    graph = apply(finish(b, first, second), optimize)
    assert count(graph) == {"Conv2D": 2}
    assert len({n.inputs[1] for n in graph.nodes}) == 2


def test_shared_bias_is_left_alone() -> None:
    b = builder(x=(1, 6, 5, 3))
    bias = b.const(random(4))
    first = _norm(b, b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3)), bias]), 4)
    second = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3)), bias])
    apply(finish(b, first, second), optimize)


def test_deconv_with_another_reader_is_not_folded() -> None:
    """A deconvolution whose only reader is no batch normalization, and one with two readers."""
    b = builder(x=(1, 4, 4, 3))
    y = _layer(b, "Deconv2D", "x")
    relu = b.op("Activation", [y], activation="RELU")
    graph = apply(finish(b, relu), linear.fold_deconv_bn)
    assert count(graph) == {"Deconv2D": 1, "Activation": 1}
    b = builder(x=(1, 4, 4, 3))
    y = _layer(b, "Deconv2D", "x")
    graph = apply(finish(b, _norm(b, y, 4), b.op("Unary", [y], type="NEG")), linear.fold_deconv_bn)
    assert count(graph)["BatchNorm"] == 1


def test_grouped_deconv() -> None:
    b = builder(x=(1, 4, 4, 6))
    y = b.op("Deconv2D", ["x", b.const(random(4, 3, 3, 3))], group=2, strides=[2, 2])
    assert count(apply(finish(b, _norm(b, y, 4)), optimize)) == {"Deconv2D": 1}


def test_output_of_the_graph_is_not_folded_away() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = _layer(b, "Conv2D", "x")
    graph = apply(finish(b, y, _norm(b, y, 4)), optimize)
    assert count(graph) == {"Conv2D": 1, "BatchNorm": 1}


def test_activation_between_is_respected() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = b.op("Activation", [_layer(b, "Conv2D", "x")], activation="RELU")
    graph = apply(finish(b, _norm(b, y, 4)), optimize)
    assert count(graph) == {"Conv2D": 1, "BatchNorm": 1}


@pytest.mark.parametrize("kind", ["SUM", "SUB", "PROD", "DIV"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("shape", [(4,), (1,), (), (1, 1, 1, 4)])
def test_eltwise_after(kind: str, first: bool, shape: tuple[int, ...]) -> None:
    b = builder(x=(1, 6, 5, 3))
    y, c = _layer(b, "Conv2D", "x"), b.const(random(*shape) + 2)
    graph = apply(
        finish(b, b.op("Eltwise", [y, c] if first else [c, y], type=kind)), linear.fold_bias
    )
    folds = first or kind != "DIV"
    assert count(graph)["Eltwise"] == (0 if folds else 1)


@pytest.mark.parametrize("shape", [(6, 5, 4), (6, 1, 1), (2, 1, 1, 4), (1, 1, 1, 1, 4), (5, 1)])
def test_constants_that_vary_elsewhere_stay(shape: tuple[int, ...]) -> None:
    b = builder(x=(1, 8, 7, 3))
    y = b.op("Eltwise", [_layer(b, "Conv2D", "x"), b.const(random(*shape))], type="SUM")
    assert count(apply(finish(b, y), optimize))["Eltwise"] == 1


def test_constant_that_widens_a_single_channel_stays() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = b.op("Eltwise", [_layer(b, "Conv2D", "x", 1), b.const(random(4))], type="PROD")
    assert count(apply(finish(b, y), optimize))["Eltwise"] == 1


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2d", "FullyConnected"])
def test_before(op: str) -> None:
    b = builder(x=(2, 6, 5, 3))
    y = _layer(b, op, _norm(b, "x", 3))
    assert count(apply(finish(b, y), optimize)) == {op: 1}


@pytest.mark.parametrize("group", [1, 2])
def test_before_groups(group: int) -> None:
    b = builder(x=(1, 6, 5, 4))
    weight = b.const(random(6, 3, 3, 4 // group))
    y = b.op("Conv2D", [_norm(b, "x", 4), weight], group=group)
    assert count(apply(finish(b, y), optimize)) == {"Conv2D": 1}


@pytest.mark.parametrize("padding", ["SAME", "EXPLICIT"])
def test_addend_before_a_padded_convolution_stays(padding: str) -> None:
    """Zeros are padded after the addend, so that the border would come out wrong."""
    b = builder(x=(1, 6, 5, 3))
    y = _layer(b, "Conv2D", _norm(b, "x", 3), padding=padding, paddings=[1, 1, 1, 1])
    assert count(apply(finish(b, y), optimize)) == {"Conv2D": 1, "BatchNorm": 1}


def test_factor_before_a_padded_convolution_folds() -> None:
    b = builder(x=(1, 6, 5, 3))
    scaled = b.op("Eltwise", ["x", b.const(random(3))], type="PROD")
    y = _layer(b, "Conv2D", scaled, padding="SAME")
    assert count(apply(finish(b, y), optimize)) == {"Conv2D": 1}


def test_before_with_two_readers_stays() -> None:
    b = builder(x=(1, 6, 5, 3))
    scaled = b.op("Eltwise", ["x", b.const(random(3))], type="PROD")
    graph = apply(
        finish(b, _layer(b, "Conv2D", scaled), b.op("Unary", [scaled], type="NEG")), optimize
    )
    assert count(graph)["Eltwise"] == 1


def test_factor_and_addend_become_a_batch_norm() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = b.op("Eltwise", ["x", b.const(random(3))], type="PROD")
    y = b.op("Eltwise", [b.const(random(1, 1, 3)), y], type="SUM")
    y = b.op("Activation", [y], activation="RELU")
    graph = apply(finish(b, y), optimize)
    assert count(graph) == {"BatchNorm": 1}
    assert len(graph.nodes[0].inputs) == 3


def test_statistics_are_simplified() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = _norm(b, b.op("Activation", ["x"], activation="TANH"), 3, epsilon=0.01)
    graph = apply(finish(b, y), optimize)
    assert [len(n.inputs) for n in graph.nodes if n.op == "BatchNorm"] == [3]
