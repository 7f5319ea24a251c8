# SPDX-License-Identifier: Apache-2.0
"""Models with QuantizeLinear and DequantizeLinear round their operators, as onnxruntime writes them:
they are computed in float32, with every rounding where the model has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from mace.analysis.infer import infer
from mace.convert import convert_imported
from mace.graph.ir import Array, Graph
from mace.importers.onnx.importer import import_proto
from mace.passes import optimize
from mace.runtime import Engine
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

RANDOM = np.random.default_rng(5)


def _float_model() -> onnx.ModelProto:
    def constant(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array((RANDOM.normal(size=shape) / 3).astype(np.float32), name)

    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w", "b"], ["a"], pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["r"]),
        node("Conv", ["r", "d"], ["e"], group=8, pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Clip", ["e", "zero", "six"], ["k"]),
        node("Conv", ["k", "p"], ["f"]),
        node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Add", ["f", "m"], ["s"]),
        node("GlobalAveragePool", ["s"], ["g"]),
        node("Flatten", ["g"], ["h"]),
        node("Gemm", ["h", "q", "t"], ["y"], transB=1),
    ]
    constants = [
        constant("w", 8, 3, 3, 3),
        constant("b", 8),
        constant("d", 8, 1, 3, 3),
        constant("p", 8, 8, 1, 1),
        constant("q", 5, 8),
        constant("t", 5),
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(np.float32(6), "six"),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class _Samples(quantization.CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        self._rest = iter([_input() for _ in range(4)])

    def get_next(self) -> Any:
        sample = next(self._rest, None)
        return None if sample is None else {"x": sample}


def _input() -> Array:
    return RANDOM.normal(size=(1, 3, 8, 8)).astype(np.float32)


@pytest.fixture(scope="module", params=[False, True], ids=["per tensor", "per channel"])
def quantized(request: pytest.FixtureRequest, tmp_path_factory: Any) -> onnx.ModelProto:
    folder: Path = tmp_path_factory.mktemp("qdq")
    onnx.save(_float_model(), folder / "float.onnx")
    quantization.quantize_static(
        folder / "float.onnx",
        folder / "qdq.onnx",
        _Samples(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=request.param,
        weight_type=quantization.QuantType.QInt8,
        activation_type=quantization.QuantType.QUInt8,
    )
    return onnx.load(folder / "qdq.onnx")


def _roundings(graph: Graph) -> int:
    return Counter(n.op for n in graph.nodes)["Quantize"]


def test_runs_as_in_onnxruntime(quantized: onnx.ModelProto) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(quantized.SerializeToString(), options)
    engine = Engine.from_bytes(*_bytes(quantized))
    step = max(
        float(numpy_helper.to_array(t)) for t in quantized.graph.initializer if t.name == "y_scale"
    )
    for _ in range(5):
        x = _input()
        got, want = engine.run({"x": x})["y"], session.run(None, {"x": x})[0]
        # A number on the border of two integers may be rounded to the other one.
        assert np.abs(got - want).max() <= 1.01 * step


def _bytes(model: onnx.ModelProto) -> tuple[bytes, bytes]:
    from mace.importers.base import InterfaceRequest

    requests = [[InterfaceRequest(n, data_format="NONE")] for n in ("x", "y")]
    converted = convert_imported("qdq", import_proto(model, *requests))
    return converted.model.graph, converted.model.data


def test_every_rounding_of_activations_is_kept(quantized: onnx.ModelProto) -> None:
    wanted = sum(n.op_type == "QuantizeLinear" for n in quantized.graph.node)
    graph = import_proto(quantized)
    assert _roundings(graph) == wanted
    graph = infer(graph).graph
    assert _roundings(optimize(graph)) == wanted


def test_scales_of_weights_are_kept(quantized: onnx.ModelProto) -> None:
    """Each weight is a float32 constant that knows the integers which it was."""
    graph = optimize(infer(import_proto(quantized)).graph)
    integers = {
        t.name: numpy_helper.to_array(t)
        for t in quantized.graph.initializer
        if t.name.endswith("_quantized")
    }
    found = 0
    for node in graph.nodes:
        if node.op not in ("Conv2D", "DepthwiseConv2d", "FullyConnected"):
            continue
        weight, known = graph.consts[node.inputs[1]], graph.quantization[node.inputs[1]]
        shape = [1] * weight.ndim
        shape[known.axis] = known.scale.size
        scale, zero = known.scale.reshape(shape), known.zero_point.reshape(shape)
        levels = weight / scale + zero
        np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
        source = [a for a in integers.values() if a.size == weight.size and a.dtype == np.int8]
        assert any(sorted(a.ravel()) == sorted(np.round(levels).ravel()) for a in source)
        found += 1
    assert found == 4


def test_scales_are_part_of_the_model(quantized: onnx.ModelProto) -> None:
    from mace.export.model import net_bytes

    from mace import proto_messages

    model = proto_messages.message_class("mace.ModelDef").FromString(_bytes(quantized)[0])
    net = proto_messages.message_class("mace.NetDef").FromString(net_bytes(model))
    assert sum(len(t.quantize_info.scale) > 0 for t in net.tensors) >= 4
