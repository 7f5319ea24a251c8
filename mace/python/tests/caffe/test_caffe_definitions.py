# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers against numpy, written from the layers' definitions, with drawn parameters; the
networks go through the whole conversion and run in the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caffe_model import check, expect, input_layer, layer, opencv, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from mace.importers.caffe import import_model

FEW = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
RNG = np.random.default_rng(11)
FACTORS = st.floats(-2, 2, width=16)
SHAPES = st.lists(st.integers(1, 5), min_size=2, max_size=4)


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


@FEW
@given(shape=SHAPES, slope=st.sampled_from([0.0, 0.1]))
def test_crelu(tmp_path: Path, shape: list[int], slope: float) -> None:
    x = random(*shape)
    both = np.concatenate([x, -x], 1)
    text = f"crelu_param {{ negative_slope: {slope} }}"
    expect(tmp_path, layer("CReLU", "data", "y", text), x, np.where(both > 0, both, slope * both))


@FEW
@given(shape=SHAPES, beta=st.sampled_from([1.0, 0.5, -1.5]))
def test_swish(tmp_path: Path, shape: list[int], beta: float) -> None:
    x = random(*shape)
    text = f"swish_param {{ beta: {beta} }}"
    expect(tmp_path, layer("Swish", "data", "y", text), x, x * sigmoid(beta * x))


def test_split(tmp_path: Path) -> None:
    x = random(2, 3)
    expect(tmp_path, layer("Split", "data", "a b", name="s"), x, {"a": x, "b": x})


def test_mish_and_spatial_dropout(tmp_path: Path) -> None:
    x = random(2, 3, 4, 5)
    body = layer("SpatialDropout", "data", "d") + layer("Mish", "d", "y")
    expect(tmp_path, body, x, x * np.tanh(np.log1p(np.exp(x))))


@FEW
@given(shape=SHAPES, low=st.floats(-1, 0, width=16), high=st.floats(0, 1, width=16))
def test_clip_and_threshold(tmp_path: Path, shape: list[int], low: float, high: float) -> None:
    x = random(*shape)
    body = layer("Clip", "data", "a", f"clip_param {{ min: {low} max: {high} }}")
    body += layer("Threshold", "data", "b", f"threshold_param {{ threshold: {high} }}")
    expect(tmp_path, body, x, {"a": np.clip(x, low, high), "b": (x > high).astype(np.float32)})


