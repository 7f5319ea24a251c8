# SPDX-License-Identifier: Apache-2.0
"""ONNX operators that take and put elements by index, sort them, or keep those that a condition
holds for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mace.graph import dtypes
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register


@register("GatherElements", versions=(11, 13))
def _gather_elements(b: Builder, n: OnnxNode) -> None:
    b.op("GatherElements", n.inputs, n.outputs, axis=int(n.attr("axis", 0)))


@register("GatherND", versions=(11, 13))
def _gather_nd(b: Builder, n: OnnxNode) -> None:
    b.op("GatherND", n.inputs, n.outputs, batch_dims=int(n.attr("batch_dims", 0)))


@register("ai.onnx.ml.ArrayFeatureExtractor", versions=(1, 1))
def _array_feature_extractor(b: Builder, n: OnnxNode) -> None:
    x, indices = n.inputs
    if n.rank(x) == 1:
        x = b.op("Reshape", [x], shape=[1, -1])
    b.op("Gather", [x, b.op("Reshape", [indices], shape=[-1])], n.outputs, axis=-1)


def reduction(n: OnnxNode) -> dict[str, Any]:
    """How updates are combined with what is there."""
    kind = n.attr("reduction", "none")
    if kind not in ("none", "add", "mul", "min", "max"):
        raise UnsupportedError(
            f"the attribute reduction is {kind}", "MACE has none, add, mul, min and max"
        )
    return {"reduction": kind.upper()}


@register("ScatterElements", "Scatter", versions=(9, 18))
def _scatter_elements(b: Builder, n: OnnxNode) -> None:
    b.op("ScatterElements", n.inputs, n.outputs, axis=int(n.attr("axis", 0)), **reduction(n))


@register("ScatterND", versions=(11, 18))
def _scatter_nd(b: Builder, n: OnnxNode) -> None:
    b.op("ScatterND", n.inputs, n.outputs, **reduction(n))


@register("TensorScatter", versions=(24, 24))
def _tensor_scatter(b: Builder, n: OnnxNode) -> None:
    """A ScatterElements whose indices run along the axis from where each sequence starts."""
    cache, update = n.inputs[:2]
    rank, axis = n.rank(cache), int(n.attr("axis", -2))
    axis %= rank
    along = [1] * rank
    along[axis] = -1
    length = _size(b, update, axis)
    indices = b.op("Range", [b.const(0, np.int64), length, b.const(1, np.int64)])
    indices = b.op("Reshape", [indices], shape=along)
    if n.input(2):
        starts = b.op("Cast", [n.inputs[2]], output_type="i64")
        starts = b.op("Reshape", [starts], shape=[-1] + [1] * (rank - 1))
        indices = b.op("Eltwise", [indices, starts], type="SUM")
    if n.attr("mode", "linear") == "circular":
        indices = b.op("Eltwise", [indices, _size(b, cache, axis)], type="MOD")
    shape = b.op("Shape", [update], output_type="i64")
    b.op("ScatterElements", [cache, b.op("Expand", [indices, shape]), update], n.outputs, axis=axis)


def _size(b: Builder, tensor: str, axis: int) -> str:
    """The size of a dimension as a scalar."""
    shape = b.op("Shape", [tensor], start=axis, end=axis + 1, output_type="i64")
    return b.op("Reshape", [shape], shape=[])


@register("MaxUnpool", versions=(9, 22))
def _max_unpool(b: Builder, n: OnnxNode) -> None:
    """Indices are those of the flattened tensor before the pooling, which is all 0 elsewhere; an
    output shape that is larger adds zeros behind it."""
    x, indices = n.inputs[:2]
    before = _unpooled(n)
    zero = b.const([0], dtypes.to_numpy(n.dtype(x)))
    empty = b.op("Expand", [zero, b.const([math.prod(before)], np.int64)])
    flat = [b.op("Reshape", [t], shape=[-1]) for t in (indices, x)]
    y = b.op("ScatterElements", [empty, *flat], axis=0)
    wanted = [int(v) for v in n.constant(b, 2, "output_shape")] if n.input(2) else before
    if wanted == before:
        b.op("Reshape", [y], n.outputs, shape=before)
        return
    y = b.op("Reshape", [y], shape=before)
    paddings = [p for have, size in zip(before, wanted, strict=True) for p in (0, size - have)]
    b.op("Pad", [y], n.outputs, paddings=paddings)


def _unpooled(n: OnnxNode) -> list[int]:
    """The shape before the pooling that attributes and input shape tell."""
    shape = n.shape(n.inputs[0])
    kernel = [int(v) for v in n.require("kernel_shape")]
    if shape is None or min(shape) < 0:
        raise UnsupportedError("its size is not known", "give the model fixed input shapes")
    strides = n.attr("strides", [1] * len(kernel))
    pads = n.attr("pads", [0] * (2 * len(kernel)))
    sizes = [
        (size - 1) * int(stride) + k - int(first) - int(last)
        for size, stride, k, first, last in zip(
            shape[2:], strides, kernel, pads[: len(kernel)], pads[len(kernel) :], strict=True
        )
    ]
    return [*shape[:2], *sizes]


@register("ReverseSequence", versions=(10, 28))
def _reverse_sequence(b: Builder, n: OnnxNode) -> None:
    axes = {"time_axis": int(n.attr("time_axis", 0)), "batch_axis": int(n.attr("batch_axis", 1))}
    b.op("ReverseSequence", n.inputs, n.outputs, **axes)


@register("Compress", versions=(9, 28))
def _compress(b: Builder, n: OnnxNode) -> None:
    x, axis = n.inputs[0], n.attrs.get("axis")
    if axis is None:
        x, axis = b.op("Reshape", [x], shape=[-1]), 0
    b.op("Compress", [x, n.inputs[1]], n.outputs, axis=int(axis))


@register("NonZero", versions=(9, 13))
def _non_zero(b: Builder, n: OnnxNode) -> None:
    b.op("NonZero", n.inputs, n.outputs)


@register("Unique", versions=(11, 28))
def _unique(b: Builder, n: OnnxNode) -> None:
    x, axis = n.inputs[0], n.attrs.get("axis")
    if axis is None:
        x, axis = b.op("Reshape", [x], shape=[-1]), 0
    last = max(i for i in range(len(n.outputs)) if n.outputs[i])
    outputs = [t or b.tensor("unused") for t in n.outputs[: last + 1]]
    b.op("Unique", [x], outputs, axis=int(axis), sorted=bool(n.attr("sorted", 1)))


@register("TopK", versions=(1, 24))
def _top_k(b: Builder, n: OnnxNode) -> None:
    k = n.inputs[1] if n.input(1) else b.const([int(n.require("k"))], np.int64)
    outputs = [n.outputs[0] or b.tensor("values"), *(t for t in n.outputs[1:2] if t)]
    largest = bool(n.attr("largest", 1))
    b.op("TopK", [n.inputs[0], k], outputs, axis=int(n.attr("axis", -1)), largest=largest)


@register("Det", versions=(11, 22))
def _det(b: Builder, n: OnnxNode) -> None:
    b.op("Det", n.inputs, n.outputs)


@register("CenterCropPad", versions=(18, 18))
def _center_crop_pad(b: Builder, n: OnnxNode) -> None:
    """A Slice of the axes that shrink, a Pad of those that grow."""
    x = n.inputs[0]
    shape = n.shape(x)
    if shape is None:
        raise UnsupportedError("the rank of its input is not known")
    axes = [int(a) % len(shape) for a in n.attr("axes", range(len(shape)))]
    wanted = [int(v) for v in np.ravel(n.constant(b, 1, "the shape"))]
    starts, ends, paddings = [], [], [0] * (2 * len(shape))
    for axis, size in zip(axes, wanted, strict=True):
        have = shape[axis]
        if have < 0:
            raise UnsupportedError(
                f"dimension {axis} of its input is not known", "give the model fixed input shapes"
            )
        starts.append(max(0, (have - size) // 2))
        ends.append(starts[-1] + min(have, size))
        surplus = max(0, size - have)
        paddings[2 * axis : 2 * axis + 2] = [surplus // 2, surplus - surplus // 2]
    lists = [b.const(v, np.int64) for v in (starts, ends, axes)]
    b.op("Pad", [b.op("Slice", [x, *lists])], n.outputs, paddings=paddings)


@register("Col2Im", versions=(18, 18))
def _col2im(b: Builder, n: OnnxNode) -> None:
    """Adds each block of columns to the places of the padded image that it comes from."""
    image = [int(v) for v in np.ravel(n.constant(b, 1, "image_shape"))]
    block = [int(v) for v in np.ravel(n.constant(b, 2, "block_shape"))]
    spatial = len(image)
    dilations = [int(v) for v in n.attr("dilations", [1] * spatial)]
    strides = [int(v) for v in n.attr("strides", [1] * spatial)]
    pads = [int(v) for v in n.attr("pads", [0] * (2 * spatial))]
    shape = n.shape(n.inputs[0])
    if shape is None or len(shape) != 3 or shape[0] < 0 or shape[1] < 0:
        raise UnsupportedError("its size is not known", "give the model fixed input shapes")
    batch, taps = shape[0], math.prod(block)
    channels = shape[1] // taps
    padded = [s + pads[i] + pads[spatial + i] for i, s in enumerate(image)]
    # Place of each tap of each window along each dimension, then in the flat padded image.
    places = np.zeros([1] * (2 * spatial), np.int64)
    for i in range(spatial):
        count = (padded[i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1
        along = np.arange(block[i])[:, None] * dilations[i] + np.arange(count) * strides[i]
        full = [1] * (2 * spatial)
        full[i], full[spatial + i] = along.shape
        places = places + along.reshape(full) * math.prod(padded[i + 1 :])
    x = b.op("Reshape", [n.inputs[0]], shape=[batch, channels, taps, -1])
    x = b.op("Transpose", [x], dims=[2, 3, 0, 1])
    x = b.op("Reshape", [x], shape=[-1, batch, channels])
    zero = b.const(np.zeros([1, 1, 1], np.float32))
    empty = b.op("Expand", [zero, b.const([math.prod(padded), batch, channels], np.int64)])
    y = b.op("ScatterND", [empty, b.const(places.reshape(-1, 1)), x], reduction="ADD")
    y = b.op("Transpose", [y], dims=[1, 2, 0])
    y = b.op("Reshape", [y], shape=[batch, channels, *padded])
    ends = [padded[i] - pads[spatial + i] for i in range(spatial)]
    lists = [b.const(v, np.int64) for v in (pads[:spatial], ends, list(range(2, 2 + spatial)))]
    b.op("Slice", [y, *lists], n.outputs)
