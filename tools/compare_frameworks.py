# SPDX-License-Identifier: Apache-2.0
"""Measures networks on MACE and on onnxruntime, turn by turn in one process.

Each network is the optimised graph of a deployment file; onnxruntime gets the same layers and
weights as an ONNX model made of them here, so both sides compute the same thing, and the outputs
are compared before anything is timed. Example:

  python tools/compare_frameworks.py test/zoo/mobilenet_v1.yml test/zoo/resnet50.yml --threads 1
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mace" / "python"))

import onnx
from mace.api import deployment_request
from mace.config.loader import load_deployment
from mace.convert import ConvertedGraph, convert_graph
from mace.graph.ir import Array, Graph, Node
from mace.runtime import Engine
from onnx import helper, numpy_helper

BURST = 5  # runs of one side before the other has its turn


class OnnxWriter:
    """Writes the float operators of image classifiers as ONNX, NCHW behind one Transpose."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.count = 0

    def model(self) -> bytes:
        """The whole graph. Raises NotImplementedError for an operator that is not one of these."""
        names: dict[str, str] = {}
        for interface in self.graph.inputs:
            names[interface.name] = self._add("Transpose", [interface.name], perm=[0, 3, 1, 2])
        for node in self.graph.nodes:
            writer: Callable[[Node, list[str]], str] | None = getattr(self, f"_{node.op}", None)
            if writer is None:
                raise NotImplementedError(f"{node.op} ({node.name}) has no ONNX form here")
            names[node.outputs[0]] = writer(node, [names.get(t, t) for t in node.inputs])
        output = self.graph.outputs[0].name
        self.nodes.append(helper.make_node("Identity", [names[output]], ["output"]))
        inputs = [
            helper.make_tensor_value_info(
                i.name, onnx.TensorProto.FLOAT, [max(d, 1) for d in i.shape]
            )
            for i in self.graph.inputs
        ]
        result = helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, None)
        made = helper.make_graph(self.nodes, "net", inputs, [result], self.initializers)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        content: bytes = model.SerializeToString()
        return content

    def _add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        self.count += 1
        output = f"t{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def _const(self, array: Array) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _activate(self, node: Node, tensor: str) -> str:
        kind = node.attrs.get("activation", "NOOP")
        if kind == "NOOP":
            return tensor
        if kind == "RELU":
            return self._add("Relu", [tensor])
        if kind == "RELUX":
            limits = [np.float32(0), np.float32(node.attrs["max_limit"])]
            return self._add("Clip", [tensor, *(self._const(np.asarray(v)) for v in limits)])
        raise NotImplementedError(f"activation {kind} has no ONNX form here")

    @staticmethod
    def _window(node: Node) -> dict[str, Any]:
        window: dict[str, Any] = {"strides": list(node.attrs.get("strides", [1, 1]))}
        window["dilations"] = list(node.attrs.get("dilations", [1, 1]))
        if node.attrs.get("padding") == "SAME":
            window["auto_pad"] = "SAME_UPPER"
        elif node.attrs.get("padding") == "EXPLICIT":
            top, bottom, left, right = node.attrs["paddings"]
            window["pads"] = [top, left, bottom, right]
        return window

    def _convolution(self, node: Node, inputs: list[str], filters: Array, group: int) -> str:
        operands = [inputs[0], self._const(filters)]
        if len(inputs) > 2 and inputs[2]:
            operands.append(self._const(self.graph.consts[node.inputs[2]].reshape(-1)))
        output = self._add("Conv", operands, group=group, **self._window(node))
        return self._activate(node, output)

    def _Conv2D(self, node: Node, inputs: list[str]) -> str:  # noqa: N802: named as the operator
        filters = self.graph.consts[node.inputs[1]].transpose(0, 3, 1, 2)
        return self._convolution(node, inputs, filters, node.attrs.get("group", 1))

    def _DepthwiseConv2d(self, node: Node, inputs: list[str]) -> str:
        filters = self.graph.consts[node.inputs[1]].transpose(3, 0, 1, 2)
        return self._convolution(node, inputs, filters, filters.shape[0])

    def _Pooling(self, node: Node, inputs: list[str]) -> str:
        op = "MaxPool" if node.attrs["pooling_type"] == "MAX" else "AveragePool"
        window = self._window(node)
        del window["dilations"]
        return self._add(op, inputs[:1], kernel_shape=list(node.attrs["kernels"]), **window)

    def _Eltwise(self, node: Node, inputs: list[str]) -> str:
        if node.attrs["type"] != "SUM":
            raise NotImplementedError(f"Eltwise {node.attrs['type']} has no ONNX form here")
        return self._activate(node, self._add("Add", inputs))

    def _Concat(self, node: Node, inputs: list[str]) -> str:
        return self._add("Concat", inputs, axis=1)

    def _Reduce(self, node: Node, inputs: list[str]) -> str:
        return self._add("GlobalAveragePool", inputs[:1])

    def _Reshape(self, node: Node, inputs: list[str]) -> str:
        return self._add("Flatten", inputs[:1])

    def _FullyConnected(self, node: Node, inputs: list[str]) -> str:
        weights, bias = (self._const(self.graph.consts[t].squeeze()) for t in node.inputs[1:3])
        return self._activate(
            node, self._add("Gemm", [self._add("Flatten", inputs[:1]), weights, bias], transB=1)
        )

    def _Softmax(self, node: Node, inputs: list[str]) -> str:
        return self._add("Softmax", [self._add("Flatten", inputs[:1])], axis=-1)

    def _of_shapes_only(self, node: Node, inputs: list[str]) -> str:
        return ""  # read by a Reshape, which is a Flatten here

    _Shape = _StridedSlice = _Stack = _of_shapes_only


