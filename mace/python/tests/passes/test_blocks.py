# SPDX-License-Identifier: Apache-2.0
"""Depth to space, space to depth and channel shuffle out of reshapes and transposes."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import apply, builder, count, finish, random
from mace.graph import schema
from mace.graph.ir import Graph
from mace.passes import blocks, cleanup, optimize


def sandwich(shape: tuple[int, ...], split: list[int], order: list[int], after: list[int]) -> Graph:
    b = builder(x=shape)
    y = b.op("Reshape", ["x"], shape=split)
    y = b.op("Transpose", [y], dims=order)
    return finish(b, b.op("Reshape", [y], shape=after))


CASES = [
    # NCHW, as ONNX writes DepthToSpace and PyTorch pixel_shuffle, pixel_unshuffle, channel_shuffle.
    ((2, 12, 3, 5), [2, 2, 2, 3, 3, 5], [0, 3, 4, 1, 5, 2], [2, 3, 6, 10], "DepthToSpace", "DCR"),
    ((2, 12, 3, 5), [2, 3, 2, 2, 3, 5], [0, 1, 4, 2, 5, 3], [2, 3, 6, 10], "DepthToSpace", "CRD"),
    ((1, 3, 4, 6), [1, 3, 2, 2, 3, 2], [0, 3, 5, 1, 2, 4], [1, 12, 2, 3], "SpaceToDepth", ""),
    ((1, 3, 4, 6), [1, 3, 2, 2, 3, 2], [0, 1, 3, 5, 2, 4], [1, 12, 2, 3], "ChannelShuffle", ""),
    ((2, 6, 3, 5), [2, 3, 2, 3, 5], [0, 2, 1, 3, 4], [2, 6, 3, 5], "ChannelShuffle", ""),
    ((2, 6, 3, 5), [2, 3, 2, 15], [0, 2, 1, 3], [2, 6, 3, 5], "ChannelShuffle", ""),
    # NHWC, as TensorFlow models write them.
    ((2, 3, 5, 12), [2, 3, 5, 2, 2, 3], [0, 1, 3, 2, 4, 5], [2, 6, 10, 3], "DepthToSpace", "DCR"),
    ((2, 3, 5, 12), [2, 3, 5, 3, 2, 2], [0, 1, 4, 2, 5, 3], [2, 6, 10, 3], "DepthToSpace", "CRD"),
    ((1, 4, 6, 3), [1, 2, 2, 3, 2, 3], [0, 1, 3, 2, 4, 5], [1, 2, 3, 12], "SpaceToDepth", ""),
]


@pytest.mark.parametrize(("shape", "split", "order", "after", "op", "mode"), CASES)
def test_recognised(
    shape: tuple[int, ...],
    split: list[int],
    order: list[int],
    after: list[int],
    op: str,
    mode: str,
) -> None:
    graph = apply(sandwich(shape, split, order, after), blocks.block_operators)
    found = count(graph)
    assert found[op] == 1 and found["Reshape"] == 0
    if mode:
        assert [n.attrs["mode"] for n in graph.nodes if n.op == op] == [mode]
    apply(sandwich(shape, split, order, after), optimize)


@pytest.mark.parametrize(
    ("shape", "split", "order", "after"),
    [
        # Blocks of unequal sides; another order; another result; dimensions that are not split.
        ((1, 12, 3, 5), [1, 2, 3, 2, 3, 5], [0, 3, 4, 1, 5, 2], [1, 2, 6, 15]),
        ((1, 12, 3, 5), [1, 2, 2, 3, 3, 5], [0, 3, 5, 1, 4, 2], [1, 3, 10, 6]),
        ((1, 12, 3, 5), [1, 2, 2, 3, 3, 5], [0, 3, 4, 1, 5, 2], [1, 6, 3, 10]),
        ((2, 6, 3, 5), [2, 3, 2, 5, 3], [0, 2, 1, 3, 4], [2, 6, 3, 5]),
        ((2, 6, 3, 5), [6, 2, 3, 5, 1], [0, 2, 1, 3, 4], [2, 6, 3, 5]),
    ],
)
def test_others_stay(
    shape: tuple[int, ...], split: list[int], order: list[int], after: list[int]
) -> None:
    graph = apply(sandwich(shape, split, order, after), blocks.block_operators)
    assert count(graph) == {"Reshape": 2, "Transpose": 1}
    apply(sandwich(shape, split, order, after), optimize)


def test_a_part_in_use_elsewhere_is_kept() -> None:
    b = builder(x=(2, 6, 3, 5))
    first = b.op("Reshape", ["x"], shape=[2, 3, 2, 3, 5])
    moved = b.op("Transpose", [first], dims=[0, 2, 1, 3, 4])
    graph = apply(finish(b, b.op("Reshape", [moved], shape=[2, 6, 3, 5]), moved), optimize)
    assert count(graph)["ChannelShuffle"] == 1


def test_types_that_the_operator_lacks_stay() -> None:
    graph = sandwich((2, 6, 3, 5), [2, 3, 2, 3, 5], [0, 2, 1, 3, 4], [2, 6, 3, 5])
    graph.inputs[0].dtype = "i64"
    claimed = "i64" in schema.operators()["ChannelShuffle"].types["cpu"]
    assert ("ChannelShuffle" in count(apply(graph, blocks.block_operators))) == claimed


def test_shuffle_between_convolutions_leaves_no_transpose() -> None:
    b = builder(x=(1, 5, 5, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 1, 1, 3))])
    y = b.op("Transpose", [y], dims=[0, 3, 1, 2])
    y = b.op("Reshape", [y], shape=[1, 2, 2, 5, 5])
    y = b.op("Reshape", [b.op("Transpose", [y], dims=[0, 2, 1, 3, 4])], shape=[1, 4, 5, 5])
    y = b.op("Transpose", [y], dims=[0, 2, 3, 1])
    y = b.op("Conv2D", [y, b.const(random(2, 1, 1, 4))])
    assert count(apply(finish(b, y), optimize)) == {"Conv2D": 2, "ChannelShuffle": 1}


@pytest.mark.parametrize(
    ("axes", "after", "folds"),
    [
        ([1, 2], [2, 1, 1, 3], True),
        ([-3, -2], [2, 1, 1, 3], True),
        ([1, 2], [2, 3, 1, 1], False),
        ([1, 2], [1, 1, 2, 3], False),
        ([1, 2], [6, 1], False),
    ],
)
def test_reduce_and_reshape(axes: list[int], after: list[int], folds: bool) -> None:
    b = builder(x=(2, 4, 5, 3))
    y = b.op("Reduce", ["x"], reduce_type="MEAN", axis=axes, keepdims=False)
    graph = apply(finish(b, b.op("Reshape", [y], shape=after)), cleanup.fold_reduce_reshape)
    assert count(graph)["Reshape"] == (0 if folds else 1)


def test_reduce_in_use_elsewhere_keeps_its_rank() -> None:
    b = builder(x=(2, 4, 5, 3))
    y = b.op("Reduce", ["x"], reduce_type="MAX", axis=[1, 2], keepdims=False)
    z = b.op("Reshape", [y], shape=[2, 1, 1, 3])
    graph = apply(finish(b, z, y), cleanup.fold_reduce_reshape)
    assert count(graph) == {"Reduce": 1, "Reshape": 1}
    assert np.prod(graph.inputs[0].shape) == 120
