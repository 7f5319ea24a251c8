# SPDX-License-Identifier: Apache-2.0
"""Small questions that several passes ask of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.graph.ir import Array, Dims, Node
from mace.passes.rewrite import Rewriter

ACTIVATION_ATTRS = ("activation", "max_limit", "activation_coefficient", "activation_offset")


def plain(r: Rewriter, node: Node) -> bool:
    """Whether the node applies no activation to its result."""
    return "activation" not in node.attrs or node.attrs["activation"] == "NOOP"


def activation_attrs(node: Node) -> dict[str, Any]:
    """The attributes of the node's activation."""
    return {k: node.attrs[k] for k in ACTIVATION_ATTRS if k in node.attrs}


def eltwise(r: Rewriter, node: Node | None, kind: str) -> bool:
    """Whether the node is an Eltwise of that type without activation or coefficients."""
    return (
        node is not None
        and node.op == "Eltwise"
        and node.attrs["type"] == kind
        and plain(r, node)
        and not node.attrs.get("coeff")
    )


def split_const(r: Rewriter, node: Node) -> tuple[str, Array] | None:
    """The computed and the constant input of an Eltwise, whichever comes first."""
    first, second = (r.const(t) for t in node.inputs)
    if second is not None and first is None:
        return node.inputs[0], second
    if first is not None and second is None:
        return node.inputs[1], first
    return None


def scalar_const(r: Rewriter, tensor: str) -> float | None:
    """The value of a constant of one element."""
    array = r.const(tensor)
    return float(array.reshape(())) if array is not None and array.size == 1 else None


def with_scalar(r: Rewriter, node: Node | None, kind: str) -> tuple[str, float] | None:
    """The computed input and the number of an Eltwise with a constant of one element.

    For SUB and DIV the constant must be the second. DIV by c answers to PROD with 1 / c.
    """
    if node is None or node.op != "Eltwise":
        return None
    if kind == "PROD" and eltwise(r, node, "DIV"):
        value = scalar_const(r, node.inputs[1])
        computed = value is not None and r.const(node.inputs[0]) is None
        return (node.inputs[0], 1 / value) if computed and value else None
    if not eltwise(r, node, kind):
        return None
    found = split_const(r, node)
    if found is None or found[1].size != 1 or not _narrow(r, node, *found):
        return None
    if kind in ("SUB", "DIV") and found[0] != node.inputs[0]:
        return None
    return found[0], float(found[1].reshape(()))


def _narrow(r: Rewriter, node: Node, tensor: str, array: Array) -> bool:
    """Whether a constant of one element leaves the rank of the other operand alone."""
    rank = r.rank(tensor)
    return array.ndim == 0 or (rank is not None and array.ndim <= rank)


def near(value: float, wanted: float) -> bool:
    """Whether two numbers are the same up to the rounding of float32."""
    return abs(value - wanted) <= 1e-6 * max(1.0, abs(wanted))


def per_channel(array: Array, channels: int, rank: int | None) -> Array | None:
    """A constant that acts on the last dimension of a tensor alone, as a vector of its size.

    None when it varies along other dimensions, is of another type than float32, or would make the
    other operand larger.
    """
    if array.dtype != np.float32 or channels < 1:
        return None
    if array.size != 1 and (array.ndim == 0 or array.shape[-1] != array.size):
        return None
    if array.ndim > 1 and (rank is None or array.ndim > rank):
        return None
    if array.size not in (1, channels):
        return None
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (channels,)))


def channels_of(r: Rewriter, tensor: str) -> int:
    """The size of the last dimension, -1 when it is not known."""
    shape = r.shape(tensor)
    return shape[-1] if shape else -1


def normal_axes(axes: Sequence[int], rank: int) -> list[int]:
    """Axes counted from the front."""
    return [a + rank if a < 0 else a for a in axes]


def mean_over(r: Rewriter, tensor: str) -> Node | None:
    """The Reduce that makes the tensor as a mean over axes that it names and keeps."""
    node = r.producer(tensor, "Reduce")
    if node is None or node.attrs["reduce_type"] != "MEAN" or not node.attrs.get("axis"):
        return None
    return node if node.attrs.get("keepdims", False) else None


def permuted(shape: Dims | None, order: Sequence[int]) -> Dims | None:
    """The shape after a transpose."""
    return None if shape is None or len(shape) != len(order) else tuple(shape[i] for i in order)
