# SPDX-License-Identifier: Apache-2.0
"""Small models of the three formats, for tests of what is round the converter and the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from mace.proto_messages import message_class
from onnx import TensorProto, helper, numpy_helper


def write_onnx(
    path: Path,
    nodes: Sequence[Any],
    inputs: dict[str, Sequence[Any]],
    outputs: Sequence[str],
    constants: dict[str, np.ndarray] | None = None,
) -> Path:
    """An ONNX model of float32 inputs with these shapes."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.acme", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def scale_onnx(path: Path, shape: Sequence[Any] = (1, 3, "h", "w")) -> Path:
    """y = sigmoid(2 * relu(x)), NCHW."""
    nodes = [
        helper.make_node("Relu", ["x"], ["inner"]),
        helper.make_node("Mul", ["inner", "two"], ["twice"]),
        helper.make_node("Sigmoid", ["twice"], ["y"]),
    ]
    return write_onnx(path, nodes, {"x": shape}, ["y"], {"two": np.array([2], np.float32)})


def scale_numpy(x: np.ndarray) -> np.ndarray:
    """What scale_onnx() computes."""
    return 1 / (1 + np.exp(-2 * np.maximum(x, 0)))


def conv_onnx(path: Path, size: int = 8) -> Path:
    """A convolution with weights, so that model.data is not empty."""
    weights = np.random.default_rng(3).normal(size=(4, 3, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    return write_onnx(path, [node], {"x": (1, 3, size, size)}, ["y"], {"w": weights})


def bad_onnx(path: Path) -> Path:
    """Two nodes of an unknown operator, and one with an attribute that is not supported."""
    nodes = [
        helper.make_node("FancyUnknownOp", ["x"], ["a"], name="block/fancy_1", domain="com.acme"),
        helper.make_node("FancyUnknownOp", ["a"], ["b"], name="block/fancy_2", domain="com.acme"),
        helper.make_node(
            "Resize",
            ["b", "", "s"],
            ["y"],
            name="head/up",
            mode="cubic",
            coordinate_transformation_mode="tf_crop_and_resize",
        ),
    ]
    constants = {"s": np.array([1, 1, 2, 2], np.float32)}
    return write_onnx(path, nodes, {"x": (1, 3, 4, 4)}, ["y"], constants)


def bad_tensorflow(path: Path) -> Path:
    """A GraphDef with an operator that nothing supports."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    x = graph.node.add(name="x", op="Placeholder")
    x.attr["dtype"].type = 1
    for size in (1, 4, 4, 3):
        x.attr["shape"].shape.dim.add(size=size)
    graph.node.add(name="deep/strange", op="FancyUnknownOp", input=["x"])
    path.write_bytes(graph.SerializeToString())
    return path


CAFFE_TEXT = """\
name: "small"
input: "data"
input_shape { dim: 1 dim: 3 dim: 4 dim: 4 }
layer { name: "relu" type: "ReLU" bottom: "data" top: "out" }
"""


def write_caffe(path: Path, text: str = CAFFE_TEXT) -> tuple[Path, Path]:
    """A Caffe model: prototxt, and a caffemodel whose one layer has no weights."""
    path.write_text(text)
    weights = path.with_suffix(".caffemodel")
    net = message_class("mace.caffe.NetWeights", "caffe.desc")()
    net.layer.add(name="relu", type="ReLU")
    weights.write_bytes(net.SerializeToString())
    return path, weights


def bad_caffe(path: Path) -> tuple[Path, Path]:
    """A Caffe model with a layer that nothing supports."""
    strange = 'layer { name: "roi/strange" type: "FancyUnknownOp" bottom: "out" top: "y" }\n'
    return write_caffe(path, CAFFE_TEXT + strange)
