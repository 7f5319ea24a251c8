# SPDX-License-Identifier: Apache-2.0
"""Passes that remove what does nothing, fold windows and products, and the pipeline's options."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import apply, builder, count, feed, finish, random
from mace.analysis import interpreter
from mace.errors import MaceError
from mace.graph.ir import Graph, GraphError, Interface, Node
from mace.passes import cleanup, matmul, optimize, window
from mace.passes.rewrite import PASSES


def test_identities_go_and_outputs_keep_their_names() -> None:
    b = builder(x=(2, 3))
    y = b.op("Identity", [b.op("Unary", [b.op("Identity", ["x"])], type="ABS")], ["y"])
    graph = apply(finish(b, y, b.op("Identity", [y], ["again"])), optimize)
    assert count(graph)["Unary"] == 1
    assert [o.name for o in graph.outputs] == ["y", "again"]


def test_input_as_output() -> None:
    b = builder(x=(2, 3))
    graph = apply(finish(b, b.op("Identity", ["x"], ["y"])), optimize)
    assert count(graph) == {"Identity": 1}


def test_dead_code_and_its_constants_go() -> None:
    b = builder(x=(2, 3))
    b.op("Eltwise", ["x", b.const(random(3))], type="SUM")
    graph = apply(finish(b, b.op("Unary", ["x"], type="ABS")), cleanup.sort)
    assert count(graph) == {"Unary": 1}
    assert not graph.consts


def test_order_of_execution() -> None:
    nodes = [
        Node("Unary", "b", ["a"], ["b"], {"type": "ABS"}),
        Node("Unary", "a", ["x"], ["a"], {"type": "NEG"}),
    ]
    graph = Graph("test", nodes, {}, [Interface("x", (1,))], [Interface("b", (1,))])
    assert [n.name for n in cleanup.sort(graph).nodes] == ["a", "b"]


def test_cycle_is_an_error() -> None:
    nodes = [
        Node("Unary", "b", ["a"], ["b"], {"type": "ABS"}),
        Node("Unary", "a", ["b"], ["a"], {"type": "NEG"}),
    ]
    with pytest.raises(GraphError, match="cycle"):
        cleanup.sort(Graph("test", nodes, {}, [], [Interface("b", (1,))]))


@pytest.mark.parametrize(
    ("kind", "value", "first", "goes"),
    [
        ("SUM", 0, True, True),
        ("SUM", 0, False, True),
        ("PROD", 1, True, True),
        ("DIV", 1, True, True),
        ("SUB", 0, True, True),
        ("SUB", 0, False, False),
        ("DIV", 1, False, False),
        ("SUM", 1, True, False),
    ],
)
def test_neutral(kind: str, value: float, first: bool, goes: bool) -> None:
    b = builder(x=(2, 3))
    c = b.const(np.full(3, value, np.float32))
    x = b.op("Unary", ["x"], type="ABS")
    y = b.op("Eltwise", [x, c] if first else [c, x], type=kind)
    graph = apply(finish(b, b.op("Unary", [y], type="EXP")), cleanup.remove_identity)
    assert count(graph)["Eltwise"] == (0 if goes else 1)


def test_neutral_that_broadcasts_stays() -> None:
    b = builder(x=(2, 1))
    y = b.op("Eltwise", ["x", b.const(np.zeros(3, np.float32))], type="SUM")
    assert count(apply(finish(b, y), optimize))["Eltwise"] == 1


def test_reversing_slice_stays() -> None:
    b = builder(x=(4, 3))
    big = -(2**40)
    y = b.op(
        "Slice",
        [
            "x",
            b.const([3], "int64"),
            b.const([big], "int64"),
            b.const([0], "int64"),
            b.const([-1], "int64"),
        ],
    )
    assert count(apply(finish(b, y), optimize))["Slice"] == 1


def test_duplicates_are_computed_once() -> None:
    b = builder(x=(2, 3))
    parts = [b.op("Eltwise", ["x", b.const(random(3) * 0 + 2)], type="PROD") for _ in range(3)]
    y = b.op("Concat", parts, axis=0)
    assert count(apply(finish(b, y), cleanup.remove_duplicates)) == {"Eltwise": 1, "Concat": 1}


def test_same_bytes_of_another_type_are_no_duplicate() -> None:
    b = builder(x=(1,))
    ones = np.ones(1, np.float32)
    casts = [b.op("Cast", [b.const(c)], output_type="i64") for c in (ones, ones.view(np.int32))]
    apply(finish(b, *(b.op("Reverse", [c], axis=[0]) for c in casts)), cleanup.remove_duplicates)


def test_reshapes_join() -> None:
    b = builder(x=(2, 3, 4))
    y = b.op("Reshape", ["x", b.const([6, 4], "int64")])
    y = b.op("Unsqueeze", [b.op("Reshape", [y], shape=[4, -1])], axis=[0])
    assert count(apply(finish(b, y), optimize)) == {"Reshape": 1}


@pytest.mark.parametrize("known", [True, False])
def test_reshape_that_copies_a_dimension_stays_right(known: bool) -> None:
    """The copied dimension is that of the first reshape, not of its input."""
    b = builder(x=(-1, 3, 4))
    y = b.op("Reshape", ["x"], shape=[4, -1], copy_zeros=True)
    y = b.op("Reshape", [y], shape=[0, 3, -1], copy_zeros=True)
    graph = finish(b, y)
    if known:
        apply(graph, optimize)
        return
    inputs = feed(graph)
    result = optimize(graph)
    np.testing.assert_array_equal(
        interpreter.outputs(result, inputs)[y], interpreter.outputs(graph, inputs)[y]
    )


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2d"])
@pytest.mark.parametrize("padding", ["VALID", "EXPLICIT", "SAME"])
def test_pad_into_convolution(op: str, padding: str) -> None:
    b = builder(x=(1, 6, 5, 4))
    x = b.op("Pad", ["x"], paddings=[0, 0, 1, 2, 0, 1, 0, 0])
    shape = (3, 3, 3, 4) if op == "Conv2D" else (1, 3, 3, 4)
    y = b.op(
        op, [x, b.const(random(*shape))], strides=[2, 2], padding=padding, paddings=[1, 0, 1, 1]
    )
    graph = apply(finish(b, y), window.fold_pad)
    assert count(graph)["Pad"] == (1 if padding == "SAME" else 0)


@pytest.mark.parametrize(
    ("paddings", "value", "mode"),
    [
        ([0, 0, 1, 1, 1, 1, 0, 0], 1.0, "CONSTANT"),
        ([0, 0, 1, 1, 1, 1, 0, 0], 0.0, "REFLECT"),
        ([0, 0, 1, 1, 1, 1, 0, 1], 0.0, "CONSTANT"),
        ([0, 0, -1, 1, 1, 1, 0, 0], 0.0, "CONSTANT"),
    ],
)
def test_other_pads_stay(paddings: list[int], value: float, mode: str) -> None:
    b = builder(x=(1, 6, 5, 4))
    x = b.op("Pad", ["x"], paddings=paddings, constant_value=value, mode=mode)
    y = b.op("Conv2D", [x, b.const(random(3, 3, 3, 4 + paddings[7]))])
    assert count(apply(finish(b, y), optimize))["Pad"] == 1


@pytest.mark.parametrize("kind", ["MAX", "AVG"])
@pytest.mark.parametrize("value", [0.0, -np.inf, -3.4028234663852886e38])
@pytest.mark.parametrize("positive", [True, False])
def test_pad_into_pooling(kind: str, value: float, positive: bool) -> None:
    """A maximum must not see the padding; a mean counts it."""
    b = builder(x=(1, 6, 5, 4))
    x = (
        b.op("Activation", ["x"], activation="RELU")
        if positive
        else b.op("Unary", ["x"], type="NEG")
    )
    x = b.op("Pad", [x], paddings=[0, 0, 1, 1, 1, 1, 0, 0], constant_value=value)
    y = b.op("Pooling", [x], pooling_type=kind, kernels=[3, 3], strides=[2, 2])
    folds = value == 0 if kind == "AVG" else (value < 0 or positive)
    if kind == "AVG" and value != 0:
        return
    assert count(apply(finish(b, y), window.fold_pad))["Pad"] == (0 if folds else 1)


def test_pad_wider_than_the_window_stays() -> None:
    b = builder(x=(1, 6, 5, 4))
    x = b.op(
        "Pad", [b.op("Activation", ["x"], activation="RELU")], paddings=[0, 0, 2, 2, 2, 2, 0, 0]
    )
    y = b.op("Pooling", [x], pooling_type="MAX", kernels=[2, 2])
    assert count(apply(finish(b, y), optimize))["Pad"] == 1


@pytest.mark.parametrize("crops", [[0, 0, 0, 0], [0, 1, 0, 0]])
def test_atrous_convolution(crops: list[int]) -> None:
    b = builder(x=(1, 7, 8, 3))
    x = b.op("SpaceToBatchND", ["x"], block_shape=[2, 2], paddings=[2, 3, 2, 2])
    y = b.op("Conv2D", [x, b.const(random(4, 3, 3, 3)), b.const(random(4))])
    y = b.op("BatchToSpaceND", [y], block_shape=[2, 2], crops=crops)
    graph = apply(finish(b, y), optimize)
    assert count(graph) == {"Conv2D": 1}
    assert graph.nodes[0].attrs["dilations"] == [2, 2]


def test_channel_shuffle() -> None:
    b = builder(x=(2, 6, 5, 4))
    y = b.op("Reshape", [b.nchw("x", "n")], shape=[2, 2, 2, 6, 5])
    y = b.op("Reshape", [b.op("Transpose", [y], dims=[0, 2, 1, 3, 4])], shape=[2, 4, 6, 5])
    apply(finish(b, y), optimize)
    b = builder(x=(2, 6, 5, 4))
    y = b.op("Reshape", ["x"], shape=[2, 6, 5, 2, 2])
    y = b.op("Reshape", [b.op("Transpose", [y], dims=[0, 1, 2, 4, 3])], shape=[2, 6, 5, 4])
    assert count(apply(finish(b, y), window.channel_shuffle)) == {"ChannelShuffle": 1}


@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("rank", [2, 3, 4])
def test_matmul_to_fully_connected(transposed: bool, rank: int) -> None:
    b = builder(x=[2, 3, 4, 5][4 - rank :])
    weight = random(6, 5) if transposed else random(5, 6)
    y = b.op("MatMul", ["x", b.const(weight)], transpose_b=transposed)
    y = b.op("Eltwise", [y, b.const(random(6))], type="SUM")
    graph = apply(finish(b, y), optimize)
    assert count(graph) == {"FullyConnected": 1}


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_convolution_of_the_whole_image(padding: str) -> None:
    b = builder(x=(2, 3, 4, 5))
    shared = b.const(random(6, 3, 4, 5))
    y = b.op("Conv2D", ["x", shared, b.const(random(6))], padding=padding, strides=[3, 4])
    y = b.op("Activation", [y], activation="RELU")
    y = b.op("Reshape", [y], shape=[2, 6])
    z = b.op("Eltwise", [b.op("Reshape", ["x"], shape=[2, 1, 3, 4, 5]), shared], type="PROD")
    graph = apply(finish(b, y, z), optimize)
    assert count(graph) == {"FullyConnected": 1, "Reshape": 1, "Eltwise": 1}


def test_convolutions_of_one_pixel_need_no_reshape() -> None:
    b = builder(x=(2, 3, 4, 5))
    y = b.op("Reduce", ["x"], reduce_type="MEAN", axis=[1, 2], keepdims=True)
    for size in ((7, 1, 1, 5), (5, 1, 1, 7)):
        y = b.op("Conv2D", [y, b.const(random(*size)), b.const(random(size[0]))])
        y = b.op("Activation", [y], activation="SIGMOID")
    graph = apply(finish(b, b.op("Eltwise", ["x", y], type="PROD")), optimize)
    assert count(graph) == {"Reduce": 1, "FullyConnected": 2, "Eltwise": 1}


def test_convolution_of_a_part_of_the_image_stays() -> None:
    for shape, attrs in (
        ((6, 3, 3, 5), {}),
        ((6, 3, 4, 5), {"paddings": [1, 1, 1, 1], "strides": [9, 9]}),
        ((6, 3, 4, 1), {"group": 5}),
    ):
        b = builder(x=(2, 3, 4, 5))
        if "group" in attrs:
            shape = (10, 3, 4, 1)
        y = b.op("Conv2D", ["x", b.const(random(*shape))], **attrs)
        graph = apply(finish(b, y), matmul.global_conv_to_fc)
        assert count(graph) == {"Conv2D": 1}


def test_matmul_of_two_computed_or_of_no_known_producer() -> None:
    """Neither operand is a constant, and one of them is an input that nothing produces."""
    b = builder(x=(3, 4), z=(4, 5))
    graph = apply(finish(b, b.op("MatMul", ["x", "z"])), matmul.matmul_to_fc)
    assert count(graph) == {"MatMul": 1}
    b = builder(z=(4, 5))
    graph = apply(finish(b, b.op("MatMul", [b.const(random(3, 4)), "z"])), optimize)
    assert count(graph) == {"MatMul": 1}


def test_softmax_between_reshapes_without_second() -> None:
    b = builder(x=(2, 3, 4, 5))
    y = b.op("Softmax", [b.op("Reshape", ["x"], shape=[-1, 5])], axis=-1)
    apply(finish(b, y, b.op("Unary", [y], type="NEG")), optimize)


def test_known_shape_becomes_a_constant() -> None:
    b = builder(x=(2, 3, 4))
    graph = apply(finish(b, b.op("Reshape", ["x", b.op("Shape", ["x"])])), optimize)
    assert count(graph) == {"Identity": 1}


def test_options_choose_passes() -> None:
    b = builder(x=(1, 6, 5, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))])
    y = b.op("Activation", [b.op("Identity", [y])], activation="RELU")
    graph = apply(finish(b, y), lambda g: optimize(g, ["REMOVE_IDENTITY_OP"]))
    assert count(graph) == {"Conv2D": 1, "Activation": 1}
    apply(finish(b, y), lambda g: optimize(g, ["TRANSPOSE_FILTERS"]))
    with pytest.raises(MaceError, match="did you mean 'FOLD_BIASADD'"):
        optimize(b.graph, ["FOLD_BIASAD"])


@pytest.mark.parametrize("name", sorted(PASSES))
def test_every_pass_has_a_sentence(name: str) -> None:
    assert PASSES[name].doc.endswith(".")


@pytest.mark.parametrize("name", sorted(PASSES))
def test_every_pass_works_alone(name: str) -> None:
    """On a graph with something for everyone, and without shapes."""
    b = builder(x=(1, 8, 8, 3))
    y = b.op("Pad", [b.nchw("x", "n")], paddings=[0, 0, 0, 0, 1, 1, 1, 1])
    y = b.op("Conv2D", [b.nhwc(y), b.const(random(4, 3, 3, 3))])
    y = b.op("BatchNorm", [y, b.const(random(4)), b.const(random(4))])
    y = b.nchw(b.op("Activation", [y], activation="RELU"), "c")
    y = b.op("Flatten", [b.op("Identity", [y])], axis=1, two_dimensional=True)
    y = b.op("MatMul", [y, b.const(random(256, 5))])
    y = b.op("Softmax", [b.op("Eltwise", [y, b.const(random(5))], type="SUM")], axis=1)
    graph = finish(b, y)
    apply(graph, PASSES[name])
    PASSES[name](graph)
