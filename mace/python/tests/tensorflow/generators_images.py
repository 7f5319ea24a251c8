# SPDX-License-Identifier: Apache-2.0
"""Random cases of TensorFlow's operators on images, segments and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from generating import Case, Gen, generator, raw


@generator("CropAndResize")
def crop_and_resize(g: Gen, op: str) -> Case:
    images, boxes = g.int(1, 2), g.int(0, 4)
    shape = (images, g.int(1, 6), g.int(1, 6), g.int(1, 3))
    feeds = {
        "image": g.f32(shape) if g.bool() else g.i32(shape, 0, 255, np.uint8),
        "boxes": g.f32((boxes, 4), -0.3, 1.3),
        "box_ind": g.i32((boxes,), 0, images - 1),
    }
    return raw(
        op,
        feeds,
        crop_size=np.array(g.ints(2, 1, 5), np.int32),
        method=g.pick(["bilinear", "nearest"]),
        extrapolation_value=g.pick([0.0, -2.5]),
    )


@generator("ResizeArea")
def resize_area(g: Gen, op: str) -> Case:
    shape = (g.int(1, 2), g.int(1, 9), g.int(1, 9), g.int(1, 4))
    image = g.f32(shape) if g.bool() else g.i32(shape, 0, 255, np.uint8)
    return raw(op, {"images": image}, size=np.array(g.ints(2, 1, 12), np.int32))


@generator("Dilation2D")
def dilation(g: Gen, op: str) -> Case:
    channels = g.int(1, 3)
    rates, taps = g.ints(2, 1, 2), g.ints(2, 1, 3)
    return raw(
        op,
        {
            "input": g.f32((g.int(1, 2), g.int(5, 9), g.int(5, 9), channels)),
            "filter": g.f32((*taps, channels)),
        },
        strides=[1, *g.ints(2, 1, 3), 1],
        rates=[1, *rates, 1],
        padding=g.pick(["SAME", "VALID"]),
    )


@generator("RGBToHSV", "HSVToRGB")
def colours(g: Gen, op: str) -> Case:
    image = g.f32((*g.shape(0, 3), 3), 0, 1)
    if op == "RGBToHSV" and g.bool():  # greys, black, two colours that are equal
        image = np.round(2 * image) / 2
    return raw(op, {"images": image})


@generator("LowerBound", "UpperBound")
def bound(g: Gen, op: str) -> Case:
    batch = g.int(1, 3)
    rows = np.sort(g.i32((batch, g.int(1, 6))), axis=1)
    values = g.i32((batch, g.int(1, 5)))
    kind = g.pick([np.int32, np.int64, np.float32])
    feeds = {"sorted_inputs": rows.astype(kind), "values": values.astype(kind)}
    return raw(op, feeds, out_type=g.pick([tf.int32, tf.int64]))


@generator("UnsortedSegmentSum", "UnsortedSegmentProd", "UnsortedSegmentMax", "UnsortedSegmentMin")
def segment(g: Gen, op: str) -> Case:
    first = g.shape(1, 2)
    count = g.int(1, 4)
    feeds = {
        "data": g.any((*first, *g.shape(0, 2)), "fil"),
        "segment_ids": g.i32(first, -1, count - 1),
    }
    return raw(op, feeds, num_segments=np.int32(count))


@generator("MatrixDiag", "MatrixDiagV2", "MatrixDiagV3")
def matrix_diag(g: Gen, op: str) -> Case:
    diagonal = g.any(g.shape(1, 3))
    attrs: dict[str, Any] = {}
    if op != "MatrixDiag":
        attrs = {"k": np.int32(0), "num_rows": np.int32(-1), "num_cols": np.int32(-1)}
        attrs["padding_value"] = diagonal.dtype.type(g.int(-1, 1))
    return raw(op, {"diagonal": diagonal}, **attrs)


@generator("MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3")
def matrix_diag_part(g: Gen, op: str) -> Case:
    attrs: dict[str, Any] = {}
    matrix = g.any((*g.shape(0, 2), g.int(1, 4), g.int(1, 4)))
    if op != "MatrixDiagPart":
        attrs = {"k": np.int32(0), "padding_value": matrix.dtype.type(0)}
    return raw(op, {"input": matrix}, **attrs)


@generator("MatrixDeterminant")
def determinant(g: Gen, op: str) -> Case:
    size = g.int(1, 4)
    return raw(op, {"input": g.f32((*g.shape(0, 2), size, size))}, tolerance=1e-3)


@generator("Cross")
def cross(g: Gen, op: str) -> Case:
    shape = (*g.shape(0, 3), 3)
    first = g.any(shape)
    second = g.f32(shape) if first.dtype == np.float32 else g.i32(shape, dtype=first.dtype)
    return raw(op, {"a": first, "b": second})


@generator("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4")
def quantize_and_dequantize(g: Gen, op: str) -> Case:
    signed, bits = g.bool(), g.int(3, 9)
    low = -g.int(1, 4) if signed else 0
    attrs: dict[str, Any] = {
        "input_min": np.float32(low),
        "input_max": np.float32(g.int(1, 5)),
        "signed_input": signed,
        "num_bits": np.int32(bits) if op == "QuantizeAndDequantizeV3" else bits,
        "range_given": True,
        "narrow_range": signed and g.bool(),
    }
    return raw(op, {"input": g.f32(g.shape(1, 3), -6, 6)}, **attrs)
