# SPDX-License-Identifier: Apache-2.0
"""Transposes sink and cancel, and what is computed stays the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from graph_helpers import apply, builder, count, feed, finish, random
from mace.analysis import interpreter
from mace.importers.base import Builder
from mace.passes import layout, optimize

Make = Callable[[Builder, str], str]

# What stands between two convolutions of an NCHW network, on N C H W = 2 4 6 5.
BETWEEN: dict[str, Make] = {
    "activation": lambda b, x: b.op("Activation", [x], activation="TANH"),
    "unary": lambda b, x: b.op("Unary", [x], type="ABS"),
    "cast": lambda b, x: b.op("Cast", [b.op("Cast", [x], output_type="i32")], output_type="f32"),
    "add itself": lambda b, x: b.op(
        "Eltwise", [x, b.op("Unary", [x], type="NEG")], type="SQR_DIFF"
    ),
    "add channels": lambda b, x: b.op("Eltwise", [x, b.const(random(4, 1, 1))], type="PROD"),
    "add rows": lambda b, x: b.op("Eltwise", [b.const(random(6, 1)), x], type="MAX"),
    "add all": lambda b, x: b.op("Eltwise", [x, b.const(random(1, 4, 6, 5))], type="SUM"),
    "add scalar": lambda b, x: b.op("Eltwise", [x, b.const(2.0, np.float32)], type="MIN"),
    "concat": lambda b, x: b.op("Concat", [x, b.op("Unary", [x], type="ABS")], axis=1),
    "concat constant": lambda b, x: b.op("Concat", [x, b.const(random(2, 4, 2, 5))], axis=2),
    "concat negative": lambda b, x: b.op("Concat", [x, x], axis=-3),
    "split": lambda b, x: b.op("Split", [x], ["s1", "s2"], axis=1, sizes=[1, 3]) and "s2",
    "reduce": lambda b, x: b.op("Reduce", [x], reduce_type="MEAN", axis=[2, 3], keepdims=True),
    "reduce channels": lambda b, x: b.op(
        "Reduce", [x], reduce_type="MAX", axis=[-3], keepdims=True
    ),
    "pad": lambda b, x: b.op("Pad", [x], paddings=[0, 0, 1, 0, 2, 1, 0, 3], mode="EDGE"),
    "softmax": lambda b, x: b.op("Softmax", [x], axis=1),
    "slice": lambda b, x: b.op(
        "Slice", [x, b.const([1, 0], "int64"), b.const([3, 4], "int64"), b.const([1, -2], "int64")]
    ),
    "slice all": lambda b, x: b.op(
        "Slice", [x, b.const([0, 1], "int64"), b.const([2, 3], "int64")]
    ),
    "reverse": lambda b, x: b.op("Reverse", [x], axis=[1, 2]),
    "tile": lambda b, x: b.op("Tile", [x, b.const([1, 2, 3, 1], "int64")]),
    "squeeze": lambda b, x: b.op(
        "Unsqueeze",
        [
            b.op(
                "Squeeze",
                [b.op("Reduce", [x], reduce_type="MEAN", axis=[2], keepdims=True)],
                axis=[2],
            )
        ],
        axis=[2],
    ),
    "gather": lambda b, x: b.op("Gather", [x, b.const([2, 0, 1], "int64")], axis=1),
    "where": lambda b, x: b.op(
        "Where",
        [b.op("Eltwise", [x, b.const(0.5, np.float32)], type="LESS"), x, b.const(random(4, 1, 1))],
    ),
    "gate": lambda b, x: b.op(
        "Eltwise",
        [x, b.op("Reduce", [x], reduce_type="MEAN", axis=[2, 3], keepdims=True)],
        type="PROD",
    ),
}


def _spatial(b: Builder, x: str, channels: int = 4) -> str:
    y = b.op("Pooling", [b.nhwc(x)], pooling_type="AVG", kernels=[1, 1])
    return b.nchw(y, b.tensor("pooled"))


@pytest.mark.parametrize("name", [n for n in BETWEEN if n != "squeeze"])
def test_between(name: str) -> None:
    """Everything between two spatial operators ends up NHWC: no transpose but at the borders."""
    b = builder(x=(2, 4, 6, 5))
    y = _spatial(b, BETWEEN[name](b, _spatial(b, "x")))
    graph = apply(finish(b, y), layout.sink_transposes)
    assert count(graph)["Transpose"] == 2


@pytest.mark.parametrize("name", BETWEEN)
def test_optimized(name: str) -> None:
    b = builder(x=(2, 4, 6, 5))
    graph = apply(finish(b, _spatial(b, BETWEEN[name](b, _spatial(b, "x")))), optimize)
    assert count(graph)["Transpose"] <= 2


def test_borders_cancel() -> None:
    b = builder(x=(2, 6, 5, 4))
    y = _spatial(b, b.nchw("x", "x/nchw"))
    graph = apply(finish(b, b.op("Transpose", [y], dims=[0, 2, 3, 1])), optimize)
    assert count(graph) == {"Pooling": 1}


def test_name_of_the_output_is_kept() -> None:
    b = builder(x=(2, 6, 5, 4))
    y = b.op("Activation", [b.nchw("x", "n")], ["result"], activation="RELU")
    graph = apply(finish(b, y), optimize)
    assert [o.name for o in graph.outputs] == ["result"]
    assert "result" in interpreter.outputs(graph, feed(graph))


@pytest.mark.parametrize("order", [[0, 3, 1, 2], [2, 0, 3, 1], [3, 2, 1, 0]])
@pytest.mark.parametrize("keepdims", [True, False])
def test_other_orders(order: list[int], keepdims: bool) -> None:
    b = builder(x=(2, 3, 4, 5))
    x = b.op("Transpose", ["x"], dims=order)
    outputs = [
        b.op("Reduce", [x], reduce_type="SUM", axis=[1, -1], keepdims=keepdims),
        b.op("ArgMax", [x], axis=2, keepdims=keepdims),
        b.op("Gather", [x, b.const(1, "int64")], axis=1),
        b.op("Unsqueeze", [x], axis=[1, -1]),
        b.op("Pad", [x], paddings=[1, 0, 2, 0, 0, 3, 0, 0]),
        b.op("Shape", [x], output_type="i64"),
        b.op("Shape", [x], start=1, end=3),
    ]
    apply(finish(b, *outputs), layout.sink_transposes)
    apply(finish(b, *outputs), optimize)


def test_transposes_join() -> None:
    b = builder(x=(2, 3, 4, 5))
    y = b.op("Transpose", [b.op("Transpose", ["x"], dims=[1, 2, 0, 3])], dims=[0, 3, 1, 2])
    assert count(apply(finish(b, y), layout.sink_transposes)) == {"Transpose": 1}
    y = b.op("Transpose", [y], dims=[3, 0, 2, 1])
    graph = apply(finish(b, y), optimize)
    assert count(graph)["Transpose"] <= 1


def test_flatten_after_global_pooling() -> None:
    b = builder(x=(2, 6, 5, 4))
    pooled = b.op("Reduce", [b.nchw("x", "n")], reduce_type="MEAN", axis=[2, 3], keepdims=True)
    y = b.op("Flatten", [pooled], axis=1, two_dimensional=True)
    y = b.op("MatMul", [y, b.const(random(4, 3))])
    assert count(apply(finish(b, y), optimize)) == {"Reduce": 1, "FullyConnected": 1}


def test_flatten_into_fully_connected() -> None:
    """The columns of the weight take the order of the tensor before the transpose."""
    b = builder(x=(2, 6, 5, 4))
    y = b.op("Reshape", [b.nchw("x", "n")], shape=[0, -1], copy_zeros=True)
    y = b.op("MatMul", [y, b.const(random(120, 3))])
    graph = apply(finish(b, y), optimize)
    assert count(graph) == {"FullyConnected": 1}
    assert graph.nodes[0].attrs["axis"] == 1


def test_tokens_of_an_image() -> None:
    b = builder(x=(2, 6, 5, 4))
    y = b.op("Reshape", [b.nchw("x", "n")], shape=[0, 4, -1], copy_zeros=True)
    y = b.op("Transpose", [y], dims=[0, 2, 1])
    assert count(apply(finish(b, y), optimize)) == {"Reshape": 1}


def test_sum_with_a_tensor_in_the_old_order() -> None:
    b = builder(x=(2, 6, 5, 4), z=(2, 4, 30))
    z = b.op("Reshape", ["z"], shape=[2, 4, 6, 5])
    y = _spatial(b, b.op("Eltwise", [_spatial(b, b.nchw("x", "n")), z], type="SUM"))
    graph = apply(finish(b, b.op("Transpose", [y], dims=[0, 2, 3, 1])), optimize)
    assert count(graph)["Transpose"] == 1


def test_unknown_rank_is_left_alone() -> None:
    b = builder(x=(2, 6, 5, 4), z=(5,))
    y = b.op("Eltwise", [b.nchw("x", "n"), "z"], type="SUM")
    graph = finish(b, y)
    inputs = feed(graph)
    result = optimize(graph)  # without shapes
    np.testing.assert_allclose(
        interpreter.outputs(result, inputs)[y], interpreter.outputs(graph, inputs)[y]
    )


def test_lower_rank_operand_is_left_alone() -> None:
    b = builder(x=(2, 6, 5, 4), z=(5,))
    y = _spatial(b, b.op("Eltwise", [b.nchw("x", "n"), "z"], type="SUM"))
    apply(finish(b, y), optimize)


def test_matmul_reads_transposed_matrices() -> None:
    b = builder(x=(2, 3, 5), z=(2, 4, 5))
    y = b.op("MatMul", ["x", b.op("Transpose", ["z"], dims=[0, 2, 1])])
    graph = apply(finish(b, y), optimize)
    assert count(graph) == {"MatMul": 1}
    assert graph.nodes[0].attrs["transpose_b"] is True
