# SPDX-License-Identifier: Apache-2.0
"""Shapes by the engine's rules, and constants computed by the engine."""

from __future__ import annotations

import numpy as np
from graph_helpers import builder, feed, finish, random
from mace.analysis import interpreter
from mace.analysis.evaluate import evaluate, static_tensors
from mace.analysis.infer import infer
from mace.graph.ir import Graph, Interface, Node
from mace.passes import constants
from mace.passes.cleanup import sort


def test_shapes_are_those_of_the_interpreter() -> None:
    b = builder(x=(2, 9, 8, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))], strides=[2, 1], padding="SAME")
    y = b.op("Concat", [y, b.op("Unary", [y], type="ABS")], axis=3)
    y = b.op("ArgMax", [b.op("Reduce", [y], reduce_type="MEAN", axis=[1, 2])], axis=1)
    graph = finish(b, y)
    inferred = infer(graph)
    assert not inferred.problems
    expected = interpreter.annotate(graph, feed(graph)).values
    for name, value in expected.items():
        found = inferred.graph.values[name]
        assert (found.shape, found.dtype) == (value.shape, value.dtype), name


def test_unknown_dimensions_stay_unknown() -> None:
    b = builder(x=(-1, -1, -1, 3))
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 3))], padding="SAME")
    pooled = b.op("Reduce", [y], reduce_type="MEAN", axis=[1, 2], keepdims=True)
    shape = b.op("Shape", [y])
    values = infer(finish(b, pooled, shape)).graph.values
    assert values[y].shape == (-1, -1, -1, 4)
    assert values[pooled].shape == (-1, 1, 1, 4)
    assert values[shape].shape == (4,)


def test_a_size_that_does_not_suit_is_no_problem() -> None:
    """The second batch that is probed does not fit the reshape; the rank is known all the same."""
    b = builder(x=(-1, 4))
    y = b.op("Reshape", ["x"], shape=[1, 2, 2])
    inferred = infer(finish(b, y))
    assert not inferred.problems
    assert inferred.graph.values[y].shape == (-1, -1, -1)


def test_all_problems_are_collected() -> None:
    b = builder(x=(1, 8, 8, 3))
    b.begin("first", "MyConv")
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 5))])
    b.begin("second", "MyConcat")
    z = b.op("Concat", ["x", b.const(random(1, 7, 8, 3))], axis=3)
    problems = infer(finish(b, y, z)).problems
    assert [p.op for p in problems] == ["MyConv", "MyConcat"]
    assert problems[0].shapes == "1x8x8x3, 4x3x3x5"
    assert not problems[0].message.startswith("Conv2D")


def test_evaluate() -> None:
    b = builder(x=(2,))
    total = b.op("Eltwise", [b.const([1, 2], "int64"), b.const([3], "int64")], type="SUM")
    mixed = b.op("Eltwise", ["x", b.const(random(2))], type="SUM")
    graph = finish(b, mixed, total)
    found = evaluate(graph, [total, mixed])
    assert found.keys() == {total}
    assert found[total].tolist() == [4, 5]
    assert found[total].dtype == np.int64
    assert mixed not in static_tensors(graph)


def test_evaluate_goes_on_behind_a_failure() -> None:
    """One tensor cannot be computed; the other still is."""
    b = builder(x=(2,))
    good = b.op("Unary", [b.const([-1.5], np.float32)], type="ABS")
    bad = b.op("Concat", [b.const(random(2, 2)), b.const(random(3, 3))], axis=0)
    found = evaluate(finish(b, good, bad), [good, bad])
    assert found.keys() == {good}


def test_constants_fold_where_they_meet_the_rest() -> None:
    b = builder(x=(2, 3))
    c = b.op("Unary", [b.op("Unary", [b.const(random(3))], type="ABS")], type="SQRT")
    graph = finish(b, b.op("Eltwise", ["x", c], type="SUM"))
    folded = constants.fold_constants(graph)
    assert [n.op for n in folded.nodes] == ["Eltwise"]
    inputs = feed(graph)
    for name, array in interpreter.outputs(graph, inputs).items():
        np.testing.assert_allclose(interpreter.outputs(folded, inputs)[name], array, rtol=1e-6)


def test_large_fill_stays_computed() -> None:
    b = builder(x=(2048, 2048))
    big = b.op("Fill", [b.const([2048, 2048], "int64")], value=1.0)
    graph = finish(b, b.op("Eltwise", ["x", big], type="SUM"))
    assert [n.op for n in constants.fold_constants(graph).nodes] == ["Fill", "Eltwise"]


def test_deep_graph() -> None:
    """Ten thousand nodes in a row, in reverse: nothing recurses."""
    count = 10000
    nodes = [
        Node("Unary", f"n{i}", [f"t{i}"], [f"t{i + 1}"], {"type": "NEG"}) for i in range(count)
    ]
    graph = Graph("deep", nodes[::-1], {}, [Interface("t0", (1,))], [Interface(f"t{count}", (1,))])
    assert [n.name for n in sort(graph).nodes[:2]] == ["n0", "n1"]