def measure(converted: ConvertedGraph, threads: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of both sides, and how far their outputs are apart."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        OnnxWriter(converted.graph).model(), options, providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(0)
    with Engine.from_bytes(
        converted.model.graph, converted.model.data, num_threads=threads
    ) as engine:
        feed = {
            i.name: random.uniform(-1, 1, [max(d, 1) for d in i.shape]).astype(np.float32)
            for i in engine.inputs
        }
        (ours,) = engine.run(feed).values()
        (theirs,) = session.run(None, feed)
        sides: dict[str, Callable[[], Any]] = {
            "mace": lambda: engine.run(feed),
            "onnxruntime": lambda: session.run(None, feed),
        }
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, run in sides.items():
                for _ in range(BURST):
                    begin = time.perf_counter()
                    run()
                    times[name].append((time.perf_counter() - begin) * 1e3)
    result: dict[str, Any] = {
        name: {"median_ms": statistics.median(t), "min_ms": min(t)} for name, t in times.items()
    }
    result["threads"] = threads
    result["max_difference"] = float(np.abs(ours.reshape(-1) - theirs.reshape(-1)).max())
    return result


def main() -> int:
    """Prints one row for each deployment file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", type=Path, metavar="DEPLOYMENT.yml")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--rounds", type=int, default=40, help=f"turns of {BURST} runs (default 40)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    options = parser.parse_args()
    results = {}
    if not options.json:
        print(f"{'model':<16} {'mace ms':>16} {'onnxruntime ms':>16} {'ratio':>12}   difference")
        print(f"{'':<16} {'median':>8}{'min':>8} {'median':>8}{'min':>8} {'med':>6}{'min':>6}")
    for path in options.configs:
        deployment = load_deployment(path)
        for name in deployment.models:
            converted = convert_graph(deployment_request(deployment, name))
            row = results[name] = measure(converted, options.threads, options.rounds)
            a, b = row["mace"], row["onnxruntime"]
            if not options.json:
                print(
                    f"{name:<16} {a['median_ms']:8.2f}{a['min_ms']:8.2f} {b['median_ms']:8.2f}"
                    f"{b['min_ms']:8.2f} {a['median_ms'] / b['median_ms']:6.2f}"
                    f"{a['min_ms'] / b['min_ms']:6.2f}   {row['max_difference']:.1e}",
                    flush=True,
                )
    if options.json:
        print(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
