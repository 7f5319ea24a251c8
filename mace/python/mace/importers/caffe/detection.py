# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that detect objects: those of SSD, Faster R-CNN and R-FCN."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer

# No region is pooled to more rows or columns, nor with more samples a cell.
_MAX_GRID = 256


@CAFFE.register("PriorBox")
def prior_box(builder: Builder, layer: CaffeLayer) -> None:
    """Default boxes of a feature map (first bottom) for an image (second)."""
    layer.need_rank(4)
    layer.need_rank(4, 1)
    parameter = layer.message.prior_box_param
    if not parameter.min_size:
        raise UnsupportedError("it has no min_size")
    steps = [float(parameter.step_h), float(parameter.step_w)]
    if parameter.HasField("step"):
        steps = [float(parameter.step)] * 2
    image = builder.nhwc(layer.bottom(1))
    size = [int(parameter.img_h), int(parameter.img_w)]
    if parameter.HasField("img_size"):
        size = [int(parameter.img_size)] * 2
    if all(size):
        # Only the size of the image matters, so a tensor of that size stands for it.
        shape = builder.const([1, *size, 1], np.int32)
        image = builder.op("Fill", [shape], None, value=0.0, output_type="f32")
    builder.op(
        "PriorBox",
        [builder.nhwc(layer.bottom()), image],
        [layer.top()],
        min_size=[float(v) for v in parameter.min_size],
        max_size=[float(v) for v in parameter.max_size],
        aspect_ratio=[float(v) for v in parameter.aspect_ratio],
        flip=bool(parameter.flip),
        clip=bool(parameter.clip),
        variance=[float(v) for v in parameter.variance] or [0.1],
        offset=float(parameter.offset),
        step_h=steps[0],
        step_w=steps[1],
    )
    layer.set_rank(3)


@CAFFE.register("DetectionOutput")
def detection_output(builder: Builder, layer: CaffeLayer) -> None:
    """Boxes of SSD: locations, confidences and prior boxes to 1 x 1 x K x 7."""
    parameter = layer.message.detection_output_param
    if parameter.num_classes < 1:
        raise UnsupportedError("it has no num_classes")
    inputs = [layer.bottom(i) for i in range(3)]
    for index in range(2):
        if layer.rank(index) > 2:
            inputs[index] = builder.op("Flatten", [inputs[index]], None, axis=1, end_axis=-1)
    suppression = parameter.nms_param
    builder.op(
        "DetectionOutput",
        inputs,
        [layer.top()],
        num_classes=int(parameter.num_classes),
        share_location=bool(parameter.share_location),
        background_label_id=int(parameter.background_label_id),
        nms_threshold=float(suppression.nms_threshold),
        nms_top_k=int(suppression.top_k) if suppression.HasField("top_k") else -1,
        eta=float(suppression.eta),
        code_type=parameter.CodeType.Name(parameter.code_type),
        variance_encoded_in_target=bool(parameter.variance_encoded_in_target),
        keep_top_k=int(parameter.keep_top_k),
        # Without a threshold Caffe keeps every score, also those below 0.
        confidence_threshold=(
            float(parameter.confidence_threshold)
            if parameter.HasField("confidence_threshold")
            else float(np.finfo(np.float32).min)
        ),
    )
    layer.set_rank(4)


@CAFFE.register("ROIPooling")
def roi_pooling(builder: Builder, layer: CaffeLayer) -> None:
    """The largest element in each cell of a grid laid over regions (Fast R-CNN)."""
    parameter = layer.message.roi_pooling_param
    size = [int(parameter.pooled_h), int(parameter.pooled_w)]
    attrs = {"pooled_size": size, "spatial_scale": float(parameter.spatial_scale)}
    _regions(builder, layer, "ROIPooling", size, attrs)


