# SPDX-License-Identifier: Apache-2.0
"""The cause of a wrong layer, from the pattern of its error and from running it alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from graph_helpers import random
from mace.analysis import interpreter
from mace.errors import MaceError
from mace.graph.ir import Array, Graph, Node
from mace.validation.diagnose import diagnose, find_pattern, same


def conv_node() -> tuple[Node, dict[str, Array]]:
    attrs = {"strides": [1, 1], "padding": "EXPLICIT", "paddings": [1, 1, 1, 1]}
    node = Node("Conv2D", "conv", ["x", "w"], ["y"], attrs)
    return node, {"x": random(1, 6, 7, 3), "w": random(4, 3, 3, 3)}


def right_engine(graph: Graph, arrays: dict[str, Array]) -> Mapping[str, Array]:
    return interpreter.outputs(graph, arrays)


X = random(1, 8, 9, 4)


def border(x: Array) -> Array:
    y = x.copy()
    y[:, :1] *= 2
    return y


def one_channel(x: Array) -> Array:
    y = x.copy()
    y[..., 2] = 0
    return y


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        (
            X,
            X.transpose(0, 3, 1, 2).reshape(X.shape),
            "layout: the elements are those expected, tra",
        ),
        (X, X[:, ::-1], "reversed along dimension 1"),
        (X, border(X), "padding: only the outer 1 rows or columns are wrong (top)"),
        (X * 1e5, np.where(np.abs(X * 1e5) > 65504, np.inf, X * 1e5), "overflow of half"),
        (X, np.where(X > 1, np.nan, X), "numeric"),
        (X * 1e5, np.clip(X * 1e5, -65504, 65504), "saturation"),
        (X, X * 3, "scale: the elements are those expected times 3"),
        (X, X + 2, "offset: the elements are those expected plus 2"),
        (X, one_channel(X), "channels: 1 of 4 are wrong"),
    ],
)
def test_patterns(expected: Array, actual: Array, words: str) -> None:
    assert words in (find_pattern(expected, actual) or "nothing")


def test_no_pattern() -> None:
    assert find_pattern(X, X) is None
    assert find_pattern(X, random(*X.shape)) is None
    assert find_pattern(X, X[:, :2]) is None
    assert find_pattern(np.zeros((0, 3)), np.zeros((0, 3))) is None


def test_a_wrong_engine() -> None:
    node, inputs = conv_node()
    (expected,) = interpreter.compute(node, [inputs["x"], inputs["w"]])

    def wrong(graph: Graph, arrays: dict[str, Array]) -> Mapping[str, Array]:
        return {"y": np.clip(interpreter.outputs(graph, arrays)["y"], -2, 2)}

    found = diagnose(node, 0, inputs, expected, np.clip(expected, -2, 2), wrong)
    assert found.confirmed and "the engine computes Conv2D wrongly" in found.cause
    assert "saturation" in found.cause


def test_wrong_inputs() -> None:
    node, inputs = conv_node()
    (expected,) = interpreter.compute(node, [inputs["x"], inputs["w"]])
    found = diagnose(node, 0, inputs, expected, expected + random(*expected.shape), right_engine)
    assert found.confirmed and "its inputs are wrong already" in found.cause


def test_wrong_attributes() -> None:
    node, inputs = conv_node()
    (actual,) = interpreter.compute(node, [inputs["x"], inputs["w"]])
    right = Node(
        node.op, node.name, node.inputs, node.outputs, {**node.attrs, "paddings": [2, 0, 2, 0]}
    )
    (expected,) = interpreter.compute(right, [inputs["x"], inputs["w"]])
    found = diagnose(node, 0, inputs, expected, actual, right_engine)
    assert found.confirmed and found.cause == "padding: it should have paddings [2, 0, 2, 0]"


def test_wrong_layout() -> None:
    node = Node("FullyConnected", "fc", ["x", "w"], ["y"], {"axis": 1})
    inputs = {"x": random(1, 3, 3, 5), "w": random(4, 45)}
    (actual,) = interpreter.compute(node, [inputs["x"], inputs["w"]])
    moved = np.ascontiguousarray(inputs["x"].transpose(0, 3, 1, 2)).reshape(1, 3, 3, 5)
    (expected,) = interpreter.compute(node, [moved, inputs["w"]])
    found = diagnose(node, 0, inputs, expected, actual, right_engine)
    assert found.confirmed and found.cause.startswith("layout: it should have input 0 transposed")


def test_what_cannot_be_run() -> None:
    node, inputs = conv_node()
    (expected,) = interpreter.compute(node, [inputs["x"], inputs["w"]])
    found = diagnose(node, 0, {"w": inputs["w"]}, expected, expected * 2, right_engine)
    assert not found.confirmed and "times 2" in found.cause and "'x'" in found.evidence[0]

    def refuses(graph: Graph, arrays: dict[str, Array]) -> Mapping[str, Array]:
        raise MaceError("no")

    found = diagnose(node, 0, inputs, expected, expected * 2, refuses)
    assert "the engine computes Conv2D wrongly" in found.cause and not found.confirmed


def test_same() -> None:
    assert same(X, X + 1e-6) and not same(X, X + 1) and not same(X, X[:, :2])
    assert same(np.array([np.inf]), np.array([np.inf]))
    assert not same(np.array([1.0]), np.array([np.inf]))
