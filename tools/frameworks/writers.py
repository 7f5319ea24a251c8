# SPDX-License-Identifier: Apache-2.0
"""The backends of net.walk(): ONNX (NCHW), TensorFlow (NHWC) and PyTorch (NCHW, channels last)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .net import Array, Net, Window, walk


class OnnxBackend:
    """Tensors are names; nodes and initializers gather here."""

    def __init__(self) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        """Adds a node; the name of its output."""
        output = f"t{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [output], **attributes))
        return output

    def const(self, array: Array) -> str:
        """Adds an initializer; its name."""
        name = f"c{len(self.initializers)}"
        tensor = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.initializers.append(tensor)
        return name

    @staticmethod
    def _window(window: Window) -> dict[str, Any]:
        top, bottom, left, right = window.pads
        return {
            "kernel_shape": list(window.kernel),
            "strides": list(window.strides),
            "pads": [top, left, bottom, right],
        }

    def conv(self, x: str, filters: Array, bias: Array | None, window: Window, group: int) -> str:
        operands = [x, self.const(filters.transpose(0, 3, 1, 2))]
        if bias is not None:
            operands.append(self.const(bias))
        how = self._window(window)
        return self.node("Conv", operands, group=group, dilations=list(window.dilations), **how)

    def depthwise(self, x: str, filters: Array, bias: Array | None, window: Window) -> str:
        return self.conv(x, filters.transpose(3, 1, 2, 0), bias, window, filters.shape[3])

    def pool(self, x: str, kind: str, window: Window) -> str:
        op = "MaxPool" if kind == "MAX" else "AveragePool"
        return self.node(op, [x], **self._window(window))

    def add(self, a: str, b: str) -> str:
        return self.node("Add", [a, b])

    def concat(self, tensors: list[str]) -> str:
        return self.node("Concat", tensors, axis=1)

    def mean(self, x: str, keep: bool) -> str:
        pooled = self.node("GlobalAveragePool", [x])
        return pooled if keep else self.flatten(pooled)

    def dense(self, x: str, weights: Array, bias: Array | None) -> str:
        operands = [x, self.const(weights)] + ([] if bias is None else [self.const(bias)])
        return self.node("Gemm", operands, transB=1)

    def flatten(self, x: str) -> str:
        return self.node("Flatten", [x])

    def softmax(self, x: str) -> str:
        return self.node("Softmax", [x], axis=-1)

    def activate(self, x: str, activation: str, limit: float) -> str:
        if activation == "RELU":
            return self.node("Relu", [x])
        return self.node("Clip", [x, self.const(np.float32(0)), self.const(np.float32(limit))])


def onnx_model(net: Net) -> bytes:
    """The network as an ONNX model: "input" NCHW, "output"."""
    backend = OnnxBackend()
    last = walk(net, backend, "input")
    if len(net.layers[-1].out_shape) == 4 and net.layers[-1].op != "Softmax":
        last = backend.node("Transpose", [last], perm=[0, 2, 3, 1])
    backend.nodes[-1].output[0] = "output"
    onnx = backend.onnx
    n, h, w, c = net.input_shape
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        backend.nodes,
        "net",
        [info("input", onnx.TensorProto.FLOAT, [n, c, h, w])],
        [info("output", onnx.TensorProto.FLOAT, None)],
        backend.initializers,
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opset)
    model.ir_version = 8
    content: bytes = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return content


class TensorFlowBackend:
    """Tensors are TensorFlow's, inside a function that is traced."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf

    def _pad(self, x: Any, window: Window, value: float) -> tuple[Any, str]:
        if window.same:
            return x, "SAME"
        top, bottom, left, right = window.pads
        if any(window.pads):
            edges = [[0, 0], [top, bottom], [left, right], [0, 0]]
            x = self.tf.pad(x, edges, constant_values=value)
        return x, "VALID"

    def _bias(self, x: Any, bias: Array | None) -> Any:
        return x if bias is None else self.tf.nn.bias_add(x, bias)

    def conv(self, x: Any, filters: Array, bias: Array | None, window: Window, group: int) -> Any:
        del group  # follows from the filters' channels
        x, padding = self._pad(x, window, 0)
        kernel = filters.transpose(1, 2, 3, 0)
        made = self.tf.nn.conv2d(x, kernel, window.strides, padding, dilations=window.dilations)
        return self._bias(made, bias)

    def depthwise(self, x: Any, filters: Array, bias: Array | None, window: Window) -> Any:
        x, padding = self._pad(x, window, 0)
        strides = [1, *window.strides, 1]
        kernel = filters.transpose(1, 2, 3, 0)
        made = self.tf.nn.depthwise_conv2d(x, kernel, strides, padding, dilations=window.dilations)
        return self._bias(made, bias)

    def pool(self, x: Any, kind: str, window: Window) -> Any:
        if kind == "AVG" and any(window.pads) and not window.same:
            raise NotImplementedError("TensorFlow cannot average beside such padding")
        x, padding = self._pad(x, window, -float("inf"))
        pool = self.tf.nn.max_pool2d if kind == "MAX" else self.tf.nn.avg_pool2d
        return pool(x, window.kernel, window.strides, padding)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def concat(self, tensors: list[Any]) -> Any:
        return self.tf.concat(tensors, 3)

    def mean(self, x: Any, keep: bool) -> Any:
        return self.tf.reduce_mean(x, [1, 2], keepdims=keep)

    def dense(self, x: Any, weights: Array, bias: Array | None) -> Any:
        return self._bias(self.tf.matmul(x, np.ascontiguousarray(weights.T)), bias)

    def flatten(self, x: Any) -> Any:
        return self.tf.reshape(x, [x.shape[0], x.shape[-1]])  # a matrix may stay one

    def softmax(self, x: Any) -> Any:
        return self.tf.nn.softmax(x)

    def activate(self, x: Any, activation: str, limit: float) -> Any:
        if activation == "RELU":
            return self.tf.nn.relu(x)
        if limit == 6:
            return self.tf.nn.relu6(x)
        return self.tf.clip_by_value(x, 0.0, limit)


