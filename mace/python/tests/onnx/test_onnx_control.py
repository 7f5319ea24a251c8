# SPDX-License-Identifier: Apache-2.0
"""If, Loop and Scan against onnxruntime: captures, graphs inside graphs, shapes that differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from mace.analysis.infer import infer
from mace.errors import MaceError
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from mace.importers.onnx.importer import import_proto
from mace.passes import optimize
from onnx import TensorProto, helper

from mace import onnx_backend

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def _info(name: str, kind: int, shape: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _graph(nodes: list[Any], inputs: list[Any], outputs: list[Any], **consts: Any) -> Any:
    initializers = [onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in consts.items()]
    return helper.make_graph(nodes, "g", inputs, outputs, initializers)


def _model(graph: Any) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    return model


def _agrees(model: onnx.ModelProto, *feeds: dict[str, Array]) -> None:
    reference = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    prepared = onnx_backend.prepare(model)
    assert prepared.converted
    for feed in feeds:
        expected = reference.run(None, feed)
        for got, wanted in zip(prepared.run(feed), expected, strict=True):
            assert got.dtype == wanted.dtype
            assert got.shape == wanted.shape
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def _branches(rows: int) -> onnx.ModelProto:
    """x doubled, or `rows` rows of the captured y; then what follows a shape known late."""
    node = helper.make_node
    then = _graph([node("Mul", ["x", "two"], ["a"])], [], [_info("a", FLOAT)], two=np.float32(2))
    pick = [node("Gather", ["y", "which"], ["b"], axis=0)]
    otherwise = _graph(pick, [], [_info("b", FLOAT)], which=np.arange(rows))
    nodes = [
        node("Relu", ["z"], ["y"]),
        node("If", ["c"], ["r"], then_branch=then, else_branch=otherwise),
        node("ReduceSum", ["r", "axes"], ["s"], keepdims=0),
        node("Transpose", ["r"], ["t"], perm=[1, 0]),
    ]
    inputs = [_info("c", BOOL, []), _info("x", FLOAT, [2, 3]), _info("z", FLOAT, [4, 3])]
    outputs = [_info(t, FLOAT) for t in ("r", "s", "t")]
    return _model(_graph(nodes, inputs, outputs, axes=np.array([1])))


@pytest.mark.parametrize("rows", [2, 3])
def test_if(rows: int) -> None:
    random = np.random.default_rng(rows)
    x, z = (random.standard_normal((r, 3)).astype(np.float32) for r in (2, 4))
    _agrees(_branches(rows), *({"c": np.array(c), "x": x, "z": z} for c in (True, False, True)))


def _growing(limit: int | None) -> onnx.ModelProto:
    """A variable that grows in each round, with a branch inside the body that reads what is outside
    of both; it ends by the number of rounds, or when the sum passes a limit."""
    node = helper.make_node
    then = _graph([node("Neg", ["w"], ["p"])], [], [_info("p", FLOAT)])
    otherwise = _graph([node("Identity", ["w"], ["q"])], [], [_info("q", FLOAT)])
    nodes = [
        node("Mod", ["i", "even"], ["parity"]),
        node("Cast", ["parity"], ["odd"], to=BOOL),
        node("If", ["odd"], ["row"], then_branch=then, else_branch=otherwise),
        node("Concat", ["v", "row"], ["grown"], axis=0),
        node("ReduceSum", ["grown"], ["sum"], keepdims=0),
    ]
    if limit is None:
        nodes.append(node("Identity", ["go"], ["go_on"]))
    else:
        nodes.append(node("Less", ["sum", "limit"], ["go_on"]))
    inner = [_info("i", INT64, []), _info("go", BOOL, []), _info("v", FLOAT, [None, 2])]
    outputs = [_info("go_on", BOOL, []), _info("grown", FLOAT, [None, 2]), _info("sum", FLOAT, [])]
    body = _graph(nodes, inner, outputs, even=np.array(2), limit=np.float32(limit or 0))
    loop = node("Loop", ["n", "true", "x"], ["last", "sums"], body=body)
    inputs = [_info("n", INT64, []), _info("x", FLOAT, [1, 2]), _info("w", FLOAT, [1, 2])]
    results = [_info("last", FLOAT, [None, 2]), _info("sums", FLOAT, [None])]
    return _model(_graph([loop], inputs, results, true=np.array(True)))


@pytest.mark.parametrize("limit", [None, 2])
def test_loop(limit: int | None) -> None:
    x, w = np.array([[1, 2]], np.float32), np.array([[0.5, 1.5]], np.float32)
    feeds = ({"n": np.array(n), "x": x, "w": w} for n in (1, 5, 2, 12))
    _agrees(_growing(limit), *feeds)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("backward", [0, 1])
def test_scan(axis: int, backward: int) -> None:
    node = helper.make_node
    nodes = [node("Add", ["s", "v"], ["t"]), node("Mul", ["t", "w"], ["o"])]
    inner = [_info("s", FLOAT, [3]), _info("v", FLOAT, [3])]
    body = _graph(nodes, inner, [_info("t", FLOAT, [3]), _info("o", FLOAT, [3])])
    scan = node(
        "Scan",
        ["first", "x"],
        ["last", "all"],
        body=body,
        num_scan_inputs=1,
        scan_input_axes=[axis],
        scan_input_directions=[backward],
        scan_output_axes=[axis],
        scan_output_directions=[backward],
    )
    shape = [5, 3] if axis == 0 else [3, 5]
    inputs = [_info("first", FLOAT, [3]), _info("x", FLOAT, shape), _info("w", FLOAT, [3])]
    model = _model(_graph([scan], inputs, [_info("last", FLOAT, [3]), _info("all", FLOAT, shape)]))
    random = np.random.default_rng(backward)
    feed = {"first": [3], "x": shape, "w": [3]}
    arrays = {n: random.standard_normal(s).astype(np.float32) for n, s in feed.items()}
    steps = np.moveaxis(arrays["x"], axis, 0)[:: -1 if backward else 1]
    state, results = arrays["first"], []
    for step in steps:
        state = state + step
        results.append(state * arrays["w"])
    last, stacked = onnx_backend.prepare(model).run(arrays)
    np.testing.assert_allclose(last, state, rtol=1e-5)
    expected = np.moveaxis(np.array(results)[:: -1 if backward else 1], 0, axis)
    np.testing.assert_allclose(stacked, expected, rtol=1e-5)


def test_graphs_inside_are_optimised() -> None:
    """The transposes round a convolution in a loop go, and its batch norm; integers stay integers."""
    inner = [_info("i", INT64, []), _info("c", BOOL, []), _info("v", FLOAT, [1, 2, 4, 4])]
    node = helper.make_node
    nodes = [
        node("Conv", ["v", "w"], ["a"], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", "s", "s", "s", "s"], ["m"]),
        node("Relu", ["m"], ["r"]),
        node("Conv", ["r", "w"], ["o"], pads=[1, 1, 1, 1]),
        node("Max", ["i", "zero"], ["low"]),
        node("Min", ["low", "three"], ["clipped"]),
        node("Identity", ["c"], ["d"]),
    ]
    outputs = [_info("d", BOOL, []), _info("o", FLOAT, [1, 2, 4, 4]), _info("clipped", INT64, [])]
    body = _graph(nodes, inner, outputs)
    random = np.random.default_rng(0)
    constants = {
        "w": (random.standard_normal((2, 2, 3, 3)) / 5).astype(np.float32),
        "s": np.array([0.5, 2], np.float32),
        "zero": np.array(1),
        "three": np.array(3),
    }
    for name, array in constants.items():
        body.initializer.append(onnx.numpy_helper.from_array(array, name))
    loop = node("Loop", ["n", "", "x"], ["y", "all"], body=body)
    inputs = [_info("n", INT64, []), _info("x", FLOAT, [1, 2, 4, 4])]
    model = _model(_graph([loop], inputs, [_info("y", FLOAT), _info("all", INT64)]))
    x = random.standard_normal((1, 2, 4, 4)).astype(np.float32)
    _agrees(model, {"n": np.array(6), "x": x})
    graph = optimize(infer(import_proto(model)).graph)
    (found,) = [n.subgraphs[0] for n in graph.nodes if n.op == "Loop"]
    ops = [n.op for n in found.nodes]
    assert ops.count("Transpose") == 2 and "BatchNorm" not in ops and ops.count("Conv2D") == 2
    assert "Activation" not in ops
    again = optimize(graph)
    assert [n.op for g in again.nodes for s in g.subgraphs for n in s.nodes] == ops


@pytest.mark.parametrize("nested", [False, True])
def test_loops_come_to_an_end(nested: bool) -> None:
    """A model must not keep its engine busy for ever."""
    inner = [_info("j", INT64, []), _info("d", BOOL, []), _info("w", FLOAT, [])]
    node = helper.make_node
    keep = [node("Identity", ["d"], ["e"]), node("Identity", ["w"], ["u"])]
    body = _graph(keep, inner, [_info("e", BOOL, []), _info("u", FLOAT, [])])
    if nested:
        loop = node("Loop", ["", "c", "v"], ["u"], body=body)
        outer = [_info("i", INT64, []), _info("c", BOOL, []), _info("v", FLOAT, [])]
        nodes = [node("Identity", ["c"], ["b"]), loop]
        body = _graph(nodes, outer, [_info("b", BOOL, []), _info("u", FLOAT, [])])
    loop = node("Loop", ["", "go", "x"], ["y"], body=body)
    inputs = [_info("go", BOOL, []), _info("x", FLOAT, [])]
    model = _model(_graph([loop], inputs, [_info("y", FLOAT, [])]))
    prepared = onnx_backend.prepare(model)
    with pytest.raises(MaceError, match="has not ended after [0-9]+ rounds"):
        prepared.run({"go": np.array(True), "x": np.float32(1)})
    assert prepared.run({"go": np.array(False), "x": np.float32(1)})[0] == 1


def test_a_problem_inside_is_told() -> None:
    inner = _graph([helper.make_node("NoSuch", ["x"], ["a"])], [], [_info("a", FLOAT)])
    node = helper.make_node("If", ["c"], ["r"], name="choice", then_branch=inner, else_branch=inner)
    inputs = [_info("c", BOOL, []), _info("x", FLOAT, [2])]
    with pytest.raises(ImportFailed, match="If 'choice': its then_branch .* operator for NoSuch"):
        import_proto(_model(_graph([node], inputs, [_info("r", FLOAT)])))
