# SPDX-License-Identifier: Apache-2.0
"""Operators that TensorFlow's optimizers make of others, and those that it can no longer run: graphs
written by hand, against what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_model  # noqa: F401  It sets TensorFlow up.
from mace.convert import ConversionError, ConvertRequest, convert_graph
from mace.graph.ir import Array
from mace.runtime import Engine

RNG = np.random.default_rng(8)


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def write(path: Path, op: str, data: list[Array], constants: list[Array], **attrs: Any) -> None:
    """One node that reads placeholders x0, x1, ... and constants."""
    graph = tf.compat.v1.GraphDef()
    names = []
    for index, array in enumerate([*data, *constants]):
        node = graph.node.add(name=f"x{index}")
        names.append(node.name)
        node.attr["dtype"].type = 1
        if index < len(data):
            node.op = "Placeholder"
            for size in array.shape:
                node.attr["shape"].shape.dim.add(size=size)
        else:
            node.op = "Const"
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    node = graph.node.add(name="y0", op=op, input=names)
    for name, value in attrs.items():
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            node.attr[name].list.s.extend(value)
        elif isinstance(value, list):
            node.attr[name].list.i.extend(value)
        elif isinstance(value, bool):
            node.attr[name].b = value
        elif isinstance(value, int):
            node.attr[name].i = value
        elif isinstance(value, float):
            node.attr[name].f = value
        else:
            node.attr[name].s = value
    path.write_bytes(graph.SerializeToString())


def computed(path: Path, data: list[Array]) -> Array:
    converted = convert_graph(ConvertRequest("model", "tensorflow", path))
    with Engine.from_bytes(converted.model.graph, converted.model.data or None) as engine:
        return engine.run({f"x{i}": array for i, array in enumerate(data)})["y0"]


X, FILTER, DEPTHWISE, BIAS = random(1, 6, 5, 4), random(3, 3, 4, 6), random(3, 3, 4, 1), random(6)
STATISTICS = [random(6), random(6), random(6), np.abs(random(6)) + 0.1]
SAME: dict[str, Any] = {"strides": [1, 1, 1, 1], "padding": b"SAME"}


def normalized(x: Any, scale: Array, offset: Array, mean: Array, variance: Array) -> Any:
    return (x - mean) / np.sqrt(variance + np.float32(0.02)) * scale + offset


CONVOLUTIONS: dict[str, tuple[list[bytes], list[Array], Callable[[Any], Any]]] = {
    "plain": ([], [], lambda x: x),
    "bias": ([b"BiasAdd"], [BIAS], lambda x: x + BIAS),
    "relu": ([b"BiasAdd", b"Relu"], [BIAS], lambda x: tf.nn.relu(x + BIAS)),
    "relu6": ([b"BiasAdd", b"Relu6"], [BIAS], lambda x: tf.nn.relu6(x + BIAS)),
    "leaky": ([b"BiasAdd", b"LeakyRelu"], [BIAS], lambda x: tf.nn.leaky_relu(x + BIAS, 0.3)),
    "norm": (
        [b"FusedBatchNorm", b"Elu"],
        STATISTICS,
        lambda x: tf.nn.elu(normalized(x, *STATISTICS)),
    ),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_fused_conv2d(tmp_path: Path, name: str) -> None:
    ops, arguments, function = CONVOLUTIONS[name]
    path = tmp_path / "model.pb"
    attrs = {"fused_ops": ops, "epsilon": 0.02, "leakyrelu_alpha": 0.3, **SAME}
    write(path, "_FusedConv2D", [X], [FILTER, *arguments], **attrs)
    expected = np.asarray(function(tf.nn.conv2d(X, FILTER, 1, "SAME")))
    np.testing.assert_allclose(computed(path, [X]), expected, rtol=1e-4, atol=1e-4)


def test_fused_depthwise_and_product(tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    ops = [b"BiasAdd", b"Relu"]
    attrs = {"fused_ops": ops, **SAME}
    write(path, "_FusedDepthwiseConv2dNative", [X], [DEPTHWISE, BIAS[:4]], **attrs)
    product = tf.nn.depthwise_conv2d(X, DEPTHWISE, [1, 1, 1, 1], "SAME")
    expected = np.asarray(tf.nn.relu(product + BIAS[:4]))
    np.testing.assert_allclose(computed(path, [X]), expected, rtol=1e-4, atol=1e-4)
    a, b = random(3, 4), random(6, 4)
    write(path, "_FusedMatMul", [a], [b, BIAS], fused_ops=ops, transpose_b=True)
    expected = np.maximum(a @ b.T + BIAS, 0)
    np.testing.assert_allclose(computed(path, [a]), expected, rtol=1e-4, atol=1e-4)


def test_fused_step_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    write(path, "_FusedConv2D", [X], [FILTER, BIAS], fused_ops=[b"BiasAdd", b"Gelu"], **SAME)
    with pytest.raises(ConversionError, match="fused_ops"):
        computed(path, [X])


@pytest.mark.parametrize("mode", [b"Identity", b"Relu"])
@pytest.mark.parametrize("side", [0, 1])
def test_fused_batch_norm_ex(tmp_path: Path, mode: bytes, side: int) -> None:
    path, x, other = tmp_path / "model.pb", random(2, 3, 4, 6), random(2, 3, 4, 6)
    attrs = {"activation_mode": mode, "num_side_inputs": side, "epsilon": 0.02}
    constants = [*STATISTICS, other] if side else STATISTICS
    write(path, "_FusedBatchNormEx", [x], constants, is_training=False, **attrs)
    expected = normalized(x, *STATISTICS) + (other if side else 0)
    expected = np.maximum(expected, 0) if mode == b"Relu" else expected
    np.testing.assert_allclose(computed(path, [x]), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scaled", [False, True])
def test_old_batch_norm(tmp_path: Path, scaled: bool) -> None:
    path, x = tmp_path / "model.pb", random(2, 3, 4, 6)
    scale, offset, mean, variance = STATISTICS
    attrs = {"variance_epsilon": 0.02, "scale_after_normalization": scaled}
    constants = [mean, variance, offset, scale]
    write(path, "BatchNormWithGlobalNormalization", [x], constants, **attrs)
    expected = normalized(x, scale if scaled else np.float32(1), offset, mean, variance)
    np.testing.assert_allclose(computed(path, [x]), expected, rtol=1e-4, atol=1e-4)


def test_old_top_k(tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    x = RNG.permutation(12).reshape(3, 4).astype(np.float32)
    write(path, "TopK", [x], [], k=2)
    np.testing.assert_array_equal(computed(path, [x]), -np.sort(-x, axis=-1)[:, :2])


def test_unfused_batch_norm(tmp_path: Path) -> None:
    """What tf.nn.batch_normalization writes: products and sums with constants."""
    scale, offset, mean, variance = STATISTICS
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, X.shape, name="x0")
        y = tf.nn.conv2d(x, FILTER, 1, "SAME")
        y = tf.nn.batch_normalization(y, mean, variance, offset, scale, 0.02)
        tf.nn.relu(y, name="y0")
    path = tmp_path / "model.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    product = np.asarray(tf.nn.conv2d(X, FILTER, 1, "SAME"))
    expected = np.maximum(normalized(product, *STATISTICS), 0)
    np.testing.assert_allclose(computed(path, [X]), expected, rtol=1e-4, atol=1e-4)
