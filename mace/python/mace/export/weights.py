# SPDX-License-Identifier: Apache-2.0
"""How float32 weights are stored: in two bytes each, or as 8-bit integers with a scale for each output
channel. The engine computes in float32 all the same."""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np

from mace.graph.ir import Array, Graph

FORMATS = ("float32", "float16", "bfloat16", "int8")
# Operators whose second input has output channels, and along which axis it has them.
_CHANNEL_AXIS = {
    "Conv2D": 0,
    "Conv3D": 0,
    "Deconv2D": 0,
    "Deconv3D": 0,
    "DepthwiseConv2d": 3,
    "FullyConnected": 0,
}
# With fewer elements, as in filters of depthwise convolutions, the scales eat up much of what is
# saved, and there is little to save.
_LEAST_OF_CHANNEL = 16
_LEAST = 64
_LARGEST = 127


@dataclass(frozen=True)
class Stored:
    """Elements as they are stored. scales: of int8, one for each index of `axis`."""

    array: Array
    scales: tuple[float, ...] = ()
    axis: int = 0


def channel_axes(graph: Graph) -> dict[str, int]:
    """The constants that are nothing but weights with output channels, and their axes."""
    found: dict[str, int] = {}
    other = {output.name for output in graph.outputs}
    for node in graph.nodes:
        for index, name in enumerate(node.inputs):
            if name not in graph.consts:
                continue
            axis = _axis(graph, node.op, node.attrs.get("transpose_b"), index, name)
            if axis is None or found.setdefault(name, axis) != axis:
                other.add(name)
    return {name: axis for name, axis in found.items() if name not in other}


def _axis(graph: Graph, op: str, transposed: bool | None, index: int, name: str) -> int | None:
    rank = graph.consts[name].ndim
    if index != 1:
        return None
    if op == "MatMul" and rank == 2:
        return 0 if transposed else 1
    axis = _CHANNEL_AXIS.get(op)
    return axis if axis is not None and axis < rank else None


def as_half(array: Array) -> Stored | None:
    """Elements in two bytes each; None if one would become infinite. A single number, such as an
    epsilon or a limit, stays exact: storing it in two bytes saves nothing."""
    fits = array.size > 1 and bool(np.all(np.abs(array) <= np.finfo(np.float16).max))
    return Stored(array.astype(np.float16)) if fits else None


def as_bfloat16(array: Array) -> Stored | None:
    """Elements in two bytes each with the exponents of float32, rounded to 8 significant bits; None
    as with as_half."""
    if array.size <= 1:
        return None
    rounded = array.astype(ml_dtypes.bfloat16)
    fits = bool(np.all(np.isfinite(rounded.astype(np.float32)) | ~np.isfinite(array)))
    return Stored(rounded) if fits else None


def as_int8(array: Array, axis: int) -> Stored | None:
    """Elements in one byte each: of each channel the largest magnitude becomes 127. None for weights
    that are few, or that have no finite scale."""
    channels = array.shape[axis]
    if array.size < max(_LEAST, _LEAST_OF_CHANNEL * channels) or not np.all(np.isfinite(array)):
        return None
    around = tuple(d for d in range(array.ndim) if d != axis)
    largest = np.abs(array).max(axis=around).astype(np.float64)
    scales = np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)
    if np.any(scales < np.finfo(np.float32).tiny):
        return None
    shape = [1] * array.ndim
    shape[axis] = channels
    integers = np.rint(array / scales.reshape(shape).astype(np.float64))
    integers = np.clip(integers, -_LARGEST, _LARGEST).astype(np.int8)
    return Stored(integers, tuple(float(s) for s in scales), axis)
