# SPDX-License-Identifier: Apache-2.0
"""How operators that do not care about the order of dimensions work on the tensor before a
transpose. A rule gets the order of the transpose: dimension i of what the node reads is dimension
order[i] of the tensor before. It says what to put in the node's place, or None to leave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mace.graph.ir import Array, Dims, Node
from mace.passes.match import normal_axes, permuted
from mace.passes.rewrite import Rewriter


@dataclass
class Sunk:
    """The operator that takes the node's place, and the order of the Transpose of its outputs;
    no Transpose with None."""

    inputs: list[str]
    order: Sequence[int] | None
    attrs: dict[str, Any] = field(default_factory=dict)
    op: str = ""  # the node's own when empty


Rule = Callable[[Rewriter, Node, list[int]], Sunk | None]


def source(r: Rewriter, tensor: str, order: Sequence[int]) -> str | None:
    """What a tensor was before the transpose of that order, if it comes from one."""
    node = r.producer(tensor, "Transpose")
    if node is None:
        return None
    dims = list(node.attrs.get("dims", [])) or list(range(len(order)))[::-1]
    return node.inputs[0] if dims == list(order) else None


def inverse(order: Sequence[int]) -> list[int]:
    """The order that undoes another."""
    return [list(order).index(d) for d in range(len(order))]


def _pointwise(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """Operators that treat each element alike."""
    more = [r.const(t) for t in node.inputs[1:]]
    if any(c is None or c.size != 1 for c in more):
        return None
    x = source(r, node.inputs[0], order)
    return None if x is None else Sunk([x, *node.inputs[1:]], order, node.attrs)


def _constant(r: Rewriter, tensor: str, array: Array, order: list[int]) -> str | None:
    """A constant of an elementwise operator in the order before the transpose."""
    rank = len(order)
    if array.ndim > rank:
        return None
    if array.size == 1:
        return tensor
    full = array.reshape([1] * (rank - array.ndim) + list(array.shape)).transpose(inverse(order))
    # Leading dimensions of 1 are dropped, so that a vector of channels stays a vector.
    first = next((i for i, d in enumerate(full.shape) if d != 1), rank - 1)
    return r.add_const(
        f"{tensor}/transposed", np.ascontiguousarray(full.reshape(full.shape[first:]))
    )


def _elementwise(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """Operators of several operands with broadcasting."""
    operands: list[str] = []
    odd: list[int] = []
    for index, tensor in enumerate(node.inputs):
        array, x = r.const(tensor), source(r, tensor, order)
        if array is not None:
            if array.ndim > len(order):
                return None
            operands.append(tensor)
        elif x is not None:
            operands.append(x)
        elif _single_element(r.shape(tensor), len(order)):
            operands.append(tensor)
        else:
            operands.append(tensor)
            odd.append(index)
    if odd and not _worth(r, node, odd, order):
        return None
    for index, tensor in enumerate(node.inputs):
        array = r.const(tensor)
        if array is not None:
            operands[index] = _constant(r, tensor, array, order) or tensor
    for index in odd:
        operands[index] = _untransposed(r, node.inputs[index], order)
    return Sunk(operands, order, node.attrs)


def _single_element(shape: Dims | None, rank: int) -> bool:
    return shape is not None and len(shape) <= rank and all(d == 1 for d in shape)


def _worth(r: Rewriter, node: Node, odd: list[int], order: list[int]) -> bool:
    """Whether a transpose in front of one other operand pays: all that read the result undo it."""
    users = r.users(node.outputs[0])
    if len(odd) != 1 or r.rank(node.inputs[odd[0]]) != len(order) or node.outputs[0] in r.outputs:
        return False
    wanted = inverse(order)
    return bool(users) and all(
        u.op == "Transpose" and list(u.attrs.get("dims", [])) == wanted for u in users
    )


def _untransposed(r: Rewriter, tensor: str, order: list[int]) -> str:
    name, back = r.fresh(f"{tensor}/untransposed"), inverse(order)
    r.set_value(name, tensor, permuted(r.shape(tensor), back))
    r.add("Transpose", [tensor], [name], {"dims": back})
    return name


def _last_fixed(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """Operators that treat the last dimension apart, and the others alike."""
    x = source(r, node.inputs[0], order)
    if x is None or order[-1] != len(order) - 1:
        return None
    if node.op == "FullyConnected" and r.attr(node, "axis") not in (-1, len(order) - 1):
        return None
    if node.op == "LayerNorm" and r.attr(node, "axis") not in (-1, len(order) - 1):
        return None
    attrs = dict(node.attrs)
    if node.op == "FullyConnected":
        attrs["axis"] = -1
    return Sunk([x, *node.inputs[1:]], order, attrs)


def _channels_fixed(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """GroupNorm, for which batch and channels stay where they are."""
    x = source(r, node.inputs[0], order)
    if x is None or order[0] != 0 or order[-1] != len(order) - 1:
        return None
    return Sunk([x, *node.inputs[1:]], order, node.attrs)


def _one_axis(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """Softmax and ArgMax: one axis, which moves."""
    x = source(r, node.inputs[0], order)
    if x is None or node.attrs.get("flatten", False):
        return None
    rank = len(order)
    axis = normal_axes([r.attr(node, "axis")], rank)[0]
    attrs = {**node.attrs, "axis": order[axis]}
    if node.op == "ArgMax" and not r.attr(node, "keepdims"):
        return Sunk([x], _without(order, [axis]), attrs)
    return Sunk([x], order, attrs)


def _without(order: Sequence[int], dropped: Sequence[int]) -> list[int]:
    """The order of what is left when dimensions of the transposed tensor are dropped."""
    kept = [d for i, d in enumerate(order) if i not in dropped]
    return [sorted(kept).index(d) for d in kept]


def _concat(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    operands = []
    for tensor in node.inputs:
        array, x = r.const(tensor), source(r, tensor, order)
        if array is not None and array.ndim == len(order):
            value = np.ascontiguousarray(array.transpose(inverse(order)))
            operands.append(r.add_const(f"{tensor}/transposed", value))
        elif x is not None:
            operands.append(x)
        else:
            return None
    axis = normal_axes([r.attr(node, "axis")], len(order))[0]
    return Sunk(operands, order, {"axis": order[axis]})


def _split(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    if x is None:
        return None
    axis = normal_axes([r.attr(node, "axis")], len(order))[0]
    return Sunk([x, *node.inputs[1:]], order, {**node.attrs, "axis": order[axis]})


def _reduce(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    if x is None:
        return None
    axes = normal_axes(r.attr(node, "axis"), len(order)) or list(range(len(order)))
    attrs = {**node.attrs, "axis": sorted(order[a] for a in axes)}
    return Sunk([x], order if r.attr(node, "keepdims") else _without(order, axes), attrs)


def _reverse(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    axes = normal_axes(node.attrs["axis"], len(order))
    return None if x is None else Sunk([x], order, {"axis": sorted(order[a] for a in axes)})


def _pad(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    if x is None or (len(node.inputs) > 1 and node.inputs[1]):
        return None
    old, back = node.attrs["paddings"], inverse(order)
    paddings = [p for d in back for p in old[2 * d : 2 * d + 2]]
    return Sunk([x, *node.inputs[1:]], order, {**node.attrs, "paddings": paddings})


def _slice(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    starts = r.shape(node.inputs[1])
    if x is None or starts is None or len(starts) != 1 or starts[0] < 0:
        return None
    axes: Sequence[int] = range(starts[0])
    if len(node.inputs) > 3 and node.inputs[3]:
        array = r.const(node.inputs[3])
        if array is None:
            return None
        axes = normal_axes([int(a) for a in array.reshape(-1)], len(order))
    moved = np.array([order[a] for a in axes], np.int64)
    dtype = r.dtype(node.inputs[1])
    if dtype == "i32":
        moved = moved.astype(np.int32)
    name = r.add_const(f"{node.outputs[0]}/axes", moved)
    return Sunk([x, *node.inputs[1:3], name, *node.inputs[4:]], order)


def _squeeze(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    axes = normal_axes(r.attr(node, "axis"), len(order))
    if x is None or not axes:
        return None
    return Sunk([x], _without(order, axes), {"axis": sorted(order[a] for a in axes)})


def _unsqueeze(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x = source(r, node.inputs[0], order)
    rank = len(order) + len(node.attrs["axis"])
    axes = normal_axes(node.attrs["axis"], rank)
    if x is None:
        return None
    # The new dimensions stay where they are; the others move among themselves.
    rest = [d for d in range(rank) if d not in axes]
    moved = list(range(rank))
    for index, dimension in enumerate(rest):
        moved[dimension] = rest[order[index]]
    return Sunk([x], moved, {"axis": sorted(axes)})


def _shape(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """The shape before the transpose, put in order: then nothing waits for the elements."""
    x = source(r, node.inputs[0], order)
    if x is None:
        return None
    dtype = r.attr(node, "output_type")
    part = order[r.attr(node, "start") : r.attr(node, "end")]
    name = r.fresh(f"{node.outputs[0]}/untransposed")
    r.set_value(name, node.outputs[0], (len(order),))
    r.add("Shape", [x], [name], {"output_type": dtype}, node)
    index = r.add_const(f"{node.outputs[0]}/order", np.array(part, np.int64))
    return Sunk([name, index], None, {"axis": 0}, "Gather")


def _gather(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x, indices = source(r, node.inputs[0], order), r.shape(node.inputs[1])
    if x is None or indices is None or len(indices) > 1:
        return None
    axis = normal_axes([r.attr(node, "axis")], len(order))[0]
    left = order if len(indices) == 1 else _without(order, [axis])
    return Sunk([x, node.inputs[1]], left, {"axis": order[axis]})


def _tile(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    x, repeats = source(r, node.inputs[0], order), r.const(node.inputs[1])
    if x is None or repeats is None or repeats.size != len(order):
        return None
    name = r.add_const(f"{node.outputs[0]}/repeats", repeats.reshape(-1)[inverse(order)])
    return Sunk([x, name], order)


def _reshape(r: Rewriter, node: Node, order: list[int]) -> Sunk | None:
    """Reshapes that do not see the transpose, and those that join height and width."""
    x = source(r, node.inputs[0], order)
    before = r.shape(node.inputs[0])
    if x is None or before is None or len(node.inputs) > 1:
        return None
    if node.op == "Flatten" or node.attrs.get("axis", 0) or node.attrs.get("num_axes", -1) != -1:
        return None
    wanted = _without_zeros(node, before, order)
    if wanted is None:
        return None
    moving = [d for d in order if before[inverse(order)[d]] != 1]
    if moving == sorted(moving):
        return Sunk([x], None, wanted)
    return _join_image(node, x, before, order)


def _without_zeros(node: Node, before: Dims, order: list[int]) -> dict[str, Any] | None:
    """The attributes with dimensions that are copied named by their size, where that is known."""
    wanted = list(node.attrs["shape"])
    if not node.attrs.get("copy_zeros", False) or 0 not in wanted:
        return {"shape": wanted}
    for index, size in enumerate(wanted):
        if size == 0 and order[index] != index:
            if before[index] < 0:
                return None
            wanted[index] = before[index]
    return {"shape": wanted, "copy_zeros": True}


def _join_image(node: Node, x: str, before: Dims, order: list[int]) -> Sunk | None:
    """N C H W as N C (H*W): N (H*W) C of the tensor before, then a transpose of three dimensions."""
    wanted = list(node.attrs["shape"])
    if order != [0, 3, 1, 2] or len(wanted) != 3 or before[1] < 1:
        return None
    zeros = bool(node.attrs.get("copy_zeros", False))
    batch, channels, _ = wanted
    same_batch = (batch == 0 and zeros) or (batch > 0 and batch == before[0])
    same_channels = (channels == 0 and zeros) or channels == before[1]
    if not same_batch or not same_channels:
        return None
    attrs = {"shape": [0, -1, before[1]], "copy_zeros": True}
    return Sunk([x], [0, 2, 1], attrs)


RULES: dict[str, Rule] = {
    "Activation": _pointwise,
    "ArgMax": _one_axis,
    "BatchNorm": _last_fixed,
    "Cast": _pointwise,
    "Concat": _concat,
    "Eltwise": _elementwise,
    "FullyConnected": _last_fixed,
    "Gather": _gather,
    "GroupNorm": _channels_fixed,
    "Identity": _pointwise,
    "LayerNorm": _last_fixed,
    "Pad": _pad,
    "Reduce": _reduce,
    "Reshape": _reshape,
    "Reverse": _reverse,
    "Shape": _shape,
    "Slice": _slice,
    "Softmax": _one_axis,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Unary": _pointwise,
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise,
}
