# SPDX-License-Identifier: Apache-2.0
"""ONNX Resize and Upsample of height and width."""

from __future__ import annotations

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
}
_NEAREST = {
    "round_prefer_floor": "ROUND_PREFER_FLOOR",
    "round_prefer_ceil": "ROUND_PREFER_CEIL",
    "floor": "FLOOR",
    "ceil": "CEIL",
}
_NCHW_LIKE = "only height and width of N C H W can be resized"


@register("Upsample")
def _upsample(b: Builder, n: OnnxNode) -> None:
    given = n.attrs.get("scales")
    scales = np.asarray(given, np.float32) if given is not None else n.constant(b, 1, "scales")
    attrs = {"mode": _mode(n), "coordinates": "ASYMMETRIC", "nearest_mode": "FLOOR"}
    _emit(b, n, attrs, "scale", scales)


@register("Resize")
def _resize(b: Builder, n: OnnxNode) -> None:
    attrs: dict[str, Any] = {"mode": _mode(n)}
    if n.opset < 11:
        attrs |= {"coordinates": "ASYMMETRIC", "nearest_mode": "FLOOR"}
        _emit(b, n, attrs, "scale", n.constant(b, 1, "scales"))
        return
    attrs |= _sampling(n)
    if n.input(3):
        sizes = b.value(n.inputs[3])
        if sizes is None:
            _computed_size(b, n, attrs)
        else:
            _emit(b, n, attrs, "size", _all_axes(b, n, sizes, "size"))
        return
    _emit(b, n, attrs, "scale", _all_axes(b, n, n.constant(b, 2, "scales"), "scale"))


def _mode(n: OnnxNode) -> str:
    mode = n.attr("mode", "nearest")
    if mode not in _MODES:
        raise UnsupportedError(f"the attribute mode is {mode}", f"MACE has {', '.join(_MODES)}")
    return _MODES[mode]


def _sampling(n: OnnxNode) -> dict[str, Any]:
    """How output positions become input positions, by the attributes of opset 11 and newer."""
    coordinates = n.attr("coordinate_transformation_mode", "half_pixel")
    if coordinates not in _COORDINATES:
        raise UnsupportedError(
            f"the attribute coordinate_transformation_mode is {coordinates}",
            f"MACE has {', '.join(_COORDINATES)}",
        )
    if n.attr("antialias", 0):
        raise UnsupportedError("the attribute antialias is set", "export the model without it")
    policy = n.attr("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        raise UnsupportedError(f"the attribute keep_aspect_ratio_policy is {policy}")
    attrs: dict[str, Any] = {"coordinates": _COORDINATES[coordinates]}
    if n.attr("mode", "nearest") == "nearest":
        attrs["nearest_mode"] = _NEAREST[n.attr("nearest_mode", "round_prefer_floor")]
    if n.attr("mode", "nearest") == "cubic":
        attrs["cubic_coefficient"] = float(n.attr("cubic_coeff_a", -0.75))
        # Of no effect in other modes: their pixels beyond the border are the only one inside.
        attrs["exclude_outside"] = bool(n.attr("exclude_outside", 0))
    return attrs


def _all_axes(b: Builder, n: OnnxNode, values: Array, kind: str) -> Array:
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


def _unchanged(n: OnnxNode, kind: str, values: Array, dimension: int) -> bool:
    """Whether a dimension keeps its size, as far as can be told."""
    if kind == "scale":
        return bool(values[dimension] == 1)
    shape = n.shape(n.inputs[0])
    return shape is None or shape[dimension] in (-1, int(values[dimension]))


def _emit(b: Builder, n: OnnxNode, attrs: dict[str, Any], kind: str, values: Array) -> None:
    """Writes the Resize for constant sizes or scales of all dimensions."""
    rank = len(values)
    if rank == 4 and not _unchanged(n, kind, values, 1) and _unchanged(n, kind, values, 3):
        _check(n, kind, values, (0, 3))
        y = b.op("Resize", [n.inputs[0]], n.outputs, **attrs, **_values(kind, values[1:3]))
        return
    if rank not in (3, 4):
        raise UnsupportedError(f"its input has rank {rank}; {_NCHW_LIKE}")
    _check(n, kind, values, (0, 1))
    spatial = rank - 2
    wanted = values[2:] if spatial == 2 else np.concatenate([np.ones(1, values.dtype), values[2:]])
    y = b.op("Resize", [enter(b, n.inputs[0], spatial)], **attrs, **_values(kind, wanted))
    leave(b, y, spatial, n.outputs[0])


def _check(n: OnnxNode, kind: str, values: Array, dimensions: tuple[int, int]) -> None:
    if not all(_unchanged(n, kind, values, d) for d in dimensions):
        raise UnsupportedError(f"the {kind}s are {values.tolist()}; {_NCHW_LIKE}")


def _values(kind: str, values: Array) -> dict[str, Any]:
    if kind == "size":
        return {"size": [int(v) for v in values]}
    return {"scale": [float(v) for v in values]}


def _computed_size(b: Builder, n: OnnxNode, attrs: dict[str, Any]) -> None:
    """Sizes that follow from the shape of another tensor: known when the plan is made."""
    if n.attrs.get("axes") is not None or n.rank(n.inputs[0]) != 4:
        raise UnsupportedError("the sizes are computed while the model runs, for some axes only")
    two, four = b.const([2], np.int64), b.const([4], np.int64)
    size = b.op("Slice", [n.inputs[3], two, four])
    b.nchw(b.op("Resize", [b.nhwc(n.inputs[0]), size], **attrs), n.outputs[0])
