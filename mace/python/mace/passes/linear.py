# SPDX-License-Identifier: Apache-2.0
"""Passes that fold scales and offsets of channels into the weights of convolutions and fully
connected layers: batch normalization, bias, constant factors, before and after.

Constants may be shared: weights are never changed, new ones are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mace.graph.ir import Array, Node
from mace.passes.match import (
    activation_attrs,
    channels_of,
    eltwise,
    per_channel,
    plain,
    split_const,
)
from mace.passes.rewrite import Rewriter, graph_pass

# The dimension of the filter that counts output channels.
_OUT_AXIS = {"Conv2D": 0, "Deconv2D": 0, "FullyConnected": 0, "DepthwiseConv2d": 3}
_RANK = {"Conv2D": 4, "Deconv2D": 4, "DepthwiseConv2d": 4}


@dataclass(frozen=True)
class Affine:
    """scale * x + shift for each channel, then an activation."""

    scale: Array
    shift: Array
    activation: dict[str, Any]


def affine_of(r: Rewriter, node: Node, channels: int) -> tuple[str, Affine] | None:
    """What a BatchNorm or an Eltwise with a constant does to each channel of which tensor."""
    if node.op == "BatchNorm":
        return _affine_of_norm(r, node, channels)
    if node.op != "Eltwise" or node.attrs.get("coeff"):
        return None
    found = split_const(r, node)
    if found is None:
        return None
    tensor, array = found
    vector = per_channel(array, channels, r.rank(tensor))
    if vector is None:
        return None
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    kind, first = node.attrs["type"], tensor == node.inputs[0]
    if kind == "PROD":
        pair = (vector, zero)
    elif kind == "SUM":
        pair = (one, vector)
    elif kind == "SUB":
        pair = (one, -vector) if first else (-one, vector)
    elif kind == "DIV" and first and bool((vector != 0).all()):
        pair = (one / vector, zero)
    else:
        return None
    return tensor, Affine(*pair, activation_attrs(node))


def _affine_of_norm(r: Rewriter, node: Node, channels: int) -> tuple[str, Affine] | None:
    vectors = [r.const(t) for t in node.inputs[1:]]
    if any(v is None or v.size != channels for v in vectors):
        return None
    scale, offset, *statistics = (np.asarray(v, np.float64).reshape(-1) for v in vectors)
    if statistics:
        mean, variance = statistics
        scale = scale / np.sqrt(variance + r.attr(node, "epsilon"))
        offset = offset - mean * scale
    result = Affine(scale.astype(np.float32), offset.astype(np.float32), activation_attrs(node))
    return node.inputs[0], result


def _weights(r: Rewriter, node: Node) -> tuple[Array, Array | None] | None:
    """Filter and bias of a linear node, if both are constant; no bias is None."""
    weight = r.const(node.inputs[1])
    if weight is None or weight.dtype != np.float32:
        return None
    if len(node.inputs) > 2 and node.inputs[2]:
        bias = r.const(node.inputs[2])
        return None if bias is None else (weight, bias)
    return weight, None


def _set_weights(r: Rewriter, node: Node, weight: Array | None, bias: Array | None) -> None:
    """Gives a linear node new weights; None leaves what there is."""
    inputs = list(node.inputs)
    if weight is not None:
        inputs[1] = r.add_const(
            f"{node.outputs[0]}/filter", np.ascontiguousarray(weight, np.float32)
        )
    if bias is not None:
        name = r.add_const(f"{node.outputs[0]}/bias", np.ascontiguousarray(bias, np.float32))
        inputs = [*inputs[:2], name, *inputs[3:]]
    r.set_inputs(node, inputs)


def _fold_after(r: Rewriter, node: Node, consumers: tuple[str, ...]) -> bool:
    """Folds what the only reader of a linear node does to its channels into the weights."""
    user = r.only_user(node.outputs[0])
    weights = _weights(r, node)
    if user is None or user.op not in consumers or weights is None or not plain(r, node):
        return False
    weight, bias = weights
    axis = _OUT_AXIS[node.op]
    channels = weight.shape[axis]
    found = affine_of(r, user, channels)
    if found is None or found[0] != node.outputs[0] or not _keeps_rank(r, node, user):
        return False
    affine = found[1]
    before = bias if bias is not None else np.zeros(channels, np.float32)
    shape = [1] * weight.ndim
    shape[axis] = channels
    one = bool((affine.scale == 1).all())
    scaled = None if one else weight * affine.scale.reshape(shape)
    offset = before * affine.scale + affine.shift
    has_bias = bias is not None or bool(offset.any())
    _set_weights(r, node, scaled, offset if has_bias else None)
    node.attrs.update(affine.activation)
    output = user.outputs[0]
    r.remove(user)
    r.set_output(node, 0, output)
    return True


def _keeps_rank(r: Rewriter, node: Node, user: Node) -> bool:
    """Whether constants of the reader have no more dimensions than the linear node's output."""
    rank = _RANK.get(node.op) or r.rank(node.outputs[0])
    widest = max((c.ndim for t in user.inputs if (c := r.const(t)) is not None), default=0)
    return widest <= 1 or (rank is not None and widest <= rank)


