# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's operators of neural networks against TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from tf_model import check, freeze, imported

FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
RNG = np.random.default_rng(1)


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


@FEW
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.integers(1, 2),
    padding=st.sampled_from(["SAME", "VALID", [[0, 0], [1, 2], [0, 1], [0, 0]]]),
    group=st.sampled_from([1, 2]),
)
def test_conv2d(
    tmp_path: Path,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: int,
    padding: Any,
    group: int,
) -> None:
    if dilation > 1:
        strides = (1, 1)
    weight = random(*kernel, 4 // group, 6)
    check(
        tmp_path,
        lambda x: tf.nn.conv2d(x, weight, strides, padding, dilations=dilation),
        random(2, 9, 8, 4),
    )


def test_group_of_a_conv2d_follows_from_the_layers_before(tmp_path: Path) -> None:
    first, second, third = random(1, 1, 3, 8), random(3, 3, 4, 6), random(3, 3, 7, 4)

    def model(x: Any) -> Any:
        y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, first, 1, "SAME"), random(8)))
        y = tf.nn.conv2d(y, second, 1, "SAME")
        return tf.nn.conv2d(tf.concat([y, x, random(1, 6, 6, 5)], 3), third, 2, "SAME")

    graph = check(tmp_path, model, random(1, 6, 6, 3))
    assert [n.attrs["group"] for n in graph.nodes_of("Conv2D")] == [1, 2, 2]


@FEW
@given(
    kernel=st.integers(1, 4),
    stride=st.integers(1, 2),
    multiplier=st.integers(1, 3),
    padding=st.sampled_from(["SAME", "VALID"]),
)
def test_depthwise(tmp_path: Path, kernel: int, stride: int, multiplier: int, padding: str) -> None:
    weight = random(kernel, kernel, 3, multiplier)
    strides = [1, stride, stride, 1]
    check(
        tmp_path,
        lambda x: tf.nn.depthwise_conv2d(x, weight, strides, padding),
        random(1, 8, 7, 3),
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("free_batch", [False, True])
@pytest.mark.parametrize("size", [(10, 9), (9, 10)])
def test_transposed(tmp_path: Path, padding: str, free_batch: bool, size: tuple[int, int]) -> None:
    weight = random(3, 2, 5, 4)
    if padding == "VALID":
        size = {(10, 9): (11, 10), (9, 10): (12, 11)}[size]

    def model(x: Any) -> Any:
        shape = tf.stack([tf.shape(x)[0], *size, 5]) if free_batch else [2, *size, 5]
        return tf.nn.conv2d_transpose(x, weight, shape, 2, padding)

    check(tmp_path, model, random(2, 5, 5, 4), free_batch=free_batch)


@pytest.mark.parametrize("kind", [tf.nn.avg_pool2d, tf.nn.max_pool2d])
@FEW
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["SAME", "VALID"]),
)
def test_pool(
    tmp_path: Path,
    kind: Callable[..., Any],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    padding: str,
) -> None:
    check(tmp_path, lambda x: kind(x, kernel, strides, padding), random(1, 7, 8, 3))


def test_max_pool_v2_and_explicit_padding(tmp_path: Path) -> None:
    def model(x: Any) -> list[Any]:
        pads = [[0, 0], [1, 0], [1, 1], [0, 0]]
        explicit = tf.nn.max_pool2d(x, 3, 2, pads)
        return [
            explicit,
            tf.raw_ops.MaxPoolV2(input=x, ksize=[1, 2, 3, 1], strides=[1, 2, 1, 1], padding="SAME"),
        ]

    check(tmp_path, model, random(1, 7, 8, 3))


@pytest.mark.parametrize("version", ["", "V2", "V3"])
def test_batch_norm(tmp_path: Path, version: str) -> None:
    op = getattr(tf.raw_ops, "FusedBatchNorm" + version)
    scale, offset, mean = random(3), random(3), random(3)
    variance = np.abs(random(3)) + 0.1

    def model(x: Any) -> Any:
        return op(
            x=x,
            scale=scale,
            offset=offset,
            mean=mean,
            variance=variance,
            epsilon=0.02,
            is_training=False,
        ).y

    check(tmp_path, model, random(2, 4, 5, 3))


