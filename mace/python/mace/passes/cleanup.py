# SPDX-License-Identifier: Apache-2.0
"""Passes that remove what does nothing or is done twice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mace.graph.ir import Node
from mace.passes.match import eltwise, plain, split_const
from mace.passes.rewrite import Rewriter, graph_pass

# Constants of up to so many bytes are compared by content.
_SMALL_BYTES = 4096


@graph_pass("SORT_BY_EXECUTION")
def sort(r: Rewriter) -> None:
    """Puts producers first and drops what no output needs."""


@graph_pass("REMOVE_IDENTITY_OP")
def remove_identity(r: Rewriter) -> None:
    """Removes operators whose output equals their input."""
    for node in r.nodes():
        if _is_identity(r, node):
            r.become_identity(node, _kept_input(r, node))


def _kept_input(r: Rewriter, node: Node) -> str:
    if node.op == "Eltwise" and r.const(node.inputs[0]) is not None:
        return node.inputs[1]
    return node.inputs[0]


def _is_identity(r: Rewriter, node: Node) -> bool:
    if node.op == "Identity":
        return True
    if node.op == "Activation":
        return bool(node.attrs["activation"] == "NOOP")
    if node.op == "Cast":
        return bool(r.dtype(node.inputs[0]) == node.attrs["output_type"])
    if node.op == "Concat":
        return len(node.inputs) == 1
    if node.op == "Pad":
        return len(node.inputs) == 1 and not any(node.attrs["paddings"])
    if node.op == "Transpose":
        dims = node.attrs.get("dims", [])
        return bool(dims) and list(dims) == sorted(dims)
    if node.op in ("Reshape", "Expand", "Tile", "Slice", "Flatten", "Squeeze"):
        return _keeps_shape(r, node)
    if node.op == "Eltwise":
        return _neutral(r, node)
    return False


def _keeps_shape(r: Rewriter, node: Node) -> bool:
    """Whether input and output have the same shape; at most one dimension may be unknown, since
    the number of elements is the same for a reshape and smaller or greater for the others."""
    before, after = r.shape(node.inputs[0]), r.shape(node.outputs[0])
    if before is None or before != after:
        return False
    if node.op == "Slice":
        # The same sizes can be the same elements in another order.
        steps = r.const(node.inputs[4]) if len(node.inputs) > 4 and node.inputs[4] else None
        return -1 not in before and (
            len(node.inputs) < 5 or (steps is not None and bool((steps == 1).all()))
        )
    allowed = 1 if node.op in ("Reshape", "Flatten") else 0
    return before.count(-1) <= allowed


def _neutral(r: Rewriter, node: Node) -> bool:
    """x * 1, x / 1, x + 0, x - 0, where the constant does not make x larger."""
    kind = node.attrs["type"]
    neutral = {"PROD": 1, "DIV": 1, "SUM": 0, "SUB": 0}.get(kind)
    if neutral is None or not plain(r, node) or not eltwise(r, node, kind):
        return False
    found = split_const(r, node)
    if found is None or not bool((found[1] == neutral).all()):
        return False
    tensor, array = found
    if kind in ("DIV", "SUB") and tensor != node.inputs[0]:
        return False
    shape = r.shape(tensor)
    if array.size == 1:
        return array.ndim == 0 or (shape is not None and array.ndim <= len(shape))
    if shape is None or array.ndim > len(shape):
        return False
    return all(
        a in (1, s) for a, s in zip(array.shape, shape[len(shape) - array.ndim :], strict=True)
    )


@graph_pass("FOLD_RESHAPE")
def fold_reshape(r: Rewriter) -> None:
    """Turns shape inputs that are constant into attributes, and joins consecutive reshapes."""
    for node in r.nodes("Reshape"):
        shape = r.const(node.inputs[1]) if len(node.inputs) > 1 else None
        if shape is not None:
            node.attrs["shape"] = [int(d) for d in shape.reshape(-1)]
            r.set_inputs(node, node.inputs[:1])
    for node in r.nodes("Flatten", "Squeeze", "Unsqueeze", "Reshape"):
        _as_static_reshape(r, node)
    for node in r.nodes("Reshape"):
        _join_reshape(r, node)


def _as_static_reshape(r: Rewriter, node: Node) -> None:
    """A reshape whose output has at most one unknown dimension says it in its attribute."""
    after = r.shape(node.outputs[0])
    if after is None or after.count(-1) > 1 or 0 in after or len(node.inputs) > 1:
        return
    wanted = {"shape": [int(d) for d in after]}
    if node.op != "Reshape" or node.attrs != wanted:
        r.replace(node, "Reshape", node.inputs, **wanted)


def _join_reshape(r: Rewriter, node: Node) -> None:
    before = r.producer(node.inputs[0], "Reshape", "Flatten", "Squeeze", "Unsqueeze")
    if before is None or len(node.inputs) > 1:
        return
    if node.attrs.get("axis", 0) or node.attrs.get("num_axes", -1) != -1:
        return
    if node.attrs.get("copy_zeros", False) and 0 in node.attrs.get("shape", []):
        return
    r.set_inputs(node, before.inputs[:1])


@graph_pass("FOLD_REDUCE_RESHAPE")
def fold_reduce_reshape(r: Rewriter) -> None:
    """Lets a Reduce keep its dimensions where a Reshape puts them back, as in squeeze-and-excite."""
    for node in r.nodes("Reshape"):
        reduce = r.producer(node.inputs[0], "Reduce")
        if reduce is None or r.attr(reduce, "keepdims") or not r.used_once(node.inputs[0]):
            continue
        before, after = r.shape(reduce.inputs[0]), r.shape(node.outputs[0])
        if before is None or after is None or len(before) != len(after):
            continue
        axes = [a % len(before) for a in r.attr(reduce, "axis")] or list(range(len(before)))
        kept = tuple(1 if k in axes else d for k, d in enumerate(before))
        if kept == after and after.count(-1) <= 1:
            attrs = {**reduce.attrs, "keepdims": True}
            r.remove(reduce)
            r.replace(node, "Reduce", reduce.inputs, **attrs)


@graph_pass("REMOVE_DUPLICATE_OP")
def remove_duplicates(r: Rewriter) -> None:
    """Computes once what several nodes compute of the same inputs with the same attributes."""
    seen: dict[Any, Node] = {}
    for node in r.nodes():
        if not r.alive(node) or node.subgraphs:
            continue
        key = (
            node.op,
            tuple(_tensor_key(r, t) for t in node.inputs),
            repr(sorted(node.attrs.items())),
        )
        first = seen.setdefault((*key, len(node.outputs)), node)
        if first is node or any(t in r.outputs for t in node.outputs):
            continue
        r.remove(node)
        for old, new in zip(node.outputs, first.outputs, strict=True):
            r.redirect(old, new)


def _tensor_key(r: Rewriter, tensor: str) -> Any:
    array = r.const(tensor)
    if array is None or array.nbytes > _SMALL_BYTES:
        return tensor
    return (array.dtype.str, array.shape, array.tobytes())


@graph_pass("FOLD_TRANSPOSE_INTO_RESHAPE")
def transpose_to_reshape(r: Rewriter) -> None:
    """Replaces transposes that move dimensions of size 1 alone by reshapes, which cost nothing."""
    for node in r.nodes("Transpose"):
        before, after = r.shape(node.inputs[0]), r.shape(node.outputs[0])
        if before is None or after is None or math.prod(before) == 0 or after.count(-1) > 1:
            continue
        dims = node.attrs.get("dims") or list(range(len(before)))[::-1]
        if moves_ones_only(before, dims):
            r.replace(node, "Reshape", node.inputs, shape=[int(d) for d in after])


def moves_ones_only(shape: tuple[int, ...], order: list[int]) -> bool:
    """Whether a transpose keeps the order of the dimensions that are not 1."""
    kept = [d for d in order if shape[d] != 1]
    return kept == sorted(kept)


@graph_pass("FOLD_SHAPE")
def fold_shape(r: Rewriter) -> None:
    """Replaces the known dimensions that Shape gives by constants."""
    for node in r.nodes("Shape"):
        shape = r.shape(node.inputs[0])
        if shape is None:
            continue
        part = shape[r.attr(node, "start") : r.attr(node, "end")]
        if -1 in part:
            continue
        dtype = np.int64 if node.attrs.get("output_type") == "i64" else np.int32
        name = r.add_const(f"{node.outputs[0]}/shape", np.array(part, dtype))
        r.become_identity(node, name)