@CAFFE.register("ROIAlign")
def roi_align(builder: Builder, layer: CaffeLayer) -> None:
    """The mean of interpolated samples in each cell of a grid laid over regions, nothing being
    rounded (Mask R-CNN); without a number of samples there is one for each pixel."""
    parameter = layer.message.roi_align_param
    size = [int(parameter.pooled_h), int(parameter.pooled_w)]
    samples = max(int(parameter.sampling_ratio), int(parameter.sample_ratio), 0)
    _need_grid(size)
    if samples > _MAX_GRID:
        raise UnsupportedError(f"its sampling_ratio is {samples}", f"use 0 to {_MAX_GRID}")
    rows = _region_rows(builder, layer)
    image = builder.op("Slice", [rows, *_columns(builder, 0, 1)])
    image = builder.op("Reshape", [image], None, shape=[-1])
    image = builder.op("Cast", [image], None, output_type="i32")
    boxes = builder.op("Slice", [rows, *_columns(builder, 1, 5)])
    result = builder.op(
        "RoiAlign",
        [builder.nhwc(layer.bottom()), boxes, image],
        None,
        output_height=size[0],
        output_width=size[1],
        sampling_ratio=samples,
        spatial_scale=float(parameter.spatial_scale),
    )
    builder.nchw(result, layer.top())


def _columns(builder: Builder, start: int, end: int) -> list[str]:
    """The inputs of a Slice of columns."""
    return [builder.const([v], np.int32) for v in (start, end, 1)]


@CAFFE.register("PSROIPooling")
def psroi_pooling(builder: Builder, layer: CaffeLayer) -> None:
    """Each cell of the grid takes the mean of channels of its own (R-FCN)."""
    parameter = layer.message.psroi_pooling_param
    _position_sensitive(builder, layer, "PSROIPooling", parameter, {})


@CAFFE.register("PSROIAlign")
def psroi_align(builder: Builder, layer: CaffeLayer) -> None:
    """As PSROIPooling, with interpolated samples in each cell and nothing rounded."""
    parameter = layer.message.psroi_align_param
    samples = int(parameter.sample_num)
    if not 1 <= samples <= _MAX_GRID:
        raise UnsupportedError(f"its sample_num is {samples}", f"use 1 to {_MAX_GRID}")
    _position_sensitive(builder, layer, "PSROIAlign", parameter, {"sample_num": samples})


def _position_sensitive(
    builder: Builder, layer: CaffeLayer, op: str, parameter: Any, attrs: dict[str, object]
) -> None:
    group, channels = int(parameter.group_size), int(parameter.output_dim)
    if not parameter.HasField("spatial_scale"):
        raise UnsupportedError("it has no spatial_scale", "correct the prototxt")
    if channels < 1:
        raise UnsupportedError(f"its output_dim is {channels}", "use at least 1")
    scale = float(parameter.spatial_scale)
    attrs = {"group_size": group, "output_dim": channels, "spatial_scale": scale, **attrs}
    _regions(builder, layer, op, [group, group], attrs)


def _regions(
    builder: Builder, layer: CaffeLayer, op: str, size: list[int], attrs: dict[str, object]
) -> None:
    """Pools regions on a grid of `size`."""
    _need_grid(size)
    regions = _region_rows(builder, layer)
    result = builder.op(op, [builder.nhwc(layer.bottom()), regions], None, **attrs)
    builder.nchw(result, layer.top())


def _need_grid(size: list[int]) -> None:
    if not all(1 <= n <= _MAX_GRID for n in size):
        raise UnsupportedError(f"its grid is {size}", f"use 1 to {_MAX_GRID} rows and columns")


def _region_rows(builder: Builder, layer: CaffeLayer) -> str:
    """Rows of image number, left, top, right, bottom, which old files give in any rank."""
    layer.need_rank(4)
    if layer.rank(1) == 2:
        return layer.bottom(1)
    return builder.op("Reshape", [layer.bottom(1)], None, shape=[-1, 5])


@CAFFE.register("Proposal")
def proposal(builder: Builder, layer: CaffeLayer) -> None:
    """Regions that may hold objects (the region proposal network of Faster R-CNN)."""
    parameter = layer.message.proposal_param
    _propose(
        builder,
        layer,
        anchors=_anchors(
            int(parameter.base_size),
            [float(r) for r in parameter.ratio] or [0.5, 1.0, 2.0],
            [float(s) for s in parameter.scale] or [8.0, 16.0, 32.0],
        ),
        feat_stride=float(parameter.feat_stride),
        min_size=float(parameter.min_size),
        pre_nms_top_n=int(parameter.pre_nms_topn),
        post_nms_top_n=int(parameter.post_nms_topn),
        nms_threshold=float(parameter.nms_thresh),
    )


