# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers against OpenCV, and where OpenCV lacks or changes one, against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caffe_model import check, input_layer, layer, opencv, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array

FEW = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
RNG = np.random.default_rng(5)


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


@FEW
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pad=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
    group=st.sampled_from([1, 2, 4]),
    bias=st.booleans(),
)
def test_convolution(
    tmp_path: Path,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    dilation: int,
    group: int,
    bias: bool,
) -> None:
    text = (
        f"convolution_param {{ num_output: 8 kernel_h: {kernel[0]} kernel_w: {kernel[1]} "
        f"stride_h: {stride[0]} stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]} "
        f"dilation: {dilation} group: {group} bias_term: {str(bias).lower()} }}"
    )
    blobs = [random(8, 4 // group, *kernel), random(8)][: 1 + bias]
    graph = check(
        tmp_path, layer("Convolution", "data", "y", text), random(1, 4, 9, 8), {"y": blobs}
    )
    op = "DepthwiseConv2d" if group == 4 else "Conv2D"
    assert len(list(graph.nodes_of(op))) == 1


def test_convolution_with_square_parameters(tmp_path: Path) -> None:
    text = "convolution_param { num_output: 3 kernel_size: 3 stride: 2 pad: 1 }"
    weights = {"y": [random(3, 4, 3, 3), random(3)]}
    check(tmp_path, layer("Convolution", "data", "y", text), random(2, 4, 7, 8), weights)


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize(("kernel", "stride", "pad"), [(4, 2, 1), (3, 2, 0), (2, 3, 0)])
def test_deconvolution(tmp_path: Path, group: int, kernel: int, stride: int, pad: int) -> None:
    text = (
        f"convolution_param {{ num_output: 8 kernel_size: {kernel} stride: {stride} pad: {pad} "
        f"group: {group} }}"
    )
    weights = {"y": [random(4, 8 // group, kernel, kernel), random(8)]}
    body = layer("Deconvolution", "data", "y", text)
    x = random(1, 4, 5, 6)
    if group == 1:
        check(tmp_path, body, x, weights)
        return
    # OpenCV gets groups of transposed convolutions wrong on some builds: group by group instead.
    _, found = run(input_layer(x.shape) + body, weights, {"data": x}, ["y"], tmp_path)
    size, outs = 4 // group, 8 // group
    for g in range(group):
        part = body.replace("num_output: 8", f"num_output: {outs}").replace(f"group: {group}", "")
        blobs = [
            weights["y"][0][g * size : (g + 1) * size],
            weights["y"][1][g * outs : (g + 1) * outs],
        ]
        piece = np.ascontiguousarray(x[:, g * size : (g + 1) * size])
        expected = opencv(input_layer(piece.shape) + part, {"y": blobs}, {"data": piece}, ["y"])[0]
        actual = found[0][:, g * outs : (g + 1) * outs]
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@FEW
@given(
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    pad=st.integers(0, 1),
    height=st.integers(6, 9),
)
def test_pooling(
    tmp_path: Path, pool: str, kernel: int, stride: int, pad: int, height: int
) -> None:
    if pad >= kernel or stride > kernel:
        return
    text = f"pooling_param {{ pool: {pool} kernel_size: {kernel} stride: {stride} pad: {pad} }}"
    check(tmp_path, layer("Pooling", "data", "y", text), random(1, 3, height, 7))


def test_global_pooling_and_floor(tmp_path: Path) -> None:
    body = layer("Pooling", "data", "a", "pooling_param { pool: AVE global_pooling: true }")
    body += layer("Pooling", "data", "b", "pooling_param { pool: MAX global_pooling: true }")
    floor = "pooling_param { kernel_h: 2 kernel_w: 3 stride: 2 round_mode: FLOOR }"
    body += layer("Pooling", "data", "c", floor)
    x = random(2, 3, 5, 7)
    _, found = run(input_layer(x.shape) + body, None, {"data": x}, ["a", "b", "c"], tmp_path)
    corners = [x[:, :, r : r + 3 : 2, c : c + 5 : 2] for r in range(2) for c in range(3)]
    expected = [x.mean((2, 3), keepdims=True), x.max((2, 3), keepdims=True), np.max(corners, 0)]
    for actual, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transpose", [False, True])
def test_inner_product(tmp_path: Path, transpose: bool) -> None:
    text = "inner_product_param { num_output: 5 " + ("transpose: true }" if transpose else "}")
    weight = random(5, 3 * 2 * 4)
    weights = {"y": [weight, random(5)]}
    body = layer("InnerProduct", "data", "y", text)
    x = random(2, 3, 2, 4)
    if transpose:
        stored = {"y": [np.ascontiguousarray(weight.T), weights["y"][1]]}
        _, found = run(input_layer(x.shape) + body, stored, {"data": x}, ["y"], tmp_path)
        expected = x.reshape(2, -1) @ weight.T + weights["y"][1]
        np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)
    else:
        check(tmp_path, body, x, weights)


def test_layers_on_rows(tmp_path: Path) -> None:
    """What follows an InnerProduct has no height and width."""
    body = layer("InnerProduct", "data", "fc", "inner_product_param { num_output: 6 }")
    body += layer("BatchNorm", "fc", "bn") + layer(
        "Scale", "bn", "scale", "scale_param { bias_term: true }"
    )
    body += layer("PReLU", "scale", "prelu") + layer("Softmax", "prelu", "y")
    weights = {
        "fc": [random(6, 24), random(6)],
        "bn": [random(6), np.abs(random(6)) + 0.1, np.float32([2.0])],
        "scale": [random(6), random(6)],
        "prelu": [random(6)],
    }
    x = random(2, 4, 2, 3)
    _, (found,) = run(input_layer(x.shape) + body, weights, {"data": x}, ["y"], tmp_path)
    y = x.reshape(2, -1) @ weights["fc"][0].T + weights["fc"][1]
    y = (y - weights["bn"][0] / 2) / np.sqrt(weights["bn"][1] / 2 + 1e-5)
    y = y * weights["scale"][0] + weights["scale"][1]
    y = np.exp(np.where(y > 0, y, y * weights["prelu"][0]))
    np.testing.assert_allclose(found, y / y.sum(1, keepdims=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("ReLU", ""),
        ("ReLU", "relu_param { negative_slope: 0.2 }"),
        ("ReLU6", ""),
        ("Sigmoid", ""),
        ("TanH", ""),
        ("BNLL", ""),
        ("ELU", ""),
        ("AbsVal", ""),
        ("Power", "power_param { power: 2 scale: 0.5 shift: 3 }"),
        ("Power", ""),
        ("Exp", ""),
        ("Exp", "exp_param { base: 2 scale: 0.5 shift: -1 }"),
        ("LRN", "lrn_param { local_size: 3 alpha: 0.9 beta: 0.6 }"),
        ("Dropout", ""),
        ("Softmax", ""),
        ("Softmax", "softmax_param { axis: 2 }"),
    ],
)
def test_elementwise(tmp_path: Path, kind: str, parameters: str) -> None:
    check(tmp_path, layer(kind, "data", "y", parameters), random(2, 5, 3, 4) * 3)


@pytest.mark.parametrize(
    ("parameters", "base", "scale", "shift"),
    [("", np.e, 1, 0), ("log_param { base: 2 scale: 3 shift: 0.5 }", 2, 3, 0.5)],
)
def test_log(tmp_path: Path, parameters: str, base: float, scale: float, shift: float) -> None:
    x = np.abs(random(1, 2, 3, 4)) + 0.1
    text = input_layer(x.shape) + layer("Log", "data", "y", parameters)
    _, (found,) = run(text, None, {"data": x}, ["y"], tmp_path)
    np.testing.assert_allclose(
        found, np.log(shift + scale * x) / np.log(base), rtol=1e-4, atol=1e-5
    )


def test_lrn_with_an_offset(tmp_path: Path) -> None:
    """OpenCV leaves out Caffe's k."""
    x = random(1, 4, 2, 3)
    text = "lrn_param { local_size: 3 alpha: 0.9 beta: 0.6 k: 2 }"
    _, (found,) = run(
        input_layer(x.shape) + layer("LRN", "data", "y", text), None, {"data": x}, ["y"], tmp_path
    )
    padded = np.pad(x * x, [(0, 0), (1, 1), (0, 0), (0, 0)])
    sums = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    np.testing.assert_allclose(found, x / (2 + 0.3 * sums) ** 0.6, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shared", [False, True])
def test_prelu(tmp_path: Path, shared: bool) -> None:
    text = "prelu_param { channel_shared: true }" if shared else ""
    weights = {"y": [random(1 if shared else 5)]}
    check(tmp_path, layer("PReLU", "data", "y", text), random(1, 5, 3, 4), weights)


@pytest.mark.parametrize("factor", [1.0, 999.5, 0.0])
def test_batch_norm(tmp_path: Path, factor: float) -> None:
    weights = {"y": [random(5), np.abs(random(5)) + 0.5, np.float32([factor])]}
    text = "batch_norm_param { use_global_stats: true eps: 0.001 }"
    check(tmp_path, layer("BatchNorm", "data", "y", text), random(2, 5, 3, 4), weights)


def test_batch_norm_of_three_dimensions(tmp_path: Path) -> None:
    x, mean, variance = random(2, 5, 3), random(5), np.abs(random(5)) + 0.5
    text = input_layer(x.shape) + layer("BatchNorm", "data", "y")
    weights = {"y": [mean, variance, np.ones(1, np.float32)]}
    _, (found,) = run(text, weights, {"data": x}, ["y"], tmp_path)
    expected = (x - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("parameters", "shape"),
    [
        ("", (3,)),
        ("axis: 2", (4,)),
        ("num_axes: -1", (3, 4, 5)),
        ("num_axes: 2", (3, 4)),
        ("axis: -1", (5,)),
    ],
)
def test_scale(tmp_path: Path, bias: bool, parameters: str, shape: tuple[int, ...]) -> None:
    blobs = [random(*shape), random(*shape)][: 1 + bias]
    text = f"scale_param {{ {parameters} bias_term: {str(bias).lower()} }}"
    x = random(2, 3, 4, 5)
    _, (found,) = run(
        input_layer(x.shape) + layer("Scale", "data", "y", text),
        {"y": blobs},
        {"data": x},
        ["y"],
        tmp_path,
    )
    wide = {"": (3, 1, 1), "axis: 2": (4, 1), "num_axes: 2": (3, 4, 1)}.get(parameters, shape)
    expected = x * blobs[0].reshape(wide) + (blobs[1].reshape(wide) if bias else 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_scale_and_bias_by_a_second_bottom(tmp_path: Path) -> None:
    feeds = {"data": random(2, 3, 4, 5), "s": random(2, 3)}
    body = layer("Scale", "data s", "a", "scale_param { axis: 0 }")
    body += layer("Bias", "a s", "b", "bias_param { axis: 0 }") + layer("Bias", "b", "y")
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + body
    offset = random(3)
    _, (found,) = run(text, {"y": [offset]}, feeds, ["y"], tmp_path)
    side = feeds["s"][:, :, None, None]
    expected = feeds["data"] * side + side + offset[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "operation: PROD",
        "operation: MAX",
        "coeff: 0.5 coeff: -1 coeff: 2",
        "coeff: 1 coeff: 1 coeff: 1",
    ],
)
def test_eltwise(tmp_path: Path, parameters: str) -> None:
    feeds = {n: random(1, 3, 4, 5) for n in ("a", "b", "c")}
    body = layer("Eltwise", "a b c", "y", f"eltwise_param {{ {parameters} }}")
    check(tmp_path, body, feeds)


def test_concat_and_slice(tmp_path: Path) -> None:
    feeds = {"a": random(1, 3, 4, 6), "b": random(1, 3, 4, 6)}
    body = layer("Concat", "a b", "c") + layer("Concat", "a b", "d", "concat_param { axis: -2 }")
    check(tmp_path, body, feeds, outputs="c d")
    text = input_layer((1, 3, 4, 6), "a") + input_layer((1, 3, 4, 6), "b")
    text += layer("Concat", "a b", "e", "concat_param { concat_dim: 3 }")
    _, (found,) = run(text, None, feeds, ["e"], tmp_path)
    np.testing.assert_array_equal(found, np.concatenate([feeds["a"], feeds["b"]], 3))
    body = layer(
        "Slice", "data", "p q r", "slice_param { axis: 1 slice_point: 1 slice_point: 4 }", "s"
    )
    body += layer("Slice", "data", "t u", "slice_param { axis: 2 }", "v")
    x = random(1, 6, 4, 3)
    names = ["p", "q", "r", "t", "u"]
    _, found = run(input_layer(x.shape) + body, None, {"data": x}, names, tmp_path)
    for actual, value in zip(
        found, [x[:, :1], x[:, 1:4], x[:, 4:], x[:, :, :2], x[:, :, 2:]], strict=True
    ):
        np.testing.assert_array_equal(actual, value)


def test_reshaping(tmp_path: Path) -> None:
    x = random(2, 3, 4, 6)
    body = layer("Flatten", "data", "a") + layer(
        "Flatten", "data", "b", "flatten_param { axis: -3 end_axis: -2 }"
    )
    body += layer("Reshape", "data", "c", "reshape_param { shape { dim: 0 dim: -1 dim: 8 } }")
    body += layer(
        "Reshape", "data", "d", "reshape_param { shape { dim: 2 dim: 2 } axis: 2 num_axes: 1 }"
    )
    body += layer("Reshape", "data", "e", "reshape_param { shape { dim: 1 } axis: -1 num_axes: 0 }")
    body += layer("Permute", "data", "f", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    body += layer("Permute", "data", "g", "permute_param { order: 3 }")
    _, found = run(input_layer(x.shape) + body, None, {"data": x}, list("abcdefg"), tmp_path)
    expected = [
        x.reshape(2, -1),
        x.reshape(2, 12, 6),
        x.reshape(2, -1, 8),
        x.reshape(2, 3, 2, 2, 6),
        x[..., None],
        x.transpose(0, 2, 3, 1),
        x.transpose(3, 0, 1, 2),
    ]
    for actual, value in zip(found, expected, strict=True):
        np.testing.assert_array_equal(actual, value)


@pytest.mark.parametrize(
    "parameters",
    ["", "crop_param { axis: 2 offset: 1 offset: 2 }", "crop_param { axis: 1 offset: 1 }"],
)
def test_crop(tmp_path: Path, parameters: str) -> None:
    feeds = {"data": random(1, 4, 6, 7), "like": random(1, 3, 4, 5)}
    body = layer("Crop", "data like", "y", parameters)
    check(tmp_path, body, feeds)


def test_shuffle_channel(tmp_path: Path) -> None:
    body = layer("ShuffleChannel", "data", "y", "shuffle_channel_param { group: 3 }")
    check(tmp_path, body, random(1, 6, 3, 4))


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_normalize(tmp_path: Path, across: bool, shared: bool) -> None:
    text = f"norm_param {{ across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()} }}"
    weights = {"y": [random(1 if shared else 5)]}
    x = random(1, 5, 3, 4)
    _, (found,) = run(
        input_layer(x.shape) + layer("Normalize", "data", "y", text),
        weights,
        {"data": x},
        ["y"],
        tmp_path,
    )
    norm = np.sqrt((x * x).sum((1, 2, 3) if across else 1, keepdims=True))
    expected = x / norm * weights["y"][0].reshape(-1, 1, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ("height: 7 width: 10", (7, 10)),
        ("zoom_factor: 2", (7, 9)),
        ("shrink_factor: 2", (2, 3)),
        ("shrink_factor: 3 zoom_factor: 4", (5, 5)),
    ],
)
def test_interp(tmp_path: Path, parameters: str, size: tuple[int, int]) -> None:
    x = random(1, 2, 4, 5)
    text = input_layer(x.shape) + layer("Interp", "data", "y", f"interp_param {{ {parameters} }}")
    _, (found,) = run(text, None, {"data": x}, ["y"], tmp_path)
    assert found.shape[2:] == size
    rows, cols = (np.linspace(0, n - 1, m) for n, m in zip(x.shape[2:], size, strict=True))
    for i, r in enumerate(rows):
        for j, c in enumerate(cols):
            top, left = min(int(r), x.shape[2] - 2), min(int(c), x.shape[3] - 2)
            a, b = r - top, c - left
            patch = x[0, :, top : top + 2, left : left + 2]
            value = np.einsum("cij,i,j->c", patch, [1 - a, a], [1 - b, b])
            np.testing.assert_allclose(found[0, :, i, j], value, rtol=1e-4, atol=1e-5)


def test_interp_to_another_blob(tmp_path: Path) -> None:
    feeds = {"data": random(1, 2, 4, 5), "like": random(1, 3, 7, 10)}
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items())
    text += layer("Interp", "data like", "y")
    _, (found,) = run(text, None, feeds, ["y"], tmp_path)
    assert found.shape == (1, 2, 7, 10)


def test_arg_max(tmp_path: Path) -> None:
    x = random(2, 3, 4, 5)
    body = layer("ArgMax", "data", "a", "argmax_param { axis: 1 }") + layer("ArgMax", "data", "b")
    body += layer("ArgMax", "data", "c", "argmax_param { out_max_val: true }")
    body += layer("ArgMax", "data", "d", "argmax_param { axis: -1 out_max_val: true }")
    _, found = run(input_layer(x.shape) + body, None, {"data": x}, list("abcd"), tmp_path)
    flat = x.reshape(2, -1)
    expected = [
        x.argmax(1)[:, None],
        flat.argmax(1)[:, None, None],
        np.stack([flat.argmax(1), flat.max(1)], 1)[:, :, None],
        x.max(-1, keepdims=True),
    ]
    for actual, value in zip(found, expected, strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, value)


PRIOR = "prior_box_param { min_size: 6 max_size: 14 aspect_ratio: 2 aspect_ratio: 3 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 "


@pytest.mark.parametrize(
    "more", ["clip: false }", "flip: false clip: true }", "clip: false step: 8 offset: 0.25 }"]
)
def test_prior_box(tmp_path: Path, more: str) -> None:
    feeds = {"data": random(1, 3, 20, 30), "map": random(1, 2, 4, 6)}
    check(tmp_path, layer("PriorBox", "map data", "y", PRIOR + more), feeds)


def test_prior_box_with_the_size_of_the_image(tmp_path: Path) -> None:
    feeds = {"data": random(1, 3, 20, 30), "map": random(1, 2, 4, 6)}
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items())
    text += layer("PriorBox", "map data", "a", PRIOR + "}")
    text += layer("PriorBox", "map map", "b", PRIOR + "img_h: 20 img_w: 30 }")
    _, (first, second) = run(text, None, feeds, ["a", "b"], tmp_path)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE"])
@pytest.mark.parametrize("keep", [5, 200])
def test_detection_output(tmp_path: Path, code: str, keep: int) -> None:
    feeds = {"data": random(1, 3, 20, 30), "map": random(1, 2, 4, 6)}
    count = 4 * 6 * 6
    feeds["loc"] = random(1, count * 4)
    raw = random(1, count, 3) * 3
    feeds["conf"] = (np.exp(raw) / np.exp(raw).sum(-1, keepdims=True)).reshape(1, -1)
    body = layer("PriorBox", "map data", "prior", PRIOR + "clip: false }")
    body += layer(
        "DetectionOutput",
        "loc conf prior",
        "y",
        f"detection_output_param {{ num_classes: 3 share_location: true background_label_id: 0 code_type: {code} keep_top_k: {keep} "
        "confidence_threshold: 0.4 nms_param { nms_threshold: 0.45 top_k: 50 } }",
    )
    text = "".join(input_layer(v.shape, n) for n, v in feeds.items()) + body
    _, (found,) = run(text, None, feeds, ["y"], tmp_path)
    expected = opencv(text, None, feeds, ["y"])[0].reshape(-1, 7)
    # OpenCV orders by score where Caffe orders by label, and adds rows of zeros up to keep_top_k.
    rows = sorted(map(tuple, expected[expected[:, 2] > 0]))
    np.testing.assert_allclose(sorted(map(tuple, found[0, 0])), rows, rtol=1e-4, atol=1e-4)


def test_detection_output_without_a_limit(tmp_path: Path) -> None:
    """Everything above the threshold that does not overlap; boxes given by their corners."""
    prior = np.float32([[0, 0, 0.5, 0.5, 0.1, 0, 0.6, 0.5, 0.5, 0.5, 1, 1], [1] * 12])[None]
    scores = np.float32([[0.1, 0.9, 0.2, 0.8, 0.4, 0.6]])
    feeds = {"loc": np.zeros((1, 12), np.float32), "conf": scores, "prior": prior}
    text = "".join(input_layer(v.shape, n) for n, v in feeds.items())
    text += layer(
        "DetectionOutput", "loc conf prior", "y", "detection_output_param { num_classes: 2 }"
    )
    _, (found,) = run(text, None, feeds, ["y"], tmp_path)
    expected = [[0, 1, 0.9, 0, 0, 0.5, 0.5], [0, 1, 0.6, 0.5, 0.5, 1, 1]]
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-6)
