# SPDX-License-Identifier: Apache-2.0
"""A network as all frameworks can be given it: MACE's optimised graph of float32 layers, with every
window's padding as four numbers, in a JSON file and an .npz file of constants."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass
class Window:
    """Of a convolution or a pooling. Pads are top, bottom, left, right, and make the output's size
    come out exactly."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]
    same: bool  # the pads are those of TensorFlow's SAME


@dataclass
class Layer:
    """One operator. Shapes are those of the data inputs and of the output, NHWC."""

    op: str
    name: str
    inputs: list[str]
    output: str
    attrs: dict[str, Any]
    shapes: list[list[int]]
    out_shape: list[int]


@dataclass
class Net:
    """Layers in execution order. One input, NHWC, and one output."""

    name: str
    input: str
    input_shape: list[int]
    output: str
    layers: list[Layer] = field(default_factory=list)
    consts: dict[str, Array] = field(default_factory=dict)


class Backend(Protocol):
    """Makes the layers of one framework; tensors are whatever it calls so. `activation` is "NOOP",
    "RELU" or "RELUX", the latter with a limit. Filters are OHWI, of depthwise layers 1HWC."""

    def conv(self, x: Any, filters: Array, bias: Array | None, window: Window, group: int) -> Any:
        """Convolution in groups."""

    def depthwise(self, x: Any, filters: Array, bias: Array | None, window: Window) -> Any:
        """Each channel with its own filter."""

    def pool(self, x: Any, kind: str, window: Window) -> Any:
        """MAX, or AVG of what is inside the image."""

    def add(self, a: Any, b: Any) -> Any:
        """The sum of two tensors of one shape."""

    def concat(self, tensors: list[Any]) -> Any:
        """Channels of all tensors."""

    def mean(self, x: Any, keep: bool) -> Any:
        """Over rows and columns, which keep leaves as 1 x 1."""

    def dense(self, x: Any, weights: Array, bias: Array | None) -> Any:
        """A vector of each image with a matrix [out][in]."""

    def flatten(self, x: Any) -> Any:
        """1 x 1 images as vectors."""

    def softmax(self, x: Any) -> Any:
        """Over the channels."""

    def activate(self, x: Any, activation: str, limit: float) -> Any:
        """RELU, or RELUX with its limit."""


def save(graph: Any, folder: Path) -> None:
    """Writes an optimised mace Graph. Raises NotImplementedError for what Backend cannot say."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise NotImplementedError("only networks with one input and one output can be compared")
    first = graph.inputs[0]
    net = Net(graph.name, first.name, [max(d, 1) for d in first.shape], graph.outputs[0].name)
    if len(net.input_shape) != 4 or first.data_format != "NHWC":
        raise NotImplementedError(f"the input {first.name} is no NHWC image")
    used: dict[str, Array] = {}

    def shape(tensor: str) -> list[int]:
        if tensor in graph.consts:
            return list(graph.consts[tensor].shape)
        if tensor == first.name:
            return net.input_shape
        known = graph.values[tensor].shape if tensor in graph.values else None
        if known is None or min(known, default=1) < 0:
            raise NotImplementedError(f"the shape of {tensor} is not known before the run")
        return list(known)

    for node in graph.nodes:
        if node.op in ("Shape", "StridedSlice", "Stack"):  # read by a Reshape alone
            continue
        data = [t for t in node.inputs if t]
        if node.op == "Reshape":
            data = data[:1]
        used.update({t: graph.consts[t] for t in data if t in graph.consts})
        attrs = json.loads(json.dumps(node.attrs, default=lambda v: np.asarray(v).tolist()))
        layer = Layer(node.op, node.name, data, node.outputs[0], attrs, [], shape(node.outputs[0]))
        layer.shapes = [shape(t) for t in data]
        if getattr(_Walk, node.op, None) is None:
            raise NotImplementedError(f"{node.op} ({node.name}) is not told to other frameworks")
        net.layers.append(layer)
    text = asdict(net)
    del text["consts"]
    names = {name: f"c{i}" for i, name in enumerate(used)}
    text["consts"] = names
    (folder / "net.json").write_text(json.dumps(text), encoding="utf-8")
    np.savez(folder / "net.npz", **{names[name]: array for name, array in used.items()})


def load(folder: Path) -> Net:
    """What save() wrote."""
    text = json.loads((folder / "net.json").read_text(encoding="utf-8"))
    with np.load(folder / "net.npz", allow_pickle=False) as arrays:
        consts = {name: arrays[key] for name, key in text.pop("consts").items()}
    layers = [Layer(**layer) for layer in text.pop("layers")]
    return Net(**text, layers=layers, consts=consts)


def walk(net: Net, backend: Backend, x: Any) -> Any:
    """Makes all layers, and returns the network's output for the input x."""
    made = {net.input: x}
    steps = _Walk(net, backend)
    for layer in net.layers:
        inputs = [net.consts.get(t, made.get(t)) for t in layer.inputs]
        made[layer.output] = getattr(steps, layer.op)(layer, inputs)
    return made[net.output]


