# SPDX-License-Identifier: Apache-2.0
"""Every layer of a model compared with its framework in one run, for all three formats, and models
whose conversion was broken on purpose: the right layer and the right cause are named."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mace.cli.main import main
from mace.convert import ConvertedGraph
from mace.graph.ir import Graph, Node
from mace.validation import layerwise
from onnx import helper
from small_models import write_caffe, write_onnx

RANDOM = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def net_onnx(path: Path) -> Path:
    """Convolutions with batch norm, activations, pooling and a fully connected layer."""
    weights = {
        "w0": RANDOM.normal(size=(8, 3, 3, 3)).astype(np.float32),
        "w1": RANDOM.normal(size=(6, 8, 3, 3)).astype(np.float32),
        "fc": RANDOM.normal(size=(6, 5)).astype(np.float32),
        **{n: np.abs(RANDOM.normal(size=8)).astype(np.float32) + 0.5 for n in ("s", "b", "m", "v")},
    }
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["c0"], "conv0", pads=[1, 1, 0, 0], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["c0", "s", "b", "m", "v"], ["n0"], "bn0"),
        helper.make_node("Relu", ["n0"], ["r0"], "relu0"),
        helper.make_node("MaxPool", ["r0"], ["p0"], "pool0", kernel_shape=[2, 2], strides=[1, 1]),
        helper.make_node("Conv", ["p0", "w1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["c1"], ["g1"], "gate1"),
        helper.make_node("GlobalAveragePool", ["g1"], ["a1"], "mean1"),
        helper.make_node("Flatten", ["a1"], ["f1"], "flat1"),
        helper.make_node("MatMul", ["f1", "fc"], ["y"], "fc1"),
    ]
    return write_onnx(path, nodes, {"x": (1, 3, 17, 17)}, ["y"], weights)


def deploy(platform: str, file: str, **subgraph: Any) -> str:
    """Converts; the flag that names the deployment file."""
    model = {"platform": platform, "model_file_path": file, "subgraphs": [subgraph]}
    if platform == "caffe":
        model["weight_file_path"] = file.replace(".prototxt", ".caffemodel")
    document = {"library_name": "lib", "target_abis": ["host"], "models": {"net": model}}
    Path("net.yml").write_text(yaml.safe_dump(document))
    assert main(["convert", "--config=net.yml", "-q"]) == 0
    return "--config=net.yml"


def deploy_onnx(folder: Path) -> str:
    net_onnx(folder / "net.onnx")
    return deploy(
        "onnx",
        "net.onnx",
        input_tensors=["x"],
        input_shapes=["1,17,17,3"],
        output_tensors=["y"],
        validation_threshold={"CPU": 0.99999},
    )


def layers(config: str, capsys: pytest.CaptureFixture[str], code: int = 0) -> Any:
    """What is said of all layers."""
    capsys.readouterr()
    assert main(["run", config, "--validate_all_layers", "--json", "-q"]) == code
    (ran,) = json.loads(capsys.readouterr().out)["runs"]
    return ran["layers"]


def test_onnx(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy_onnx(folder)
    found = layers(config, capsys)
    names = [layer["tensor"] for layer in found["layers"]]
    assert {"r0", "p0", "g1", "y"} <= set(names) and found["first_bad"] is None
    rows = list(csv.DictReader((folder / "builds/lib/model/cpu/log.csv").open()))
    assert list(rows[0]) == ["output_name", "similarity", "sqnr", "pixel_accuracy"]
    assert [row["output_name"] for row in rows] == names
    html = (folder / "builds/lib/model/cpu/layers.html").read_text()
    assert "No layer is wrong" in html and "<svg" in html
    assert "src=" not in html and "href=" not in html


def test_samples(folder: Path) -> None:
    config = deploy_onnx(folder)
    assert main(["run", config, "--validate_all_layers", "--samples=3", "-q"]) == 0


def test_caffe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
name: "small"
input: "data"
input_shape { dim: 1 dim: 4 dim: 6 dim: 6 }
layer { name: "relu" type: "ReLU" bottom: "data" top: "a" }
layer { name: "pool" type: "Pooling" bottom: "a" top: "b"
        pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "tanh" type: "TanH" bottom: "b" top: "b" }
layer { name: "slice" type: "Slice" bottom: "b" top: "c" top: "d" slice_param { axis: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "c" bottom: "d" top: "e" }
layer { name: "prob" type: "Softmax" bottom: "e" top: "out" }
"""
    write_caffe(folder / "net.prototxt", text)
    config = deploy(
        "caffe",
        "net.prototxt",
        input_tensors=["data"],
        input_shapes=["1,6,6,4"],
        output_tensors=["out"],
    )
    names = [layer["tensor"] for layer in layers(config, capsys)["layers"]]
    assert {"a", "b#1", "b", "c", "d", "e", "out"} <= set(names)


