# SPDX-License-Identifier: Apache-2.0
"""`mace reduce`: models broken at one place shrink to that place."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from mace.analysis import interpreter
from mace.cli.main import main
from mace.graph.ir import Array, Node
from mace.reduction.minimize import Budget, minimize
from onnx import helper
from small_models import write_caffe, write_onnx

RANDOM = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chain(path: Path, bad: Any | None = None) -> Path:
    """A chain of twelve operators; the one in the middle may be another."""
    weights = {"w": RANDOM.normal(size=(3, 3, 3, 3)).astype(np.float32)}
    nodes = []
    before = "x"
    for k in range(12):
        kind = ["Relu", "Tanh", "Sigmoid", "Neg"][k % 4]
        node = helper.make_node(kind, [before], [f"t{k}"], f"node{k}")
        if k == 3:
            node = helper.make_node("Conv", [before, "w"], [f"t{k}"], "conv", pads=[1, 1, 1, 1])
        if k == 7 and bad is not None:
            node = bad(before, f"t{k}")
        nodes.append(node)
        before = f"t{k}"
    return write_onnx(path, nodes, {"x": (1, 3, 8, 8)}, [before], weights)


def reduce(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert main(["reduce", *words, "--json", "-q"]) == 0
    return json.loads(capsys.readouterr().out)["reduced"]


def wrong(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks an operator of the numpy engine."""
    real = interpreter._FUNCTIONS[op]

    def compute(inputs: list[Any], attrs: dict[str, Any], node: Node) -> list[Array]:
        return [array + np.float32(0.5) for array in real(inputs, attrs, node)]

    monkeypatch.setitem(interpreter._FUNCTIONS, op, compute)


def test_a_conversion_that_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain(folder / "net.onnx", lambda x, y: helper.make_node("Fancy", [x], [y], domain="com.acme"))
    found = reduce(["net.onnx"], capsys)
    assert [n["operator"] for n in found["nodes"]] == ["Fancy"] and found["of"] == 12
    assert not found["converted"]
    model = onnx.load(found["model"])
    assert [n.op_type for n in model.graph.node] == ["Fancy"]
    assert (folder / "net_reduced/input_0.npy").is_file()
    assert (
        "it cannot be converted (com.acme.Fancy)"
        in (folder / "net_reduced/reduced.txt").read_text()
    )


def test_an_output_that_differs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chain(folder / "net.onnx")
    wrong("Conv2D", monkeypatch)
    words = ["net.onnx", "--fails=differ", "--engines=onnxruntime,numpy", "--output_dir=out"]
    found = reduce(words, capsys)
    assert [n["operator"] for n in found["nodes"]] == ["Conv"]
    assert found["converted"] and (folder / "out/net.pb").is_file()
    assert found["inputs"]["t2"][2:] == [1, 1], "the image was shrunk"
    model = onnx.load(found["model"])
    assert [i.name for i in model.graph.input] == ["t2"]
    expected = np.load(folder / "out/expected_0.npy")
    assert expected.shape == (1, 3, 1, 1)


def test_of_another_format(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
name: "small"
input: "data"
input_shape { dim: 1 dim: 4 dim: 6 dim: 6 }
layer { name: "relu" type: "ReLU" bottom: "data" top: "a" }
layer { name: "pool" type: "Pooling" bottom: "a" top: "b"
        pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "tanh" type: "TanH" bottom: "b" top: "c" }
layer { name: "prob" type: "Softmax" bottom: "c" top: "out" }
"""
    write_caffe(folder / "net.prototxt", text)
    wrong("Pooling", monkeypatch)
    found = reduce(["net.prototxt", "--fails=differ", "--engines=opencv,numpy"], capsys)
    assert "Pooling" in [n["operator"] for n in found["nodes"]] and len(found["nodes"]) <= 2
    assert found["model"].endswith("net.pb") and Path(found["model"]).is_file()


def test_a_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain(folder / "net.onnx")
    script = folder / "judge.py"
    script.write_text(
        "import onnx, sys\n"
        "ops = [n.op_type for n in onnx.load(sys.argv[1]).graph.node]\n"
        "sys.exit('Conv' in ops and 'Neg' in ops)\n"
    )
    found = reduce(["net.onnx", f"--command={sys.executable} {script} {{model}}"], capsys)
    assert sorted(n["operator"] for n in found["nodes"]) == ["Conv", "Neg"]


def test_a_model_that_does_not_fail(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain(folder / "net.onnx")
    assert main(["reduce", "net.onnx", "--engines=onnxruntime,numpy", "-q"]) == 2
    assert "does not fail" in capsys.readouterr().err
    assert main(["reduce", "net.onnx", "--engines=numpy"]) == 2
    assert main(["reduce", "net.onnx", "--engines=numpy,onnxruntime"]) == 2
    assert "must be mace or numpy" in capsys.readouterr().err


Fails = Callable[[Sequence[int]], bool]


@pytest.mark.parametrize(
    ("fails", "wanted"),
    [
        (lambda s: 13 in s, [13]),
        (lambda s: {2, 17} <= set(s), [2, 17]),
        (lambda s: {0, 9, 19} <= set(s), [0, 9, 19]),
        (lambda s: len(s) >= 6, None),
        (lambda s: True, None),
    ],
)
def test_minimize(fails: Fails, wanted: list[int] | None) -> None:
    budget = Budget(fails, 1000)
    found = minimize(range(20), budget)
    assert fails(found)
    if wanted is not None:
        assert found == wanted
    for item in found:
        rest = [other for other in found if other != item]
        assert not rest or not fails(rest)


def test_the_budget_ends() -> None:
    budget = Budget(lambda s: 13 in s, 3)
    found = minimize(range(20), budget)
    assert 13 in found and len(found) > 1 and budget.asked == 3