def test_batch_norm_of_training_is_refused(tmp_path: Path) -> None:
    def model(x: Any) -> Any:
        return tf.compat.v1.nn.fused_batch_norm(x, random(3), random(3), is_training=True)[0]

    freeze(model, [random(2, 4, 5, 3)], tmp_path / "model.pb")
    with pytest.raises(ImportFailed, match="is_training") as caught:
        imported(tmp_path / "model.pb", 1)
    assert caught.value.problems[0].kind == "attribute"


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "leaky": lambda x: tf.nn.leaky_relu(x, 0.3),
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
    "softplus": tf.nn.softplus,
    "sigmoid": tf.nn.sigmoid,
    "tanh": tf.nn.tanh,
    "silu": tf.nn.silu,
    "softmax": tf.nn.softmax,
    "log_softmax": tf.nn.log_softmax,
    "clip": lambda x: tf.clip_by_value(x, -0.5, 1.0),
    "raw clip": lambda x: tf.raw_ops.ClipByValue(t=x, clip_value_min=-1.0, clip_value_max=0.5),
    "lrn": lambda x: tf.nn.lrn(x, 2, 1.5, 0.3, 0.7),
    "dropout of inference": lambda x: tf.nn.dropout(x, 0.0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(tmp_path: Path, name: str) -> None:
    check(tmp_path, ACTIVATIONS[name], random(2, 3, 4, 5) * 4)


@pytest.mark.parametrize("size", [(10, 14), (3, 4), (5, 7)])
@pytest.mark.parametrize("mode", ["align", "half", "plain"])
@pytest.mark.parametrize("op", ["ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"])
def test_resize(tmp_path: Path, op: str, mode: str, size: tuple[int, int]) -> None:
    raw = getattr(tf.raw_ops, op)
    attrs = {"align_corners": mode == "align", "half_pixel_centers": mode == "half"}
    # TensorFlow takes the weights of its bicubic sum from a table of 1024 steps.
    tolerance = 5e-3 if op == "ResizeBicubic" else 1e-4
    check(
        tmp_path,
        lambda x: raw(images=x, size=size, **attrs),
        random(1, 5, 7, 2),
        tolerance=tolerance,
    )


def test_resize_to_a_computed_size(tmp_path: Path) -> None:
    def model(x: Any) -> Any:
        return tf.image.resize(x, tf.raw_ops.Shape(input=x)[1:3] * 2)

    graph = check(tmp_path, model, random(1, 5, 7, 2))
    assert len(next(graph.nodes_of("Resize")).inputs) == 2


def test_blocks(tmp_path: Path) -> None:
    def model(x: Any) -> list[Any]:
        paddings = [[1, 1], [2, 0]]
        batches = tf.space_to_batch(x, [2, 3], paddings)
        back = tf.batch_to_space(batches, [2, 3], paddings)
        depth = tf.nn.space_to_depth(x, 2)
        return [batches, back, depth, tf.nn.depth_to_space(depth, 2)]

    check(tmp_path, model, random(1, 6, 4, 8))


def test_data_format_nchw(tmp_path: Path) -> None:
    """TensorFlow on a CPU cannot run NCHW, so the NHWC model is rewritten by hand."""
    weight, depthwise, bias = random(3, 3, 4, 6), random(3, 3, 6, 1), random(6)
    stats = random(6), random(6), random(6), np.abs(random(6)) + 0.1

    def model(x: Any) -> Any:
        y = tf.nn.bias_add(tf.nn.conv2d(x, weight, [2, 1], "SAME"), bias)
        y = tf.nn.depthwise_conv2d(y, depthwise, [1, 2, 2, 1], "VALID")
        scale, offset, mean, variance = stats
        y = tf.raw_ops.FusedBatchNormV3(
            x=y, scale=scale, offset=offset, mean=mean, variance=variance, is_training=False
        ).y
        return tf.nn.max_pool2d(y, [2, 1], [1, 2], "VALID")

    path = tmp_path / "model.pb"
    x = random(1, 9, 8, 4)
    expected = freeze(model, [x], path)[0]
    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    for node in definition.node:
        if "data_format" in node.attr:
            node.attr["data_format"].s = b"NCHW"
            for name in ("strides", "dilations", "ksize"):
                if name in node.attr and node.attr[name].list.i:
                    values = node.attr[name].list.i
                    values[:] = [values[0], values[3], values[1], values[2]]
        if node.op == "Placeholder":
            del node.attr["shape"]
    path.write_bytes(definition.SerializeToString())
    from mace.analysis import interpreter

    found = interpreter.outputs(imported(path, 1), {"x0": x.transpose(0, 3, 1, 2)})["y0"]
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, rtol=1e-4, atol=1e-4)
