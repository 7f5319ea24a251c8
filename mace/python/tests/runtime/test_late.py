# SPDX-License-Identifier: Apache-2.0
"""Shapes that depend on elements: known to nobody before the run, and right after it."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import builder, finish
from mace.analysis.infer import infer
from mace.convert import convert_imported
from mace.errors import MaceError
from mace.graph.ir import Array, Graph
from mace.runtime import Engine


def _rows() -> Graph:
    """n + sum of each of n rows, and something that n has no part in."""
    b = builder(x=(-1, 3), n=())
    b.graph.inputs[1].dtype = "i64"
    numbers = b.op("Range", [b.const(np.int64(0)), "n", b.const(np.int64(1))])
    column = b.op("Unsqueeze", [b.op("Cast", [numbers], output_type="f32")], axis=[1])
    rows = b.op("Eltwise", [column, "x"], type="SUM")
    sums = b.op("Reduce", [rows], reduce_type="SUM", axis=[1], keepdims=False)
    return finish(b, sums, rows, numbers, b.op("Activation", ["x"], activation="RELU"))


def test_outputs_have_the_shapes_of_the_run() -> None:
    model = convert_imported("late", _rows()).model
    with Engine.from_bytes(model.graph, model.data) as engine:
        sums, rows, numbers, relu = (o.name for o in engine.outputs)
        x: Array = np.arange(3, dtype=np.float32)[None]
        for n in (4, 1, 0, 4, 300):
            out = engine.run({"x": x, "n": np.array(n)})
            expected = np.arange(n, dtype=np.float32)[:, None] + x
            np.testing.assert_array_equal(out[numbers], np.arange(n))
            np.testing.assert_array_equal(out[rows], expected)
            np.testing.assert_array_equal(out[sums], expected.sum(1))
            np.testing.assert_array_equal(out[relu], x)
        profile = engine.profile({"x": x, "n": np.array(7)}, rounds=2)
        assert [op.type for op in profile.ops].count("Range") == 1
        assert engine.output_shapes({"x": (1, 3), "n": ()}) == {relu: (1, 3)}


def test_the_converter_takes_them_as_unknown() -> None:
    found = infer(_rows())
    assert not found.problems
    names = [o.name for o in found.graph.outputs]
    assert [found.graph.values[n].shape for n in names] == [None, None, None, (-1, 3)]
    assert found.graph.values[names[2]].dtype == "i64"


def test_a_failure_during_the_run_names_the_operator() -> None:
    b = builder(x=(2, 3), n=(2,))
    b.graph.inputs[1].dtype = "i64"
    graph = finish(b, b.op("Reshape", ["x", "n"]))
    model = convert_imported("late", graph).model
    with Engine.from_bytes(model.graph) as engine:
        x: Array = np.zeros((2, 3), np.float32)
        with pytest.raises(MaceError, match=r"Reshape 'node/Reshape'.*4"):
            engine.run({"x": x, "n": np.array([4, 2])})
        (out,) = engine.run({"x": x, "n": np.array([3, 2])}).values()
        assert out.shape == (3, 2)
