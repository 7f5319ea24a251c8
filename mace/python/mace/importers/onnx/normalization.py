# SPDX-License-Identifier: Apache-2.0
"""ONNX normalizations and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.elementwise import scalar
from mace.importers.onnx.node import OnnxNode, register


def channels_last(b: Builder, n: OnnxNode, tensor: str) -> tuple[str, list[int] | None]:
    """The tensor with dimension 1 moved last, and the order that moves it back (None: it is)."""
    rank = n.rank(tensor)
    if rank <= 2:
        return tensor, None
    order = [0, *range(2, rank), 1]
    back = [0, rank - 1, *range(1, rank - 1)]
    return b.op("Transpose", [tensor], dims=order), back


@register("BatchNormalization", versions=(7, 15))
def _batch_norm(b: Builder, n: OnnxNode) -> None:
    if n.opset >= 14 and n.attr("training_mode", 0):
        _batch_norm_of_batch(b, n)
        return
    if any(n.uses_output(i) for i in range(1, 5)):
        raise UnsupportedError("it is in training mode", "export the model for inference")
    if not n.attr("spatial", 1):
        raise UnsupportedError("the attribute spatial is 0", "export it with a newer opset")
    x, back = channels_last(b, n, n.inputs[0])
    last = n.outputs if back is None else None
    epsilon = float(n.attr("epsilon", 1e-5))
    y = b.op("BatchNorm", [x, *n.inputs[1:5]], last, epsilon=epsilon)
    if back is not None:
        b.op("Transpose", [y], n.outputs, dims=back)


def _batch_norm_of_batch(b: Builder, n: OnnxNode) -> None:
    """By the mean and variance of the input itself, which move the running ones a little."""
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    axes = [0, *range(2, rank)]
    mean = b.op("Reduce", [x], reduce_type="MEAN", axis=axes, keepdims=True)
    centred = b.op("Eltwise", [x, mean], type="SUB")
    square = b.op("Unary", [centred], type="SQUARE")
    variance = b.op("Reduce", [square], reduce_type="MEAN", axis=axes, keepdims=True)
    raised = b.op(
        "Eltwise", [variance, scalar(b, n, float(n.attr("epsilon", 1e-5)), x)], type="SUM"
    )
    inverse = b.op("Unary", [raised], type="RSQRT")
    y = b.op("Eltwise", [centred, inverse], type="PROD")
    _scale_channels(b, n, y, rank, n.outputs[:1])
    momentum = float(n.attr("momentum", 0.9))
    for index, batch in ((1, mean), (2, variance)):
        if n.uses_output(index):
            own = b.op("Reshape", [batch], shape=[-1])
            b.op(
                "Eltwise",
                [n.inputs[index + 2], own],
                [n.outputs[index]],
                type="SUM",
                coeff=[momentum, 1 - momentum],
            )


@register("InstanceNormalization", versions=(6, 22))
def _instance_norm(b: Builder, n: OnnxNode) -> None:
    _normalize_groups(b, n, 0, n.inputs[1:3], float(n.attr("epsilon", 1e-5)))


def _normalize_groups(
    b: Builder, n: OnnxNode, groups: int, vectors: list[str], epsilon: float
) -> None:
    """A GroupNorm of N C ... as the node's output; 0 groups: as many as channels."""
    x, back = channels_last(b, n, n.inputs[0])
    last = n.outputs if back is None else None
    y = b.op("GroupNorm", [x, *vectors], last, groups=groups, epsilon=epsilon)
    if back is not None:
        b.op("Transpose", [y], n.outputs, dims=back)


def _standardize(b: Builder, n: OnnxNode, x: str, axes: list[int], epsilon: float) -> str:
    """(x - mean) / sqrt(variance + epsilon) over axes."""
    mean = b.op("Reduce", [x], reduce_type="MEAN", axis=axes, keepdims=True)
    centred = b.op("Eltwise", [x, mean], type="SUB")
    inverse = _inverse_deviation(b, n, centred, axes, epsilon)
    return b.op("Eltwise", [centred, inverse], type="PROD")


