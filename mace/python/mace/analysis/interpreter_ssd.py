# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="no-any-return, no-untyped-call, call-overload, list-item"
"""The operators of SSD for interpreter.py: PriorBox and DetectionOutput, as Caffe's SSD branch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mace.graph.ir import Array

Inputs = list[Any]
Attrs = dict[str, Any]


def prior_box(i: Inputs, a: Attrs) -> Array:
    """Boxes of each cell: for each min_size a square, the root of min and max, then the ratios."""
    (height, width), (image_h, image_w) = i[0].shape[1:3], i[1].shape[1:3]
    step_h = a["step_h"] or image_h / height
    step_w = a["step_w"] or image_w / width
    ratios = [1.0]
    for ratio in a["aspect_ratio"]:
        for r in [ratio, 1 / ratio] if a["flip"] else [ratio]:
            if all(abs(r - known) > 1e-6 for known in ratios):
                ratios.append(r)
    boxes = []
    for y in range(height):
        for x in range(width):
            center = ((x + a["offset"]) * step_w, (y + a["offset"]) * step_h)
            for k, size in enumerate(a["min_size"]):
                sides = [(size, size)]
                if a["max_size"]:
                    sides.append((math.sqrt(size * a["max_size"][k]),) * 2)
                sides += [(size * math.sqrt(r), size / math.sqrt(r)) for r in ratios[1:]]
                for w, h in sides:
                    boxes += [
                        (center[0] - w / 2) / image_w,
                        (center[1] - h / 2) / image_h,
                        (center[0] + w / 2) / image_w,
                        (center[1] + h / 2) / image_h,
                    ]
    result = np.array(boxes)
    if a["clip"]:
        result = np.clip(result, 0, 1)
    variance = a["variance"] * (4 if len(a["variance"]) == 1 else 1)
    return np.stack([result, np.tile(variance, len(boxes) // 4)])[None].astype(np.float32)


def _decode(location: Array, prior: Array, variance: Array, a: Attrs) -> Array:
    if a["variance_encoded_in_target"]:
        variance = np.ones_like(variance)
    if a["code_type"] == "CORNER":
        return prior + variance * location
    size = prior[:, 2:] - prior[:, :2]
    if a["code_type"] == "CORNER_SIZE":
        return prior + variance * location * np.tile(size, 2)
    center = variance[:, :2] * location[:, :2] * size + (prior[:, :2] + prior[:, 2:]) / 2
    half = np.exp(variance[:, 2:] * location[:, 2:]) * size / 2
    return np.concatenate([center - half, center + half], axis=1)


def _overlap(p: Array, q: Array) -> float:
    side = np.minimum(p[2:], q[2:]) - np.maximum(p[:2], q[:2])
    if (side <= 0).any():
        return 0.0
    inner = side[0] * side[1]
    return float(inner / (np.prod(p[2:] - p[:2]) + np.prod(q[2:] - q[:2]) - inner))


def _suppressed(boxes: Array, scores: Array, a: Attrs) -> list[int]:
    order = [int(k) for k in np.argsort(-scores, kind="stable")]
    order = [k for k in order if scores[k] > a["confidence_threshold"]]
    if a["nms_top_k"] >= 0:
        order = order[: a["nms_top_k"]]
    kept: list[int] = []
    threshold = a["nms_threshold"]
    for k in order:
        if all(_overlap(boxes[k], boxes[j]) <= threshold for j in kept):
            kept.append(k)
            if a["eta"] < 1 and threshold > 0.5:
                threshold *= a["eta"]
    return kept


def detection_output(i: Inputs, a: Attrs) -> Array:
    """Rows of image, label, score and box; none when nothing is found."""
    location, confidence, prior = (t.astype(np.float64) for t in i)
    count = prior.shape[2] // 4
    boxes, variance = prior[0, 0].reshape(count, 4), prior[0, 1].reshape(count, 4)
    rows: list[list[float]] = []
    for image in range(location.shape[0]):
        places = location[image].reshape(count, -1, 4)
        scores = confidence[image].reshape(count, a["num_classes"])
        found: list[list[float]] = []
        for label in range(a["num_classes"]):
            if label == a["background_label_id"]:
                continue
            place = places[:, 0 if a["share_location"] else label]
            decoded = _decode(place, boxes, variance, a)
            for k in _suppressed(decoded, scores[:, label], a):
                found.append([image, label, scores[k, label], *decoded[k]])
        if 0 <= a["keep_top_k"] < len(found):
            best = sorted(found, key=lambda row: -row[2])[: a["keep_top_k"]]
            found = [row for row in found if any(row is b for b in best)]
        rows += found
    return np.array(rows, np.float32).reshape(1, 1, -1, 7)


FUNCTIONS: dict[str, Callable[[Inputs, Attrs], Array]] = {
    "PriorBox": prior_box,
    "DetectionOutput": detection_output,
}
