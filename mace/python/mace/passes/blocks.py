# SPDX-License-Identifier: Apache-2.0
"""Recognises operators that frameworks write as Reshape, Transpose, Reshape: depth to space, space
to depth and channel shuffle, with channels last or second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mace.graph import schema
from mace.graph.ir import Dims, Node
from mace.passes.match import permuted
from mace.passes.rewrite import Rewriter, graph_pass

_TO_LAST = [0, 2, 3, 1]
_TO_SECOND = [0, 3, 1, 2]


@dataclass(frozen=True)
class _Found:
    """The operators that do the same to an NHWC tensor, each with the shape that it gives."""

    nchw: bool
    steps: list[tuple[str, dict[str, Any], Dims]] = field(default_factory=list)


@graph_pass("TRANSFORM_SPACE_DEPTH")
def block_operators(r: Rewriter) -> None:
    """Replaces Reshape, Transpose, Reshape by DepthToSpace, SpaceToDepth or ChannelShuffle."""
    for last in r.nodes("Reshape"):
        transpose = r.producer(last.inputs[0], "Transpose")
        first = r.producer(transpose.inputs[0], "Reshape") if transpose is not None else None
        if transpose is None or first is None:
            continue
        shapes = [r.shape(t) for t in (first.inputs[0], first.outputs[0], last.outputs[0])]
        before, split, after = shapes
        if before is None or split is None or after is None or len(before) != 4 or len(after) != 4:
            continue
        if min(before[1:] + split[1:] + after[1:]) < 1 or not before[0] == split[0] == after[0]:
            continue
        found = _recognised(before, split, list(transpose.attrs.get("dims", [])), after)
        dtype = r.dtype(first.inputs[0])
        if found is None or not all(_takes(op, dtype) for op, _, _ in found.steps):
            continue
        _put(r, last, first.inputs[0], before, found)


def _takes(op: str, dtype: str | None) -> bool:
    return dtype in schema.operators()[op].types["cpu"]


def _recognised(before: Dims, split: Dims, order: list[int], after: Dims) -> _Found | None:
    for find in (_depth_to_space, _space_to_depth, _shuffle):
        found = find(before, split, order, after)
        if found is not None:
            return found
    return None


def _depth_to_space(before: Dims, split: Dims, order: list[int], after: Dims) -> _Found | None:
    """Where the two blocks and the depth stand in the split tensor, by its order."""
    # nchw, mode, index of the blocks, of the depth, of height and width.
    table: dict[Dims, tuple[bool, str, int, int, int, int, int]] = {
        (0, 3, 4, 1, 5, 2): (True, "DCR", 1, 2, 3, 4, 5),
        (0, 1, 4, 2, 5, 3): (True, "CRD", 2, 3, 1, 4, 5),
        (0, 1, 3, 2, 4, 5): (False, "DCR", 3, 4, 5, 1, 2),
    }
    rows: list[tuple[bool, str, int, int, int, int, int]] = []
    if tuple(order) in table:
        rows.append(table[tuple(order)])
    if order == [0, 1, 4, 2, 5, 3]:
        rows.append((False, "CRD", 4, 5, 3, 1, 2))
    for nchw, mode, one, two, deep, high, wide in rows:
        block, depth = split[one], split[deep]
        height, width = split[high], split[wide]
        n = before[0]
        whole = (n, height, width, depth * block * block)
        result = (n, height * block, width * block, depth)
        if split[two] == block and _is(nchw, before, whole) and _is(nchw, after, result):
            return _Found(nchw, [("DepthToSpace", {"block_size": block, "mode": mode}, result)])
    return None


def _space_to_depth(before: Dims, split: Dims, order: list[int], after: Dims) -> _Found | None:
    table: dict[Dims, tuple[bool, bool]] = {
        (0, 3, 5, 1, 2, 4): (True, False),
        (0, 1, 3, 5, 2, 4): (True, True),
        (0, 1, 3, 2, 4, 5): (False, False),
    }
    if tuple(order) not in table:
        return None
    nchw, depth_first = table[tuple(order)]
    at = (
        {"c": 1, "h": 2, "p": 3, "w": 4, "q": 5}
        if nchw
        else {"h": 1, "p": 2, "w": 3, "q": 4, "c": 5}
    )
    block, n = split[at["p"]], before[0]
    height, width, depth = split[at["h"]], split[at["w"]], split[at["c"]]
    whole = (n, height * block, width * block, depth)
    result = (n, height, width, depth * block * block)
    if split[at["q"]] != block or not _is(nchw, before, whole) or not _is(nchw, after, result):
        return None
    steps: list[tuple[str, dict[str, Any], Dims]] = [
        ("SpaceToDepth", {"block_size": block}, result)
    ]
    if depth_first and depth > 1 and block > 1:
        # SpaceToDepth has the block first in the channels.
        steps.append(("ChannelShuffle", {"group": block * block}, result))
    return _Found(nchw, steps)


def _shuffle(before: Dims, split: Dims, order: list[int], after: Dims) -> _Found | None:
    """Channel shuffle of tensors whose channels are second; height and width may be joined."""
    rank = len(split)
    if before != after or rank not in (4, 5) or order != [0, 2, 1, *range(3, rank)]:
        return None
    n, channels, height, width = before
    rest = (height, width) if rank == 5 else (height * width,)
    if split[1] * split[2] != channels or split[3:] != rest:
        return None
    return _Found(True, [("ChannelShuffle", {"group": split[1]}, (n, height, width, channels))])


def _is(nchw: bool, shape: Dims, nhwc: Dims) -> bool:
    """Whether a shape is that of an NHWC tensor, moved if the channels are second."""
    return shape == (permuted(nhwc, _TO_SECOND) if nchw else nhwc)


def _put(r: Rewriter, last: Node, source: str, before: Dims, found: _Found) -> None:
    """Puts the operators in the place of the last Reshape."""
    tensor = source
    if found.nchw:
        tensor = r.fresh(f"{last.outputs[0]}/nhwc")
        r.set_value(tensor, source, permuted(before, _TO_LAST))
        r.add("Transpose", [source], [tensor], {"dims": _TO_LAST}, last)
    for number, (op, attrs, shape) in enumerate(found.steps):
        if number == len(found.steps) - 1 and not found.nchw:
            r.replace(last, op, [tensor], **attrs)
            return
        name = r.fresh(f"{last.outputs[0]}/{op}")
        r.set_value(name, source, shape)
        r.add(op, [tensor], [name], attrs, last)
        tensor = name
    r.replace(last, "Transpose", [tensor], dims=_TO_SECOND)
