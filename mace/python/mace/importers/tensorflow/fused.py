# SPDX-License-Identifier: Apache-2.0
"""Operators that TensorFlow's own optimizers put together (_FusedConv2D and the like), and whole
recurrent layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow import math, nn
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import TENSORFLOW, constant, spatial_op, to_nhwc

_ACTIVATIONS = {
    "Relu": "Relu",
    "Relu6": "Relu6",
    "Elu": "Elu",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "LeakyRelu": "LeakyRelu",
}
_PLAIN: dict[str, tuple[str, Callable[[Builder, TfNode], None]]] = {
    "_FusedConv2D": ("Conv2D", nn.conv2d),
    "_FusedDepthwiseConv2dNative": ("DepthwiseConv2dNative", nn.depthwise_conv2d),
    "_FusedMatMul": ("MatMul", math.mat_mul),
}


@TENSORFLOW.register(*_PLAIN)
def fused(builder: Builder, node: TfNode) -> None:
    """A convolution or product, then those of BiasAdd, FusedBatchNorm and an activation that the
    attribute fused_ops lists."""
    names = [v.decode() for v in node.attrs["fused_ops"].list.s] if node.has("fused_ops") else []
    rest = list(node.inputs[2:])
    op, handler = _PLAIN[node.op]
    steps: list[tuple[str, list[str]]] = []
    for name in names:
        taken = {"BiasAdd": 1, "FusedBatchNorm": 4, "Add": 1}.get(name, 0)
        if name not in (*_ACTIVATIONS, "BiasAdd", "FusedBatchNorm", "Add") or len(rest) < taken:
            raise UnsupportedError(f"attribute fused_ops is {names}")
        steps.append((name, rest[:taken]))
        rest = rest[taken:]
    result = builder.tensor("product") if steps else node.output()
    handler(builder, _with(node, op, node.inputs[:2], result))
    for index, (name, inputs) in enumerate(steps):
        output = node.output() if index == len(steps) - 1 else builder.tensor(name)
        _step(builder, node, name, [result, *inputs], output)
        result = output


def _with(node: TfNode, op: str, inputs: list[str], output: str) -> TfNode:
    """The node as one of another operator and output."""
    return TfNode(output, op, inputs, node.attrs, {}, node.context)


def _step(builder: Builder, node: TfNode, name: str, inputs: list[str], output: str) -> None:
    step = _with(node, name, inputs, output)
    if name == "BiasAdd":
        nn.bias_add(builder, step)
    elif name == "Add":
        builder.op("Eltwise", inputs, [output], type="SUM")
    elif name == "FusedBatchNorm":
        spatial_op(builder, step, "BatchNorm", inputs, epsilon=node.float_attr("epsilon", 1e-4))
    elif name == "LeakyRelu":
        attrs = {"activation_coefficient": node.float_attr("leakyrelu_alpha", 0.2)}
        builder.op("Activation", inputs, [output], activation="LEAKYRELU", **attrs)
    else:
        nn.activation(builder, step)


@TENSORFLOW.register("_FusedBatchNormEx")
def fused_batch_norm_ex(builder: Builder, node: TfNode) -> None:
    """Batch normalisation, perhaps of a sum, and an activation."""
    if node.bool_attr("is_training", True):
        raise UnsupportedError("attribute is_training is true", "freeze in inference mode")
    tensor = to_nhwc(builder, node, node.input(0))
    inputs = [tensor, *(node.input(i) for i in range(1, 5))]
    result = builder.op("BatchNorm", inputs, None, epsilon=node.float_attr("epsilon", 1e-4))
    if node.int_attr("num_side_inputs", 0):
        side = to_nhwc(builder, node, node.input(5))
        result = builder.op("Eltwise", [result, side], None, type="SUM")
    mode = node.string_attr("activation_mode", "Identity")
    if mode not in ("Identity", "Relu"):
        raise UnsupportedError(f"attribute activation_mode is '{mode}'")
    if mode == "Relu":
        result = builder.op("Activation", [result], None, activation="RELU")
    if tensor != node.input(0):
        builder.nchw(result, node.output())
    else:
        builder.op("Identity", [result], [node.output()])


@TENSORFLOW.register("BlockLSTM", "BlockLSTMV2")
def block_lstm(builder: Builder, node: TfNode) -> None:
    """A whole LSTM. Inputs: length, x (T B I), c, h, w (I+H 4H), peepholes i, f, o, b. Gates lie in
    the order i, c, f, o, with V2 i, f, c, o. Output 6 is h of all steps; no other is made."""
    weight, bias = constant(builder, node, 4, "weights"), constant(builder, node, 8, "bias")
    if weight.ndim != 2 or weight.shape[1] % 4 or bias.size != weight.shape[1]:
        raise UnsupportedError(f"its weights have the shape {list(weight.shape)}")
    if node.bool_attr("use_peephole") or node.float_attr("cell_clip", 0.0) > 0:
        raise UnsupportedError("it uses peepholes or cell_clip")
    size = weight.shape[1] // 4
    forget = node.float_attr("forget_bias", 1.0) if node.op == "BlockLSTM" else 0.0
    # Ours are i, o, f, c.
    order = [0, 3, 2, 1] if node.op == "BlockLSTM" else [0, 3, 1, 2]
    gates = np.concatenate([np.arange(g * size, (g + 1) * size) for g in order])
    turned = weight[:, gates].T.astype(np.float32)
    offsets = bias.reshape(-1)[gates].astype(np.float32)
    offsets[2 * size : 3 * size] += forget
    inner = weight.shape[0] - size
    inputs = [
        node.input(1),
        builder.const(turned[None, :, :inner]),
        builder.const(turned[None, :, inner:]),
        builder.const(np.concatenate([offsets, np.zeros_like(offsets)])[None]),
        "",
        builder.op("Unsqueeze", [node.input(3)], None, axis=[0]),
        builder.op("Unsqueeze", [node.input(2)], None, axis=[0]),
    ]
    outputs = [builder.tensor(n) for n in ("steps", "hidden", "cell")]
    builder.op("LSTM", inputs, outputs)
    builder.op("Squeeze", [outputs[0]], [node.output(6)], axis=[1])
