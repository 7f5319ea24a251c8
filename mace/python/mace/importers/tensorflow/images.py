# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's operators on images: cutting, averaging, dilating, colours."""

from __future__ import annotations

import math

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import (
    TENSORFLOW,
    constant_ints,
    known_shape,
    spatial,
)

_F = np.float32
_LOWEST = float(np.finfo(_F).min)


def _op(builder: Builder, kind: str, *operands: str | float) -> str:
    """Eltwise of tensors and numbers."""
    tensors = [v if isinstance(v, str) else builder.const(v, _F) for v in operands]
    return builder.op("Eltwise", tensors, None, type=kind)


def _image(
    builder: Builder, node: TfNode, names: str = "height, width or channels"
) -> tuple[int, int, int]:
    """Height, width and channels of the first input; UnsupportedError where one is not known."""
    shape = known_shape(builder, node, node.input(0), "input")
    if len(shape) != 4 or any(d < 1 for d in shape[1:]):
        raise UnsupportedError(
            f"of its input of shape {list(shape)} the {names} are not known",
            "give the model's inputs fixed shapes",
        )
    return shape[1], shape[2], shape[3]


@TENSORFLOW.register("CropAndResize")
def crop_and_resize(builder: Builder, node: TfNode) -> None:
    """Boxes of images, all resized to one size."""
    method = node.string_attr("method", "bilinear")
    if method not in ("bilinear", "nearest"):
        raise UnsupportedError(f"attribute method is '{method}'", "use bilinear or nearest")
    image = node.input(0)
    if node.type_attr("T") != "f32":
        image = builder.op("Cast", [image], None, output_type="f32")
    builder.op(
        "CropAndResize",
        [image, *(node.input(i) for i in range(1, 4))],
        [node.output()],
        method=method.upper(),
        extrapolation_value=node.float_attr("extrapolation_value", 0.0),
    )


@TENSORFLOW.register("ResizeArea")
def resize_area(builder: Builder, node: TfNode) -> None:
    """Each pixel is the mean of what it covers of the input: a matrix for rows, one for columns."""
    height, width, channels = _image(builder, node)
    size = constant_ints(builder, node, 1, "size")
    if len(size) != 2 or min(size) < 1 or max(size) > 1 << 16:
        raise UnsupportedError(f"its size is {size}")
    align = node.bool_attr("align_corners")
    rows, columns = (_shares(n, m, align) for n, m in ((height, size[0]), (width, size[1])))
    tensor = node.input(0)
    if node.type_attr("T") != "f32":
        tensor = builder.op("Cast", [tensor], None, output_type="f32")
    tensor = builder.op("Reshape", [tensor], None, shape=[-1, height, width * channels])
    tensor = builder.op("MatMul", [builder.const(rows), tensor], None)
    tensor = builder.op("Reshape", [tensor], None, shape=[-1, width, channels])
    tensor = builder.op("MatMul", [builder.const(columns), tensor], None)
    builder.op("Reshape", [tensor], [node.output()], shape=[-1, *size, channels])


def _shares(before: int, after: int, align: bool) -> Array:
    """The share of each of `before` pixels in each of `after`; past the end the last one counts."""
    scale = (before - 1) / (after - 1) if align and after > 1 else before / after
    shares = np.zeros((after, before), _F)
    for row in range(after):
        # As TensorFlow, whose ends are float32 numbers.
        start, end = (float(_F(v) * _F(scale)) for v in (row, row + 1))
        for pixel in range(math.floor(start), math.ceil(end)):
            covered = min(end, pixel + 1) - max(start, pixel)
            shares[row, min(pixel, before - 1)] += covered / scale if scale else 0
    return shares


