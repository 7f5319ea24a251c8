# SPDX-License-Identifier: Apache-2.0
"""Which part of a GraphDef is imported, and what is said when it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from mace.analysis import interpreter
from mace.errors import MaceError
from mace.graph.ir import Array
from mace.importers.base import ImportFailed, InterfaceRequest, Problem
from mace.importers.tensorflow import describe_model, import_model
from tf_model import check, freeze, imported

RNG = np.random.default_rng(3)


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def problems(path: Path, inputs: list[str], outputs: list[str]) -> list[Problem]:
    """What is wrong with importing this."""
    with pytest.raises(ImportFailed) as caught:
        import_model(
            path,
            None,
            [InterfaceRequest(n) for n in inputs],
            [InterfaceRequest(n) for n in outputs],
        )
    return caught.value.problems


@pytest.fixture
def two_branches(tmp_path: Path) -> Path:
    """y0 = relu(x0 + 1) named "sum", y1 = an operator that MACE does not have."""
    path = tmp_path / "model.pb"

    def model(x: Any) -> list[Any]:
        y = tf.add(x, 1.0, name="sum")
        return [tf.nn.relu(y), tf.raw_ops.Betainc(a=tf.abs(x), b=tf.abs(y), x=tf.abs(x))]

    freeze(model, [random(2, 3)], path)
    return path


def test_only_what_the_outputs_need(two_branches: Path) -> None:
    graph = import_model(two_branches, None, [], [InterfaceRequest("y0")])
    assert [n.op for n in graph.nodes] == ["Eltwise", "Activation", "Identity"]
    assert graph.inputs[0].shape == (2, 3)


def test_all_unsupported_operators_are_reported(two_branches: Path) -> None:
    found = problems(two_branches, [], [])
    assert [(p.kind, p.op) for p in found] == [("operator", "Betainc")]
    assert "no such operator" in found[0].message


def test_names_with_and_without_output_index(two_branches: Path) -> None:
    graph = import_model(two_branches, None, [InterfaceRequest("x0:0")], [InterfaceRequest("y0:0")])
    assert graph.inputs[0].name == "x0:0" and graph.outputs[0].name == "y0:0"
    x = random(2, 3)
    result = interpreter.outputs(graph, {"x0:0": x})["y0:0"]
    np.testing.assert_allclose(result, np.maximum(x + 1, 0))


def test_an_input_within_the_graph_cuts_it(two_branches: Path) -> None:
    request = InterfaceRequest("sum", (2, 3))
    graph = import_model(two_branches, None, [request], [InterfaceRequest("y0")])
    assert [n.op for n in graph.nodes] == ["Activation", "Identity"]
    x = random(2, 3)
    np.testing.assert_array_equal(interpreter.outputs(graph, {"sum": x})["y0"], np.maximum(x, 0))


def test_missing_names(two_branches: Path) -> None:
    found = problems(two_branches, ["x00"], ["y0", "sun"])
    assert len(found) == 2 and all(p.kind == "model" for p in found)
    assert "did you mean 'x0'?" in found[0].message
    assert "did you mean 'sum'?" in found[1].message


def test_missing_input(two_branches: Path) -> None:
    found = problems(two_branches, ["sum"], ["y1"])
    assert found[0].op == "Placeholder" and found[0].node == "x0"


def test_the_same_output_twice(two_branches: Path) -> None:
    assert "2 times" in problems(two_branches, ["x0"], ["y0", "y0:0"])[0].message


def test_output_index_out_of_range(two_branches: Path) -> None:
    assert "not this output" in problems(two_branches, ["x0"], ["y0:3"])[0].message


def test_wrong_shape_and_type(two_branches: Path) -> None:
    requests = [InterfaceRequest("x0", (2, 4), "i32")]
    with pytest.raises(ImportFailed) as caught:
        import_model(two_branches, None, requests, [InterfaceRequest("y0")])
    messages = [p.message for p in caught.value.problems]
    assert "[2, 4] does not fit the model's [2, 3]" in messages[0]
    assert "f32 in the model and i32" in messages[1]


def test_describe(two_branches: Path) -> None:
    description = describe_model(two_branches)
    assert [(i.name, i.shape) for i in description.inputs] == [("x0", (2, 3))]
    assert [o.name for o in description.outputs] == ["y0", "y1"]
    assert description.operators["Betainc"] == 1


def test_control_inputs_and_names_that_need_quoting(tmp_path: Path) -> None:
    def model(x: Any) -> Any:
        with tf.control_dependencies([tf.no_op(), tf.debugging.Assert(x[0, 0] < 9e9, [x])]):
            return tf.nn.relu(x, name="a/b.c-d_e")

    check(tmp_path, model, random(2, 3))
    path = tmp_path / "model.pb"
    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    hostile = "q\"uo'te\n/../$(x);"
    for node in definition.node:
        node.name = hostile if node.name == "a/b.c-d_e" else node.name
        node.input[:] = [hostile if i == "a/b.c-d_e" else i for i in node.input]
    path.write_bytes(definition.SerializeToString())
    x = random(2, 3)
    result = interpreter.outputs(imported(path, 1), {"x0": x})["y0"]
    np.testing.assert_array_equal(result, np.maximum(x, 0))


def test_shared_constants_stay_whole(tmp_path: Path) -> None:
    weight = random(1, 1, 3, 3)

    def model(x: Any) -> Any:
        shared = tf.constant(weight)
        return tf.nn.conv2d(tf.nn.conv2d(x, shared, 1, "SAME"), shared, 1, "SAME") + shared[0, 0, 0]

    check(tmp_path, model, random(1, 4, 4, 3))


def test_text_form(tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    freeze(tf.nn.relu, [random(2, 3)], path)
    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    text = tmp_path / "model.pbtxt"
    text.write_text(str(definition))
    assert len(imported(text, 1).nodes) == 2
    text.write_text("node { name: ")
    with pytest.raises(ImportFailed, match="text form"):
        imported(text, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "no node"),
        (b"\x0a\xff\xff\xff", "not a TensorFlow GraphDef"),
        (b"PK\x03\x04....", "Keras cannot load"),
    ],
)
def test_files_that_are_no_graph(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "model.pb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MaceError, match=words):
        imported(path, 1)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="SavedModel"):
        imported(tmp_path, 1)


def test_graphs_that_are_not_frozen(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        variable = tf.compat.v1.get_variable("v", [3], use_resource=True)
        tf.identity(tf.compat.v1.placeholder(tf.float32, [3], name="x0") + variable, name="y0")
    (tmp_path / "model.pb").write_bytes(graph.as_graph_def().SerializeToString())
    found = problems(tmp_path / "model.pb", ["x0"], ["y0"])
    assert "not frozen" in found[0].message


def test_truncated_and_flipped_files_give_problems(tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    weight = random(3, 3, 2, 2)
    freeze(lambda x: tf.nn.conv2d(x, weight, 1, "SAME"), [random(1, 4, 4, 2)], path)
    data = path.read_bytes()
    rng = np.random.default_rng(4)
    for trial in range(300):
        damaged = bytearray(data[: int(rng.integers(1, len(data)))] if trial % 2 else data)
        for position in rng.integers(0, len(damaged), 3):
            damaged[position] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(damaged)
        try:
            imported(path, 1)
        except ImportFailed as error:
            assert all(p.message for p in error.problems)
