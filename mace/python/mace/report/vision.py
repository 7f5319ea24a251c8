# SPDX-License-Identifier: Apache-2.0
"""What the models of the quickstart see, before and after the network: images to tensors, tensors
to boxes, boxes drawn on the picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

# Means of blue, green and red that the face detector was trained with.
_FACE_MEAN = np.array([104, 177, 123], np.float32)
_FACE_SIZE = 300
_TEXT_MULTIPLE = 32  # the detector halves the picture five times
_BOX = (80, 214, 60)  # blue, green, red
_INK = (20, 24, 30)


@dataclass(frozen=True)
class Face:
    """A found face: its score, and its box in pixels (left, top, right, bottom)."""

    score: float
    box: tuple[int, int, int, int]


def face_input(picture: Array) -> Array:
    """The face detector's input, 1x300x300x3 float32, of a picture (height, width, BGR)."""
    small: Array = np.asarray(cv2.resize(picture, (_FACE_SIZE, _FACE_SIZE)), np.float32)
    return np.subtract(small, _FACE_MEAN)[np.newaxis]


def faces(detections: Array, picture: Array, least: float = 0.5) -> list[Face]:
    """The faces in the output of the detector: rows of image, class, score and box in [0, 1]."""
    height, width = picture.shape[:2]
    found = []
    for _, _, score, left, top, right, bottom in detections.reshape(-1, 7).astype(float):
        if score < least:
            continue
        box = (left * width, top * height, right * width, bottom * height)
        bounds = (width, height, width, height)
        clipped = tuple(round(min(max(v, 0.0), b - 1)) for v, b in zip(box, bounds, strict=True))
        found.append(Face(score, (clipped[0], clipped[1], clipped[2], clipped[3])))
    return sorted(found, key=lambda face: -face.score)


def draw_faces(picture: Array, found: Sequence[Face]) -> Array:
    """A copy of the picture with boxes and scores."""
    drawn = picture.copy()
    thick = max(2, picture.shape[1] // 480)
    for face in found:
        left, top, right, bottom = face.box
        cv2.rectangle(drawn, (left, top), (right, bottom), _BOX, thick, cv2.LINE_AA)
        _label(drawn, f"{100 * face.score:.1f}%", left, top, thick)
    return drawn


def _label(picture: Array, text: str, left: int, top: int, thick: int) -> None:
    scale = thick / 3
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    top = max(top, height + base + 4)
    corner = (left + width + 8, top - height - base - 4)
    cv2.rectangle(picture, (left - thick // 2, top), corner, _BOX, cv2.FILLED)
    origin = (left + 4, top - base)
    cv2.putText(
        picture,
        text,
        origin,
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        _INK,
        max(1, thick // 2),
        cv2.LINE_AA,
    )


def text_input(picture: Array) -> Array:
    """The text detector's input, 1xHxWx3 float32 in [-1, 1], of a picture whose sides are multiples
    of 32 pixels."""
    height, width = picture.shape[:2]
    if height % _TEXT_MULTIPLE or width % _TEXT_MULTIPLE:
        raise ValueError(f"{width}x{height} is not a multiple of {_TEXT_MULTIPLE} pixels")
    return (picture.astype(np.float32) / 127.5 - 1.0)[np.newaxis]


def text_boxes(probability: Array, least: float = 0.3) -> list[Array]:
    """The corners of the boxes round text, of a map of probabilities, 1xHxWx1. The network marks
    the core of a line; a box is widened by what is left out, 1.6 * area / perimeter a side."""
    mask = (probability[0, :, :, 0] > least).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < 3:
            continue
        grow = 2 * 1.6 * width * height / (2 * (width + height))
        boxes.append(cv2.boxPoints(((x, y), (width + grow, height + grow), angle)))
    return boxes


def draw_text_boxes(picture: Array, boxes: Sequence[Array]) -> Array:
    """A copy of the picture with the boxes."""
    drawn = picture.copy()
    for box in boxes:
        points = np.round(box).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(drawn, [points], True, _BOX, 2, cv2.LINE_AA)
    return drawn


def sample_text(width: int = 960, height: int = 320) -> Array:
    """A picture with some lines of text, for the text detector."""
    ramp = np.linspace(246, 226, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    picture = np.repeat(np.repeat(ramp, width, 1), 3, 2).astype(np.uint8)
    lines = (
        ("Mobile AI Compute Engine", 52, 84, 1.7, 3, (60, 40, 20)),
        ("convert once, run anywhere", 54, 158, 1.15, 2, (120, 70, 30)),
        ("TensorFlow", 54, 250, 1.1, 2, (40, 90, 170)),
        ("Caffe", 420, 268, 1.1, 2, (40, 90, 170)),
        ("ONNX", 690, 240, 1.4, 3, (40, 90, 170)),
    )
    for text, x, y, scale, thick, colour in lines:
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, text, (x, y), font, scale, colour, thick, cv2.LINE_AA)
    return picture


def jpeg(picture: Array, width: int = 1280, quality: int = 85) -> tuple[str, int, int]:
    """A picture as base64 of a JPEG file, at most `width` pixels wide; its width and height."""
    if picture.shape[1] > width:
        height = round(picture.shape[0] * width / picture.shape[1])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise ValueError("the picture cannot be written as JPEG")
    return base64.b64encode(data.tobytes()).decode(), picture.shape[1], picture.shape[0]
