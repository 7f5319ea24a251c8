# SPDX-License-Identifier: Apache-2.0
"""tools/onnx_optimizer.py: what it reads, writes and refuses, with another optimizer in place of
the package's, so that its results are known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

TOOL = Path(__file__).resolve().parents[2] / "tools" / "onnx_optimizer.py"
DROP_IDENTITY = """
def slim(model):
    node = model.graph.node[-1]
    model.graph.node.remove(node)
    model.graph.node[-1].output[0] = node.output[0]
    return model
"""


def _run(
    folder: Path, optimizer: str, source: str = "in.onnx", target: str = "out.onnx"
) -> subprocess.CompletedProcess[str]:
    (folder / "onnxslim.py").write_text(optimizer)
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Identity", ["r"], ["y"])]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, ir_version=8), folder / "in.onnx")
    (folder / "bad.onnx").write_bytes(b"\xff\x00no model")
    return subprocess.run(
        [sys.executable, "-B", str(TOOL), source, target],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_writes_what_the_optimizer_made(tmp_path: Path) -> None:
    result = _run(tmp_path, DROP_IDENTITY)
    assert (result.returncode, result.stdout) == (0, "out.onnx: 1 nodes in place of 2\n")
    assert [n.op_type for n in onnx.load(tmp_path / "out.onnx").graph.node] == ["Relu"]
    assert not list(tmp_path.glob(".onnx_optimizer*"))


@pytest.mark.parametrize(
    ("optimizer", "source", "target", "message"),
    [
        (DROP_IDENTITY, "none.onnx", "out.onnx", "'none.onnx' cannot be read: No such file"),
        (DROP_IDENTITY, "bad.onnx", "out.onnx", "'bad.onnx' is not an ONNX model"),
        (DROP_IDENTITY, "in.onnx", "none/out.onnx", "'none/out.onnx' cannot be written"),
        ("def slim(model): raise KeyError('x')", "in.onnx", "out.onnx", "(KeyError: 'x')"),
        ("def slim(model): del model.graph.node[0]; return model", "in.onnx", "out.onnx", "could"),
        (
            "def slim(model): model.graph.output[0].name = 'r'; return model",
            "in.onnx",
            "out.onnx",
            "its inputs or outputs would change",
        ),
    ],
)
def test_says_what_is_wrong(
    tmp_path: Path, optimizer: str, source: str, target: str, message: str
) -> None:
    result = _run(tmp_path, optimizer, source, target)
    assert result.returncode == 2
    assert message in result.stderr and "hint: " in result.stderr
    assert not (tmp_path / "out.onnx").exists()