def _fold_all(r: Rewriter, ops: tuple[str, ...], consumers: tuple[str, ...]) -> None:
    for node in r.nodes(*ops):
        while _fold_after(r, node, consumers):
            pass


@graph_pass("FOLD_CONV_AND_BN")
def fold_conv_bn(r: Rewriter) -> None:
    """Folds a BatchNorm behind a Conv2D into its filter and bias."""
    _fold_all(r, ("Conv2D",), ("BatchNorm",))


@graph_pass("FOLD_DECONV_AND_BN")
def fold_deconv_bn(r: Rewriter) -> None:
    """Folds a BatchNorm behind a Deconv2D into its filter and bias."""
    _fold_all(r, ("Deconv2D",), ("BatchNorm",))


@graph_pass("FOLD_DEPTHWISE_CONV_AND_BN")
def fold_depthwise_bn(r: Rewriter) -> None:
    """Folds a BatchNorm behind a DepthwiseConv2d into its filter and bias."""
    _fold_all(r, ("DepthwiseConv2d",), ("BatchNorm",))


@graph_pass("FOLD_FC_AND_BN")
def fold_fc_bn(r: Rewriter) -> None:
    """Folds a BatchNorm behind a FullyConnected into its weight and bias."""
    _fold_all(r, ("FullyConnected",), ("BatchNorm",))


@graph_pass("FOLD_BIASADD")
def fold_bias(r: Rewriter) -> None:
    """Folds constants that are added to or multiplied with the channels of a linear operator."""
    _fold_all(r, tuple(_OUT_AXIS), ("Eltwise",))


@graph_pass("FOLD_BATCHNORM")
def fold_batch_norm(r: Rewriter) -> None:
    """Joins a constant factor and a constant addend of each channel into one BatchNorm."""
    for node in r.nodes("BatchNorm", "Eltwise"):
        while r.alive(node) and (successor := _join_affine(r, node)) is not None:
            node = successor


def _join_affine(r: Rewriter, node: Node) -> Node | None:
    """Joins an affine node with the affine node that alone reads it; the joined one."""
    user = r.only_user(node.outputs[0])
    channels = channels_of(r, node.inputs[0])
    if node.op == "Eltwise" and r.const(node.inputs[0]) is not None:
        channels = channels_of(r, node.inputs[1])
    if user is None or user.op not in ("BatchNorm", "Eltwise") or not plain(r, node):
        return None
    first, second = affine_of(r, node, channels), affine_of(r, user, channels)
    if first is None or second is None or second[0] != node.outputs[0]:
        return None
    tensor, inner = first
    outer = second[1]
    scale, shift = inner.scale * outer.scale, inner.shift * outer.scale + outer.shift
    names = [
        r.add_const(f"{user.outputs[0]}/scale", scale),
        r.add_const(f"{user.outputs[0]}/offset", shift),
    ]
    r.remove(node)
    return r.replace(user, "BatchNorm", [tensor, *names], **outer.activation)


@graph_pass("SIMPLIFY_BATCHNORM")
def simplify_batch_norm(r: Rewriter) -> None:
    """Reduces the four vectors of a BatchNorm to a factor and an addend."""
    for node in r.nodes("BatchNorm"):
        scale = r.const(node.inputs[1])
        if len(node.inputs) != 5 or scale is None:
            continue
        found = affine_of(r, node, scale.size)
        if found is None:
            continue
        stem = node.outputs[0]
        names = [
            r.add_const(f"{stem}/scale", found[1].scale),
            r.add_const(f"{stem}/offset", found[1].shift),
        ]
        r.replace(node, "BatchNorm", [node.inputs[0], *names], **found[1].activation)