def window_of(layer: Layer, kernel: list[int]) -> Window:
    """The window of a layer, its padding resolved by the layer's shapes."""
    strides = layer.attrs.get("strides", [1, 1])
    dilations = layer.attrs.get("dilations", [1, 1])
    mode = layer.attrs.get("padding", "VALID")
    given = layer.attrs.get("paddings", [0, 0, 0, 0])
    pads: list[int] = []
    same = True
    for i in range(2):
        span = (kernel[i] - 1) * dilations[i] + 1
        total = (layer.out_shape[1 + i] - 1) * strides[i] + span - layer.shapes[0][1 + i]
        total = max(total, 0)
        begin = {"SAME": total // 2, "EXPLICIT": given[2 * i]}.get(mode, 0)
        pads += [begin, max(total - begin, 0)]
        same = same and -(-layer.shapes[0][1 + i] // strides[i]) == layer.out_shape[1 + i]
        same = same and begin == total // 2
    return Window(
        (kernel[0], kernel[1]),
        (strides[0], strides[1]),
        (dilations[0], dilations[1]),
        (pads[0], pads[1], pads[2], pads[3]),
        same,
    )


class _Walk:
    """One method for each operator that can be told."""

    def __init__(self, net: Net, backend: Backend) -> None:
        self.net = net
        self.backend = backend

    def _activate(self, layer: Layer, x: Any) -> Any:
        kind = layer.attrs.get("activation", "NOOP")
        if kind == "NOOP":
            return x
        if kind not in ("RELU", "RELUX"):
            raise NotImplementedError(f"activation {kind} ({layer.name}) is not told")
        return self.backend.activate(x, kind, float(layer.attrs.get("max_limit", 0)))

    @staticmethod
    def _bias(inputs: list[Any]) -> Array | None:
        return inputs[2].reshape(-1) if len(inputs) > 2 else None

    @staticmethod
    def _constant(layer: Layer, array: Any) -> Array:
        if not isinstance(array, np.ndarray):
            raise NotImplementedError(f"{layer.name} computes its weights")
        return array

    def Conv2D(self, layer: Layer, inputs: list[Any]) -> Any:
        filters = self._constant(layer, inputs[1])
        window = window_of(layer, list(filters.shape[1:3]))
        group = int(layer.attrs.get("group", 1))
        made = self.backend.conv(inputs[0], filters, self._bias(inputs), window, group)
        return self._activate(layer, made)

    def DepthwiseConv2d(self, layer: Layer, inputs: list[Any]) -> Any:
        filters = self._constant(layer, inputs[1])
        if filters.shape[3] != layer.shapes[0][3]:
            raise NotImplementedError(f"{layer.name} has several filters for a channel")
        window = window_of(layer, list(filters.shape[1:3]))
        made = self.backend.depthwise(inputs[0], filters, self._bias(inputs), window)
        return self._activate(layer, made)

    def Pooling(self, layer: Layer, inputs: list[Any]) -> Any:
        kind = layer.attrs["pooling_type"]
        window = window_of(layer, layer.attrs["kernels"])
        if kind not in ("MAX", "AVG") or layer.attrs.get("count_include_pad", False):
            raise NotImplementedError(f"{layer.name} pools in a way that is not told")
        return self.backend.pool(inputs[0], kind, window)

    def Eltwise(self, layer: Layer, inputs: list[Any]) -> Any:
        if layer.attrs["type"] != "SUM" or len(inputs) != 2 or layer.shapes[0] != layer.shapes[1]:
            raise NotImplementedError(f"{layer.name} is no sum of two tensors of one shape")
        return self._activate(layer, self.backend.add(inputs[0], inputs[1]))

    def Concat(self, layer: Layer, inputs: list[Any]) -> Any:
        if layer.attrs["axis"] not in (3, -1) or len(layer.out_shape) != 4:
            raise NotImplementedError(f"{layer.name} joins something else than channels")
        return self.backend.concat(inputs)

    def Reduce(self, layer: Layer, inputs: list[Any]) -> Any:
        if layer.attrs["reduce_type"] != "MEAN" or sorted(layer.attrs["axis"]) != [1, 2]:
            raise NotImplementedError(f"{layer.name} is no mean over rows and columns")
        return self.backend.mean(inputs[0], bool(layer.attrs.get("keepdims", False)))

    def Reshape(self, layer: Layer, inputs: list[Any]) -> Any:
        before, after = layer.shapes[0], layer.out_shape
        if len(before) != 4 or before[1:3] != [1, 1] or after != [before[0], before[3]]:
            raise NotImplementedError(f"{layer.name} reshapes {before} to {after}")
        return self.backend.flatten(inputs[0])

    def FullyConnected(self, layer: Layer, inputs: list[Any]) -> Any:
        weights = self._constant(layer, inputs[1])
        x, shape = inputs[0], layer.shapes[0]
        if len(shape) == 4:
            if shape[1:3] != [1, 1]:
                raise NotImplementedError(f"{layer.name} reads images of several pixels")
            x = self.backend.flatten(x)
        matrix = weights.reshape(weights.shape[0], -1)
        return self._activate(layer, self.backend.dense(x, matrix, self._bias(inputs)))

    def Softmax(self, layer: Layer, inputs: list[Any]) -> Any:
        rank = len(layer.out_shape)
        if layer.attrs.get("axis", -1) not in (-1, rank - 1) or layer.attrs.get("log", False):
            raise NotImplementedError(f"{layer.name} is no softmax over channels")
        if rank == 4 and layer.out_shape[1:3] == [1, 1]:
            return self.backend.softmax(self.backend.flatten(inputs[0]))
        if rank != 2:
            raise NotImplementedError(f"{layer.name} is a softmax of rank {rank}")
        return self.backend.softmax(inputs[0])


def multiply_adds(net: Net) -> int:
    """Of one inference, as the definitions of the layers say."""
    total = 0
    for layer in net.layers:
        elements = int(np.prod(layer.out_shape))
        if layer.op in ("Conv2D", "DepthwiseConv2d", "FullyConnected"):
            filters = layer.shapes[1]
            taps = filters[1] * filters[2] if layer.op == "DepthwiseConv2d" else filters[1:]
            total += elements * int(np.prod(taps))
    return total
