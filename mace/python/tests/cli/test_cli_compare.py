# SPDX-License-Identifier: Apache-2.0
"""`mace compare`: two engines on one model, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mace.analysis import interpreter
from mace.cli.main import main
from mace.errors import MaceError
from mace.graph.ir import Array, Node
from mace.validation.engines import parse_engine
from onnx import helper
from small_models import write_onnx

RANDOM = np.random.default_rng(6)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    weights = {
        "w": RANDOM.normal(size=(8, 3, 3, 3)).astype(np.float32),
        "fc": RANDOM.normal(size=(8, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["a"], "mean"),
        helper.make_node("Flatten", ["a"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "fc"], ["y"], "fc1"),
    ]
    write_onnx(tmp_path / "net.onnx", nodes, {"x": ("n", 3, "h", 9)}, ["y"], weights)
    return tmp_path


@pytest.mark.parametrize(
    ("first", "second", "least"),
    [
        ("onnxruntime", "mace", 3),
        ("framework", "mace:reference:unoptimized", 5),
        ("mace:reference", "mace", 3),
        ("mace:unoptimized", "mace", 2),
        ("numpy", "mace:host:cpu", 3),
        ("mace", "onnxruntime", 2),
        ("onnxruntime", "opencv", 1),
    ],
)
def test_engines_agree(
    first: str, second: str, least: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "net.onnx", first, second, "--json", "-q"]) == 0
    document: Any = json.loads(capsys.readouterr().out)
    comparison = document["comparison"]
    assert comparison["expected"] == first and comparison["actual"] == second
    assert len(comparison["layers"]) >= least and comparison["first_bad"] is None
    assert "No layer is wrong" in (folder / document["report"]).read_text()


def test_a_difference_is_3(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = interpreter._FUNCTIONS["Reduce"]

    def wrong(inputs: list[Any], attrs: dict[str, Any], node: Node) -> list[Array]:
        return [array * 1.5 for array in real(inputs, attrs, node)]

    monkeypatch.setitem(interpreter._FUNCTIONS, "Reduce", wrong)
    words = ["compare", "net.onnx", "onnxruntime", "numpy", "--output_dir=out"]
    assert main(words) == 3
    assert "(Reduce)" in capsys.readouterr().out
    assert "times 1.5" in (folder / "out/net_compare.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["net.onnx", "onnxruntim", "mace"], "did you mean 'onnxruntime'"),
        (["net.onnx", "mace", "mace:arm64"], "'arm64' of 'mace:arm64' is unknown"),
        (["net.onnx", "tensorflow", "mace"], "tensorflow does not read onnx models"),
        (["net.onnx", "numpy:avx2", "mace"], "'avx2' of 'numpy:avx2' is unknown"),
        (["none.onnx", "numpy", "mace"], "none.onnx"),
        (["net.onnx", "numpy", "mace", "--threshold=2"], "is not above 0 and at most 1"),
        (["net.onnx", "numpy"], "required: B"),
    ],
)
def test_wrong_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *words]) == 2
    assert message in capsys.readouterr().err


def test_engine_names() -> None:
    engine = parse_engine("mace:arm64-v8a:neon:unoptimized", "onnx")
    assert (engine.abi, engine.isa, engine.optimise) == ("arm64-v8a", "neon", False)
    assert parse_engine("framework", "caffe").kind == "opencv"
    with pytest.raises(MaceError):
        parse_engine("opencv:host", "caffe")
