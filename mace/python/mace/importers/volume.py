# SPDX-License-Identifier: Apache-2.0
"""Pooling in three dimensions by two poolings of images, for the importers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.importers.base import Builder


def pool_volume(b: Builder, x: str, kernel: list[int], attrs: dict[str, Any]) -> str:
    """Pooling of NDHWC; attrs as of Pooling, with three numbers for each two (six for four)."""
    flat, deep = dict(attrs), dict(attrs)
    for name in ("strides", "dilations"):
        values = attrs.get(name, [1, 1, 1])
        flat[name], deep[name] = values[1:], [values[0], 1]
    if "paddings" in attrs:
        flat["paddings"], deep["paddings"] = attrs["paddings"][2:], [*attrs["paddings"][:2], 0, 0]
    # N D (H W) C, windows over D alone.
    y = b.op("Reshape", [x], shape=[-1], axis=2, num_axes=2)
    y = b.op("Pooling", [y], kernels=[kernel[0], 1], **deep)
    front = b.op("Shape", [y], start=0, end=2, output_type="i32")
    # (N D) H W C, windows over H and W.
    one = b.const([-1], np.int32)
    size = b.op("Shape", [x], start=2, end=4, output_type="i32")
    images = b.op("Concat", [one, size], axis=0)
    y = b.op("Reshape", [y, images], axis=0, num_axes=3)
    y = b.op("Pooling", [y], kernels=kernel[1:], **flat)
    return b.op("Reshape", [y, front], axis=0, num_axes=1)
