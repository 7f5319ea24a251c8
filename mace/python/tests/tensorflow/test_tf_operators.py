# SPDX-License-Identifier: Apache-2.0
"""Every operator that the importer knows against TensorFlow, from the graph to the engine's result:
random attributes, shapes and inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import generators_array  # noqa: F401  They fill the table.
import generators_images  # noqa: F401
import generators_math  # noqa: F401
import generators_nn  # noqa: F401
import numpy as np
import pytest
import tensorflow as tf
import tf_model  # noqa: F401  It sets TensorFlow up.
from generating import GENERATORS, Case, Gen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mace.convert import ConvertRequest, convert_graph
from mace.graph import dtypes
from mace.graph.ir import Array
from mace.importers.base import InterfaceRequest
from mace.importers.tensorflow import TENSORFLOW
from mace.runtime import Engine
from tensorflow.python.framework import op_def_registry

# What these do cannot be written as one graph: where they are tested instead.
ELSEWHERE = {
    "ReadVariableOp": "test_tf_sources.py",
    "ResourceGather": "test_tf_sources.py",
    "BatchNormWithGlobalNormalization": "test_tf_fused.py",
    "TopK": "test_tf_fused.py",
    "_FusedBatchNormEx": "test_tf_fused.py",
    "_FusedConv2D": "test_tf_fused.py",
    "_FusedDepthwiseConv2dNative": "test_tf_fused.py",
    "_FusedMatMul": "test_tf_fused.py",
}


def frozen(case: Case) -> tuple[Any, list[Array]]:
    """The graph of a case, and what TensorFlow computes."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        feeds = {
            tf.compat.v1.placeholder(a.dtype, a.shape, name=f"x{i}"): a
            for i, a in enumerate(case.arrays)
        }
        results = [r for r in tf.nest.flatten(case.build(*feeds)) if r is not None]
        named = [tf.identity(r, name=f"y{i}") for i, r in enumerate(results)]
        values = [np.asarray(v) for v in session.run(named, feeds)]
        return graph.as_graph_def(), values


def strip_defaults(definition: Any) -> None:
    """Leaves out attributes that have their defaults, as SavedModels do."""
    for node in definition.node:
        known = op_def_registry.get(node.op)
        for attr in known.attr if known else []:
            default = attr.HasField("default_value") and attr.name in node.attr
            if default and node.attr[attr.name] == attr.default_value:
                del node.attr[attr.name]


def check(case: Case, folder: Path, strip: bool, op: str) -> None:
    definition, expected = frozen(case)
    if op in ("While", "If", "Case"):  # TensorFlow writes these where it sees a side effect.
        for node in definition.node:
            node.op = op if node.op == f"Stateless{op}" else node.op
    assert op in {n.op for n in definition.node} | {
        n.op for f in definition.library.function for n in f.node_def
    }, f"the case has no {op}"
    if strip:
        strip_defaults(definition)
    path = folder / "model.pb"
    path.write_bytes(definition.SerializeToString())
    inputs = [
        InterfaceRequest(f"x{i}", a.shape, dtypes.from_numpy(a.dtype), "NONE")
        for i, a in enumerate(case.arrays)
    ]
    outputs = [InterfaceRequest(f"y{i}") for i in range(len(expected))]
    request = ConvertRequest("model", "tensorflow", path, inputs=inputs, outputs=outputs)
    converted = convert_graph(request)
    feeds = {f"x{i}": a for i, a in enumerate(case.arrays)}
    with Engine.from_bytes(converted.model.graph, converted.model.data or None) as engine:
        found = engine.run({i.name: feeds[i.name] for i in converted.graph.inputs})
    for index, wanted in enumerate(expected):
        actual = found[f"y{index}"]
        assert actual.dtype == wanted.dtype, f"y{index}: {actual.dtype} for {wanted.dtype}"
        np.testing.assert_allclose(
            actual, wanted, rtol=case.tolerance, atol=case.tolerance, err_msg=f"y{index}"
        )
        assert actual.shape == wanted.shape, f"y{index}: {actual.shape} for {wanted.shape}"


@pytest.mark.parametrize("op", sorted(GENERATORS))
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_agrees_with_tensorflow(op: str, data: Any, tmp_path_factory: Any) -> None:
    if not hasattr(test_agrees_with_tensorflow, "folder"):
        test_agrees_with_tensorflow.folder = tmp_path_factory.mktemp("operators")
    gen = Gen(data.draw)
    case = GENERATORS[op](gen, op)
    check(case, test_agrees_with_tensorflow.folder, gen.bool(), op)


def test_every_operator_is_tested() -> None:
    known = set(TENSORFLOW.ops())
    assert known - set(GENERATORS) - set(ELSEWHERE) == set()
    assert (set(GENERATORS) | set(ELSEWHERE)) - known == set()


def test_there_are_enough_operators() -> None:
    assert len(TENSORFLOW.ops()) >= 140
