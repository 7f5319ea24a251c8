# SPDX-License-Identifier: Apache-2.0
"""Builds small TensorFlow graphs and compares their import with TensorFlow itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from mace.analysis import interpreter
from mace.graph.ir import Array, Graph
from mace.importers.base import InterfaceRequest
from mace.importers.tensorflow import import_model


def freeze(
    function: Callable[..., Any], arrays: list[Array], path: Path, free_batch: bool = False
) -> list[Array]:
    """Writes function(placeholders x0, x1, ...) to `path` and returns what TensorFlow computes.

    Outputs are named y0, y1, ...
    """
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        placeholders = []
        for index, array in enumerate(arrays):
            shape = [None, *array.shape[1:]] if free_batch else list(array.shape)
            placeholders.append(tf.compat.v1.placeholder(array.dtype, shape, name=f"x{index}"))
        results = function(*placeholders)
        results = results if isinstance(results, list | tuple) else [results]
        named = [tf.identity(r, name=f"y{i}") for i, r in enumerate(results)]
        path.write_bytes(graph.as_graph_def().SerializeToString())
        values = session.run(named, dict(zip(placeholders, arrays, strict=True)))
    return [np.asarray(v) for v in values]


def imported(path: Path, outputs: int, inputs: list[str] | None = None) -> Graph:
    """The graph of a file written by freeze()."""
    requests = [InterfaceRequest(n) for n in inputs or []]
    return import_model(path, None, requests, [InterfaceRequest(f"y{i}") for i in range(outputs)])


def check(
    tmp_path: Path,
    function: Callable[..., Any],
    *arrays: Array,
    free_batch: bool = False,
    tolerance: float = 1e-4,
) -> Graph:
    """Asserts that the imported graph computes what TensorFlow does; returns it."""
    path = tmp_path / "model.pb"
    expected = freeze(function, list(arrays), path, free_batch)
    graph = imported(path, len(expected))
    names = {i.name for i in graph.inputs}
    feeds = {f"x{i}": a for i, a in enumerate(arrays) if f"x{i}" in names}
    found = interpreter.outputs(graph, feeds)
    for index, value in enumerate(expected):
        actual = found[f"y{index}"]
        assert actual.shape == value.shape, f"y{index}: {actual.shape} for {value.shape}"
        assert actual.dtype == value.dtype, f"y{index}: {actual.dtype} for {value.dtype}"
        np.testing.assert_allclose(actual, value, rtol=tolerance, atol=tolerance)
    return graph
