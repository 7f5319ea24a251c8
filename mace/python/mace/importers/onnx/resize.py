# SPDX-License-Identifier: Apache-2.0
"""ONNX Resize and Upsample: height and width together, other dimensions one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.neural import enter, leave
from mace.importers.onnx.node import OnnxNode, register

_MODES = {"nearest": "NEAREST", "linear": "BILINEAR", "bilinear": "BILINEAR", "cubic": "BICUBIC"}
_COORDINATES = {
    "half_pixel": "HALF_PIXEL",
    "asymmetric": "ASYMMETRIC",
    "align_corners": "ALIGN_CORNERS",
    "pytorch_half_pixel": "PYTORCH_HALF_PIXEL",
    "half_pixel_symmetric": "HALF_PIXEL_SYMMETRIC",
    "tf_crop_and_resize": "TF_CROP_AND_RESIZE",
}
_NEAREST = {
    "round_prefer_floor": "ROUND_PREFER_FLOOR",
    "round_prefer_ceil": "ROUND_PREFER_CEIL",
    "floor": "FLOOR",
    "ceil": "CEIL",
}
# tf_half_pixel_for_nn is half_pixel plus a half, so that other ways to round give the same pixels.
_TF_NEAREST = {"floor": "ROUND_PREFER_CEIL", "round_prefer_floor": "CEIL"}
_ROI = "TF_CROP_AND_RESIZE"


@register("Upsample", versions=(7, 9))
def _upsample(b: Builder, n: OnnxNode) -> None:
    given = n.attrs.get("scales")
    scales = np.asarray(given, np.float32) if given is not None else n.constant(b, 1, "scales")
    attrs = {"mode": _mode(n), "coordinates": "ASYMMETRIC", "nearest_mode": "FLOOR"}
    _emit(b, n, attrs, "scale", scales)


@register("Resize", versions=(10, 19))
def _resize(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {"mode": _mode(n)}
    if n.opset < 11:
        _resize_10(b, n, {**attrs, "coordinates": "ASYMMETRIC"}, n.constant(b, 1, "scales"))
        return
    attrs |= _sampling(n)
    roi = _roi(b, n, attrs)
    if n.input(3):
        sizes = b.value(n.inputs[3])
        if sizes is None:
            _computed_size(b, n, attrs)
        else:
            _sized(b, n, attrs, sizes, roi)
        return
    scales = _all_axes(n, n.constant(b, 2, "scales"), "scale")
    if roi is None:
        _emit(b, n, attrs, "scale", scales)
        return
    # The scales are those of the region.
    shape = _known(n)
    ends = np.array([roi[1][d] - roi[0][d] for d in range(len(shape))])
    sizes = np.floor(np.asarray(shape) * ends * scales).astype(np.int64)
    _each_axis(b, n, attrs, {"size": sizes}, roi)


def _resize_10(b: Builder, n: OnnxNode, attrs: dict[str, Any], scales: Array) -> None:
    """The nearest pixel is the one before where a dimension grows, the one behind where it shrinks,
    as the cases of that opset show."""
    modes = np.where(scales < 1, "CEIL", "FLOOR")
    kinds = set(modes[scales != 1]) if attrs["mode"] == "NEAREST" else set()
    if len(kinds) < 2:
        _emit(b, n, {**attrs, "nearest_mode": str(next(iter(kinds), "FLOOR"))}, "scale", scales)
        return
    each = [{"nearest_mode": str(mode)} for mode in modes]
    _each_axis(b, n, attrs, {"scale": scales}, None, each)


def _mode(n: OnnxNode) -> str:
    mode = n.attr("mode", "nearest")
    if mode not in _MODES:
        raise UnsupportedError(f"the attribute mode is {mode}", f"MACE has {', '.join(_MODES)}")
    return _MODES[mode]


def _sampling(n: OnnxNode) -> dict[str, Any]:
    """How output positions become input positions, by the attributes of opset 11 and newer."""
    coordinates = n.attr("coordinate_transformation_mode", "half_pixel")
    if coordinates == "tf_half_pixel_for_nn":
        return _tensorflow_nearest(n)
    if coordinates not in _COORDINATES:
        raise UnsupportedError(
            f"the attribute coordinate_transformation_mode is {coordinates}",
            f"MACE has {', '.join(_COORDINATES)}",
        )
    attrs: dict[str, Any] = {"coordinates": _COORDINATES[coordinates]}
    if n.attr("antialias", 0) and n.attr("mode", "nearest") != "nearest":
        attrs["antialias"] = True
        attrs["exclude_outside"] = bool(n.attr("exclude_outside", 0))
    if n.attr("mode", "nearest") == "nearest":
        attrs["nearest_mode"] = _NEAREST[n.attr("nearest_mode", "round_prefer_floor")]
    if n.attr("mode", "nearest") == "cubic":
        attrs["cubic_coefficient"] = float(n.attr("cubic_coeff_a", -0.75))
        # Of no effect in other modes: their pixels beyond the border are the only one inside.
        attrs["exclude_outside"] = bool(n.attr("exclude_outside", 0))
    return attrs


def _tensorflow_nearest(n: OnnxNode) -> dict[str, Any]:
    mode, rounding = n.attr("mode", "nearest"), n.attr("nearest_mode", "round_prefer_floor")
    if mode != "nearest" or rounding not in _TF_NEAREST:
        raise UnsupportedError(
            f"the attribute coordinate_transformation_mode is tf_half_pixel_for_nn with mode {mode} "
            f"and nearest_mode {rounding}",
            f"MACE has it with nearest and {' or '.join(_TF_NEAREST)}",
        )
    return {"coordinates": "HALF_PIXEL", "nearest_mode": _TF_NEAREST[rounding]}


def _known(n: OnnxNode) -> tuple[int, ...]:
    """The shape of the input, which must be known."""
    shape = n.shape(n.inputs[0])
    if shape is None or min(shape, default=0) < 0:
        raise UnsupportedError("the shape of its input is not known", "give the model fixed shapes")
    return shape


def _all_axes(n: OnnxNode, values: Array, kind: str) -> Array:
    """Values for every dimension of the input, when the attribute axes names some only."""
    axes = n.attrs.get("axes")
    if axes is None:
        return values
    rank = n.rank(n.inputs[0])
    shape = n.shape(n.inputs[0]) or ()
    full = np.ones(rank, np.float32) if kind == "scale" else np.asarray(shape, np.int64)
    for axis, value in zip(axes, values, strict=True):
        full[axis % rank] = value
    return full


Roi = tuple[list[float], list[float]]


def _roi(b: Builder, n: OnnxNode, attrs: dict[str, Any]) -> Roi | None:
    """First and last point of the region along each dimension, if there is a region."""
    if attrs["coordinates"] != _ROI:
        return None
    attrs["extrapolation_value"] = float(n.attr("extrapolation_value", 0.0))
    rank = n.rank(n.inputs[0])
    values = [float(v) for v in np.ravel(n.constant(b, 1, "roi"))]
    axes = [int(a) % rank for a in n.attr("axes", range(rank))]
    starts, ends = [0.0] * rank, [1.0] * rank
    for index, axis in enumerate(axes):
        starts[axis], ends[axis] = values[index], values[len(axes) + index]
    return starts, ends


def _sized(b: Builder, n: OnnxNode, attrs: dict[str, Any], sizes: Array, roi: Roi | None) -> None:
    """Constant sizes, for all axes or some, of which one may decide for all."""
    policy = n.attr("keep_aspect_ratio_policy", "stretch")
    full = np.array(_all_axes(n, sizes, "size"), np.int64)
    if policy == "stretch" and roi is None:
        _emit(b, n, attrs, "size", full)
        return
    values: dict[str, Array] = {"size": full}
    if policy != "stretch":
        shape = _known(n)
        axes = [int(a) % len(shape) for a in n.attr("axes", range(len(shape)))]
        ratios = [int(full[a]) / shape[a] for a in axes]
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        scales = np.ones(len(shape), np.float32)
        for axis in axes:
            full[axis] = int(ratio * shape[axis] + 0.5)
            scales[axis] = ratio
        values = {"size": full, "scale": scales}
    _each_axis(b, n, attrs, values, roi)


def _each_axis(
    b: Builder,
    n: OnnxNode,
    attrs: dict[str, Any],
    values: dict[str, Array],
    roi: Roi | None,
    each: Sequence[dict[str, Any]] = (),
) -> None:
    """Resizes one dimension after the other, each as the height of an image; `each` holds further
    attributes of every dimension."""
    shape, x = list(_known(n)), n.inputs[0]
    for d, have in enumerate(tuple(shape)):
        start, end = (roi[0][d], roi[1][d]) if roi is not None else (0.0, 1.0)
        scale = float(values["scale"][d]) if "scale" in values else 0.0
        size = (
            int(values["size"][d])
            if "size" in values
            else int(np.float32(have) * np.float32(scale))
        )
        if size == have and scale in (0.0, 1.0) and (start, end) == (0.0, 1.0):
            continue
        x = b.op("Reshape", [x], shape=[math.prod(shape[:d]), have, 1, math.prod(shape[d + 1 :])])
        more: dict[str, Any] = {"size": [size, 1]}
        if scale:
            more["scale"] = [scale, 1.0]
        if roi is not None:
            more["roi"] = [start, 0.0, end, 1.0]
        if each:
            more |= each[d]
        x = b.op("Resize", [x], **attrs, **more)
        shape[d] = size
    b.op("Reshape", [x], n.outputs, shape=shape)


def _unchanged(n: OnnxNode, kind: str, values: Array, dimension: int) -> bool:
    """Whether a dimension keeps its size, as far as can be told."""
    if kind == "scale":
        return bool(values[dimension] == 1)
    shape = n.shape(n.inputs[0])
    return shape is None or shape[dimension] in (-1, int(values[dimension]))


def _emit(b: Builder, n: OnnxNode, attrs: dict[str, Any], kind: str, values: Array) -> None:
    """Writes the Resize for constant sizes or scales of all dimensions."""
    rank = len(values)
    if (
        rank == 4
        and not _unchanged(n, kind, values, 1)
        and all(_unchanged(n, kind, values, d) for d in (0, 3))
    ):
        y = b.op("Resize", [n.inputs[0]], n.outputs, **attrs, **_values(kind, values[1:3]))
        return
    if rank not in (3, 4) or not all(_unchanged(n, kind, values, d) for d in (0, 1)):
        _each_axis(b, n, attrs, {kind: values}, None)
        return
    spatial = rank - 2
    wanted = values[2:] if spatial == 2 else np.concatenate([np.ones(1, values.dtype), values[2:]])
    y = b.op("Resize", [enter(b, n.inputs[0], spatial)], **attrs, **_values(kind, wanted))
    leave(b, y, spatial, n.outputs[0])


def _values(kind: str, values: Array) -> dict[str, Any]:
    if kind == "size":
        return {"size": [int(v) for v in values]}
    return {"scale": [float(v) for v in values]}


def _computed_size(b: Builder, n: OnnxNode, attrs: dict[str, Any]) -> None:
    """Sizes that follow from the shape of another tensor: known when the plan is made."""
    rank = n.rank(n.inputs[0])
    axes = [int(a) % rank for a in n.attr("axes", range(rank))]
    policy = n.attr("keep_aspect_ratio_policy", "stretch")
    plain = policy == "stretch" and attrs["coordinates"] != _ROI
    if rank != 4 or axes not in ([0, 1, 2, 3], [2, 3]) or not plain:
        raise UnsupportedError(
            "the sizes are computed while the model runs, and not for height and width of N C H W",
            "give the model fixed input shapes",
        )
    size = n.inputs[3]
    if len(axes) == 4:
        size = b.op("Slice", [size, b.const([2], np.int64), b.const([4], np.int64)])
    b.nchw(b.op("Resize", [b.nhwc(n.inputs[0]), size], **attrs), n.outputs[0])
