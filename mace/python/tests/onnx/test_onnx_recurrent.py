# SPDX-License-Identifier: Apache-2.0
"""LSTM, GRU and RNN with random attributes through the engine, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.errors import MaceError
from mace.graph.ir import Array
from onnx import TensorProto, helper, numpy_helper

from mace import onnx_backend

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
FUNCTIONS = {"LSTM": 3, "GRU": 2, "RNN": 1}
NAMES = ["Sigmoid", "Tanh", "Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh"]
NAMES += ["HardSigmoid", "Elu", "Softsign", "Softplus"]


def _check(
    op: str, arrays: list[Array | None], attrs: dict[str, Any], frozen: int, opset: int = 14
) -> None:
    """The first `frozen` of the arrays from the second on are constants of the model."""
    names = ["" if a is None else f"x{i}" for i, a in enumerate(arrays)]
    outputs = ["y", "y_h", "y_c"][: 3 if op == "LSTM" else 2]
    node = helper.make_node(op, names, outputs, **attrs)
    given = {n: a for n, a in zip(names, arrays, strict=True) if a is not None}
    constants = [n for n in names[1 : 1 + frozen] if n]
    graph = helper.make_graph(
        [node],
        "test",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in given.items()
            if n not in constants
        ],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs],
        [numpy_helper.from_array(given[n], n) for n in constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    feeds = {n: a for n, a in given.items() if n not in constants}
    want = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)
    got = onnx_backend.prepare(model).run(list(feeds.values()))
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-3, atol=2e-4)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data(), op=st.sampled_from(sorted(GATES)))
def test_recurrent(data: st.DataObject, op: str) -> None:
    draw = data.draw
    steps, batch = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    inputs, hidden = draw(st.sampled_from([1, 3, 8, 17])), draw(st.sampled_from([1, 2, 7, 16, 37]))
    direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    d = 2 if direction == "bidirectional" else 1
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    # onnxruntime has the other layout on paper only.
    attrs: dict[str, Any] = {"hidden_size": hidden, "direction": direction}

    def array(*shape: int) -> Array:
        return random.uniform(-0.4, 0.4, shape).astype(np.float32)

    def maybe(*shape: int) -> Array | None:
        return array(*shape) if draw(st.booleans()) else None

    g = GATES[op] * hidden
    lengths = draw(st.booleans())
    arrays = [
        array(steps, batch, inputs),
        array(d, g, inputs),
        array(d, g, hidden),
        maybe(d, 2 * g),
        random.integers(1, steps + 1, batch).astype(np.int32) if lengths else None,
        maybe(d, batch, hidden),
    ]
    if op == "LSTM":
        arrays += [maybe(d, batch, hidden), maybe(d, 3 * hidden)]
        if draw(st.booleans()):
            attrs["input_forget"] = 1
    if op == "GRU" and draw(st.booleans()):
        attrs["linear_before_reset"] = 1
    if draw(st.booleans()):
        attrs["clip"] = draw(st.sampled_from([0.1, 0.5]))
    if draw(st.booleans()):
        names = [draw(st.sampled_from(NAMES)) for _ in range(FUNCTIONS[op] * d)]
        attrs["activations"] = names
        # What a function without numbers takes is told differently everywhere.
        alpha = {"Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"}
        beta = {"Affine", "ScaledTanh", "HardSigmoid"}
        attrs["activation_alpha"] = [0.3 + 0.1 * i for i, n in enumerate(names) if n in alpha]
        attrs["activation_beta"] = [0.2 + 0.1 * i for i, n in enumerate(names) if n in beta]
        attrs = {k: v for k, v in attrs.items() if v != []}
    while arrays[-1] is None:
        arrays.pop()
    _check(op, arrays, attrs, draw(st.sampled_from([3, 3, 0])))


@pytest.mark.parametrize("op", sorted(GATES))
def test_without_steps_the_states_pass_through(op: str) -> None:
    g = GATES[op] * 2
    state = np.ones((1, 3, 2), np.float32)
    node_inputs = ["x", "w", "r", "", "", "h"]
    outputs = ["y", "y_h"]
    graph = helper.make_graph(
        [helper.make_node(op, node_inputs, outputs, hidden_size=2)],
        "test",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [0, 3, 4]),
            helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, 3, 2]),
        ],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs],
        [
            numpy_helper.from_array(np.ones((1, g, 4), np.float32), "w"),
            numpy_helper.from_array(np.ones((1, g, 2), np.float32), "r"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    y, y_h = onnx_backend.prepare(model).run([np.zeros((0, 3, 4), np.float32), state])
    assert y.shape == (0, 1, 3, 2)
    np.testing.assert_array_equal(y_h, state)


def test_lengths_beyond_the_steps_are_refused() -> None:
    arrays = {
        "x": np.zeros((2, 1, 3), np.float32),
        "w": np.zeros((1, 2, 3), np.float32),
        "r": np.zeros((1, 2, 2), np.float32),
        "n": np.array([3], np.int32),
    }
    graph = helper.make_graph(
        [helper.make_node("RNN", ["x", "w", "r", "", "n"], ["y"], hidden_size=2)],
        "test",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in arrays.items()
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    with pytest.raises(MaceError, match=r"lengths\[0\] is 3; it must be from 0 to 2"):
        onnx_backend.prepare(model).run(list(arrays.values()))
