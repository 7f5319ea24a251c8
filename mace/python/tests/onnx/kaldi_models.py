# SPDX-License-Identifier: Apache-2.0
"""Models as kaldi-onnx writes them, and what Kaldi's components compute, written in numpy from their
definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from mace.graph.ir import Array
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "ai.kaldi2onnx"


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attrs: Any) -> onnx.NodeProto:
    """A node of kaldi-onnx's own domain."""
    return helper.make_node(op, list(inputs), list(outputs), domain=DOMAIN, **attrs)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Array],
    outputs: Sequence[str],
    constants: dict[str, Array] | None = None,
    shapes: dict[str, Sequence[int | None]] | None = None,
) -> onnx.ModelProto:
    """A model of the opset that kaldi-onnx writes; shapes: of tensors between nodes, which the file
    tells."""
    constants = constants or {}
    infos = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (shapes or {}).items()
    }
    graph = helper.make_graph(
        list(nodes),
        "kaldi2onnx",
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape)
            for n, a in {**constants, **inputs}.items()
        ],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(a, n) for n, a in constants.items()],
        value_info=list(infos.values()),
    )
    ids = [helper.make_opsetid(DOMAIN, 7)]
    return helper.make_model(
        graph, opset_imports=ids, ir_version=8, producer_name="kaldi2onnx-nnet3"
    )


def one(
    op: str,
    inputs: dict[str, Array],
    constants: dict[str, Array] | None = None,
    outputs: int = 1,
    order: Sequence[str] | None = None,
    **attrs: Any,
) -> onnx.ModelProto:
    """A model of one node, which reads the inputs and then the constants unless `order` says
    otherwise."""
    names = [f"y{k}" for k in range(outputs)]
    read = order or [*inputs, *(constants or {})]
    return model([node(op, read, names, **attrs)], inputs, names, constants)


def splice(x: Array, context: Sequence[int], rows: Array, constant: int) -> Array:
    """Rows: of each result the frames of the context."""
    moving = x.shape[-1] - constant
    frames = [
        np.concatenate(
            [*(x[..., t, :moving] for t in row), x[..., row[0], moving:]],
            axis=-1,
        )
        for row in rows
    ]
    assert rows.shape[1] == len(context)
    return np.stack(frames, axis=-2)


def target_rms_norm(x: Array, target: float, block: int, logs: bool) -> Array:
    """Each row of `block` elements, 0: all."""
    rows = x.reshape(*x.shape[:-1], -1, block or x.shape[-1]).astype(np.float64)
    size = (rows**2).sum(-1, keepdims=True) / (rows.shape[-1] * target**2)
    scale = np.maximum(size, 2.0**-66) ** -0.5
    parts = [rows * scale, np.log(target) - np.log(scale)]
    y = np.concatenate(parts, axis=-1) if logs else parts[0]
    return y.reshape(*x.shape[:-1], -1)


def batch_norm(
    x: Array, block: int, epsilon: float, target: float, stored: tuple[Array, Array] | None
) -> Array:
    """By stored mean and variance, or by those of all rows."""
    rows = x.reshape(-1, block).astype(np.float64)
    mean, variance = stored if stored is not None else (rows.mean(0), rows.var(0))
    scale = target * (np.maximum(variance, 0) + epsilon) ** -0.5
    return ((rows - mean) * scale).reshape(x.shape)


def p_norm(x: Array, size: int, p: int) -> Array:
    """Of `size` groups."""
    groups = np.abs(x.reshape(*x.shape[:-1], size, -1).astype(np.float64))
    if p == 0:
        return (groups > np.finfo(np.float32).eps).sum(-1).astype(np.float64)
    total: Array = (groups**p).sum(-1) ** (1 / p)
    return total


def extract_pooling(
    x: Array, ranges: Sequence[tuple[int, int]], variance: bool, logs: int, floor: float
) -> Array:
    """Of each range of frames."""
    results = []
    for start, end in ranges:
        part = x[..., start:end, :].astype(np.float64)
        mean = part.mean(-2)
        columns = [np.full((*mean.shape[:-1], logs), np.log(end - start)), mean]
        if variance:
            columns.append(np.sqrt(np.maximum((part**2).mean(-2) - mean**2, floor)))
        results.append(np.concatenate(columns, axis=-1))
    return np.stack(results, axis=-2)


def _sigmoid(x: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-x))
    return result


def lstm_nonlinear(x: Array, params: Array, scales: Array | None = None) -> Array:
    """Of i, f, c, o and the cell before, in this order: cell and output."""
    i, f, c, o, before = np.split(x.astype(np.float64), 5, axis=-1)
    si, sf, so = (1.0, 1.0, 1.0) if scales is None else np.split(scales, 3, axis=-1)
    kept = _sigmoid(f + params[1] * before) * sf * before
    cell = kept + _sigmoid(i + params[0] * before) * si * np.tanh(c)
    return np.concatenate([cell, _sigmoid(o + params[2] * cell) * so * np.tanh(cell)], axis=-1)


def dynamic_lstm(
    x: Array,
    outputs: Array,
    cells: Array,
    weights: tuple[Array, Array, Array],
    biases: tuple[Array, Array],
    offset: int,
    scale: float,
) -> tuple[Array, Array, Array]:
    """Frame by frame, of one sequence: outputs, and the outputs and cells that come back, after
    those (oldest first) that there were before."""
    first, params, second = weights
    held, memory, results = list(outputs), list(cells), []
    size, delays = outputs.shape[1], (len(outputs), len(cells))
    for frame in x:
        gates = first @ np.concatenate([frame, held[-delays[0]]]) + biases[0]
        both = lstm_nonlinear(np.concatenate([gates, memory[-delays[1]]]), params)
        cell, shown = np.split(both, 2)
        result = second @ shown + biases[1]
        results.append(result)
        memory.append(cell * scale)
        held.append(result[offset : offset + size] * scale)
    count = len(x)
    return np.stack(results), np.stack(held[-count:]), np.stack(memory[-count:])
