# SPDX-License-Identifier: Apache-2.0
"""Passes that recognise normalizations: over the last dimensions (layer norm), over the pixels of each
channel (instance norm), and over groups of channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.graph.ir import Dims, Node
from mace.passes.linear import affine_of
from mace.passes.match import (
    channels_of,
    eltwise,
    mean_over,
    normal_axes,
    permuted,
    split_const,
    with_scalar,
)
from mace.passes.rewrite import Rewriter, graph_pass


@graph_pass("FOLD_LAYERNORM")
def layer_norm(r: Rewriter) -> None:
    """Replaces (x - mean) / sqrt(variance + epsilon) over the last dimensions by a LayerNorm."""
    for node in r.nodes("Eltwise"):
        if r.alive(node):
            _layer_norm(r, node)
    for node in r.nodes("LayerNorm"):
        _scale_layer_norm(r, node)


def _layer_norm(r: Rewriter, node: Node) -> None:
    centred = _numerator(r, node)
    difference = r.producer(centred, "Eltwise") if centred is not None else None
    if centred is None or difference is None or not eltwise(r, difference, "SUB"):
        return
    x, mean = difference.inputs
    rank = r.rank(x)
    reduced = _mean_axes(r, mean, rank)
    if reduced is None or reduced[0] != x or rank is None:
        return
    found = _variance(r, node, centred)
    if found is None or found[1] is None or found[2] != reduced[1]:
        return
    axes, shape = sorted(reduced[1]), r.shape(x)
    if rank >= 4 and axes == list(range(2, rank)):
        put_channels_second(r, node, x, shape, {"epsilon": found[1]})
    elif rank >= 3 and axes == list(range(1, rank - 1)):
        r.replace(node, "GroupNorm", [x], epsilon=found[1])
    elif axes == list(range(min(axes), rank)):
        r.replace(node, "LayerNorm", [x], axis=min(axes) - rank, epsilon=found[1])


def put_channels_second(
    r: Rewriter, node: Node, x: str, shape: Dims | None, attrs: dict[str, Any], *vectors: str
) -> None:
    """Puts a GroupNorm between two transposes in the place of a node on N C ..."""
    rank = r.rank(x) or 0
    last, second = [0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]
    before, after = (r.fresh(f"{node.outputs[0]}/{side}") for side in ("before", "after"))
    for name in (before, after):
        r.set_value(name, x, permuted(shape, last))
    r.add("Transpose", [x], [before], {"dims": last}, node)
    r.add("GroupNorm", [before, *vectors], [after], attrs, node)
    r.replace(node, "Transpose", [after], dims=second)


def _numerator(r: Rewriter, node: Node) -> str | None:
    """The tensor that is divided by a square root, or multiplied with its inverse."""
    if eltwise(r, node, "DIV"):
        return node.inputs[0]
    if eltwise(r, node, "PROD"):
        for tensor, other in (node.inputs, node.inputs[::-1]):
            source = r.producer(other, "Unary")
            if source is not None and source.attrs["type"] == "RSQRT":
                return tensor
    return None


def _mean_axes(r: Rewriter, tensor: str, rank: int | None) -> tuple[str, list[int]] | None:
    """What the tensor is the mean of, and over which axes."""
    node = mean_over(r, tensor)
    if node is None or rank is None:
        return None
    return node.inputs[0], sorted(normal_axes(node.attrs["axis"], rank))


def _variance(r: Rewriter, node: Node, centred: str) -> tuple[str, float, list[int]] | None:
    """The variance by which `node` divides: its tensor, epsilon and the axes."""
    root = next((t for t in node.inputs if t != centred), "")
    source = r.producer(root, "Unary")
    if source is None or source.attrs["type"] not in ("SQRT", "RSQRT"):
        return None
    added = with_scalar(r, r.producer(source.inputs[0]), "SUM")
    if added is None:
        return None
    reduced = _mean_axes(r, added[0], r.rank(centred))
    square = r.producer(reduced[0]) if reduced is not None else None
    if reduced is None or square is None:
        return None
    squared = square.op == "Unary" and square.attrs["type"] == "SQUARE"
    squared |= eltwise(r, square, "PROD") and square.inputs[0] == square.inputs[1]
    power = with_scalar(r, square, "POW")
    squared |= power is not None and power[1] == 2 and power[0] == square.inputs[0]
    if not squared or square.inputs[0] != centred:
        return None
    return added[0], added[1], reduced[1]


def _scale_layer_norm(r: Rewriter, node: Node) -> None:
    """Takes a constant factor and addend of the normalized dimensions into a LayerNorm."""
    shape = r.shape(node.inputs[0])
    if shape is None:
        return
    wanted = shape[r.attr(node, "axis") :]
    for kind, place in (("PROD", 1), ("SUM", 2)):
        user = r.only_user(node.outputs[0])
        if user is None or not eltwise(r, user, kind):
            continue
        found = split_const(r, user)
        if found is None or found[1].shape != wanted or (place == 1 and len(node.inputs) > 1):
            continue
        constant = next(t for t in user.inputs if t != node.outputs[0])
        inputs = [*node.inputs, *[""] * (place - len(node.inputs)), constant]
        output = user.outputs[0]
        r.remove(user)
        r.set_inputs(node, inputs)
        r.set_output(node, 0, output)


@graph_pass("FOLD_INSTANCE_NORM")
def group_norm(r: Rewriter) -> None:
    """Recognises norms of groups of channels, and takes constant factors and addends into them."""
    for node in r.nodes("Reshape"):
        if r.alive(node):
            _group_norm(r, node)
    for node in r.nodes("GroupNorm"):
        _scale_group_norm(r, node)


def _group_norm(r: Rewriter, last: Node) -> None:
    """N C ... reshaped to N G (C/G ...), normalized over the last dimension, and reshaped back."""
    norm, joined, back = _norm_of_rows(r, last.inputs[0])
    first = r.producer(joined, "Reshape")
    if norm is None or first is None or not r.used_once(last.inputs[0]):
        return
    x = first.inputs[0]
    shape, rows, after = r.shape(x), r.shape(joined), r.shape(last.outputs[0])
    if shape is None or rows is None or shape != after or len(rows) != 3 or len(shape) < 3:
        return
    channels, groups = shape[1], rows[1]
    if shape.count(-1) > 1 or rows[0] != shape[0] or groups < 1 or channels < 1:
        return
    if channels % groups or not all(r.used_once(t) for t in back):
        return
    vectors = []
    for tensor in norm.inputs[1:]:
        array = r.const(tensor)
        if array is None or array.size != groups or norm.op != "GroupNorm":
            return
        each = np.repeat(array.reshape(-1), channels // groups)
        vectors.append(r.add_const(f"{last.outputs[0]}/vector", each))
    attrs = {"groups": groups, "epsilon": r.attr(norm, "epsilon")}
    put_channels_second(r, last, x, shape, attrs, *vectors)


def _norm_of_rows(r: Rewriter, tensor: str) -> tuple[Node | None, str, list[str]]:
    """The node that makes a tensor by normalizing the last dimension of three, what it reads, and
    the tensors between: a LayerNorm, or a GroupNorm of each channel between two transposes."""
    node = r.producer(tensor, "LayerNorm")
    if node is not None:
        ends = r.attr(node, "axis") in (-1, 2) and len(node.inputs) == 1
        return (node, node.inputs[0], []) if ends else (None, "", [])
    after = r.producer(tensor, "Transpose")
    node = r.producer(after.inputs[0], "GroupNorm") if after is not None else None
    before = r.producer(node.inputs[0], "Transpose") if node is not None else None
    if after is None or node is None or before is None or r.attr(node, "groups"):
        return None, "", []
    if any(list(t.attrs.get("dims", [])) != [0, 2, 1] for t in (before, after)):
        return None, "", []
    return node, before.inputs[0], [after.inputs[0]]


def _scale_group_norm(r: Rewriter, node: Node) -> None:
    """Takes constant factors and addends of the channels that follow into a GroupNorm."""
    channels = channels_of(r, node.inputs[0])
    while channels > 0 and (user := r.only_user(node.outputs[0])) is not None:
        found = affine_of(r, user, channels)
        own = [r.const(t) for t in node.inputs[1:]]
        if found is None or found[0] != node.outputs[0] or found[1].activation:
            return
        if any(vector is None for vector in own):
            return
        scale, offset = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        known = [vector.reshape(-1) for vector in own if vector is not None]
        if len(known) > 0:
            scale = known[0]
        if len(known) > 1:
            offset = known[1]
        affine, stem = found[1], user.outputs[0]
        vectors = [scale * affine.scale, offset * affine.scale + affine.shift]
        if not vectors[1].any():
            vectors.pop()
        names = [r.add_const(f"{stem}/vector", v.astype(np.float32)) for v in vectors]
        r.remove(user)
        r.set_inputs(node, [node.inputs[0], *names])
        r.set_output(node, 0, stem)