class TorchBackend:
    """Tensors are PyTorch's, in a network that is traced."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.functional = torch.nn.functional

    def _weights(self, array: Array | None) -> Any:
        if array is None:
            return None
        tensor = self.torch.from_numpy(np.ascontiguousarray(array))
        last = self.torch.channels_last
        return tensor.to(memory_format=last) if tensor.dim() == 4 else tensor

    def _pad(self, x: Any, window: Window, value: float) -> tuple[Any, tuple[int, int]]:
        top, bottom, left, right = window.pads
        if top == bottom and left == right:
            return x, (top, left)
        return self.functional.pad(x, (left, right, top, bottom), value=value), (0, 0)

    def conv(self, x: Any, filters: Array, bias: Array | None, window: Window, group: int) -> Any:
        x, pads = self._pad(x, window, 0)
        kernel, offsets = self._weights(filters.transpose(0, 3, 1, 2)), self._weights(bias)
        how = {"stride": window.strides, "dilation": window.dilations, "groups": group}
        return self.functional.conv2d(x, kernel, offsets, padding=pads, **how)

    def depthwise(self, x: Any, filters: Array, bias: Array | None, window: Window) -> Any:
        return self.conv(x, filters.transpose(3, 1, 2, 0), bias, window, filters.shape[3])

    def pool(self, x: Any, kind: str, window: Window) -> Any:
        top, bottom, left, right = window.pads
        if kind == "AVG":
            if top != bottom or left != right:
                raise NotImplementedError("PyTorch cannot average beside such padding")
            pool = self.functional.avg_pool2d
            return pool(x, window.kernel, window.strides, (top, left), count_include_pad=False)
        x, pads = self._pad(x, window, -float("inf"))
        return self.functional.max_pool2d(x, window.kernel, window.strides, pads)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def concat(self, tensors: list[Any]) -> Any:
        return self.torch.cat(tensors, 1)

    def mean(self, x: Any, keep: bool) -> Any:
        return x.mean([2, 3], keepdim=keep)

    def dense(self, x: Any, weights: Array, bias: Array | None) -> Any:
        return self.functional.linear(x, self._weights(weights), self._weights(bias))

    def flatten(self, x: Any) -> Any:
        return x.flatten(1)

    def softmax(self, x: Any) -> Any:
        return self.functional.softmax(x, dim=-1)

    def activate(self, x: Any, activation: str, limit: float) -> Any:
        return self.functional.relu(x) if activation == "RELU" else x.clamp(0.0, limit)