@FEW
@given(wide=st.booleans(), size=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_axpy(tmp_path: Path, wide: bool, size: tuple[int, int]) -> None:
    factor = random(2, 3, 1, 1) if wide else random(2, 3)
    feeds = {"a": factor, "b": random(2, 3, *size), "c": random(2, 3, *size)}
    expected = factor.reshape(2, 3, 1, 1) * feeds["b"] + feeds["c"]
    expect(tmp_path, layer("Axpy", "a b c", "y"), feeds, expected)


@FEW
@given(power=st.sampled_from([1.0, 2.0, -1.0]), scale=FACTORS, shift=st.floats(3, 9, width=16))
def test_power(tmp_path: Path, power: float, scale: float, shift: float) -> None:
    x = np.tanh(random(2, 3, 4))
    text = f"power_param {{ power: {power} scale: {scale} shift: {shift} }}"
    expect(tmp_path, layer("Power", "data", "y", text), x, (shift + scale * x) ** power)


@FEW
@given(
    shape=st.lists(st.integers(1, 4), min_size=3, max_size=4),
    variance=st.booleans(),
    across=st.booleans(),
    eps=st.sampled_from([1e-9, 0.1]),
)
def test_mvn(tmp_path: Path, shape: list[int], variance: bool, across: bool, eps: float) -> None:
    x = random(*shape)
    text = (
        f"mvn_param {{ normalize_variance: {str(variance).lower()} "
        f"across_channels: {str(across).lower()} eps: {eps} }}"
    )
    axes = tuple(range(1 if across else 2, len(shape)))
    y = x - x.mean(axes, keepdims=True)
    if variance:
        y = y / (np.sqrt((y**2).mean(axes, keepdims=True)) + eps)
    if np.prod([shape[a] for a in axes]) > 1:  # else it is 0 by 0
        expect(tmp_path, layer("MVN", "data", "y", text), x, y)


def test_mvn_like_opencv(tmp_path: Path) -> None:
    check(tmp_path, layer("MVN", "data", "y", "mvn_param { eps: 0 }"), random(2, 3, 4, 5))


@FEW
@given(size=st.sampled_from([1, 3, 5]), alpha=st.floats(0.1, 2), beta=st.floats(0.2, 1))
def test_lrn_within_channel(tmp_path: Path, size: int, alpha: float, beta: float) -> None:
    x = random(2, 3, 6, 5)
    text = f"lrn_param {{ norm_region: WITHIN_CHANNEL local_size: {size} alpha: {alpha} beta: {beta} }}"
    r = size // 2
    padded = np.pad(x * x, [(0, 0), (0, 0), (r, r), (r, r)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (2, 3))
    expected = x / (1 + alpha * windows.mean((4, 5))) ** beta
    expect(tmp_path, layer("LRN", "data", "y", text), x, expected)


def test_batch_norm_by_its_own_statistics(tmp_path: Path) -> None:
    x = random(3, 4, 2, 5)
    y = x - x.mean((0, 2, 3), keepdims=True)
    y = y / np.sqrt((y**2).mean((0, 2, 3), keepdims=True) + 0.01)
    body = layer("BatchNorm", "data", "y", "batch_norm_param { use_global_stats: false eps: 0.01 }")
    expect(tmp_path, body, x, y)


@pytest.mark.parametrize("own", [False, True])
def test_batch_norm_with_scale_and_bias(tmp_path: Path, own: bool) -> None:
    """The form of NVIDIA's Caffe."""
    x = random(2, 3, 4, 5)
    mean, variance, scale, bias = random(3), np.abs(random(3)) + 0.5, random(3), random(3)
    blobs = [mean, variance, np.ones(1, np.float32), scale, bias]
    text = f"batch_norm_param {{ scale_bias: true use_global_stats: {str(not own).lower()} }}"
    if own:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    shape = (3, 1, 1)
    y = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-5)
    y = y * scale.reshape(shape) + bias.reshape(shape)
    expect(tmp_path, layer("BatchNorm", "data", "y", text), x, y, {"y": blobs})


def test_batch_norm_without_a_factor(tmp_path: Path) -> None:
    x, mean, variance = random(2, 3, 4, 5), random(3), np.abs(random(3)) + 0.5
    y = (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
    expect(tmp_path, layer("BatchNorm", "data", "y"), x, y, {"y": [mean, variance]})


@pytest.mark.parametrize("form", ["PSPNet", "SegNet", "SegNet in training"])
def test_bn(tmp_path: Path, form: str) -> None:
    x, shape = random(2, 3, 4, 5), (1, 3, 1, 1)
    blobs = [random(*shape), random(*shape), random(*shape), np.abs(random(*shape)) + 0.5]
    text = "bn_param { frozen: true }" if form == "PSPNet" else "bn_param { bn_mode: INFERENCE }"
    if form == "PSPNet":
        y = (x - blobs[2]) / np.sqrt(blobs[3] + 1e-5) * blobs[0] + blobs[1]
    elif form == "SegNet":
        y, blobs = x * blobs[0] + blobs[1], blobs[:2]
    else:
        text, blobs = "", blobs[:2]
        y = (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
        y = y * blobs[0] + blobs[1]
    expect(tmp_path, layer("BN", "data", "y", text), x, y, {"y": blobs})


@FEW
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    operation=st.sampled_from(["SUM", "ASUM", "SUMSQ", "MEAN"]),
    axis=st.integers(-1, 3),
    coeff=st.sampled_from([1.0, 0.5]),
)
def test_reduction(
    tmp_path: Path, shape: list[int], operation: str, axis: int, coeff: float
) -> None:
    x = random(*shape)
    axis = min(axis, len(shape) - 1)
    text = f"reduction_param {{ operation: {operation} axis: {axis} coeff: {coeff} }}"
    axes = tuple(range(axis % len(shape), len(shape)))
    y = {"SUM": x, "ASUM": np.abs(x), "SUMSQ": x * x, "MEAN": x}[operation]
    y = coeff * (y.mean(axes) if operation == "MEAN" else y.sum(axes))
    expect(tmp_path, layer("Reduction", "data", "y", text), x, np.asarray(y))


@FEW
@given(shape=SHAPES, axis=st.integers(-1, 3), tiles=st.integers(1, 3))
def test_tile(tmp_path: Path, shape: list[int], axis: int, tiles: int) -> None:
    x, axis = random(*shape), min(axis, len(shape) - 1)
    text = f"tile_param {{ axis: {axis} tiles: {tiles} }}"
    expect(tmp_path, layer("Tile", "data", "y", text), x, np.concatenate([x] * tiles, axis))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(7,), (3, 4)])
