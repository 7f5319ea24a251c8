# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="no-any-return, no-untyped-call, call-overload, list-item"
"""The operators of interpreter.py that work on windows, channels or boxes of NHWC tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mace.graph.ir import Array

Inputs = list[Any]
Attrs = dict[str, Any]


def window_padding(size: tuple[int, int], kernel: tuple[int, int], a: Attrs) -> list[int]:
    """Top, bottom, left and right padding of a window operator."""
    if a["padding"] == "VALID":
        return [0, 0, 0, 0]
    if a["padding"] == "EXPLICIT":
        return list(a["paddings"])
    result = []
    for length, k, stride, dilation in zip(size, kernel, a["strides"], a["dilations"], strict=True):
        needed = max(0, (math.ceil(length / stride) - 1) * stride + (k - 1) * dilation + 1 - length)
        result += [needed // 2, needed - needed // 2]
    return result


def _windows(x: Array, kernel: tuple[int, int], a: Attrs) -> Array:
    """Windows of a padded NHWC tensor: n, oh, ow, kh, kw, c."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, a["strides"], a["dilations"]
    oh = (x.shape[1] - (kh - 1) * dh - 1) // sh + 1
    ow = (x.shape[2] - (kw - 1) * dw - 1) // sw + 1
    rows = np.arange(oh)[:, None] * sh + np.arange(kh)[None, :] * dh
    cols = np.arange(ow)[:, None] * sw + np.arange(kw)[None, :] * dw
    return x[:, rows[:, None, :, None], cols[None, :, None, :], :]


def _padded(x: Array, padding: list[int], value: float = 0) -> Array:
    top, bottom, left, right = padding
    return np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)], constant_values=value)


def _bias(y: Array, i: Inputs) -> Array:
    return (y + i[2] if len(i) > 2 and i[2] is not None else y).astype(np.float32)


def conv2d(i: Inputs, a: Attrs) -> Array:
    x, w = i[0].astype(np.float64), i[1]
    kernel = (w.shape[1], w.shape[2])
    windows = _windows(_padded(x, window_padding(x.shape[1:3], kernel, a)), kernel, a)
    group = a["group"]
    ic, oc = x.shape[3] // group, w.shape[0] // group
    parts = [
        np.einsum(
            "nhwklc,oklc->nhwo",
            windows[..., g * ic : (g + 1) * ic],
            w[g * oc : (g + 1) * oc],
        )
        for g in range(group)
    ]
    return _bias(np.concatenate(parts, axis=-1), i)


def depthwise(i: Inputs, a: Attrs) -> Array:
    x, w = i[0].astype(np.float64), i[1]
    kernel = (w.shape[1], w.shape[2])
    windows = _windows(_padded(x, window_padding(x.shape[1:3], kernel, a)), kernel, a)
    multiplier = w.shape[3] // x.shape[3]
    windows = np.repeat(windows, multiplier, axis=-1)
    return _bias(np.einsum("nhwklc,klc->nhwc", windows, w[0]), i)


def deconv2d(i: Inputs, a: Attrs) -> Array:
    x, w, group = i[0].astype(np.float64), i[1], a["group"]
    n, h, wd, _ = x.shape
    oc, kh, kw, ic = w.shape
    (sh, sw), (dh, dw) = a["strides"], a["dilations"]
    reach = [(kh - 1) * dh + 1, (kw - 1) * dw + 1]
    full = np.zeros((n, (h - 1) * sh + reach[0], (wd - 1) * sw + reach[1], oc))
    og = oc // group
    for g in range(group):
        xs, ws = x[..., g * ic : (g + 1) * ic], w[g * og : (g + 1) * og]
        for ky in range(kh):
            for kx in range(kw):
                part = np.einsum("nhwc,oc->nhwo", xs, ws[:, ky, kx, :])
                full[
                    :,
                    ky * dh : ky * dh + (h - 1) * sh + 1 : sh,
                    kx * dw : kx * dw + (wd - 1) * sw + 1 : sw,
                    g * og : (g + 1) * og,
                ] += part
    size, start = _deconv_window(i, a, [h, wd], reach)
    extra = [max(0, size[d] + start[d] - full.shape[1 + d]) for d in range(2)]
    full = np.pad(full, [(0, 0), (0, extra[0]), (0, extra[1]), (0, 0)])
    y = full[:, start[0] : start[0] + size[0], start[1] : start[1] + size[1], :]
    return _bias(y, i)


