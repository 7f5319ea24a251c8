# SPDX-License-Identifier: Apache-2.0
"""ONNX operators on regions of images: sampling at computed points, and choosing boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.neural import window
from mace.importers.onnx.node import OnnxNode, register

_GRID_MODES = {"bilinear": "LINEAR", "linear": "LINEAR", "nearest": "NEAREST", "bicubic": "CUBIC"}


@register("GridSample", versions=(16, 22))
def _grid_sample(b: Builder, n: OnnxNode) -> None:
    x, grid = n.inputs
    mode, rank = n.attr("mode", "linear"), n.rank(x)
    attrs: dict[str, Any] = {
        "mode": _GRID_MODES.get(mode, "CUBIC"),
        "padding_mode": str(n.attr("padding_mode", "zeros")).upper(),
        "align_corners": bool(n.attr("align_corners", 0)),
    }
    last = b.op("Transpose", [x], dims=[0, *range(2, rank), 1])
    y = b.op("GridSample", [last, grid], **attrs)
    b.op("Transpose", [y], n.outputs, dims=[0, rank - 1, *range(1, rank - 1)])


@register("AffineGrid", versions=(20, 20))
def _affine_grid(b: Builder, n: OnnxNode) -> None:
    """theta times the points of the output, of which there is one constant list."""
    size = [int(v) for v in np.ravel(n.constant(b, 1, "the size"))]
    sizes = size[2:]
    if min(sizes) < 1 or int(np.prod(sizes)) > 1 << 24:
        raise UnsupportedError(f"the size is {size}")
    if n.attr("align_corners", 0):
        lines = [np.linspace(-1, 1, s) if s > 1 else np.zeros(1) for s in sizes]
    else:
        lines = [(2 * np.arange(s) + 1) / s - 1 for s in sizes]
    points = np.meshgrid(*lines, indexing="ij")
    # The innermost dimension comes first, behind all of them a 1 for the translation.
    base = np.stack([*points[::-1], np.ones(sizes)], -1).reshape(1, -1, len(sizes) + 1)
    grid = b.op("MatMul", [b.const(base.astype(np.float32)), n.inputs[0]], transpose_b=True)
    b.op("Reshape", [grid], n.outputs, shape=[-1, *sizes, len(sizes)])


@register("RoiAlign", versions=(10, 22))
def _roi_align(b: Builder, n: OnnxNode) -> None:
    mode = n.attr("coordinate_transformation_mode", "half_pixel" if n.opset >= 16 else "")
    attrs: dict[str, Any] = {
        "output_height": int(n.attr("output_height", 1)),
        "output_width": int(n.attr("output_width", 1)),
        "sampling_ratio": int(n.attr("sampling_ratio", 0)),
        "spatial_scale": float(n.attr("spatial_scale", 1.0)),
        "half_pixel": mode == "half_pixel",
        "mode": str(n.attr("mode", "avg")).upper(),
    }
    b.nchw(b.op("RoiAlign", [b.nhwc(n.inputs[0]), *n.inputs[1:]], **attrs), n.outputs[0])


@register("DeformConv", versions=(19, 22))
def _deform_conv(b: Builder, n: OnnxNode) -> None:
    """Windows with moved taps as channels, then a convolution of 1x1."""
    weight = n.constant(b, 1, "the filter")
    if weight.ndim != 4:
        raise UnsupportedError(f"its filter has rank {weight.ndim}; MACE works on images")
    outputs, inputs, height, width = weight.shape
    group, offset_group = int(n.attr("group", 1)), int(n.attr("offset_group", 1))
    attrs = window(n, [height, width])
    moved = [b.nhwc(t) for t in (n.inputs[0], n.inputs[2])]
    mask = b.nhwc(n.inputs[4]) if n.input(4) else ""
    columns = b.op(
        "Im2Col",
        [*moved, mask] if mask else moved,
        kernels=[height, width],
        group=group,
        offset_group=offset_group,
        **attrs,
    )
    taps = weight.transpose(0, 2, 3, 1).reshape(outputs, 1, 1, height * width * inputs)
    filters = [columns, b.const(np.ascontiguousarray(taps))]
    if n.input(3):
        filters.append(n.inputs[3])
    b.nchw(b.op("Conv2D", filters, group=group), n.outputs[0])


@register("NonMaxSuppression", versions=(10, 11))
def _non_max_suppression(b: Builder, n: OnnxNode) -> None:
    scalars = [b.op("Reshape", [t], shape=[1]) if t else "" for t in n.inputs[2:]]
    center = bool(n.attr("center_point_box", 0))
    b.op("NonMaxSuppression", [*n.inputs[:2], *scalars], n.outputs, center_point_box=center)