def test_embed(tmp_path: Path, bias: bool, shape: tuple[int, ...]) -> None:
    rows, offset = random(6, 5), random(5)
    x = RNG.integers(0, 6, shape).astype(np.float32)
    text = f"embed_param {{ input_dim: 6 num_output: 5 bias_term: {str(bias).lower()} }}"
    y = rows[x.astype(int)] + (offset if bias else 0)
    expect(tmp_path, layer("Embed", "data", "y", text), x, y, {"y": [rows, offset][: 1 + bias]})


def test_batch_reindex(tmp_path: Path) -> None:
    feeds = {"data": random(4, 2, 3, 2), "index": np.float32([3, 0, 0, 1, 2])}
    expected = feeds["data"][[3, 0, 0, 1, 2]]
    expect(tmp_path, layer("BatchReindex", "data index", "y"), feeds, expected)


@FEW
@given(chosen=st.lists(st.booleans(), min_size=3, max_size=3), wide=st.booleans())
def test_filter(tmp_path: Path, chosen: list[bool], wide: bool) -> None:
    feeds = {"a": random(3, 2, 3, 2), "b": random(3, 4)}
    selector = np.float32(chosen) * 2
    feeds["s"] = selector.reshape(3, 1, 1, 1) if wide else selector
    expected = {"p": feeds["a"][chosen], "q": feeds["b"][chosen]}
    expect(tmp_path, layer("Filter", "a b s", "p q"), feeds, expected)


@FEW
@given(shape=SHAPES, axis=st.integers(-1, 3), top_k=st.integers(1, 4), values=st.booleans())
def test_arg_max(tmp_path: Path, shape: list[int], axis: int, top_k: int, values: bool) -> None:
    x, axis = random(*shape), min(axis, len(shape) - 1)
    text = f"out_max_val: {str(values).lower()} top_k"
    count = min(top_k, shape[axis])
    order = np.argsort(-x, axis, kind="stable").take(range(count), axis)
    best = np.take_along_axis(x, order, axis)
    body = layer("ArgMax", "data", "a", f"argmax_param {{ {text}: {count} axis: {axis} }}")
    flat = x.reshape(shape[0], 1, -1)
    count = min(top_k, flat.shape[2])
    flat_order = np.argsort(-flat, 2, kind="stable")[:, :, :count]
    both = [flat_order, np.take_along_axis(flat, flat_order, 2)][: 1 + values]
    body += layer("ArgMax", "data", "b", f"argmax_param {{ {text}: {count} }}")
    expected = {"a": best if values else order, "b": np.concatenate(both, 1)}
    expect(tmp_path, body, x, {n: np.float32(v) for n, v in expected.items()})


@FEW
@given(
    scale=st.sampled_from(["scale: 2", "scale_h: 2 scale_w: 3", "upsample_h: 9 upsample_w: 8"]),
    pad=st.booleans(),
)
def test_upsample_with_a_mask(tmp_path: Path, scale: str, pad: bool) -> None:
    x = random(2, 3, 4, 3)
    size = {"scale: 2": [8, 6], "scale_h: 2 scale_w: 3": [8, 9]}.get(scale, [9, 8])
    if pad and not scale.startswith("up"):
        size = [n - 1 for n in size]
        scale += " pad_out_h: true pad_out_w: true"
    places = [RNG.permutation(size[0] * size[1])[:12] for _ in range(6)]
    mask = np.stack(places).reshape(2, 3, 4, 3)
    y = np.zeros((6, size[0] * size[1]), np.float32)
    np.put_along_axis(y, mask.reshape(6, 12), x.reshape(6, 12), 1)
    body = layer("Upsample", "data mask", "y", f"upsample_param {{ {scale} }}")
    feeds = {"data": x, "mask": mask.astype(np.float32)}
    expect(tmp_path, body, feeds, y.reshape(2, 3, *size))


def test_parameter(tmp_path: Path) -> None:
    x, value = random(2, 3), random(2, 3)
    body = layer("Parameter", "", "p", "parameter_param { shape { dim: 2 dim: 3 } }")
    body = body.replace('bottom: ""', "") + layer("Eltwise", "data p", "y")
    expect(tmp_path, body, x, x + value, {"p": [value]})


