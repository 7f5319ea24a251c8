# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models, and the comparison of what is imported with onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from mace.analysis import interpreter
from mace.graph import schema
from mace.graph.ir import Array, Graph
from mace.importers.base import InterfaceRequest
from mace.importers.onnx.importer import import_proto
from mace.passes import optimize
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(11)


def random(*shape: int) -> Array:
    """Numbers of a normal distribution."""
    return RANDOM.standard_normal(shape).astype(np.float32)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[Any]],
    outputs: Sequence[str],
    constants: dict[str, Array] | None = None,
    opset: int = 17,
    types: dict[str, int] | None = None,
) -> onnx.ModelProto:
    """A model with inputs of these shapes, of float32 unless `types` says otherwise."""
    types = types or {}
    graph = helper.make_graph(
        list(nodes),
        "test",
        [
            helper.make_tensor_value_info(n, types.get(n, TensorProto.FLOAT), s)
            for n, s in inputs.items()
        ],
        [helper.make_tensor_value_info(n, types.get(n, TensorProto.FLOAT), None) for n in outputs],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()],
    )
    version = 8 if opset < 21 else 10
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=version
    )


def one(
    op: str,
    shape: Sequence[Any],
    constants: dict[str, Array] | None = None,
    outputs: int = 1,
    opset: int = 17,
    **attrs: Any,
) -> onnx.ModelProto:
    """A model of one node, which reads x and the constants in their order ("" for none)."""
    constants = constants or {}
    names = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, ["x", *constants], names, **attrs)
    named = {n: a for n, a in constants.items() if n.strip()}
    node.input[:] = [n if n.strip() else "" for n in node.input]
    return model([node], {"x": shape}, names, named, opset)


def imported(source: onnx.ModelProto) -> Graph:
    """The graph, with inputs and outputs as in the model."""
    inputs = [InterfaceRequest(i.name, None, None, "NONE") for i in source.graph.input]
    outputs = [InterfaceRequest(o.name, None, None, "NONE") for o in source.graph.output]
    graph = import_proto(source, inputs, outputs)
    assert not schema.check_graph(graph)
    return graph


def compare(
    source: onnx.ModelProto, feed: dict[str, Array] | None = None, **tolerance: float
) -> Graph:
    """Imports a model and compares with onnxruntime, before and after all passes."""
    graph = imported(source)
    if feed is None:
        feed = {i.name: random(*(5 if d < 0 else d for d in i.shape)) for i in graph.inputs}
    session = onnxruntime.InferenceSession(source.SerializeToString())
    expected = session.run(None, feed)
    names = [o.name for o in session.get_outputs()]
    optimized = optimize(interpreter.annotate(graph, feed))
    for candidate in (graph, optimized):
        got = interpreter.outputs(candidate, feed)
        for name, want in zip(names, expected, strict=True):
            assert got[name].shape == want.shape, name
            assert got[name].dtype == want.dtype, name
            options = {"rtol": 1e-4, "atol": 1e-4, **tolerance}
            np.testing.assert_allclose(got[name], want, err_msg=name, **options)
    return optimized
