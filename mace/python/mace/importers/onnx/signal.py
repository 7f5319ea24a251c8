# SPDX-License-Identifier: Apache-2.0
"""ONNX signal processing: transforms, and windows and filter banks of known size, which become
constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register

# Coefficients of cos(0), cos(x), cos(2 x), ... of each window.
_WINDOWS = {
    "HannWindow": (0.5, -0.5),
    "HammingWindow": (25 / 46, -21 / 46),
    "BlackmanWindow": (0.42, -0.5, 0.08),
}


def _typed(n: OnnxNode, values: Array) -> Array:
    """The values in the type that output_datatype names; float64 stays so only where asked for."""
    kind = int(n.attr("output_datatype", onnx.TensorProto.FLOAT))
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    known = ("float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    return values.astype(dtype if dtype.name in known else np.float32)


@register(*_WINDOWS, versions=(17, 17))
def _window(b: Builder, n: OnnxNode) -> None:
    size = int(n.constant(b, 0, "the size").reshape(()))
    if not 0 <= size <= 1 << 24:
        raise UnsupportedError(f"the size of the window is {size}")
    turns = max(1, size if n.attr("periodic", 1) else size - 1)
    angle = 2 * math.pi * np.arange(size) / turns
    values = sum(c * np.cos(k * angle) for k, c in enumerate(_WINDOWS[n.op]))
    b.graph.consts[n.outputs[0]] = _typed(n, np.asarray(values))


@register("MelWeightMatrix", versions=(17, 17))
def _mel_weight_matrix(b: Builder, n: OnnxNode) -> None:
    names = ("num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz", "upper_edge_hertz")
    given = [n.constant(b, i, name).reshape(()) for i, name in enumerate(names)]
    bins, length, rate = (int(v) for v in given[:3])
    low, high = (2595 * math.log10(1 + float(v) / 700) for v in given[3:])
    if not (0 < bins <= 4096 and 0 < length <= 1 << 20 and rate > 0):
        raise UnsupportedError(f"{bins} bins over a transform of {length} at {rate} Hz")
    steps = np.arange(bins + 2) * ((high - low) / (bins + 2)) + low
    hertz = 700 * (10 ** (steps / 2595) - 1)
    edges = ((length + 1) * hertz // rate).astype(np.int64)
    matrix = np.zeros([length // 2 + 1, bins])
    for i in range(bins):
        first, middle, last = (int(e) for e in edges[i : i + 3])
        if middle == first:
            matrix[middle, i] = 1
        else:
            for j in range(first, middle + 1):
                matrix[j, i] = (j - first) / (middle - first)
        for j in range(middle, last):
            matrix[j, i] = (last - j) / (last - middle)
    b.graph.consts[n.outputs[0]] = _typed(n, matrix)


@register("DFT", versions=(17, 20))
def _dft(b: Builder, n: OnnxNode) -> None:
    axis = int(n.attr("axis", 1)) if n.opset < 20 else -2
    if n.opset >= 20 and n.input(2):
        axis = int(n.constant(b, 2, "axis").reshape(()))
    attrs: dict[str, Any] = {"axis": axis, "onesided": bool(n.attr("onesided", 0))}
    if n.attr("inverse", 0):
        attrs["inverse"] = True
    b.op("DFT", n.inputs[:2] if n.input(1) else n.inputs[:1], n.outputs, **attrs)


@register("STFT", versions=(17, 17))
def _stft(b: Builder, n: OnnxNode) -> None:
    """Frames are gathered, weighed and transformed."""
    signal, shape = n.inputs[0], n.shape(n.inputs[0])
    step = int(n.constant(b, 1, "frame_step").reshape(()))
    window = n.shape(n.input(2)) if n.input(2) else None
    if n.input(3):
        length = int(n.constant(b, 3, "frame_length").reshape(()))
    else:
        length = window[0] if window else -1
    if shape is None or len(shape) < 2 or shape[1] < 0 or length < 1 or step < 1:
        raise UnsupportedError(
            "the length of its signal, frame or step is not known", "give the model fixed shapes"
        )
    if len(shape) == 2:
        signal = b.op("Unsqueeze", [signal], axis=[2])
    count = max(0, (shape[1] - length) // step + 1)
    places = np.arange(count)[:, None] * step + np.arange(length)
    frames = b.op("Gather", [signal, b.const(places.astype(np.int64))], axis=1)
    if n.input(2):
        weights = b.op("Reshape", [n.inputs[2]], shape=[-1, 1])
        frames = b.op("Eltwise", [frames, weights], type="PROD")
    b.op("DFT", [frames], n.outputs, axis=-2, onesided=bool(n.attr("onesided", 1)))