@TENSORFLOW.register("Dilation2D")
def dilation(builder: Builder, node: TfNode) -> None:
    """The largest sum of a pixel and the filter's number for it, in each window and channel."""
    height, width, channels = _image(builder, node)
    taps = known_shape(builder, node, node.input(1), "filter")
    if len(taps) != 3 or min(taps) < 1 or taps[0] * taps[1] > 1 << 12:
        raise UnsupportedError(f"its filter has the shape {list(taps)}")
    strides, rates = spatial(node, "strides"), spatial(node, "rates")
    pads, sizes = [0, 0], []
    for size, tap, stride, rate in zip((height, width), taps, strides, rates, strict=False):
        reach = (tap - 1) * rate + 1
        if node.string_attr("padding", "VALID") == "SAME":
            out = -(-size // stride)
            missing = max((out - 1) * stride + reach - size, 0)
            pads += [missing // 2, missing - missing // 2]
        else:
            out = (size - reach) // stride + 1
            pads += [0, 0]
        sizes.append(out)
    if min(sizes) < 1:
        raise UnsupportedError("its filter is larger than the image")
    padded = node.input(0)
    if any(pads):
        padded = builder.op("Pad", [padded], None, paddings=[*pads, 0, 0], constant_value=_LOWEST)
    attrs = {"kernels": list(taps[:2]), "strides": strides, "dilations": rates}
    windows = builder.op("Im2Col", [padded], None, padding="VALID", **attrs)
    count = taps[0] * taps[1]
    windows = builder.op("Reshape", [windows], None, shape=[-1, *sizes, count, channels])
    filters = builder.op("Reshape", [node.input(1)], None, shape=[count, channels])
    sums = _op(builder, "SUM", windows, filters)
    builder.op("Reduce", [sums], [node.output()], reduce_type="MAX", axis=[3], keepdims=False)


@TENSORFLOW.register("RGBToHSV")
def rgb_to_hsv(builder: Builder, node: TfNode) -> None:
    """Hue, saturation and value of colours, all from 0 to 1."""
    red, green, blue = _channels(builder, node.input(0))
    value = _op(builder, "MAX", _op(builder, "MAX", red, green), blue)
    least = _op(builder, "MIN", _op(builder, "MIN", red, green), blue)
    spread = _op(builder, "SUB", value, least)
    none = builder.const(0, _F)
    some = _op(builder, "GREATER", spread, none)
    # Where all are the same both quotients are of no meaning and replaced.
    below = builder.op("Where", [some, spread, builder.const(1, _F)])
    lit = _op(builder, "GREATER", value, none)
    safe = builder.op("Where", [lit, value, builder.const(1, _F)])
    saturation = builder.op("Where", [lit, _op(builder, "DIV", spread, safe), none])

    def part(a: str, b: str, offset: float) -> str:
        turn = _op(builder, "DIV", _op(builder, "SUB", a, b), _op(builder, "PROD", below, 6.0))
        return _op(builder, "SUM", turn, offset)

    is_green = _op(builder, "EQUAL", green, value)
    others = [is_green, part(blue, red, 2 / 6), part(red, green, 4 / 6)]
    first = [_op(builder, "EQUAL", red, value), part(green, blue, 0.0)]
    hue = builder.op("Where", [*first, builder.op("Where", others)])
    hue = builder.op("Where", [some, hue, none])
    negative = _op(builder, "LESS", hue, none)
    hue = builder.op("Where", [negative, _op(builder, "SUM", hue, 1.0), hue])
    builder.op("Concat", [hue, saturation, value], [node.output()], axis=-1)


@TENSORFLOW.register("HSVToRGB")
def hsv_to_rgb(builder: Builder, node: TfNode) -> None:
    """Colours of hue, saturation and value."""
    hue, saturation, value = _channels(builder, node.input(0))
    turn = _op(builder, "PROD", hue, 6.0)
    left = _op(builder, "SUB", 1.0, saturation)
    colours = []
    for middle, sign, offset in ((3.0, 1.0, -1.0), (2.0, -1.0, 2.0), (4.0, -1.0, 2.0)):
        distance = builder.op("Unary", [_op(builder, "SUB", turn, middle)], None, type="ABS")
        ramp = _op(builder, "SUM", _op(builder, "PROD", distance, sign), offset)
        ramp = _op(builder, "MIN", _op(builder, "MAX", ramp, 0.0), 1.0)
        mixed = _op(builder, "SUM", left, _op(builder, "PROD", saturation, ramp))
        colours.append(_op(builder, "PROD", mixed, value))
    builder.op("Concat", colours, [node.output()], axis=-1)


def _channels(builder: Builder, image: str) -> list[str]:
    outputs = [builder.tensor("channel") for _ in range(3)]
    builder.op("Split", [image], outputs, axis=-1)
    return outputs