def _inverse_deviation(
    b: Builder,
    n: OnnxNode,
    centred: str,
    axes: list[int],
    epsilon: float,
    outputs: list[str] | None = None,
) -> str:
    """1 / sqrt(variance + epsilon) over axes of a tensor without its mean."""
    square = b.op("Unary", [centred], type="SQUARE")
    variance = b.op("Reduce", [square], reduce_type="MEAN", axis=axes, keepdims=True)
    raised = b.op("Eltwise", [variance, scalar(b, n, epsilon, n.inputs[0])], type="SUM")
    return b.op("Unary", [raised], outputs, type="RSQRT")


def _scale_channels(b: Builder, n: OnnxNode, y: str, rank: int, outputs: list[str]) -> str:
    """y * scale + bias for each index of dimension 1; inputs 1 and 2 of the node."""
    shape = [-1] + [1] * (rank - 2)
    scale = b.op("Reshape", [n.inputs[1]], shape=shape)
    bias = b.op("Reshape", [n.inputs[2]], shape=shape)
    scaled = b.op("Eltwise", [y, scale], type="PROD")
    return b.op("Eltwise", [scaled, bias], outputs, type="SUM")


@register("GroupNormalization", versions=(18, 21))
def _group_norm(b: Builder, n: OnnxNode) -> None:
    x, groups = n.inputs[0], int(n.require("num_groups"))
    epsilon = float(n.attr("epsilon", 1e-5))
    if groups < 1:
        raise UnsupportedError(f"the attribute num_groups is {groups}", "it must be at least 1")
    if n.opset >= 21:
        _normalize_groups(b, n, groups, n.inputs[1:3], epsilon)
        return
    # One scale for each group.
    flat = b.op("Reshape", [x], shape=[0, groups, -1], copy_zeros=True)
    y = _standardize(b, n, flat, [2], epsilon)
    y = _scale_channels(b, n, y, 3, [b.tensor("scaled")])
    b.op("Reshape", [y, b.op("Shape", [x], output_type="i64")], n.outputs)


@register("LayerNormalization", versions=(17, 17))
def _layer_norm(b: Builder, n: OnnxNode) -> None:
    axis, epsilon = int(n.attr("axis", -1)), float(n.attr("epsilon", 1e-5))
    b.op("LayerNorm", n.inputs, n.outputs[:1], axis=axis, epsilon=epsilon)
    if not n.uses_output(1) and not n.uses_output(2):
        return
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    axes = list(range(axis % rank, rank))
    mean = [n.outputs[1]] if n.uses_output(1) else None
    centre = b.op("Reduce", [x], mean, reduce_type="MEAN", axis=axes, keepdims=True)
    if n.uses_output(2):
        centred = b.op("Eltwise", [x, centre], type="SUB")
        _inverse_deviation(b, n, centred, axes, epsilon, n.outputs[2:3])


@register("RMSNormalization", versions=(23, 23))
def _rms_norm(b: Builder, n: OnnxNode) -> None:
    x, axis = n.inputs[0], int(n.attr("axis", -1))
    rank = n.rank(x)
    axes = list(range(axis % rank, rank))
    mean = b.op(
        "Reduce", [b.op("Unary", [x], type="SQUARE")], reduce_type="MEAN", axis=axes, keepdims=True
    )
    raised = b.op("Eltwise", [mean, scalar(b, n, float(n.attr("epsilon", 1e-5)), x)], type="SUM")
    y = b.op("Eltwise", [x, b.op("Unary", [raised], type="RSQRT")], type="PROD")
    b.op("Eltwise", [y, n.inputs[1]], n.outputs, type="PROD")


