# SPDX-License-Identifier: Apache-2.0
"""Small graphs for tests, and what every pass must hold to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mace.analysis import interpreter
from mace.graph import dtypes, schema
from mace.graph.ir import Array, Graph, Interface
from mace.importers.base import Builder

RANDOM = np.random.default_rng(7)


def random(*shape: int) -> Array:
    """Numbers of a normal distribution."""
    return RANDOM.standard_normal(shape).astype(np.float32)


def builder(**inputs: Sequence[int]) -> Builder:
    """A Builder on a new graph with inputs of these names and shapes."""
    graph = Graph("test")
    graph.inputs = [Interface(name, tuple(shape)) for name, shape in inputs.items()]
    b = Builder(graph)
    b.reserve(list(inputs))
    b.begin("node", "Test")
    return b


def finish(b: Builder, *outputs: str) -> Graph:
    """The graph with these outputs."""
    b.graph.outputs = [Interface(name, (), data_format="NONE") for name in outputs]
    return b.graph


def feed(graph: Graph, sizes: dict[str, int] | None = None) -> dict[str, Array]:
    """Random inputs; unknown dimensions become 5."""
    result = {}
    for i in graph.inputs:
        shape = [d if d >= 0 else 5 for d in i.shape]
        result[i.name] = (random(*shape) * 3).astype(dtypes.to_numpy(i.dtype))
    return result


def count(graph: Graph) -> Counter[str]:
    """Nodes by operator."""
    return Counter(n.op for n in graph.nodes)


def _state(graph: Graph) -> Any:
    nodes = [(n.op, list(n.inputs), list(n.outputs), dict(n.attrs)) for n in graph.nodes]
    return nodes, {k: v.copy() for k, v in graph.consts.items()}


def apply(graph: Graph, function: Callable[[Graph], Graph], tolerance: float = 1e-4) -> Graph:
    """Applies a pass and checks that it keeps what the graph computes, changes nothing in its
    argument, does the same when applied again, and gives a valid graph. The result."""
    inputs = feed(graph)
    annotated = interpreter.annotate(graph, inputs)
    before, constants = _state(annotated)
    expected = interpreter.outputs(annotated, inputs)
    result = function(annotated)
    nodes, consts = _state(annotated)
    assert nodes == before, "the pass changed its argument"
    assert consts.keys() == constants.keys()
    for name, array in consts.items():
        np.testing.assert_array_equal(array, constants[name], err_msg=f"constant {name} changed")
    assert not schema.check_graph(result)
    got = interpreter.outputs(result, inputs)
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert got[name].shape == array.shape
        scale = max(1.0, float(np.abs(array).max(initial=0)))
        np.testing.assert_allclose(got[name] / scale, array / scale, atol=tolerance, err_msg=name)
    for value in result.values.values():
        real = interpreter.run(result, inputs).get(value.name)
        if real is not None and value.shape is not None:
            assert value.shape == real.shape, f"{value.name} is said to be {value.shape}"
    assert _state(function(result))[0] == _state(result)[0], "the pass is not idempotent"
    return result