@FEW
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 2),
    pad=st.integers(0, 1),
    dilation=st.integers(1, 2),
)
def test_im2col(
    tmp_path: Path, kernel: tuple[int, int], stride: int, pad: int, dilation: int
) -> None:
    x = random(2, 3, 7, 8)
    text = (
        f"convolution_param {{ kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride: {stride} "
        f"pad: {pad} dilation: {dilation} }}"
    )
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    reach = [(k - 1) * dilation + 1 for k in kernel]
    size = [(n - r) // stride + 1 for n, r in zip(padded.shape[2:], reach, strict=True)]
    planes = [
        padded[:, c, i : i + size[0] * stride : stride, j : j + size[1] * stride : stride]
        for c in range(3)
        for i in range(0, reach[0], dilation)
        for j in range(0, reach[1], dilation)
    ]
    planes = [p[:, : size[0], : size[1]] for p in planes]
    expect(tmp_path, layer("Im2col", "data", "y", text), x, np.stack(planes, 1))


@FEW
@given(kernel=st.integers(2, 3), stride=st.integers(1, 2))
def test_stochastic_pooling(tmp_path: Path, kernel: int, stride: int) -> None:
    x = np.abs(random(1, 2, 7, 7))
    text = f"pooling_param {{ pool: STOCHASTIC kernel_size: {kernel} stride: {stride} }}"
    count = -(-(7 - kernel) // stride) + 1
    y = np.zeros((1, 2, count, count), np.float32)
    for i in range(count):
        for j in range(count):
            w = x[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            y[:, :, i, j] = (w * w).sum((2, 3)) / w.sum((2, 3))
    expect(tmp_path, layer("Pooling", "data", "y", text), x, y)


def test_pooling_rounds_down_when_told(tmp_path: Path) -> None:
    x = random(1, 2, 6, 6)
    text = "pooling_param { kernel_size: 3 stride: 2 ceil_mode: false }"
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))[:, :, ::2, ::2]
    expect(tmp_path, layer("Pooling", "data", "y", text), x, windows.max((4, 5)))


def spatial_pyramid(x: Array, height: int, method: str) -> Array:
    rows = []
    for level in range(height):
        bins = 2**level
        kernel = [-(-n // bins) for n in x.shape[2:]]
        pads = [(k * bins - n + 1) // 2 for k, n in zip(kernel, x.shape[2:], strict=True)]
        value = -np.inf if method == "MAX" else 0
        reach = [(p, k * bins - n) for p, k, n in zip(pads, kernel, x.shape[2:], strict=True)]
        padded = np.pad(x, [(0, 0), (0, 0), *reach], constant_values=value)
        level_rows = np.zeros((*x.shape[:2], bins, bins), np.float32)
        for i in range(bins):
            for j in range(bins):
                begin = [i * kernel[0], j * kernel[1]]
                # A mean counts the padding, but not what is behind it.
                end = [
                    min(b + k, n + 2 * p)
                    for b, k, n, p in zip(begin, kernel, x.shape[2:], pads, strict=True)
                ]
                w = padded[:, :, begin[0] : end[0], begin[1] : end[1]]
                area = (end[0] - begin[0]) * (end[1] - begin[1])
                level_rows[:, :, i, j] = w.max((2, 3)) if method == "MAX" else w.sum((2, 3)) / area
        rows.append(level_rows.reshape(len(x), -1))
    return np.concatenate(rows, 1)


@FEW
@given(
    height=st.integers(1, 3),
    size=st.tuples(st.integers(7, 13), st.integers(7, 13)),
    method=st.sampled_from(["MAX", "AVE"]),
)
def test_spp(tmp_path: Path, height: int, size: tuple[int, int], method: str) -> None:
    x = random(2, 3, *size)
    text = f"spp_param {{ pyramid_height: {height} pool: {method} }}"
    expect(tmp_path, layer("SPP", "data", "y", text), x, spatial_pyramid(x, height, method))


@pytest.mark.parametrize("group", [1, 3])
def test_convolution_of_rows(tmp_path: Path, group: int) -> None:
    x, weight, bias = random(2, 3, 9), random(6, 3 // group, 3), random(6)
    text = f"convolution_param {{ num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: {group} }}"
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, 2)[:, :, ::2]
    parts = []
    for g in range(group):
        w = weight[g * 6 // group : (g + 1) * 6 // group]
        rows = windows[:, g * 3 // group : (g + 1) * 3 // group]
        parts.append(np.einsum("ncik,ock->noi", rows, w))
    y = np.concatenate(parts, 1) + bias[:, None]
    expect(tmp_path, layer("Convolution", "data", "y", text), x, y, {"y": [weight, bias]})


@FEW
@given(
    kernel=st.tuples(*[st.integers(1, 3)] * 3),
    stride=st.integers(1, 2),
    pad=st.integers(0, 1),
    group=st.sampled_from([1, 2]),
)
def test_convolution_of_volumes(
    tmp_path: Path, kernel: tuple[int, int, int], stride: int, pad: int, group: int
) -> None:
    x, weight, bias = random(1, 4, 5, 4, 6), random(6, 4 // group, *kernel), random(6)
    text = " ".join(f"kernel_size: {k}" for k in kernel)
    text = f"num_output: 6 {text} stride: {stride} pad: {pad} group: {group}"
    body = layer("Convolution", "data", "y", f"convolution_param {{ {text} }}")
    padded = np.pad(x, [(0, 0), (0, 0)] + [(pad, pad)] * 3)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, (2, 3, 4))
    windows = windows[:, :, ::stride, ::stride, ::stride]
    size, part = 6 // group, 4 // group
    y = [
        np.einsum(
            "ncdhwijk,ocijk->nodhw",
            windows[:, g * part : (g + 1) * part],
            weight[g * size : (g + 1) * size],
        )
        for g in range(group)
    ]
    expected = np.concatenate(y, 1) + bias[:, None, None, None]
    expect(tmp_path, body, x, expected, {"y": [weight, bias]}, 1e-3)


def test_transposed_convolution_of_volumes_and_rows(tmp_path: Path) -> None:
    x, weight = random(1, 2, 3, 2, 3), random(2, 3, 2, 2, 2)
    text = "convolution_param { num_output: 3 kernel_size: 2 stride: 2 bias_term: false }"
    blocks = np.einsum("ncdhw,coijk->nodihjwk", x, weight)
    body = layer("Deconvolution", "data", "y", text)
    expect(tmp_path, body, x, blocks.reshape(1, 3, 6, 4, 6), {"y": [weight]})
    x, weight = random(2, 2, 3), random(2, 3, 2)
    y = np.einsum("ncw,cok->nowk", x, weight).reshape(2, 3, 6)
    expect(tmp_path, body, x, y, {"y": [weight]})


@FEW
@given(
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    pad=st.integers(0, 1),
    whole=st.booleans(),
)
def test_pooling_with_a_mask(
    tmp_path: Path, kernel: int, stride: int, pad: int, whole: bool
) -> None:
    pad = min(pad, kernel - 1)
    x = random(2, 3, 6, 7)
    text = f"kernel_size: {kernel} stride: {stride} pad: {pad}"
    if whole:
        text, kernel, stride, pad = "global_pooling: true", 7, 7, 0
    sizes = [-(-(n + 2 * pad - min(kernel, n)) // stride) + 1 for n in (6, 7)]
    sizes = [
        s - 1 if pad and (s - 1) * stride >= n + pad else s
        for s, n in zip(sizes, (6, 7), strict=True)
    ]
    y, mask = (np.zeros((2, 3, *sizes), np.float32) for _ in range(2))
    places = np.arange(42).reshape(6, 7)
    for i in range(sizes[0]):
        for j in range(sizes[1]):
            begin = [max(k * stride - pad, 0) for k in (i, j)]
            end = [k * stride - pad + kernel for k in (i, j)]
            window = x[:, :, begin[0] : end[0], begin[1] : end[1]].reshape(2, 3, -1)
            place = places[begin[0] : end[0], begin[1] : end[1]].ravel()
            y[:, :, i, j] = window.max(2)
            mask[:, :, i, j] = place[window.argmax(2)]
    body = layer("Pooling", "data", "a b", f"pooling_param {{ {text} }}")
    expect(tmp_path, body, x, {"a": y, "b": mask})


def test_convolution_of_two_bottoms(tmp_path: Path) -> None:
    feeds = {"a": random(1, 3, 4, 5), "b": random(1, 3, 6, 2)}
    weight, bias = random(4, 3, 1, 1), random(4)
    text = "convolution_param { num_output: 4 kernel_size: 1 }"
    y = [
        np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], v) + bias[:, None, None]
        for v in feeds.values()
    ]
    body = layer("Convolution", "a b", "p q", text, "c")
    expect(tmp_path, body, feeds, {"p": y[0], "q": y[1]}, {"c": [weight, bias]})


@pytest.mark.parametrize("kind", ["DepthwiseConvolution", "ConvolutionDepthwise"])
@pytest.mark.parametrize("group", ["", "group: 4"])
def test_depthwise_layers(tmp_path: Path, kind: str, group: str) -> None:
    parameters = f"convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {group} }}"
    weights = {"y": [random(4, 1, 3, 3), random(4)]}
    x = random(1, 4, 5, 6)
    plain = "convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 4 }"
    text = input_layer(x.shape) + layer("Convolution", "data", "y", plain)
    expected = opencv(text, weights, {"data": x}, ["y"])[0]
    expect(tmp_path, layer(kind, "data", "y", parameters), x, expected, weights)


@FEW
@given(first=st.integers(-2, 0), last=st.integers(-2, 0), zoom=st.integers(1, 3))
def test_interp_of_a_window(tmp_path: Path, first: int, last: int, zoom: int) -> None:
    x = random(1, 2, 7, 8)
    window = x[:, :, -first : 7 + last, -first : 8 + last]
    body = layer(
        "Interp",
        "data",
        "y",
        f"interp_param {{ zoom_factor: {zoom} pad_beg: {first} pad_end: {last} }}",
    )
    size = [(n - 1) * zoom + 1 for n in window.shape[2:]]
    plain = layer("Interp", "data", "y", f"interp_param {{ height: {size[0]} width: {size[1]} }}")
    text = input_layer(window.shape) + plain
    expected = opencv(text, None, {"data": np.ascontiguousarray(window)}, ["y"])[0]
    expect(tmp_path, body, x, expected)


def test_upsample_without_a_mask(tmp_path: Path) -> None:
    x = random(1, 2, 3, 4)
    body = layer("Upsample", "data", "y", "upsample_param { scale: 2 }")
    expect(tmp_path, body, x, x.repeat(2, 2).repeat(2, 3))


@FEW
@given(shape=SHAPES, axis=st.integers(0, 2), rank=st.integers(1, 3), bias=st.booleans())
def test_scale_by_a_bottom(
    tmp_path: Path, shape: list[int], axis: int, rank: int, bias: bool
) -> None:
    axis = min(axis, len(shape) - 1)
    rank = min(rank, len(shape) - axis)
    feeds = {"data": random(*shape), "s": random(*shape[axis : axis + rank])}
    offset = random(*feeds["s"].shape)
    wide = (*feeds["s"].shape, *[1] * (len(shape) - axis - rank))
    y = feeds["data"] * feeds["s"].reshape(wide) + (offset.reshape(wide) if bias else 0)
    text = f"scale_param {{ axis: {axis} bias_term: {str(bias).lower()} }}"
    expect(tmp_path, layer("Scale", "data s", "y", text), feeds, y, {"y": [offset]})


@FEW
@given(coefficients=st.lists(FACTORS, min_size=1, max_size=4))
def test_eltwise_with_factors(tmp_path: Path, coefficients: list[float]) -> None:
    feeds = {f"x{i}": random(2, 3, 4) for i in range(len(coefficients))}
    text = f"eltwise_param {{ {' '.join(f'coeff: {c}' for c in coefficients)} }}"
    y = sum(c * v for c, v in zip(coefficients, feeds.values(), strict=True))
    expect(tmp_path, layer("Eltwise", " ".join(feeds), "y", text), feeds, np.float32(y))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (layer("Tile", "data", "y"), "tiles 0"),
        (layer("Clip", "data", "y"), "lacks min or max"),
        (layer("SPP", "data", "y"), "pyramid_height 0"),
        (layer("SPP", "data", "y", "spp_param { pyramid_height: 4 }"), "too large"),
        (layer("Axpy", "data data", "y"), "bottoms"),
        (layer("Filter", "data", "y"), "1 bottoms for 1 tops"),
        (layer("ArgMax", "data", "y", "argmax_param { top_k: 0 }"), "top_k is 0"),
        (layer("Interp", "data", "y", "interp_param { pad_beg: 2 }"), "pad_beg"),
        (layer("Upsample", "data", "y", "upsample_param { scale: 0 }"), "scales"),
        (layer("LRN", "data", "y", "lrn_param { local_size: 4 }"), "even"),
        (layer("Embed", "data", "y"), "has 0"),
        (layer("Im2col", "data", "y"), "at least 1|kernel is"),
        (
            layer("Im2col", "data", "y", "convolution_param { kernel_size: 4000 }"),
            "too large for 2 channels",
        ),
    ],
)
def test_refused(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(ImportFailed, match=words):
        import_model(*write(tmp_path, input_layer((1, 2, 3, 4)) + body), [], [])
