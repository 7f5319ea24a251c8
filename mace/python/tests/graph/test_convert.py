# SPDX-License-Identifier: Apache-2.0
"""Conversion as a whole: the same bytes every time, all problems at once, nothing half-written."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from graph_helpers import builder, finish, random
from mace.convert import (
    ConversionError,
    ConvertRequest,
    convert_graph,
    convert_imported,
    convert_model,
    describe_model,
)
from mace.errors import MaceError
from mace.importers.base import InterfaceRequest
from mace.runtime import Engine
from onnx import TensorProto, helper, numpy_helper

_PACKAGE = Path(__file__).resolve().parents[2]


def _network() -> onnx.ModelProto:
    """Two convolutions with everything that passes work on between them."""
    rng = np.random.default_rng(2)
    weights = {
        "w1": rng.normal(size=(8, 3, 3, 3)),
        "w2": rng.normal(size=(4, 8, 1, 1)),
        **{n: np.abs(rng.normal(size=8)) + 0.5 for n in ("s", "b", "m", "v")},
        "fc": rng.normal(size=(4, 5)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c1", "s", "b", "m", "v"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Conv", ["r", "w2"], ["c2"]),
        helper.make_node("GlobalAveragePool", ["c2"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "fc"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 3, "h", "w"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _request(folder: Path, **fields: object) -> ConvertRequest:
    path = folder / "net.onnx"
    onnx.save(_network(), path)
    return ConvertRequest("net", "onnx", path, **fields)  # type: ignore[arg-type]


def test_files_run_in_the_engine(tmp_path: Path) -> None:
    stages: list[str] = []
    result = convert_model(_request(tmp_path), tmp_path / "out", stages.append)
    assert stages == ["reading", "optimising", "checking", "writing"]
    assert result.operators == {"Conv2D": 2, "Reduce": 1, "FullyConnected": 1, "Softmax": 1}
    assert [(o.name, o.shape) for o in result.outputs] == [("y", (-1, 5))]
    with Engine(result.graph_path, result.data_path) as engine:
        for shape in ((1, 8, 8, 3), (2, 5, 7, 3)):
            y = engine.run({"x": random(*shape)})["y"]
            np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)
    assert "Conv2D" in result.text_path.read_text()


def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    onnx.save(_network(), tmp_path / "net.onnx")
    program = (
        "import sys; from pathlib import Path; from mace.convert import *\n"
        "r = ConvertRequest('net', 'onnx', Path(sys.argv[1]) / 'net.onnx')\n"
        "m = convert_graph(r).model\n"
        "sys.stdout.buffer.write(m.graph + m.data)"
    )
    digests = set()
    for seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(_PACKAGE)}
        command = [sys.executable, "-c", program, str(tmp_path)]
        made = subprocess.run(command, env=environment, check=True, capture_output=True)
        digests.add(hashlib.sha256(made.stdout).hexdigest())
    assert len(digests) == 1


def test_problems_are_listed_and_nothing_is_written(tmp_path: Path) -> None:
    proto = _network()
    proto.graph.node[2].op_type = "Rrelu"
    proto.graph.node[4].op_type = "GlobalMedianPool"
    onnx.save(proto, tmp_path / "bad.onnx")
    request = ConvertRequest("bad", "onnx", tmp_path / "bad.onnx")
    with pytest.raises(ConversionError) as caught:
        convert_model(request, tmp_path / "out")
    assert [p.op for p in caught.value.problems] == ["Rrelu", "GlobalMedianPool"]
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_problems_that_only_the_engine_knows() -> None:
    b = builder(x=(1, 8, 8, 3))
    b.begin("mine", "TheirConv")
    y = b.op("Conv2D", ["x", b.const(random(4, 3, 3, 5))])
    with pytest.raises(ConversionError) as caught:
        convert_imported("net", finish(b, y))
    problem = caught.value.problems[0]
    assert (problem.op, problem.shapes) == ("TheirConv", "1x8x8x3, 4x3x3x5")


def test_shapes_that_do_not_suit_name_what_to_do(tmp_path: Path) -> None:
    inputs = [InterfaceRequest("x", (1, 2, 2, 3))]
    request = _request(tmp_path, inputs=inputs)
    graph = convert_graph(request).graph
    assert graph.outputs[0].shape == (1, 5)
    with pytest.raises(ConversionError, match="1x4x2x7 is asked for"):
        convert_graph(_request(tmp_path, inputs=[InterfaceRequest("x", (1, 2, 7, 4))]))


def test_unknown_platform_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MaceError, match="did you mean 'onnx'"):
        describe_model("onxn", tmp_path / "a")
    with pytest.raises(MaceError, match="No such file"):
        convert_graph(ConvertRequest("a", "onnx", tmp_path / "a.onnx"))


def test_options(tmp_path: Path) -> None:
    converted = convert_graph(_request(tmp_path, optimize_options=["REMOVE_IDENTITY_OP"]))
    assert "BatchNorm" in [n.op for n in converted.graph.nodes]
    with pytest.raises(MaceError, match="there is no optimisation 'FASTER'"):
        convert_graph(_request(tmp_path, optimize_options=["FASTER"]))
