# SPDX-License-Identifier: Apache-2.0
"""Graphs inside operators: branches and loops."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import builder, finish
from mace.convert import ConversionError, convert_imported
from mace.graph.ir import Array, Graph, Node
from mace.runtime import Engine


def _types(graph: Graph, **inputs: str) -> Graph:
    for interface in graph.inputs:
        interface.dtype = inputs.get(interface.name, interface.dtype)
    return graph


def _run(graph: Graph, **inputs: Array) -> list[Array]:
    model = convert_imported("control", graph).model
    with Engine.from_bytes(model.graph, model.data or None) as engine:
        first = list(engine.run(inputs).values())
        again = list(engine.run(inputs).values())
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    return first


def _branch(name: str, factor: float, rows: int | None = None) -> Graph:
    b = builder(x=())
    y = b.op("Eltwise", ["x", b.const(np.array(factor, np.float32))], type="PROD")
    if rows is not None:
        y = b.op("Concat", [y] * rows, axis=0)
    graph = finish(b, y)
    graph.name = name
    return graph


def _if(then: Graph, otherwise: Graph) -> Graph:
    b = builder(c=(), x=(2, 3))
    _types(b.graph, c="bool")
    b.graph.nodes.append(Node("If", "if", ["c", "x"], ["y"], {}, "", [then, otherwise]))
    return finish(b, b.op("Activation", ["y"], activation="RELU"))


@pytest.mark.parametrize("rows", [None, 3])
def test_branches(rows: int | None) -> None:
    x: Array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for condition in (True, False):
        graph = _if(_branch("then", 2), _branch("else", 3, rows))
        (y,) = _run(graph, c=np.array(condition), x=x)
        expected = x * 2 if condition else np.concatenate([x * 3] * (rows or 1))
        np.testing.assert_array_equal(y, expected)


def _countdown(counted: bool) -> Graph:
    """Doubles x in each round, adds a captured tensor, stacks the sums; ends above a limit."""
    inner = builder(i=(), go=(), x=(), more=())
    _types(inner.graph, i="i64", go="bool")
    double = inner.op("Eltwise", ["x", "x"], type="SUM")
    total = inner.op("Eltwise", [double, "more"], type="SUM")
    go = "go"
    if not counted:
        top = inner.op("Reduce", [total], reduce_type="MAX", axis=[0], keepdims=False)
        go = inner.op("Eltwise", [top, inner.const(np.float32(100))], type="LESS")
    same = inner.op("Identity", [total])
    body = finish(inner, inner.op("Identity", [go]), total, same)
    _types(body, i="i64", go="bool")
    body.outputs[0].dtype = "bool"
    b = builder(n=(), x=(2,), more=(2,))
    _types(b.graph, n="i64")
    always = b.const(np.array(True))
    attrs = {"variables": 1, "counted": counted}
    inputs = ["n", always, "x", "more"]
    b.graph.nodes.append(Node("Loop", "loop", inputs, ["last", "all"], attrs, "", [body]))
    return finish(b, "last", b.op("Activation", ["all"], activation="RELU"))


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("rounds", [0, 1, 4, 60])
def test_loop(counted: bool, rounds: int) -> None:
    if counted and rounds == 60:
        rounds = 10
    x, more = np.array([1, 2], np.float32), np.array([0.5, -1], np.float32)
    last, stacked = _run(_countdown(counted), n=np.array(rounds), x=x, more=more)
    value, values = x, []
    for _ in range(rounds):
        value = value * 2 + more
        values.append(value)
        if not counted and value.max() >= 100:
            break
    np.testing.assert_array_equal(last, value)
    np.testing.assert_array_equal(stacked, np.array(values, np.float32).reshape(-1, 2))


@pytest.mark.parametrize("rounds", [0, 3])
def test_loop_that_stacks_twice(rounds: int) -> None:
    """What no round has made still has its own shape."""
    inner = builder(i=(), go=(), more=(2,))
    _types(inner.graph, i="i64", go="bool")
    three = inner.op("Concat", ["more", inner.const(np.zeros(1, np.float32))], axis=0)
    same = inner.op("Identity", ["more"])
    body = finish(inner, inner.op("Identity", ["go"]), same, three, inner.op("Identity", ["go"]))
    body.outputs[0].dtype = body.outputs[3].dtype = "bool"
    b = builder(n=(), more=(2,))
    _types(b.graph, n="i64")
    inputs = ["n", b.const(np.array(True)), "more"]
    attrs = {"variables": 0, "counted": True}
    b.graph.nodes.append(Node("Loop", "loop", inputs, ["two", "three", "go"], attrs, "", [body]))
    relu = (b.op("Activation", [t], activation="RELU") for t in ("two", "three"))
    graph = finish(b, *relu, b.op("Identity", ["go"]))
    found = _run(graph, n=np.array(rounds), more=np.array([1, 2], np.float32))
    assert [a.shape for a in found] == [(rounds, 2), (rounds, 3), (rounds,)]
    assert found[2].all()
    np.testing.assert_array_equal(found[1], np.tile(np.float32([1, 2, 0]), (rounds, 1)))


def test_a_problem_inside_is_that_of_the_operator() -> None:
    b = builder(x=())
    _types(b.graph, x="bool")
    bad = finish(b, b.op("Softmax", ["x"]))
    graph = _if(bad, bad)
    with pytest.raises(ConversionError, match="its inputs after the condition|does not compute"):
        convert_imported("control", graph)
