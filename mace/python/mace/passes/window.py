# SPDX-License-Identifier: Apache-2.0
"""Passes that fold padding and space-to-batch into the convolutions and poolings between."""

from __future__ import annotations

import numpy as np

from mace.graph.ir import Node
from mace.passes.rewrite import Rewriter, graph_pass

_NOT_NEGATIVE = ("RELU", "RELUX", "SIGMOID", "HARDSIGMOID")


@graph_pass("FOLD_PAD")
def fold_pad(r: Rewriter) -> None:
    """Folds a Pad of height and width into the convolution or pooling that reads it."""
    for node in r.nodes("Conv2D", "DepthwiseConv2d", "Pooling"):
        pad = r.producer(node.inputs[0], "Pad")
        if pad is None:
            continue
        extra = _spatial_padding(pad)
        if extra is None or not _foldable(r, node, pad, extra):
            continue
        own = r.attr(node, "paddings") if r.attr(node, "padding") == "EXPLICIT" else [0, 0, 0, 0]
        node.attrs["padding"] = "EXPLICIT"
        node.attrs["paddings"] = [a + b for a, b in zip(own, extra, strict=True)]
        if node.op == "Pooling" and node.attrs["pooling_type"] == "AVG":
            node.attrs["count_include_pad"] = True
        r.set_inputs(node, [pad.inputs[0], *node.inputs[1:]])


def _spatial_padding(pad: Node) -> list[int] | None:
    """Top, bottom, left, right of a constant Pad of an NHWC tensor that pads nothing else."""
    paddings = list(pad.attrs.get("paddings", []))
    if len(pad.inputs) > 1 or len(paddings) != 8 or pad.attrs.get("mode", "CONSTANT") != "CONSTANT":
        return None
    if any(paddings[:2]) or any(paddings[6:]) or min(paddings) < 0:
        return None
    return paddings[2:6]


def _foldable(r: Rewriter, node: Node, pad: Node, extra: list[int]) -> bool:
    """Whether the operator pads with the same value as the Pad."""
    if r.attr(node, "padding") == "SAME":
        return False  # SAME counts from the padded size
    value = r.attr(pad, "constant_value")
    if node.op != "Pooling":
        return bool(value == 0)
    if r.attr(node, "round_mode") == "CEIL":
        return False  # which windows are dropped depends on the padding
    if node.attrs["pooling_type"] == "AVG":
        own = r.attr(node, "padding") == "EXPLICIT" and any(r.attr(node, "paddings"))
        return bool(value == 0 and (not own or r.attr(node, "count_include_pad")))
    # MAX ignores its padding: right when the Pad could never win, and each window has an element.
    kernels, dilations = node.attrs["kernels"], r.attr(node, "dilations")
    reach = [(k - 1) * d + 1 for k, d in zip(kernels, dilations, strict=True)]
    own = r.attr(node, "paddings") if r.attr(node, "padding") == "EXPLICIT" else [0, 0, 0, 0]
    total = [a + b for a, b in zip(own, extra, strict=True)]
    if any(total[i] >= reach[i // 2] for i in range(4)) or any(d != 1 for d in dilations):
        return False
    if value <= float(np.finfo(np.float32).min):
        return True
    before = r.producer(pad.inputs[0])
    return bool(
        value == 0 and before is not None and before.attrs.get("activation") in _NOT_NEGATIVE
    )


@graph_pass("FLATTEN_ATROUS_CONV")
def flatten_atrous(r: Rewriter) -> None:
    """Replaces SpaceToBatchND, convolution, BatchToSpaceND by a convolution with dilations."""
    for node in r.nodes("Conv2D", "DepthwiseConv2d"):
        before = r.producer(node.inputs[0], "SpaceToBatchND")
        after = r.only_user(node.outputs[0])
        if before is None or after is None or after.op != "BatchToSpaceND":
            continue
        block = before.attrs["block_shape"]
        if after.attrs["block_shape"] != block or r.attr(node, "padding") == "SAME":
            continue
        if list(r.attr(node, "strides")) != [1, 1] or list(r.attr(node, "dilations")) != [1, 1]:
            continue
        # Padding inside is in blocks; cropping the result moves where windows begin and end.
        own = r.attr(node, "paddings") if r.attr(node, "padding") == "EXPLICIT" else [0, 0, 0, 0]
        paddings = [
            before.attrs["paddings"][i] + own[i] * block[i // 2] - after.attrs["crops"][i]
            for i in range(4)
        ]
        if min(paddings) < 0:
            continue
        node.attrs |= {"dilations": list(block), "padding": "EXPLICIT", "paddings": paddings}
        output = after.outputs[0]
        r.remove(after)
        r.set_inputs(node, [before.inputs[0], *node.inputs[1:]])
        r.set_output(node, 0, output)


@graph_pass("TRANSFORM_CHANNEL_SHUFFLE")
def channel_shuffle(r: Rewriter) -> None:
    """Replaces Reshape, Transpose, Reshape that interleave channel groups by a ChannelShuffle."""
    for last in r.nodes("Reshape"):
        transpose = r.producer(last.inputs[0], "Transpose")
        first = r.producer(transpose.inputs[0], "Reshape") if transpose else None
        if transpose is None or first is None:
            continue
        before, after = r.shape(first.inputs[0]), r.shape(last.outputs[0])
        split = r.shape(first.outputs[0])
        if before is None or before != after or split is None or before[-1] < 1:
            continue
        if before.count(-1) > 1 or len(split) != len(before) + 1 or split[:-2] != before[:-1]:
            continue
        rank = len(split)
        if list(transpose.attrs.get("dims", [])) != [*range(rank - 2), rank - 1, rank - 2]:
            continue
        if len(before) == 4 and split[-2] > 0 and split[-1] > 0:
            r.replace(last, "ChannelShuffle", first.inputs[:1], group=int(split[-2]))
