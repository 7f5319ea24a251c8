# SPDX-License-Identifier: Apache-2.0
"""Caffe's recurrent layers against numpy, step by step as they are defined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caffe_model import Weights, expect, input_layer, layer, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from mace.importers.caffe import import_model

FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm(
    x: Array, markers: Array, blobs: list[Array], static: Array | None, h: Array, c: Array
) -> tuple[Array, Array, Array]:
    """All hidden states, the last of them and the last cell state."""
    hidden = []
    for step, marker in zip(x, markers[:, :, None], strict=True):
        h, c = h * marker, c * marker
        gates = step.reshape(len(step), -1) @ blobs[0].T + blobs[1] + h @ blobs[-1].T
        if static is not None:
            gates = gates + static.reshape(len(static), -1) @ blobs[2].T
        i, f, o, g = np.split(gates, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        hidden.append(h)
    return np.stack(hidden), h[None], c[None]


def rnn(
    x: Array, markers: Array, blobs: list[Array], static: Array | None, h: Array
) -> tuple[Array, Array]:
    """All outputs and the last hidden state."""
    outputs = []
    for step, marker in zip(x, markers[:, :, None], strict=True):
        inner = (h * marker) @ blobs[-3].T + step.reshape(len(step), -1) @ blobs[0].T + blobs[1]
        if static is not None:
            inner = inner + static.reshape(len(static), -1) @ blobs[2].T
        h = np.tanh(inner)
        outputs.append(np.tanh(h @ blobs[-2].T + blobs[-1]))
    return np.stack(outputs), h[None]


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
@FEW
@given(
    steps=st.integers(1, 5),
    batch=st.integers(1, 3),
    size=st.integers(1, 4),
    image=st.booleans(),
    static=st.booleans(),
    exposed=st.booleans(),
    constant=st.booleans(),
    seed=st.integers(0, 99),
)
def test_recurrent(
    tmp_path: Path, kind: str, steps: int, batch: int, size: int, image: bool, static: bool,
    exposed: bool, constant: bool, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32)

    gates, states = (4, 2) if kind == "LSTM" else (1, 1)
    feeds = {"x": random(steps, batch, 2, 3) if image else random(steps, batch, 6)}
    markers = np.ones((steps, batch), np.float32)
    markers[0] = 0
    body = f"continuation_indicator_param {{ time_step: {steps} batch_size: {batch} }}"
    body = layer("ContinuationIndicator", "", "cont", body).replace('bottom: ""', "")
    if not constant:
        markers = feeds["cont"] = rng.integers(0, 2, (steps, batch)).astype(np.float32)
        body = ""
    blobs = [random(gates * size, 6), random(gates * size)]
    if static:
        feeds["static"] = random(batch, 5)
        blobs.append(random(gates * size, 5))
    blobs.append(random(gates * size, size))
    if kind == "RNN":
        blobs += [random(size, size), random(size)]
    first = [np.zeros((batch, size), np.float32)] * states
    names = ["h", "c"][:states] if exposed else []
    for name in names:
        feeds[name] = random(1, batch, size)
        first[names.index(name)] = feeds[name][0]
    bottoms = ["x", "cont", *(["static"] if static else []), *names]
    tops = ["y", *(f"last_{n}" for n in names)]
    text = f"recurrent_param {{ num_output: {size} expose_hidden: {str(exposed).lower()} }}"
    body += layer(kind, " ".join(bottoms), " ".join(tops), text)
    function = lstm if kind == "LSTM" else rnn
    found = function(feeds["x"], markers, blobs, feeds.get("static"), *first)
    expected = dict(zip(tops, found, strict=False))
    weights: Weights = {"y": blobs}
    expect(tmp_path, body, feeds, expected, weights)


@pytest.mark.parametrize(
    ("bottoms", "parameters", "words"),
    [
        ("x cont", "", "num_output is 0"),
        ("x", "recurrent_param { num_output: 2 }", "it has 1 bottoms"),
        ("x cont x x", "recurrent_param { num_output: 2 }", "it has 4 bottoms"),
        ("x x", "recurrent_param { num_output: 2 }", "has 3 dimensions"),
        ("x cont", "recurrent_param { num_output: 2 }", "blobs of weights"),
        ("x cont", "recurrent_param { num_output: 2 expose_hidden: true }", "bottoms"),
    ],
)
def test_refused(tmp_path: Path, bottoms: str, parameters: str, words: str) -> None:
    text = input_layer((3, 1, 4), "x") + input_layer((3, 1), "cont")
    text += layer("LSTM", bottoms, "y", parameters)
    with pytest.raises(ImportFailed, match=words):
        import_model(*write(tmp_path, text), [], [])


def test_too_many_steps_with_computed_markers(tmp_path: Path) -> None:
    text = input_layer((1000, 1, 4), "x") + input_layer((1000, 1), "cont")
    text += layer("LSTM", "x cont", "y", "recurrent_param { num_output: 1 }")
    weights = {"y": [np.zeros(s, np.float32) for s in ((4, 4), (4,), (4, 1))]}
    with pytest.raises(ImportFailed, match="for 1000 steps"):
        import_model(*write(tmp_path, text, weights), [], [])
