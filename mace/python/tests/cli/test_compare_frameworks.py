# SPDX-License-Identifier: Apache-2.0
"""tools/compare_frameworks.py: a network means the same told as ONNX, the tool measures, and what
it cannot do it says in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.reference
import pytest
from mace.convert import convert_imported
from mace.graph.ir import Graph, Interface, Node
from mace.runtime import Engine

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tools"))

from frameworks import chart, net, writers  # noqa: E402
from frameworks.neighbours import Neighbours  # noqa: E402
from frameworks.net import Layer, window_of  # noqa: E402


def _network() -> Graph:
    random = np.random.default_rng(3)
    graph = Graph("test")
    graph.inputs = [Interface("x", (1, 9, 8, 4))]

    def const(name: str, *shape: int) -> str:
        graph.consts[name] = random.standard_normal(shape).astype(np.float32)
        return name

    def node(op: str, inputs: list[str], output: str, **attrs: Any) -> str:
        graph.nodes.append(Node(op, output, inputs, [output], attrs))
        return output

    a = node(
        "Conv2D",
        ["x", const("w0", 8, 3, 3, 4), const("b0", 8)],
        "a",
        strides=[2, 2],
        padding="SAME",
        activation="RELUX",
        max_limit=2.0,
    )
    b = node("DepthwiseConv2d", [a, const("w1", 1, 3, 3, 8)], "b", padding="SAME")
    c = node(
        "Conv2D",
        [a, const("w2", 8, 2, 3, 8)],
        "c",
        padding="EXPLICIT",
        paddings=[1, 0, 1, 1],
        activation="RELU",
    )
    d = node("Eltwise", [b, c], "d", type="SUM", activation="RELU")
    e = node(
        "Pooling",
        [d],
        "e",
        pooling_type="AVG",
        kernels=[3, 3],
        strides=[1, 1],
        padding="SAME",
    )
    f = node("Concat", [d, e], "f", axis=3)
    g = node(
        "Pooling",
        [f],
        "g",
        pooling_type="MAX",
        kernels=[2, 2],
        strides=[2, 2],
        padding="VALID",
        round_mode="CEIL",
    )
    h = node("Reduce", [g], "h", reduce_type="MEAN", axis=[1, 2], keepdims=False)
    i = node("FullyConnected", [h, const("w3", 5, 1, 1, 16), const("b3", 5)], "i")
    node("Softmax", [i], "y", axis=-1)
    graph.outputs = [Interface("y", (1, 5), data_format="NONE")]
    return graph


def test_onnx_says_the_same(tmp_path: Path) -> None:
    converted = convert_imported("test", _network())
    net.save(converted.graph, tmp_path)
    told = net.load(tmp_path)
    assert net.multiply_adds(told) > 20 * 72 * 8
    x = np.random.default_rng(1).standard_normal((1, 9, 8, 4)).astype(np.float32)
    with Engine.from_bytes(converted.model.graph, converted.model.data) as engine:
        expected = next(iter(engine.run({"x": x}).values()))
    model = onnx.load_from_string(writers.onnx_model(told))
    onnx.checker.check_model(model)
    session = onnx.reference.ReferenceEvaluator(model)
    (actual,) = session.run(None, {"input": x.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_tensorflow_flattens_images_and_matrices() -> None:
    backend = writers.TensorFlowBackend(np)
    assert backend.flatten(np.zeros((2, 1, 1, 5))).shape == (2, 5)
    assert backend.flatten(np.zeros((2, 5))).shape == (2, 5)


def test_neighbours_work_only_when_they_are_wanted() -> None:
    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return int(fields[11])

    neighbours = Neighbours(1)
    try:
        (pid,) = (process.pid for process in neighbours._processes)
        still = ticks()
        time.sleep(0.1)
        assert ticks() <= still + 1
        with neighbours.at_work():
            end = time.monotonic() + 30
            while ticks() < still + 5 and time.monotonic() < end:
                time.sleep(0.02)
        assert ticks() >= still + 5
    finally:
        neighbours.close()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("attrs", "size", "out", "pads", "same"),
    [
        ({"padding": "SAME", "strides": [2, 2]}, 8, 4, (0, 1, 0, 1), True),
        ({"padding": "SAME"}, 7, 7, (1, 1, 1, 1), True),
        ({"padding": "VALID"}, 7, 5, (0, 0, 0, 0), False),
        ({"padding": "EXPLICIT", "paddings": [1, 1, 1, 1]}, 7, 7, (1, 1, 1, 1), True),
        (
            {"padding": "EXPLICIT", "paddings": [1, 0, 1, 0], "strides": [2, 2]},
            8,
            4,
            (1, 0, 1, 0),
            False,
        ),
        ({"padding": "SAME", "dilations": [2, 2]}, 9, 9, (2, 2, 2, 2), True),
    ],
)
def test_windows(
    attrs: dict[str, Any], size: int, out: int, pads: tuple[int, ...], same: bool
) -> None:
    layer = Layer("Conv2D", "c", ["x", "w"], "y", attrs, [[1, size, size, 4]], [1, out, out, 8])
    window = window_of(layer, [3, 3])
    assert (window.pads, window.same) == (pads, same)


def test_other_operators_are_refused(tmp_path: Path) -> None:
    graph = _network()
    graph.nodes[-1] = Node("Normalize", "last", ["i"], ["y"], {})
    graph.values.update(convert_imported("test", _network()).graph.values)
    with pytest.raises(NotImplementedError, match=r"Normalize \(last\) is not told"):
        net.save(graph, tmp_path)


def test_chart() -> None:
    row = {"min_ms": 2.0}
    networks = {"a<b": {"limit_ms": 1.5, "frameworks": {"mace": row, "x&y": {"min_ms": 90.0}}}}
    image = chart.svg({"threads": 1, "peak_gflops": 100.0, "networks": networks})
    assert "a&lt;b" in image
    assert ElementTree.fromstring(image).tag.endswith("svg")


def _tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/compare_frameworks.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_problems_are_sentences(tmp_path: Path) -> None:
    done = _tool(str(tmp_path / "no.yml"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_measures(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    import small_models

    small_models.conv_onnx(tmp_path / "model.onnx")
    (tmp_path / "d.yml").write_text(
        """\
library_name: d
target_abis: [host]
models:
  d:
    platform: onnx
    model_file_path: model.onnx
    subgraphs:
      - input_tensors: [x]
        input_shapes: ["1,8,8,3"]
        output_tensors: [y]
    runtime: cpu
""",
        encoding="utf-8",
    )
    image = tmp_path / "c.svg"
    some = ["--rounds", "1", "--slice", "0.01", "--frameworks", "onnxruntime", "--busy", "1"]
    done = _tool(str(tmp_path / "d.yml"), *some, "--json", "--chart", str(image))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["networks"]["d"]
    assert result["failed"] == {}
    assert result["frameworks"]["onnxruntime"]["difference"] < 1e-5
    ours, theirs = result["frameworks"]["mace"], result["frameworks"]["onnxruntime"]
    assert ours["busy_times"] > 0
    # Of a single round: the ratio of the medians.
    assert theirs["paired"] == pytest.approx(ours["median_ms"] / theirs["median_ms"])
    assert ours["paired"] == 1
    assert result["macs"] > 0
    ElementTree.fromstring(image.read_text(encoding="utf-8"))