@CAFFE.register("Python")
def python(builder: Builder, layer: CaffeLayer) -> None:
    """Of layers written in Python only that is known which proposes regions (py-faster-rcnn)."""
    parameter = layer.message.python_param
    if parameter.layer != "ProposalLayer":
        raise UnsupportedError(
            f"it is the Python code '{parameter.module}.{parameter.layer}'",
            "cut the model before it, and do its work in the application",
        )
    settings = _python_settings(parameter.param_str)
    stride = settings.get("feat_stride", [16.0])
    scales = settings.get("scales", [8.0, 16.0, 32.0])
    ratios = settings.get("ratios", [0.5, 1.0, 2.0])
    # The layer's other numbers are in the configuration of py-faster-rcnn, for tests.
    _propose(
        builder,
        layer,
        anchors=_anchors(16, ratios, scales),
        feat_stride=stride[0] if stride else 0.0,
        min_size=16.0,
        pre_nms_top_n=6000,
        post_nms_top_n=300,
        nms_threshold=0.7,
    )


def _python_settings(text: str) -> dict[str, list[float]]:
    """The numbers of a param_str such as "'feat_stride': 16" or "scales: !!python/tuple [4, 8]"."""
    settings: dict[str, list[float]] = {}
    pattern = r"['\"]?(\w+)['\"]?\s*:\s*(?:!!python/tuple\s*)?([\[(][^\])]*[\])]|[-+.\w]+)"
    for name, value in re.findall(pattern, text):
        try:
            numbers = [float(v) for v in value.strip("[]()").split(",") if v.strip()]
        except ValueError:
            continue
        settings[name] = numbers
    return settings


def _propose(builder: Builder, layer: CaffeLayer, **attrs: object) -> None:
    for index in range(2):
        layer.need_rank(4, index)
    inputs = [builder.nhwc(layer.bottom(0)), builder.nhwc(layer.bottom(1)), layer.bottom(2)]
    if layer.rank(2) != 2:
        inputs[2] = builder.op("Flatten", [inputs[2]], None, axis=1, end_axis=-1)
    if not 1 <= len(layer.tops) <= 2:
        raise UnsupportedError(
            f"it has {len(layer.tops)} tops", "it has regions and, maybe, scores"
        )
    for index in range(len(layer.tops)):
        layer.set_rank(2, index)
    if len(layer.tops) == 1:
        builder.op("Proposal", inputs, [layer.top()], **attrs)
        return
    rows = builder.op("Proposal", inputs, None, with_score=True, **attrs)
    for top, first, end in zip(layer.tops, (0, 5), (5, 6), strict=True):
        builder.op("Slice", [rows, *_columns(builder, first, end)], [top])


def _anchors(base: int, ratios: list[float], scales: list[float]) -> list[float]:
    """Left, top, right and bottom of the anchors of the first cell, for each ratio all scales.

    A square of base x base pixels, whose last pixel counts, is given each ratio of height to width
    at about the same area, rounded to whole pixels, and then scaled about its center.
    """
    if not 1 <= base <= 4096 or not all(0 < v < 1e4 for v in (*ratios, *scales)):
        raise UnsupportedError(f"its anchors are of size {base}, ratios {ratios}, scales {scales}")
    if not 1 <= len(ratios) * len(scales) <= 1024:
        raise UnsupportedError(f"it has {len(ratios)} ratios and {len(scales)} scales")
    center = (base - 1) / 2
    boxes: list[float] = []
    for ratio in ratios:
        width = float(np.round(math.sqrt(base * base / ratio)))
        height = float(np.round(width * ratio))
        for scale in scales:
            half = ((width * scale - 1) / 2, (height * scale - 1) / 2)
            boxes += [center - half[0], center - half[1], center + half[0], center + half[1]]
    return boxes
