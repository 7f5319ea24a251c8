# SPDX-License-Identifier: Apache-2.0
"""The factor of attention goes into a layer, or where it is applied to the fewest elements."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import apply, builder, count, finish, random
from mace.graph.ir import Graph
from mace.importers.base import Builder
from mace.passes import attention, optimize

ROWS, HEADS, SIZE = 7, 2, 4
WIDTH = HEADS * SIZE


def _projected(b: Builder, x: str, dims: list[int], weight: str = "") -> str:
    weight = weight or b.const(random(WIDTH, WIDTH))
    y = b.op("FullyConnected", [x, weight, b.const(random(WIDTH))], axis=-1)
    y = b.op("Reshape", [y], shape=[1, ROWS, HEADS, SIZE])
    return b.op("Transpose", [y], dims=dims)


def _attention(b: Builder, where: str, kind: str = "DIV", mask: bool = False) -> str:
    q = _projected(b, "x", [0, 2, 1, 3])
    k = _projected(b, "x", [0, 2, 3, 1])
    v = _projected(b, "x", [0, 2, 1, 3])
    number = b.const(SIZE**0.5 if kind == "DIV" else SIZE**-0.5, np.float32)
    if where == "operand":
        q = b.op("Eltwise", [q, number], type=kind)
    scores = b.op("MatMul", [q, k])
    if where == "product":
        scores = b.op("Eltwise", [scores, number], type=kind)
    if mask:
        scores = b.op("Eltwise", [scores, b.const(random(1, 1, ROWS, ROWS))], type="SUM")
    return b.op("MatMul", [b.op("Softmax", [scores], axis=-1), v])


@pytest.mark.parametrize("where", ["product", "operand"])
@pytest.mark.parametrize("kind", ["DIV", "PROD"])
@pytest.mark.parametrize("mask", [False, True])
def test_factor_goes_into_the_layer(where: str, kind: str, mask: bool) -> None:
    b = builder(x=(1, ROWS, WIDTH))
    graph = apply(finish(b, _attention(b, where, kind, mask)), optimize)
    assert count(graph)["Eltwise"] == int(mask)


def test_smaller_operand_is_scaled() -> None:
    b = builder(q=(1, HEADS, ROWS, SIZE), k=(1, HEADS, SIZE, 30))
    scores = b.op("MatMul", ["q", "k"])
    scores = b.op("Eltwise", [scores, b.const(0.5, np.float32)], type="PROD")
    graph = apply(finish(b, b.op("Softmax", [scores], axis=-1)), optimize)
    assert [n.op for n in graph.nodes] == ["Eltwise", "MatMul", "Softmax"]
    assert graph.nodes[0].inputs[0] == "q"


def _unchanged(graph: Graph) -> None:
    result = apply(graph, attention.fold_attention_scale)
    assert [n.op for n in result.nodes] == [n.op for n in graph.nodes]


def test_small_products_are_scaled_where_they_are() -> None:
    b = builder(q=(1, HEADS, 3, 8), k=(1, HEADS, 8, 3))
    scores = b.op("Eltwise", [b.op("MatMul", ["q", "k"]), b.const(0.5, np.float32)], type="PROD")
    _unchanged(finish(b, b.op("Softmax", [scores], axis=-1)))


def test_products_that_are_read_twice_stay() -> None:
    b = builder(x=(1, ROWS, WIDTH))
    q, k = _projected(b, "x", [0, 2, 1, 3]), _projected(b, "x", [0, 2, 3, 1])
    scores = b.op("MatMul", [q, k])
    scaled = b.op("Eltwise", [scores, b.const(0.5, np.float32)], type="PROD")
    _unchanged(finish(b, b.op("Softmax", [scaled], axis=-1), scores))


def test_shared_weights_stay() -> None:
    """Queries and keys of the same weights: those of one alone are scaled."""
    b = builder(x=(1, ROWS, WIDTH), z=(1, ROWS, WIDTH))
    weight = b.const(random(WIDTH, WIDTH))
    q = _projected(b, "x", [0, 2, 1, 3], weight)
    k = _projected(b, "z", [0, 2, 3, 1], weight)
    scores = b.op("Eltwise", [b.op("MatMul", [q, k]), b.const(0.5, np.float32)], type="PROD")
    graph = apply(finish(b, b.op("Softmax", [scores], axis=-1)), optimize)
    assert count(graph)["Eltwise"] == 0 and weight in graph.consts


def test_layers_that_are_read_twice_stay() -> None:
    b = builder(x=(1, ROWS, WIDTH), k=(1, WIDTH, 2))
    layer = b.op("FullyConnected", ["x", b.const(random(WIDTH, WIDTH))], axis=-1)
    scores = b.op("Eltwise", [b.op("MatMul", [layer, "k"]), b.const(0.5, np.float32)], type="PROD")
    _unchanged(finish(b, b.op("Softmax", [scores], axis=-1), layer))