@register("MeanVarianceNormalization", versions=(9, 13))
def _mean_variance(b: Builder, n: OnnxNode) -> None:
    axes = [int(a) for a in n.attr("axes", [0, 2, 3])]
    if axes == [2, 3] and n.rank(n.inputs[0]) == 4:
        _normalize_groups(b, n, 0, [], 1e-9)
        return
    y = _standardize(b, n, n.inputs[0], axes, 1e-9)
    b.op("Identity", [y], n.outputs)


@register("LpNormalization", versions=(1, 22))
def _lp_norm(b: Builder, n: OnnxNode) -> None:
    kind = {1: "L1", 2: "L2"}.get(int(n.attr("p", 2)))
    if kind is None:
        raise UnsupportedError(f"the attribute p is {n.attr('p', 2)}; only 1 and 2 are possible")
    axes = [int(n.attr("axis", -1))]
    norm = b.op("Reduce", n.inputs, reduce_type=kind, axis=axes, keepdims=True)
    tiny = scalar(b, n, float(np.finfo(np.float32).tiny), n.inputs[0])  # 0 / 0 counts as 0
    norm = b.op("Eltwise", [norm, tiny], type="MAX")
    b.op("Eltwise", [n.inputs[0], norm], n.outputs, type="DIV")


@register("LRN", versions=(1, 13))
def _lrn(b: Builder, n: OnnxNode) -> None:
    size = int(n.require("size"))
    if size % 2 == 0:
        raise UnsupportedError(f"the attribute size is {size}; only odd sizes are possible")
    attrs: dict[str, Any] = {
        "depth_radius": size // 2,
        "bias": float(n.attr("bias", 1.0)),
        "alpha": float(n.attr("alpha", 1e-4)) / size,
        "beta": float(n.attr("beta", 0.75)),
    }
    if n.rank(n.inputs[0]) != 4:
        raise UnsupportedError(f"its input has rank {n.rank(n.inputs[0])}; only rank 4 is possible")
    b.nchw(b.op("LocalResponseNorm", [b.nhwc(n.inputs[0])], **attrs), n.outputs[0])


@register("Softmax", "LogSoftmax", versions=(1, 13))
def _softmax(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {"log": True} if n.op == "LogSoftmax" else {}
    if n.opset >= 13:
        attrs["axis"] = int(n.attr("axis", -1))
    else:
        attrs["axis"] = int(n.attr("axis", 1))
        shape = n.shape(n.inputs[0])
        last = shape is not None and attrs["axis"] in (-1, len(shape) - 1)
        if not last:
            attrs["flatten"] = True
    b.op("Softmax", n.inputs, n.outputs, **attrs)


@register("Hardmax", versions=(1, 13))
def _hardmax(b: Builder, n: OnnxNode) -> None:
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    if n.opset >= 13:
        hit = _first_largest(b, x, rank, int(n.attr("axis", -1)) % rank)
        b.op("Cast", [hit], n.outputs, output_type="f32")
        return
    # Before opset 13 the axis splits the dimensions into those of rows and those of columns.
    axis = int(n.attr("axis", 1)) % max(rank, 1)
    rows = b.op("Flatten", [x], axis=axis, two_dimensional=True)
    hit = b.op("Cast", [_first_largest(b, rows, 2, 1)], output_type="f32")
    b.op("Reshape", [hit, b.op("Shape", [x], output_type="i64")], n.outputs)


def _first_largest(b: Builder, x: str, rank: int, axis: int) -> str:
    """Whether each element is the first of the largest ones along an axis."""
    best = b.op("ArgMax", [x], axis=axis, keepdims=True, output_type="i64")
    size = b.op("Shape", [x], start=axis, end=axis + 1, output_type="i64")
    limits = [b.const(0, np.int64), b.op("Reshape", [size], shape=[]), b.const(1, np.int64)]
    index = b.op("Reshape", [b.op("Range", limits)], shape=[-1] + [1] * (rank - 1 - axis))
    return b.op("Eltwise", [index, best], type="EQUAL")