def test_tensorflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tensorflow.compat.v1 as tf

    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (1, 8, 8, 3), name="x")
        kernel = tf.constant(RANDOM.normal(size=(3, 3, 3, 4)).astype(np.float32))
        y = tf.nn.conv2d(x, kernel, strides=2, padding="SAME", name="conv")
        y = tf.nn.relu(y, name="relu")
        first, second = tf.split(y, 2, axis=3, name="halves")
        tf.nn.softmax(first * second, name="prob")
    (folder / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())
    config = deploy(
        "tensorflow",
        "net.pb",
        input_tensors=["x"],
        input_shapes=["1,8,8,3"],
        output_tensors=["prob"],
    )
    names = [layer["tensor"] for layer in layers(config, capsys)["layers"]]
    assert {"relu", "halves", "halves:1", "prob"} <= set(names)


Breakage = Callable[[Graph, Node], None]


def shifted(graph: Graph, node: Node) -> None:
    node.attrs["paddings"] = [0, 1, 0, 1]


def flipped(graph: Graph, node: Node) -> None:
    name = graph.add_const("flipped", np.ascontiguousarray(graph.consts[node.inputs[1]][::-1]))
    node.inputs[1] = name


def other_activation(graph: Graph, node: Node) -> None:
    node.attrs["activation"] = "TANH"


def halved(graph: Graph, node: Node) -> None:
    name = graph.add_const("halved", graph.consts[node.inputs[1]] / 2)
    node.inputs[1] = name


BREAKS: list[tuple[Breakage, str, str, str, bool]] = [
    (shifted, "Conv2D", "r0", "padding", True),
    (flipped, "FullyConnected", "y", "reversed along dimension 1", False),
    (other_activation, "Conv2D", "r0", "activation", True),
    (halved, "FullyConnected", "y", "times 0.5", False),
]


@pytest.mark.parametrize(("breakage", "op", "first", "cause", "confirmed"), BREAKS)
def test_a_broken_conversion_is_found(
    breakage: Breakage,
    op: str,
    first: str,
    cause: str,
    confirmed: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = deploy_onnx(folder)
    real = layerwise.convert_graph

    def broken(*arguments: Any, **named: Any) -> ConvertedGraph:
        converted = real(*arguments, **named)
        breakage(converted.graph, next(converted.graph.nodes_of(op)))
        return converted

    monkeypatch.setattr(layerwise, "convert_graph", broken)
    found = layers(config, capsys, 3)["first_bad"]
    assert found["tensor"] == first and found["operator"] == op
    assert cause in found["cause"], found
    assert found["confirmed"] is confirmed
    html = (folder / "builds/lib/model/cpu/layers.html").read_text()
    assert f"The first wrong layer: <code>{first}</code>" in html
    assert "Elements with the largest errors" in html
    capsys.readouterr()
    assert main(["run", config, "--validate_all_layers"]) == 3
    assert f"the first wrong layer is '{first}'" in capsys.readouterr().out


def test_dump_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net_onnx(folder / "net.onnx")
    words = ["convert", "net.onnx", "--output_dir=out", "-q"]
    assert main([*words, "--dump_passes=passes"]) == 0
    index = (folder / "passes/index.txt").read_text().splitlines()
    assert index[0] == "000 IMPORT: 18 nodes"
    assert any(line.endswith("nothing changed") for line in index)
    files = sorted(p.name for p in (folder / "passes").glob("*_*.txt"))
    assert files[0] == "000_IMPORT.txt" and any("FOLD_CONV_AND_BN" in name for name in files)
    first, last = ((folder / "passes" / f).read_text() for f in (files[0], files[-1]))
    assert "BatchNorm(" in first and "BatchNorm(" not in last
    assert "c0: f32[1,8,8,8] = Transpose(conv0/Conv2D) {dims=[0, 3, 1, 2]}  # Conv 'conv0'" in first
    (folder / "passes/mine.txt").write_text("kept")
    assert (
        main([*words, "--dump_passes=passes", "--graph_optimize_options=TRANSPOSE_DATA_FORMAT"])
        == 0
    )
    names = {p.name.split("_", 1)[1] for p in (folder / "passes").glob("[0-9]*.txt")}
    assert names <= {"IMPORT.txt", "TRANSPOSE_DATA_FORMAT.txt", "SORT_BY_EXECUTION.txt"}
    assert "TRANSPOSE_DATA_FORMAT.txt" in names
    assert (folder / "passes/mine.txt").is_file()
    assert main([*words, "--graph_optimize_options=FOLD_CONV_AND_BM"]) == 2
    assert "did you mean 'FOLD_CONV_AND_BN'" in capsys.readouterr().err
    (folder / "file").write_text("")
    assert main([*words, "--dump_passes=file"]) == 2
