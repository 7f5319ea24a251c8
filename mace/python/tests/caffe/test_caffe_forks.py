# SPDX-License-Identifier: Apache-2.0
"""Layers that forks of Caffe added for MACE's users, in the engine against numpy, with drawn
parameters; what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caffe_model import expect, input_layer, layer, write
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
RNG = np.random.default_rng(12)


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


@FEW
@given(
    groups=st.integers(1, 3),
    width=st.integers(1, 3),
    space=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    eps=st.sampled_from([1e-5, 0.1]),
    weights=st.booleans(),
)
def test_group_norm(
    tmp_path: Path, groups: int, width: int, space: list[int], eps: float, weights: bool
) -> None:
    channels = groups * width
    x = random(2, channels, *space)
    rows = x.reshape(2, groups, -1)
    y = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + eps)
    y, blobs = y.reshape(x.shape), {}
    if weights:
        blobs = {"y": [random(channels), random(channels)]}
        scale, offset = (v.reshape(-1, *[1] * len(space)) for v in blobs["y"])
        y = y * scale + offset
    text = f"group_norm_param {{ group_num: {groups} eps: {eps} }}"
    expect(tmp_path, layer("GroupNorm", "data", "y", text), x, y, blobs, tolerance=1e-3)


@FEW
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    data=st.data(),
    p=st.sampled_from([1, 2]),
)
def test_lp_normalization(tmp_path: Path, shape: list[int], data: st.DataObject, p: int) -> None:
    x = random(*shape)
    x.flat[: data.draw(st.sampled_from([0, x.size]))] = 0
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    axes = tuple(range(axis % len(shape), len(shape)))
    norm = (np.abs(x) ** p).sum(axes, keepdims=True) ** (1 / p) + 1e-6
    text = f"l{p}normalization_param {{ axis: {axis} }}"
    expect(tmp_path, layer(f"L{p}Normalization", "data", "y", text), x, x / norm)


def test_lp_normalization_of_channels(tmp_path: Path) -> None:
    x = random(2, 3, 4, 5)
    want = x / (np.sqrt((x**2).sum((1, 2, 3), keepdims=True)) + 1e-6)
    expect(tmp_path, layer("L2Normalization", "data", "y"), x, want)


@FEW
@given(height=st.integers(1, 3), width=st.integers(1, 3))
def test_resize_nearest(tmp_path: Path, height: int, width: int) -> None:
    x = random(1, 2, 3, 4)
    text = f"resize_nearest_param {{ height_scale: {height} width_scale: {width} }}"
    want = x.repeat(height, 2).repeat(width, 3)
    expect(tmp_path, layer("ResizeNearest", "data", "y", text), x, want)


@FEW
@given(ta=st.booleans(), tb=st.booleans(), lead=st.lists(st.integers(1, 3), max_size=2))
def test_mat_mul(tmp_path: Path, ta: bool, tb: bool, lead: list[int]) -> None:
    a, b = random(*lead, 2, 3), random(*lead, 3, 4)
    feeds = {"a": a.swapaxes(-1, -2) if ta else a, "b": b.swapaxes(-1, -2) if tb else b}
    feeds = {k: np.ascontiguousarray(v) for k, v in feeds.items()}
    flags = " ".join(f"transpose_{k}: {str(v).lower()}" for k, v in (("a", ta), ("b", tb)))
    expect(tmp_path, layer("MatMul", "a b", "y", f"matmul_param {{ {flags} }}"), feeds, a @ b)


def test_add(tmp_path: Path) -> None:
    feeds = {k: random(1, 2, 3, 4) for k in "abc"}
    expect(tmp_path, layer("Add", "a b c", "y"), feeds, sum(feeds.values(), np.float32(0)))
    expect(tmp_path, layer("Add", "a", "y"), {"a": feeds["a"]}, feeds["a"])


def test_non_local_block(tmp_path: Path) -> None:
    """Every pixel looks at all pixels, as NonlocalReshape is used."""
    x = random(1, 3, 4, 5)
    body = layer("Flatten", "data", "f", "flatten_param { axis: 2 }")
    body += layer("MatMul", "f f", "m", "matmul_param { transpose_a: true }")
    body += layer("Softmax", "m", "s", "softmax_param { axis: 2 }")
    body += layer("MatMul", "f s", "t", "matmul_param { transpose_b: true }")
    body += layer("NonlocalReshape", "t data", "n") + layer("Add", "n data", "y")
    flat = x.reshape(1, 3, 20)
    scores = flat.swapaxes(1, 2) @ flat
    powers = np.exp(scores - scores.max(2, keepdims=True))
    share = powers / powers.sum(2, keepdims=True)
    want = (flat @ share.swapaxes(1, 2)).reshape(x.shape) + x
    expect(tmp_path, body, x, want)


@pytest.mark.parametrize(
    ("kind", "parameters", "shape", "sentence"),
    [
        ("GroupNorm", "group_norm_param { group_num: 0 }", (1, 4, 2, 2), "group_num is 0"),
        ("L1Normalization", "l1normalization_param { axis: 2 }", (1, 4), "axis 2 is outside"),
        ("ResizeNearest", "", (1, 1, 2, 2), "height_scale and width_scale are 0 and 0"),
        (
            "ResizeNearest",
            "resize_nearest_param { height_scale: 1.5 width_scale: 2 }",
            (1, 1, 2, 2),
            "are 1.5 and 2",
        ),
        ("MatMul", "", (1, 4), "1 bottoms where MatMul needs 2"),
        ("NonlocalReshape", "", (1, 4, 2), "1 bottoms where NonlocalReshape needs 2"),
    ],
)
def test_refused(
    tmp_path: Path, kind: str, parameters: str, shape: tuple[int, ...], sentence: str
) -> None:
    files = write(tmp_path, input_layer(shape) + layer(kind, "data", "y", parameters))
    with pytest.raises(ImportFailed, match=sentence):
        import_model(*files, [], [])
