# SPDX-License-Identifier: Apache-2.0
"""Operators that ONNX had as experiments and took out with opset 10, which converters of Core ML and
Caffe2 models of that time wrote."""

from __future__ import annotations

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register
from mace.importers.onnx.normalization import channels_last


@register("ImageScaler", versions=(1, 9))
def _image_scaler(b: Builder, n: OnnxNode) -> None:
    """Scales an image and adds a number to each channel."""
    bias = np.asarray(n.require("bias"), np.float32)
    scale = np.full_like(bias, n.attr("scale", 1.0))
    x, back = channels_last(b, n, n.inputs[0])
    y = b.op("BatchNorm", [x, b.const(scale), b.const(bias)], None if back else n.outputs)
    if back:
        b.op("Transpose", [y], n.outputs, dims=back)


def _number(b: Builder, n: OnnxNode, name: str, default: float) -> str:
    return b.const(n.attr(name, default), np.float32)


@register("Affine", versions=(1, 9))
def _affine(b: Builder, n: OnnxNode) -> None:
    scaled = b.op("Eltwise", [n.inputs[0], _number(b, n, "alpha", 1.0)], type="PROD")
    b.op("Eltwise", [scaled, _number(b, n, "beta", 0.0)], n.outputs, type="SUM")


@register("Scale", versions=(1, 9))
def _scale(b: Builder, n: OnnxNode) -> None:
    b.op("Eltwise", [n.inputs[0], _number(b, n, "scale", 1.0)], n.outputs, type="PROD")


@register("ParametricSoftplus", "ScaledTanh", versions=(1, 9))
def _scaled_activation(b: Builder, n: OnnxNode) -> None:
    kind = "TANH" if n.op == "ScaledTanh" else "SOFTPLUS"
    inner = b.op("Eltwise", [n.inputs[0], _number(b, n, "beta", 1.0)], type="PROD")
    y = b.op("Activation", [inner], activation=kind)
    b.op("Eltwise", [y, _number(b, n, "alpha", 1.0)], n.outputs, type="PROD")


@register("Crop", versions=(1, 9))
def _crop(b: Builder, n: OnnxNode) -> None:
    """Cuts left, top, right, bottom off; or, given a height and width, all but these from left and
    top on."""
    border = [int(v) for v in n.require("border")]
    if len(border) != 4 or min(border) < 0:
        raise UnsupportedError(f"the attribute border is {border}, not four numbers from 0 on")
    left, top, right, bottom = border
    ends = [-bottom or np.iinfo(np.int64).max, -right or np.iinfo(np.int64).max]
    if "scale" in n.attrs:
        size = [int(v) for v in n.attrs["scale"]]
        if len(size) != 2 or min(size) < 1:
            raise UnsupportedError(f"the attribute scale is {size}, not a height and a width")
        ends = [top + size[0], left + size[1]]
    lists = [b.const(v, np.int64) for v in ([top, left], ends, [2, 3])]
    b.op("Slice", [n.inputs[0], *lists], n.outputs)
