# SPDX-License-Identifier: Apache-2.0
"""The three measures of a result against a reference: X is what the original framework computes,
X' what MACE computes."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


def cosine_similarity(expected: Array, actual: Array) -> float:
    """X . X' / (|X| |X'|). Two tensors of zeros, or without elements, are the same: 1. NaN when an
    element is not finite."""
    x, y = _flat(expected), _flat(actual)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return math.nan
    # Scaled first: squares of large elements would overflow.
    scale_x, scale_y = np.abs(x).max(initial=0.0), np.abs(y).max(initial=0.0)
    if scale_x == 0.0 or scale_y == 0.0:
        return 1.0 if scale_x == scale_y else 0.0
    x, y = x / scale_x, y / scale_y
    return float(np.dot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y)))


def sqnr(expected: Array, actual: Array) -> float:
    """|X|^2 / |X - X'|^2, the signal-to-quantization-noise ratio; infinite for equal tensors."""
    x, y = _flat(expected), _flat(actual)
    noise = float(np.sum((x - y) ** 2))
    signal = float(np.sum(x**2))
    if math.isnan(noise):
        return math.nan
    return math.inf if noise == 0.0 else signal / noise


def decibels(ratio: float) -> float:
    """A power ratio in decibels."""
    if math.isnan(ratio):
        return math.nan
    if ratio <= 0.0:
        return -math.inf
    return math.inf if math.isinf(ratio) else 10.0 * math.log10(ratio)


def pixel_accuracy(expected: Array, actual: Array) -> float:
    """The part of the pixels (all but the last dimension) whose largest element, along the last
    dimension, is the same one. A tensor with one element a pixel counts as one pixel for each item
    of the batch."""
    if expected.size == 0:
        return 1.0
    if expected.ndim == 0:
        x, y = expected.reshape(1, 1), actual.reshape(1, 1)
    elif expected.shape[-1] == 1:
        x, y = expected.reshape(expected.shape[0], -1), actual.reshape(expected.shape[0], -1)
    else:
        x, y = (a.reshape(-1, expected.shape[-1]) for a in (expected, actual))
    return float(np.mean(np.argmax(x, axis=-1) == np.argmax(y, axis=-1)))


def _flat(array: Array) -> npt.NDArray[np.float64]:
    return np.asarray(array, np.float64).reshape(-1)