def _deconv_window(
    i: Inputs, a: Attrs, inputs: list[int], reach: list[int]
) -> tuple[list[int], list[int]]:
    """Size of the output, and where it begins in the uncropped result."""
    given = [int(v) for v in i[3][1:3]] if len(i) > 3 and i[3] is not None else None
    size, start = [], []
    for d in range(2):
        stride, length = a["strides"][d], inputs[d]
        if a["padding"] == "EXPLICIT":
            first, last = a["paddings"][2 * d : 2 * d + 2]
            out = (length - 1) * stride + reach[d] - first - last + a["output_paddings"][d]
            size.append(given[d] if given else out)
            start.append(first)
        elif a["padding"] == "SAME":
            out = given[d] if given else length * stride
            size.append(out)
            start.append(max(0, (length - 1) * stride + reach[d] - out) // 2)
        else:
            out = (length - 1) * stride + reach[d] + a["output_paddings"][d]
            size.append(given[d] if given else out)
            start.append(0)
    return size, start


def pooling(i: Inputs, a: Attrs) -> Array:
    x, kernel = i[0], tuple(a["kernels"])
    padding = window_padding(x.shape[1:3], kernel, a)
    widened = list(padding)
    if a["round_mode"] == "CEIL":
        for d in range(2):
            reach = (kernel[d] - 1) * a["dilations"][d] + 1
            total = x.shape[1 + d] + padding[2 * d] + padding[2 * d + 1]
            steps = math.ceil((total - reach) / a["strides"][d])
            # The last window must begin inside the input or its leading padding.
            if steps * a["strides"][d] >= x.shape[1 + d] + padding[2 * d]:
                steps -= 1
            widened[2 * d + 1] += max(0, steps * a["strides"][d] + reach - total)
    if a["pooling_type"] == "MAX":
        return _windows(_padded(x, widened, -np.inf), kernel, a).max(axis=(3, 4))
    ones = np.ones((1, *x.shape[1:3], 1))
    if a["count_include_pad"]:
        ones = _padded(ones, padding, 1)
        widened_ones = [w - p for w, p in zip(widened, padding, strict=True)]
    else:
        widened_ones = widened
    counts = _windows(_padded(ones, widened_ones), kernel, a).sum(axis=(3, 4))
    sums = _windows(_padded(x.astype(np.float64), widened), kernel, a).sum(axis=(3, 4))
    return (sums / counts).astype(np.float32)


def depth_to_space(i: Inputs, a: Attrs) -> Array:
    x, b = i[0], a["block_size"]
    n, h, w, c = x.shape
    if a["mode"] == "DCR":
        y = x.reshape(n, h, w, b, b, c // b // b).transpose(0, 1, 3, 2, 4, 5)
    else:
        y = x.reshape(n, h, w, c // b // b, b, b).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, h * b, w * b, c // b // b)


def space_to_depth(i: Inputs, a: Attrs) -> Array:
    x, b = i[0], a["block_size"]
    n, h, w, c = x.shape
    y = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(n, h // b, w // b, b * b * c)


def space_to_batch(i: Inputs, a: Attrs) -> Array:
    x = _padded(i[0], a["paddings"])
    bh, bw = a["block_shape"]
    n, h, w, c = x.shape
    y = x.reshape(n, h // bh, bh, w // bw, bw, c).transpose(2, 4, 0, 1, 3, 5)
    return y.reshape(n * bh * bw, h // bh, w // bw, c)


def batch_to_space(i: Inputs, a: Attrs) -> Array:
    x, (bh, bw) = i[0], a["block_shape"]
    n, h, w, c = x.shape
    y = x.reshape(bh, bw, n // bh // bw, h, w, c).transpose(2, 3, 0, 4, 1, 5)
    y = y.reshape(n // bh // bw, h * bh, w * bw, c)
    top, bottom, left, right = a["crops"]
    return y[:, top : y.shape[1] - bottom, left : y.shape[2] - right, :]


def local_response_norm(i: Inputs, a: Attrs) -> Array:
    x, radius = i[0].astype(np.float64), a["depth_radius"]
    squares = np.pad(x * x, [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    sums = sum(squares[..., k : k + x.shape[-1]] for k in range(2 * radius + 1))
    return (x / (a["bias"] + a["alpha"] * sums) ** a["beta"]).astype(np.float32)


def normalize(i: Inputs, a: Attrs) -> Array:
    x = i[0].astype(np.float64)
    axes = (1, 2, 3) if a["across_spatial"] else (3,)
    norm = np.sqrt((x * x).sum(axes, keepdims=True) + a["epsilon"])
    return (x / norm * i[1]).astype(np.float32)


def _source(out: Array, scale: float, size: int, new: int, coordinates: str) -> Array:
    """Coordinates in the input of the output's rows or columns."""
    if coordinates == "ASYMMETRIC":
        return out / scale
    if coordinates == "ALIGN_CORNERS":
        return out * ((size - 1) / (new - 1)) if new > 1 else out * 0.0
    if coordinates == "PYTORCH_HALF_PIXEL" and new == 1:
        return out * 0.0
    return (out + 0.5) / scale - 0.5


def _weights(size: int, new: int, scale: float, a: Attrs) -> Array:
    """The matrix [new, size] that resizes one dimension."""
    position = _source(np.arange(new, dtype=np.float64), scale, size, new, a["coordinates"])
    matrix = np.zeros((new, size))
    if a["mode"] == "NEAREST":
        rounding: dict[str, Callable[[Array], Array]] = {
            "ROUND_PREFER_FLOOR": lambda v: np.ceil(v - 0.5),
            "ROUND_PREFER_CEIL": lambda v: np.floor(v + 0.5),
            "FLOOR": np.floor,
            "CEIL": np.ceil,
        }
        index = np.clip(rounding[a["nearest_mode"]](position), 0, size - 1).astype(int)
        matrix[np.arange(new), index] = 1
        return matrix
    base = np.floor(position)
    t = position - base
    if a["mode"] == "BILINEAR":
        taps = {0: 1 - t, 1: t}
    else:
        c = a["cubic_coefficient"]
        near = lambda d: ((c + 2) * d - (c + 3)) * d * d + 1  # noqa: E731
        far = lambda d: ((c * d - 5 * c) * d + 8 * c) * d - 4 * c  # noqa: E731
        taps = {-1: far(t + 1), 0: near(t), 1: near(1 - t), 2: far(2 - t)}
    if a["exclude_outside"] and a["mode"] == "BICUBIC":
        inside = {k: (base + k >= 0) & (base + k < size) for k in taps}
        taps = {k: np.where(inside[k], weight, 0) for k, weight in taps.items()}
        total = sum(taps.values())
        taps = {k: weight / total for k, weight in taps.items()}
    for offset, weight in taps.items():
        index = np.clip(base + offset, 0, size - 1).astype(int)
        np.add.at(matrix, (np.arange(new), index), weight)
    return matrix


def resize(i: Inputs, a: Attrs) -> Array:
    x = i[0]
    given = i[1] if len(i) > 1 and i[1] is not None else None
    size = given if given is not None and given.dtype.kind == "i" else a["size"]
    scale = given if given is not None and given.dtype.kind == "f" else a["scale"]
    matrices = []
    for d in range(2):
        length = x.shape[1 + d]
        new = int(size[d]) if len(size) else math.floor(length * float(scale[d]))
        factor = new / length if len(size) else float(scale[d])
        matrices.append(_weights(length, new, factor, a))
    return np.einsum("nhwc,oh,pw->nopc", x.astype(np.float64), *matrices).astype(np.float32)


FUNCTIONS: dict[str, Callable[[Inputs, Attrs], Array]] = {
    "BatchToSpaceND": batch_to_space,
    "Conv2D": conv2d,
    "Deconv2D": deconv2d,
    "DepthToSpace": depth_to_space,
    "DepthwiseConv2d": depthwise,
    "LocalResponseNorm": local_response_norm,
    "Normalize": normalize,
    "Pooling": pooling,
    "Resize": resize,
    "SpaceToBatchND": space_to_batch,
    "SpaceToDepth": space_to_depth,
}
