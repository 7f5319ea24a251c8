# SPDX-License-Identifier: Apache-2.0
"""Passes on means and variances as TensorFlow writes them: normalizations that end in
x * s + (offset - mean * s) with s = scale / sqrt(variance + epsilon), and variances that are left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mace.graph.ir import Array, Dims, Node
from mace.passes.match import eltwise, mean_over, normal_axes, with_scalar
from mace.passes.normalization import put_channels_second
from mace.passes.rewrite import Rewriter, graph_pass


@dataclass
class _Norm:
    """What is normalized, over which axes, and the constants multiplied and added after."""

    x: str
    axes: list[int]
    epsilon: float
    scale: list[Array] = field(default_factory=list)
    offset: list[Array] = field(default_factory=list)


@graph_pass("FOLD_MOMENTS")
def fold_moments(r: Rewriter) -> None:
    """Replaces x * s + (offset - mean * s), s from the variance, by a LayerNorm or GroupNorm."""
    for node in r.nodes("Eltwise"):
        found = _norm(r, node) if r.alive(node) and eltwise(r, node, "SUM") else None
        if found is not None:
            _replace(r, node, found)


def _norm(r: Rewriter, node: Node) -> _Norm | None:
    for product, rest in (node.inputs, node.inputs[::-1]):
        scaled = r.producer(product, "Eltwise")
        if scaled is None or not eltwise(r, scaled, "PROD"):
            continue
        for x, factor in (scaled.inputs, scaled.inputs[::-1]):
            found = _standard(r, x, factor)
            if found is not None and _shifts(r, rest, factor, found):
                return found
    return None


def _standard(r: Rewriter, x: str, factor: str) -> _Norm | None:
    """Whether the factor is scale / sqrt(variance of x + epsilon)."""
    scale: list[Array] = []
    root = r.producer(factor)
    if eltwise(r, root, "PROD") and root is not None:
        for tensor, other in (root.inputs, root.inputs[::-1]):
            array = r.const(other)
            if array is not None:
                scale, root = [array], r.producer(tensor)
                break
    if root is None or root.op != "Unary" or root.attrs["type"] != "RSQRT":
        return None
    added = with_scalar(r, r.producer(root.inputs[0]), "SUM")
    variance = _variance(r, added[0]) if added is not None else None
    if added is None or variance is None or variance[0] != x or r.dtype(x) not in ("f32", None):
        return None
    return _Norm(x, variance[1], added[1], scale)


def _variance(r: Rewriter, tensor: str) -> tuple[str, list[int]] | None:
    """What the tensor is the variance of, and over which axes."""
    node = mean_over(r, tensor)
    square = r.producer(node.inputs[0], "Eltwise") if node is not None else None
    if node is None or square is None or not eltwise(r, square, "SQR_DIFF"):
        return None
    for x, mean in (square.inputs, square.inputs[::-1]):
        rank, other = r.rank(x), mean_over(r, mean)
        if rank is None or other is None or other.inputs[0] != x:
            continue
        axes = sorted(normal_axes(node.attrs["axis"], rank))
        if axes == sorted(normal_axes(other.attrs["axis"], rank)):
            return x, axes
    return None


def _shifts(r: Rewriter, tensor: str, factor: str, norm: _Norm) -> bool:
    """Whether the tensor is offset - mean * factor; notes the offset."""
    if _is_mean_part(r, tensor, factor, norm, negative=True):
        return True
    node = r.producer(tensor, "Eltwise")
    if node is None:
        return False
    if eltwise(r, node, "SUM"):
        for other, constant in (node.inputs, node.inputs[::-1]):
            array = r.const(constant)
            if array is not None and _is_mean_part(r, other, factor, norm, negative=True):
                norm.offset = [array]
                return True
        return False
    array = r.const(node.inputs[0]) if eltwise(r, node, "SUB") else None
    if array is None or not _is_mean_part(r, node.inputs[1], factor, norm, negative=False):
        return False
    norm.offset = [array]
    return True


def _is_mean_part(r: Rewriter, tensor: str, factor: str, norm: _Norm, negative: bool) -> bool:
    """Whether the tensor is mean * factor, with the sign turned if `negative`."""
    node = r.producer(tensor)
    if node is not None and negative and node.op == "Unary" and node.attrs["type"] == "NEG":
        return _is_mean_part(r, node.inputs[0], factor, norm, negative=False)
    if node is None or not eltwise(r, node, "PROD") or factor not in node.inputs:
        return False
    other = node.inputs[1 - node.inputs.index(factor)]
    if negative:
        sign = r.producer(other, "Unary")
        if sign is None or sign.attrs["type"] != "NEG":
            return False
        other = sign.inputs[0]
    mean, rank = mean_over(r, other), r.rank(norm.x)
    if mean is None or rank is None or mean.inputs[0] != norm.x:
        return False
    return sorted(normal_axes(mean.attrs["axis"], rank)) == norm.axes


def _replace(r: Rewriter, node: Node, norm: _Norm) -> None:
    shape = r.shape(norm.x)
    if shape is None:
        return
    rank, first, attrs = len(shape), norm.axes[0], {"epsilon": norm.epsilon}
    if rank >= 4 and norm.axes == list(range(2, rank)):
        vectors = _vectors(r, node, norm, (shape[1], *[1] * (rank - 2)), shape[1:2])
        if vectors is not None:
            put_channels_second(r, node, norm.x, shape, attrs, *vectors)
    elif norm.axes == list(range(first, rank)):
        vectors = _vectors(r, node, norm, shape[first:], shape[first:])
        if vectors is not None:
            r.replace(node, "LayerNorm", [norm.x, *vectors], axis=first - rank, **attrs)
    elif norm.axes == list(range(1, rank - 1)):
        vectors = _vectors(r, node, norm, shape[-1:], shape[-1:])
        if vectors is not None:
            r.replace(node, "GroupNorm", [norm.x, *vectors], **attrs)
    else:
        _replace_groups(r, node, norm)


def _vectors(r: Rewriter, node: Node, norm: _Norm, dims: Dims, shape: Dims) -> list[str] | None:
    """Constants of the scale and the offset in `shape`, which vary along the last dimensions
    `dims` at most; None when they vary along others, or `dims` are not known."""
    if not norm.scale and not norm.offset:
        return []
    ones = np.ones(1, np.float32)
    arrays = [norm.scale[0] if norm.scale else ones, *norm.offset]
    for array in arrays:
        lifted = (1,) * max(0, len(dims) - array.ndim) + array.shape
        extra = len(lifted) - len(dims)
        if min(dims) < 1 or array.dtype != np.float32 or any(d != 1 for d in lifted[:extra]):
            return None
        if any(a not in (1, d) for a, d in zip(lifted[extra:], dims, strict=True)):
            return None
        # More dimensions than x has would be dimensions of the result.
        if array.ndim > (r.rank(norm.x) or 0):
            return None
    stem = f"{node.outputs[0]}/vector"
    names = []
    for array in arrays:
        vector = array.reshape(array.shape[max(0, array.ndim - len(dims)) :])
        full = np.broadcast_to(vector, dims).reshape(shape)
        names.append(r.add_const(stem, np.ascontiguousarray(full)))
    return names


def _replace_groups(r: Rewriter, node: Node, norm: _Norm) -> None:
    """N ... C, reshaped to N ... G C/G and normalized over all but N and G, as Keras does."""
    split = r.producer(norm.x, "Reshape")
    shape = r.shape(norm.x)
    before = r.shape(split.inputs[0]) if split is not None else None
    if split is None or shape is None or before is None or len(before) != len(shape) - 1:
        return
    rank = len(shape)
    inner = [*range(1, rank - 2), rank - 1]
    if norm.axes != inner or before[:-1] != shape[:-2] or min(*before[1:], *shape[1:]) < 1:
        return
    if before[-1] != shape[-2] * shape[-1] or len(before) < 3:
        return
    vectors = _vectors(r, node, norm, shape[-2:], before[-1:])
    if vectors is None:
        return
    joined = r.fresh(f"{node.outputs[0]}/joined")
    r.set_value(joined, norm.x, before)
    attrs = {"groups": shape[-2], "epsilon": norm.epsilon}
    r.add("GroupNorm", [split.inputs[0], *vectors], [joined], attrs, node)
    r.replace(node, "Reshape", [joined], shape=[-1, *shape[1:]])


@graph_pass("FOLD_SQRDIFF_MEAN")
def fold_square_difference(r: Rewriter) -> None:
    """Replaces the mean of squared differences over neighbouring axes by a SqrDiffMean."""
    for node in r.nodes("Reduce"):
        square = r.producer(node.inputs[0])
        if node.attrs["reduce_type"] != "MEAN" or square is None:
            continue
        if not r.used_once(node.inputs[0]) or r.dtype(node.inputs[0]) != "f32":
            continue
        pair = _difference(r, square)
        shape = r.shape(pair[0]) if pair is not None else None
        if pair is None or shape is None or not shape:
            continue
        axes = sorted(normal_axes(r.attr(node, "axis") or range(len(shape)), len(shape)))
        if axes != list(range(axes[0], axes[-1] + 1)) or not _is_centre(r, *pair, axes):
            continue
        keep = r.attr(node, "keepdims")
        r.replace(node, "SqrDiffMean", list(pair), axis=axes, keepdims=keep)


def _difference(r: Rewriter, square: Node) -> tuple[str, str] | None:
    """The tensors whose difference is squared."""
    if eltwise(r, square, "SQR_DIFF"):
        first, second = square.inputs
        larger = r.producer(first, "Reduce") is None
        return (first, second) if larger else (second, first)
    if square.op == "Unary" and square.attrs["type"] == "SQUARE":
        difference = r.producer(square.inputs[0], "Eltwise")
        if eltwise(r, difference, "SUB") and difference is not None:
            first, second = difference.inputs
            return (first, second) if r.used_once(square.inputs[0]) else None
    return None


def _is_centre(r: Rewriter, x: str, centre: str, axes: list[int]) -> bool:
    """Whether `centre` has one element for each set of elements of x along the axes."""
    mean = mean_over(r, centre)
    shape, other = r.shape(x), r.shape(centre)
    if shape is None:
        return False
    if mean is not None and mean.inputs[0] == x:
        return sorted(normal_axes(mean.attrs["axis"], len(shape))) == axes
    if other is None or min(shape) < 0:
        return False
    return other == tuple(1 if i in axes else d for i, d in enumerate(shape))