@graph_pass("FOLD_BN_AND_CONV")
def fold_before(r: Rewriter) -> None:
    """Folds factors and addends of the input channels into the linear operator that reads them."""
    for node in r.nodes("Conv2D", "DepthwiseConv2d", "FullyConnected"):
        while _fold_before(r, node):
            pass


def _fold_before(r: Rewriter, node: Node) -> bool:
    before = r.producer(node.inputs[0], "BatchNorm", "Eltwise")
    weights = _weights(r, node)
    if before is None or weights is None or not plain(r, before):
        return False
    if not r.used_once(node.inputs[0]) or not _reads_channels(r, node):
        return False
    weight, bias = weights
    channels = _input_channels(r, node, weight)
    found = affine_of(r, before, channels)
    if found is None or channels_of(r, found[0]) != channels:
        return False
    tensor, affine = found
    # Padding adds zeros after the addend: at the border the sum over the window would differ.
    if bool(affine.shift.any()) and _may_pad(r, node):
        return False
    scale, shift = _by_weight(node, weight, affine.scale), _by_weight(node, weight, affine.shift)
    axes = (0, 1, 2) if node.op == "DepthwiseConv2d" else tuple(range(1, weight.ndim))
    added = (weight * shift).sum(axes, dtype=np.float64).astype(np.float32)
    total = added if bias is None else bias + added
    has_bias = bias is not None or bool(affine.shift.any())
    r.remove(before)
    r.set_inputs(node, [tensor, *node.inputs[1:]])
    _set_weights(r, node, weight * scale, total if has_bias else None)
    return True


def _reads_channels(r: Rewriter, node: Node) -> bool:
    """Whether the weights' input dimension is the last dimension of the input alone."""
    if node.op != "FullyConnected":
        return True
    rank = r.rank(node.inputs[0])
    return r.attr(node, "axis") in (-1, None if rank is None else rank - 1)


def _may_pad(r: Rewriter, node: Node) -> bool:
    if node.op == "FullyConnected":
        return False
    weight = r.const(node.inputs[1])
    one = weight is not None and weight.shape[1:3] == (1, 1)
    padding = r.attr(node, "padding")
    if padding == "EXPLICIT":
        return any(r.attr(node, "paddings"))
    # A window of one element never needs padding.
    return bool(padding == "SAME" and not one)


def _input_channels(r: Rewriter, node: Node, weight: Array) -> int:
    if node.op == "DepthwiseConv2d":
        return channels_of(r, node.inputs[0])
    return int(weight.shape[-1]) * int(node.attrs.get("group", 1))


def _by_weight(node: Node, weight: Array, vector: Array) -> Array:
    """A vector of the input channels, shaped to be multiplied with the weight."""
    if node.op == "FullyConnected":
        return vector.reshape(1, -1)
    if node.op == "DepthwiseConv2d":
        return np.repeat(vector, weight.shape[3] // vector.size).reshape(1, 1, 1, -1)
    group = int(node.attrs.get("group", 1))
    rows = np.repeat(vector.reshape(group, -1), weight.shape[0] // group, axis=0)
    return rows.reshape(weight.shape[0], 1, 1, weight.shape[3])


@graph_pass("FOLD_SCALAR")
def fold_scalars(r: Rewriter) -> None:
    """Joins consecutive factors, or consecutive addends, that are one number each."""
    for kind in ("PROD", "SUM"):
        for node in r.nodes("Eltwise"):
            user = (
                r.only_user(node.outputs[0]) if r.alive(node) and eltwise(r, node, kind) else None
            )
            if (
                user is None
                or user.op != "Eltwise"
                or user.attrs["type"] != kind
                or user.attrs.get("coeff")
            ):
                continue
            inner, outer = split_const(r, node), split_const(r, user)
            if inner is None or outer is None or inner[1].size != 1 or outer[1].size != 1:
                continue
            if inner[1].dtype != np.float32 or inner[1].ndim + outer[1].ndim:
                continue
            joined = inner[1] * outer[1] if kind == "PROD" else inner[1] + outer[1]
            name = r.add_const(f"{user.outputs[0]}/const", np.asarray(joined, np.float32))
            r.remove(node)
            r.set_inputs(user, [inner[0], name])
